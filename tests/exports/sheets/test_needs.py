"""The needs that a sheet's layout is solved for: a row that cannot be drawn does not affect other rows."""

import polars as pl
import pytest

from catalogue.schema import MANIFEST
from exports.designs.document import BUILT_IN, DEFAULT_NAME
from exports.requests.export_types import Slot
from exports.sheets.needs import Measures, SymbolExtent, measure, measure_lines
from gs1.symbol_size import SymbolKind
from renderers.fonts.subset import max_width_1pt_mm, shown_characters
from renderers.symbologies import data_matrix, qr_code

GTIN = "09506000134352"


def frame_of(*rows: dict[str, object]) -> pl.DataFrame:
    whole = [
        {"row": number, "scope": "lots", "entity_id": str(number), "gtin14": GTIN} | row
        for number, row in enumerate(rows)
    ]
    return pl.DataFrame(whole, schema_overrides=MANIFEST).match_to_schema(MANIFEST, missing_columns="insert")


def measures_of(slot: Slot, *rows: dict[str, object]) -> Measures:
    return measure(slot, "M", None, iter([frame_of(*rows)]))


GOOD = {"lot_number": "L001", "expiry": "270531", "product_name": "Tea"}

BAD = {
    "a date that does not exist": {"lot_number": "L001", "expiry": "271345"},
    "a character outside the set of lots": {"lot_number": "L\N{NO-BREAK SPACE}2"},
    "a lot that is too long": {"lot_number": "L" * 300},
    "a wrong check digit": {"lot_number": "L001", "expiry": "270531", "gtin14": "09506000134351"},
    "a name in no font": {"lot_number": "L001", "expiry": "270531", "product_name": "\U00013000" * 99},
}


@pytest.mark.parametrize("slot", Slot)
@pytest.mark.parametrize("reason", BAD)
def test_a_bad_row_leaves_the_measures_of_good_ones(slot: Slot, reason: str) -> None:
    """One whose values have as many digits is measured with them: digits differ in width by a little."""
    alone = measures_of(slot, GOOD)
    assert alone.widths
    for rows in ((GOOD, BAD[reason]), (BAD[reason], GOOD)):
        found = measures_of(slot, *rows)
        assert found.widths.keys() == alone.widths.keys()
        for size, widths in alone.widths.items():
            assert found.widths[size] == pytest.approx(widths, rel=0.05)


@pytest.mark.parametrize(
    ("slot", "kind", "modules"),
    [
        (
            Slot.QR,
            SymbolKind.QR_CODE,
            qr_code.sizes([b"https://id.gs1.org/01/09506000134352/10/L001?17=270531"], level="M")[0],
        ),
        (
            Slot.DATAMATRIX,
            SymbolKind.GS1_DATAMATRIX,
            data_matrix.sizes([b"\x1d01095060001343521727053110L001"])[0],
        ),
    ],
)
def test_matrix_symbols_are_as_high_as_wide(slot: Slot, kind: SymbolKind, modules: int) -> None:
    [size] = measures_of(slot, GOOD).widths
    assert size == SymbolExtent(kind, modules, modules)


def test_linear_symbols_have_no_height_of_their_own() -> None:
    [size] = measures_of(Slot.LINEAR, GOOD).widths
    assert (size.kind, size.height_x) == (SymbolKind.GS1_128, None)


def test_rows_that_are_all_bad_have_no_measures() -> None:
    bad = [row for reason, row in BAD.items() if reason != "a name in no font"]
    assert measures_of(Slot.QR, *bad).widths == {}


def test_a_name_in_no_font_has_no_width() -> None:
    rows = frame_of(GOOD, BAD["a name in no font"])
    found = measure_lines(BUILT_IN[DEFAULT_NAME], iter([rows]))
    assert found.widths == {0: max_width_1pt_mm(["Tea"])}
    assert found.characters == {0: set(shown_characters(["Tea"]))}
