"""Stored rows that today's imports would refuse: each is refused separately, with its own code."""

import polars as pl
import pytest

from catalogue.schema import MANIFEST
from exports.requests.export_types import Slot
from exports.sheets.needs import measure
from exports.symbols import symbol_files
from exports.symbols.notes import NOTES, Note, NoteCode
from exports.symbols.payloads import Row, payload_maker
from gs1.errors import Gs1Error
from gs1.symbol_size import Environment
from tests.exports.conftest import plan_for

GTIN = "09506000134352"
RESTRICTED = "02012345678903"
COUPON = "00512345678900"


def row(scope: str = "lots", gtin14: str = GTIN, lot_number: str | None = "A", **values: object) -> Row:
    return dict.fromkeys(MANIFEST.names()) | {
        "row": 0, "scope": scope, "entity_id": "e", "gtin14": gtin14, "lot_number": lot_number, **values,
    }  # fmt: skip


def product(gtin14: str, carrier: str | None = None) -> Row:
    return row("products", gtin14, None, carrier=carrier)


# Case table: the row, its code in every symbol.
REFUSED = (
    (product("00000000000000"), "gtin_is_zeros"),
    (product("00000001234565"), "upc_e"),
    (product("00000001234565", "upca"), "upc_e"),
    (product("00000095060019", "ean13"), "carrier_cannot_hold"),
    (product("00000095060019", "upca"), "carrier_cannot_hold"),
    (product("00000095060019", "itf14"), "carrier_cannot_hold"),
    (product(GTIN, "pdf417"), "carrier_cannot_hold"),
    (product("99506000134355"), "measure_required"),
    (product("12012345678900"), "restricted_circulation"),
    (product("10512345678907"), "coupon_or_refund"),
    (product(RESTRICTED, "itf14"), "restricted_circulation"),
    (product("09506000134353"), "invalid_gtin"),
    (row(gtin14=RESTRICTED), "restricted_circulation"),
    (row(gtin14=COUPON), "coupon_or_refund"),
    (row(gtin14="99506000134355"), "measure_required"),
    (row(expiry="270230"), "invalid_date"),
    (row(expiry="soon"), "invalid_date"),
    (row(expiry="270101", production_date="270102", before_production="expiration_date"), "before_production"),
    (row(best_before="270101", production_date="270102", before_production="best_before_date"), "before_production"),
    (row(lot_number="A\u20131"), "invalid_characters"),
    (row(lot_number="A" * 21), "invalid_length"),
)  # fmt: skip


@pytest.mark.parametrize("slot", Slot)
@pytest.mark.parametrize(("refused", "code"), REFUSED)
def test_what_imports_refuse_is_refused_in_every_symbol(slot: Slot, refused: Row, code: str) -> None:
    with pytest.raises(Gs1Error) as error:
        payload_maker(slot, None)(refused)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("gtin14", "code"), [(RESTRICTED, "restricted_circulation"), (COUPON, "coupon_or_refund")]
)
def test_a_number_for_ean_upc_has_no_other_symbol(gtin14: str, code: str) -> None:
    for slot in (Slot.QR, Slot.DATAMATRIX):
        with pytest.raises(Gs1Error) as error:
            payload_maker(slot, None)(product(gtin14))
        assert error.value.code == code
    payload = payload_maker(Slot.LINEAR, None)(product(gtin14))
    assert payload.notes == (Note(NoteCode(code)),)
    assert payload.data == gtin14.removeprefix("0").removeprefix("0").encode()


def test_a_date_before_production_names_both_columns() -> None:
    refused = row(expiry="270101", production_date="270102", before_production="expiration_date")
    with pytest.raises(Gs1Error, match="expiration_date 270101 is before production_date 270102"):
        payload_maker(Slot.QR, None)(refused)


@pytest.mark.parametrize("column", ["expiry", "best_before", "production_date"])
@pytest.mark.parametrize("slot", Slot)
def test_healthcare_needs_the_day_of_every_date(slot: Slot, column: str) -> None:
    monthly = row(**{column: "270100"})
    for environment in (None, Environment.RETAIL, Environment.DISTRIBUTION):
        payload_maker(slot, None, environment)(monthly)
    with pytest.raises(Gs1Error, match=f"{column} 270100") as error:
        payload_maker(slot, None, Environment.HEALTHCARE)(monthly)
    assert error.value.code == "day_required"
    payload_maker(slot, None, Environment.HEALTHCARE)(row(**{column: "270131"}))


@pytest.mark.parametrize("export_type", ["qr_codes", "datamatrix", "barcodes_1d"])
def test_one_row_never_condemns_others(export_type: str) -> None:
    rows = [refused for refused, _ in REFUSED if refused["scope"] == "lots"]
    mixed = [row(), *rows, row(lot_number="B")]
    frame = pl.DataFrame([{**each, "row": n} for n, each in enumerate(mixed)], schema=MANIFEST)
    batch = symbol_files.draw(plan_for(export_type=export_type), frame)
    assert [made.lot for made in batch.manifest_rows] == ["A", "B"]
    assert [failed.row for failed in batch.error_rows] == list(range(2, len(rows) + 2))


@pytest.mark.parametrize("slot", Slot)
def test_a_bad_row_leaves_good_ones_of_its_pattern_their_size(slot: Slot) -> None:
    good = row(expiry="270228")
    alone = measure(slot, "M", None, iter([pl.DataFrame([good], schema=MANIFEST)]))
    # The same kinds of characters in the same places: the first of them stands for all.
    mixed = [row(expiry="270230"), good, row(expiry="270231")]
    found = measure(slot, "M", None, iter([pl.DataFrame(mixed, schema=MANIFEST)]))
    assert found.widths.keys() == alone.widths.keys() != set()


@pytest.mark.parametrize("slot", Slot)
def test_rows_without_a_payload_have_no_measure(slot: Slot) -> None:
    rows = [refused for refused, _ in REFUSED]
    assert measure(slot, "M", None, iter([pl.DataFrame(rows, schema=MANIFEST)])).widths == {}


def test_every_note_has_a_text() -> None:
    assert set(NOTES) == set(NoteCode)
    assert len({str(Note(code, "x")) for code in NoteCode}) == len(NoteCode)
