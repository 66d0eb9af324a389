"""What the symbols of rows carry, and stored rows that today's imports would refuse: each with its own code."""

from collections.abc import Sequence
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalogue.attributes import ATTRIBUTES, BY_AI
from catalogue.schema import MANIFEST
from catalogue.selection import manifest_schema
from exports.jobs.manifest import Row
from exports.requests.export_types import Slot
from exports.sheets.needs import measure
from exports.symbols import symbol_files
from exports.symbols.notes import NOTES, NoteCode, counts_by_code, note_text
from exports.symbols.payloads import PLACES, payloads
from exports.symbols.payloads import hri as hri_columns
from exports.symbols.refusals import refusals
from exports.verification.carried import columns as carried_columns
from exports.verification.carried import of_row
from gs1.check_digit import check_digit
from gs1.cset82 import CSET_82
from gs1.digital_link import DEFAULT_RESOLVER, digital_link
from gs1.element_string import bracketed, element_string, hri
from gs1.errors import CarrierCannotHold, Gs1Error, LabelError
from gs1.gtin import Carrier, carrier_for, native_digits
from gs1.symbol_size import Environment
from gs1.trade_item import require_open_trade, require_trade_item
from gs1.trade_item_message import datamatrix_elements, gs1_128_elements, place_of, trade_item_elements
from gs1.upc_e import upc_e_of
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
    (product(GTIN, "upce"), "carrier_cannot_hold"),
    (product("00012345678905", "upce"), "carrier_cannot_hold"),
    (product("00000095060019", "upce"), "carrier_cannot_hold"),
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


#: The symbols that carry an entity's own values. `Slot.GTIN` carries its product's number, whatever those are.
WITH_VALUES = [slot for slot in Slot if slot is not Slot.GTIN]


def refusal(slot: Slot, *rows: Row, environment: Environment | None = None) -> LabelError | None:
    """Return why the first of the rows has no symbol in this slot."""
    return refusals(slot, None, environment, pl.DataFrame(rows, schema=MANIFEST)).get(0)


@pytest.mark.parametrize("slot", WITH_VALUES)
@pytest.mark.parametrize(("refused", "code"), REFUSED)
def test_what_imports_refuse_is_refused_in_every_symbol(slot: Slot, refused: Row, code: str) -> None:
    error = refusal(slot, refused, row())
    assert error is not None
    assert error.code == code


@pytest.mark.parametrize(
    ("gtin14", "code"), [(RESTRICTED, "restricted_circulation"), (COUPON, "coupon_or_refund")]
)
def test_a_number_for_ean_upc_has_no_other_symbol(gtin14: str, code: str) -> None:
    for slot in (Slot.QR, Slot.DATAMATRIX):
        error = refusal(slot, product(gtin14))
        assert error is not None
        assert error.code == code
    assert refusal(Slot.LINEAR, product(gtin14)) is None
    [carried] = payloads(Slot.LINEAR, None, pl.DataFrame([product(gtin14)], schema=MANIFEST)).rows(named=True)
    assert carried[code] == NOTES[NoteCode(code)]
    assert carried["data"] == gtin14.removeprefix("0").removeprefix("0")


def test_the_products_number_alone_needs_nothing_of_its_lot() -> None:
    for lot in (row(lot_number="A" * 21), row(expiry="270230"), row(gtin14=RESTRICTED)):
        assert refusal(Slot.GTIN, lot) is None
    error = refusal(Slot.GTIN, row(gtin14="09506000134353"))
    assert error is not None
    assert error.code == "invalid_gtin"


def test_a_date_before_production_names_both_columns() -> None:
    refused = row(expiry="270101", production_date="270102", before_production="expiration_date")
    error = refusal(Slot.QR, refused)
    assert str(error) == "expiration_date 270101 is before production_date 270102"


@pytest.mark.parametrize("column", ["expiry", "best_before", "production_date"])
@pytest.mark.parametrize("slot", Slot)
def test_healthcare_needs_the_day_of_every_date(slot: Slot, column: str) -> None:
    monthly = row(**{column: "270100"})
    for environment in (None, Environment.RETAIL, Environment.DISTRIBUTION):
        assert refusal(slot, monthly, environment=environment) is None
    error = refusal(slot, monthly, environment=Environment.HEALTHCARE)
    assert error is not None
    assert error.code == "day_required"
    assert f"{column} 270100" in str(error)
    assert refusal(slot, row(**{column: "270131"}), environment=Environment.HEALTHCARE) is None


def test_a_resolver_that_cannot_begin_a_link_refuses_every_row() -> None:
    rows = pl.DataFrame([row(), row()], schema=MANIFEST)
    assert [error.code for error in refusals(Slot.QR, "ftp://x", None, rows).values()] == [
        "invalid_resolver"
    ] * 2
    assert refusals(Slot.DATAMATRIX, "ftp://x", None, rows) == {}


_GTINS = st.sampled_from(
    [
        GTIN,
        "00000096385074",
        "00012345678905",
        "00012345000065",
        "10614141000415",
        RESTRICTED,
        COUPON,
        "09506000134353",
    ]
)
_TEXTS = (
    st.none()
    | st.text(alphabet=st.sampled_from(sorted(CSET_82)), max_size=21)
    | st.sampled_from([".", "..", "é", "a\n"])
)
_DATES = st.none() | st.sampled_from(
    ["270331", "270300", "240229", "270229", "27033", "", "2703٣1", "990101"]
)


@given(
    st.lists(
        st.builds(
            row,
            scope=st.just("serials"),
            gtin14=_GTINS,
            lot_number=_TEXTS,
            serial_number=_TEXTS,
            expiry=_DATES,
            best_before=_DATES,
            carrier=st.sampled_from([None, "ean13", "ean8", "itf14", "upce", "pdf417"]),
        ),
        min_size=1,
        max_size=20,
    )
)
@example([row("serials", serial_number=text) for text in (".", "..", "é", "a\n", "x" * 21, "(10)%/", "A")])
@example([row("serials", expiry=date) for date in ("270229", "240229", "270300", "27033", "2703٣1", "")])
@example(
    [
        row("serials", gtin14, carrier=carrier)
        for gtin14 in (GTIN, "00000096385074")
        for carrier in (None, "ean8", "itf14", "x")
    ]
)
def test_columns_say_what_gs1_says_of_each_row(rows: list[Row]) -> None:
    """No row that `gs1` refuses is passed over, and what the others carry is what `gs1` writes for each of them."""
    frame = pl.DataFrame(rows, schema=MANIFEST)
    for slot in WITH_VALUES:
        refused = refusals(slot, None, None, frame)
        for position, carried in enumerate(payloads(slot, None, frame).iter_rows(named=True)):
            expected = by_gs1(slot, rows[position])
            if isinstance(expected, Gs1Error):
                assert str(refused[position]) == str(expected)
            else:
                assert position not in refused
                shown = "".join(carried.get(place) or "" for place in PLACES[1:])
                assert (carried["data"], carried["text"], shown) == expected


#: Everything that may be asked for, in any combination.
_MORE = {
    "10": ("lot_number", values := st.none() | st.text(st.sampled_from(sorted(CSET_82)), min_size=1, max_size=20)),
    "11": ("production_date", dates := st.none() | st.sampled_from(["270331", "270300"])),
    "15": ("best_before", dates),
    "17": ("expiry", dates),
    "310n": ("net_weight_kg", measures := st.none() | st.sampled_from(["1.250", "98", "0.5", "123456", "0.00001"])),
    "320n": ("net_weight_lb", measures),
    "240": ("additional_product_identification", values),
    "242": ("made_to_order_variation", st.none() | st.sampled_from(["7", "007"])),
    "30": ("variable_count", st.none() | st.just("12")),
    "7003": ("expiration_time", st.none() | st.just("2027-03-31T14:30")),
}  # fmt: skip


def in_elements(each: Row, carry: Sequence[str]) -> list[tuple[str, str]]:
    """Return the elements that were asked for, worked out from the values alone."""
    found: list[tuple[str, str]] = []
    for ai in carry:
        value = each[_MORE[ai][0]]
        if value is None:
            continue
        if ai.endswith("n"):
            number = Decimal(value)
            places = -int(number.as_tuple().exponent)
            found.append((f"{ai[:3]}{places}", f"{int(number.scaleb(places)):06d}"))
        elif ai == "7003":
            found.append((ai, "2703311430"))
        else:
            found.append((ai, value))
    return found


@settings(max_examples=30)
@given(st.data())
def test_columns_say_what_gs1_says_of_what_is_asked_for(data: st.DataObject) -> None:
    carry = tuple(data.draw(st.lists(st.sampled_from(list(_MORE)), unique=True, max_size=8)))
    made = st.fixed_dictionaries(dict(_MORE.values()))
    gtins = st.sampled_from([GTIN, "99506000134355", "09506000134353"])
    texts = st.text(st.sampled_from(sorted(CSET_82)), min_size=1, max_size=20)
    rows = [
        row(
            "serials",
            data.draw(gtins),
            **{"serial_number": data.draw(texts), **data.draw(made)},
        )
        for _ in range(data.draw(st.integers(1, 5)))
    ]
    frame = pl.DataFrame(rows, schema=manifest_schema(BY_AI))
    for slot in WITH_VALUES:
        refused = refusals(slot, None, None, frame, carry)
        for position, carried in enumerate(payloads(slot, None, frame, carry).iter_rows(named=True)):
            expected = asked_of_gs1(slot, rows[position], carry)
            if isinstance(expected, Gs1Error):
                assert refused[position].code == expected.code
                continue
            assert position not in refused
            shown = "".join(carried.get(place) or "" for place in PLACES[1:])
            assert (carried["data"], carried["text"], shown) == expected
            # The verification says the same, from the same row alone.
            verified = of_row(slot, rows[position], None, carry)
            assert verified.hri == shown
            for code, names in (
                (NoteCode.NOT_CARRIED, verified.left_out),
                (NoteCode.NO_VALUE, verified.without_value),
            ):
                assert carried.get(code) == (NOTES[code].format(", ".join(names)) if names else None)
    _, messages, shown_texts = carried_columns(Slot.DATAMATRIX, "serials", frame, carry)
    drawn = payloads(Slot.DATAMATRIX, None, frame, carry)
    assert messages == drawn["data"].to_list()
    assert shown_texts == drawn.select(hri_columns(drawn)).to_series().to_list()


def asked_of_gs1(slot: Slot, each: Row, carry: Sequence[str]) -> tuple[str, str, str] | Gs1Error:
    gtin14 = each["gtin14"]
    others = in_elements(each, carry)
    elements = trade_item_elements(gtin14, [*others, ("21", each["serial_number"])])
    try:
        require_trade_item(gtin14, None, [ai for ai, _ in elements])
        if slot is not Slot.QR:
            return element_string(elements), bracketed(elements), hri(elements)
        path = {ai: value for ai, value in elements if ai in {"10", "21"}}
        query = [(ai, value) for ai, value in elements if ai not in {"01", "10", "21"}]
        link = digital_link(
            DEFAULT_RESOLVER, gtin14, lot=path.get("10"), serial=path.get("21"), attributes=query
        )
        return link, link, hri(elements)
    except Gs1Error as error:
        return error


def by_gs1(slot: Slot, each: Row) -> tuple[str, str, str] | Gs1Error:
    """Return what the encoder takes, what the manifest tells and the human-readable text, or why there are none."""
    try:
        return _by_gs1(slot, each)
    except Gs1Error as error:
        return error


def _by_gs1(slot: Slot, each: Row) -> tuple[str, str, str]:
    gtin14, lot, serial, expiry, best_before = (
        each[column] for column in ("gtin14", "lot_number", "serial_number", "expiry", "best_before")
    )
    declared = each["carrier"]
    if declared not in {None, *Carrier}:
        raise CarrierCannotHold(
            f"{declared!r} is no carrier: expected one of ean13, upca, ean8, itf14, upce",
            value=declared,
            expected="",
        )
    require_open_trade(require_trade_item(gtin14, None if declared is None else Carrier(declared)))
    if slot is Slot.QR:
        link = digital_link(
            DEFAULT_RESOLVER, gtin14, lot=lot, serial=serial, expiry=expiry, best_before=best_before
        )
        return link, link, hri(datamatrix_elements(gtin14, lot, serial, expiry, best_before))
    make = gs1_128_elements if slot is Slot.LINEAR else datamatrix_elements
    elements = make(gtin14, lot, serial, expiry, best_before)
    return element_string(elements), bracketed(elements), hri(elements)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 8),
            st.integers(0, 10**12 - 1),
            st.integers(0, 9),
            st.none() | st.sampled_from(Carrier),
        )
    )
)
@example(
    [
        (indicator, 614141007349, zeros, carrier)
        for indicator in (0, 1)
        for zeros in range(7)
        for carrier in (None, *Carrier)
    ]
)
@example(
    [(0, number, 0, Carrier.UPCE) for number in (1234500006, 4210000526, 1200000013, 1230000045, 1234000005)]
)
def test_a_gtin_alone_is_in_the_carrier_that_gs1_says(
    numbers: list[tuple[int, int, int, Carrier | None]],
) -> None:
    keys = [f"{indicator}{number // 10**zeros:012d}" for indicator, number, zeros, _ in numbers]
    rows = [
        product(f"{key}{check_digit(key)}", carrier) for key, (*_, carrier) in zip(keys, numbers, strict=True)
    ]
    frame = pl.DataFrame(rows, schema=MANIFEST)
    refused = refusals(Slot.LINEAR, None, None, frame)
    for position, carried in enumerate(payloads(Slot.LINEAR, None, frame).iter_rows(named=True)):
        if position not in refused:
            gtin14, declared = rows[position]["gtin14"], rows[position]["carrier"]
            carrier = carrier_for(gtin14, declared)
            assert carried["kind"].replace("_", "") == carrier
            assert carried["data"] == native_digits(gtin14, carrier)
            shown = upc_e_of(carried["data"]) if carrier is Carrier.UPCE else carried["data"]
            assert carried[""] == shown


@pytest.mark.parametrize(
    ("slot", "note"),
    [
        (
            Slot.QR,
            "not carried: best before, production date; the lot had expired when the job was submitted",
        ),
        (
            Slot.LINEAR,
            "not carried: lot, expiry, best before, production date; the lot had expired when the job was submitted",
        ),
    ],
)
def test_notes_tell_what_a_symbol_leaves_out(slot: Slot, note: str) -> None:
    known = row(
        serial_number="1", expiry="270331", best_before="270301", production_date="260101", expired=True
    )
    carried = payloads(slot, None, pl.DataFrame([known, row()], schema=MANIFEST))
    assert carried.select(note_text(carried)).to_series().to_list() == [note, None]
    assert counts_by_code(carried) == {"not_carried": 1, "expired": 1}


@pytest.mark.parametrize("export_type", ["qr_codes", "datamatrix", "barcodes_1d"])
def test_one_row_never_condemns_others(export_type: str) -> None:
    rows = [refused for refused, _ in REFUSED if refused["scope"] == "lots"]
    mixed = [row(), *rows, row(lot_number="B")]
    frame = pl.DataFrame([{**each, "row": n} for n, each in enumerate(mixed)], schema=MANIFEST)
    batch = symbol_files.draw(plan_for(export_type=export_type), frame)
    assert batch.symbols["lot"].to_list() == ["A", "B"]
    assert batch.errors["row"].to_list() == list(range(2, len(rows) + 2))


@pytest.mark.parametrize("slot", Slot)
def test_a_bad_row_leaves_good_ones_of_its_pattern_their_size(slot: Slot) -> None:
    good = row(expiry="270228")
    alone = measure(slot, "M", None, iter([pl.DataFrame([good], schema=MANIFEST)]))
    # The same kinds of characters in the same places: the first of them stands for all.
    mixed = [row(expiry="270230"), good, row(expiry="270231")]
    found = measure(slot, "M", None, iter([pl.DataFrame(mixed, schema=MANIFEST)]))
    assert found.widths.keys() == alone.widths.keys() != set()


@pytest.mark.parametrize("slot", WITH_VALUES)
def test_rows_without_a_payload_have_no_measure(slot: Slot) -> None:
    rows = [refused for refused, _ in REFUSED]
    assert measure(slot, "M", None, iter([pl.DataFrame(rows, schema=MANIFEST)])).widths == {}


def test_places_are_in_the_order_of_an_element_string() -> None:
    order = [place.replace("n", "0") for place in PLACES[1:]]
    assert order == sorted(order, key=place_of)
    assert [place for place in PLACES if place in BY_AI] == [each.ai for each in ATTRIBUTES]


def test_every_note_has_a_text() -> None:
    assert list(NOTES) == list(NoteCode)
    assert len({text.format("x") for text in NOTES.values()}) == len(NoteCode)
