"""Every symbology on rolls, at every resolution and in every turn, as an independent renderer draws it.

Each label is decoded by zxing-cpp, its text is looked at, and the symbol's edges are compared with the layout. In an
ordinary run a few labels are drawn; with LABELS_TEST_FULL=1 all of them.
"""

import os
from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest
import zxingcpp
from numpy.typing import NDArray

from exports.sheets.plan import SheetPlan
from gs1.cset82 import CSET_82
from gs1.errors import XDimensionOutOfRange
from gs1.symbol_size import SymbolKind
from renderers.sheets.errors import DoesNotFit
from renderers.sheets.model import LabelLayout
from tests.rolls.jobs import drawn, plan_of
from tests.rolls.zpl_renderer import DENSITIES, Draw, renderer
from tests.sheets import jobs
from tests.sheets.printed import IDENTIFIERS

FULL = bool(os.environ.get("LABELS_TEST_FULL"))

#: How each symbology is asked for, and of what.
CONFIGS = {
    SymbolKind.QR_CODE: ("serials", "qr"),
    SymbolKind.GS1_DATAMATRIX: ("serials", "datamatrix"),
    SymbolKind.GS1_128: ("lots", "barcode_1d"),
    **dict.fromkeys(jobs.STARTS, ("products", "barcode_1d")),
}

#: Lots that a command might take for something else, and names that no printer's own font may be trusted with.
LOTS = (
    "A_1",
    ">;>8>6",
    "_1",
    "a\"%&'()*+,-./:;<=>?",
    "__0d065",
    "12345678901234567890",
    "-" * 20,
    "AbCdEfGhIjKlMnOpQrSt",
)
NAMES = ("Dark chocolate", "Käse ~^\\_|,:!", "緑茶 \\& ^FS^XZ", 'שוקולד "מריר"', ">;>8 _1 |1")

CASES = [
    (kind, template_id, dpi, rotate)
    for kind in CONFIGS
    for template_id in ("thermal_4x6in", "thermal_2x1in")
    for dpi in DENSITIES
    for rotate in (0, 90, 180, 270)
]
FEW = [
    case
    for case in CASES
    if case[1:] in {("thermal_4x6in", 203, 0), ("thermal_2x1in", 203, 90), ("thermal_2x1in", 203, 180)}
]


@pytest.fixture(scope="module")
def draw() -> Iterator[Draw]:
    with renderer() as draw:
        yield draw


def _rows(kind: SymbolKind) -> pl.DataFrame:
    if kind in jobs.STARTS:
        return jobs.products(3, kind).with_columns(product_name=pl.Series(NAMES[:3]))
    names = pl.Series([NAMES[row % len(NAMES)] for row in range(len(LOTS))])
    rows = jobs.lots(len(LOTS)).with_columns(lot_number=pl.Series(LOTS), product_name=names)
    if CONFIGS[kind][0] == "serials":
        rows = rows.with_columns(
            scope=pl.lit("serials"), serial_number=pl.Series(LOTS[::-1]), expiry=pl.lit("270331")
        )
    return rows


def _check(draw: Draw, kind: SymbolKind, template_id: str, dpi: int, rotate: int) -> int:
    scope, symbology = CONFIGS[kind]
    plan = plan_of(scope, symbology=symbology, sheet_template=template_id, dpi=dpi, rotate=rotate)
    try:
        sheet, batch, zpl = drawn(plan, _rows(kind))
    except (DoesNotFit, XDimensionOutOfRange):
        return 0
    assert zpl.isascii()
    width, height = sheet.document.page_dots
    printed = (height, width) if rotate in {90, 270} else (width, height)
    pictures = draw(zpl, printed, dpi)
    fitting = batch.symbols["row"].to_list()
    assert len(pictures) == len(fitting)
    for picture, number in zip(pictures, fitting, strict=True):
        upright = np.ascontiguousarray(np.rot90(picture, rotate // 90))
        payload = batch.labels["data"][number - 1].removeprefix("\x1d").encode()
        if kind is SymbolKind.UPC_A:
            payload = b"0" + payload  # a reader reports the EAN-13 that it also is
        found = zxingcpp.read_barcodes(upright, try_rotate=False, try_invert=False)
        assert [(code.symbology_identifier, code.bytes) for code in found] == [(IDENTIFIERS[kind], payload)]
        _require_place(sheet, sheet.layouts[0], upright, found[0].position, dpi)
    return len(pictures)


def _require_place(
    sheet: SheetPlan, layout: LabelLayout, label: NDArray[np.uint8], position: zxingcpp.Position, dpi: int
) -> None:
    """Require the symbol within its box, and all ink on the label."""
    dark = label < 128
    # Linear symbols are met in the middle of their bars, clear of guard and bearer bars.
    top, bottom = position.top_left.y, position.bottom_left.y
    rows = (
        slice(top, bottom)
        if not layout.bar_height_dots
        else slice((top + bottom) // 2, (top + bottom) // 2 + 1)
    )
    box = layout.box_left_dots, layout.box_left_dots + round(layout.box_width_x * layout.x_dots)
    around = dark[rows, box[0] - layout.x_dots : box[1] + layout.x_dots].any(axis=0)
    bars = np.flatnonzero(around) + box[0] - layout.x_dots
    assert box[0] <= bars[0]
    assert bars[-1] < box[1]
    # The symbol is in the middle of the box.
    assert abs((bars[0] - box[0]) - (box[1] - 1 - bars[-1])) <= 1
    tolerance = round(0.5 * dpi / 25.4)
    edge = dark.copy()
    edge[tolerance:-tolerance, tolerance:-tolerance] = False
    assert not edge.any()
    assert label.shape == tuple(reversed(sheet.document.page_dots))


def test_the_odd_values_are_lots() -> None:
    assert all(set(lot) <= CSET_82 and len(lot) <= 20 for lot in LOTS)


@pytest.mark.parametrize(("kind", "template_id", "dpi", "rotate"), CASES if FULL else FEW)
def test_a_label_as_the_renderer_draws_it(
    draw: Draw, kind: SymbolKind, template_id: str, dpi: int, rotate: int
) -> None:
    count = _check(draw, kind, template_id, dpi, rotate)
    assert count or template_id == "thermal_2x1in"
