"""Label sheets, rasterised as for a printer: every symbol decodes, is in its place and has its dark area."""

from pathlib import Path

import numpy as np
import pytest

from gs1.symbol_size import SymbolKind
from renderers.sheets.document import Calibration
from renderers.sheets.templates import template
from renderers.symbol import MatrixSymbols
from tests.renderers.sheets import reportlab_sheet
from tests.renderers.sheets.pdf_samples import CASES, expected, pdf_of, rasterised, readings, sample

EVERYWHERE = (SymbolKind.QR_CODE, SymbolKind.EAN_13)


@pytest.mark.parametrize("dpi", [203, 300, 600])
@pytest.mark.parametrize(
    ("tool", "kind"),
    [("pdfium", kind) for kind in CASES]
    + [(tool, kind) for tool in ("poppler", "ghostscript") for kind in EVERYWHERE],
)
def test_every_symbol_decodes(tool: str, kind: SymbolKind, dpi: int, tmp_path: Path) -> None:
    made = sample(kind, template(CASES[kind][0]).labels_per_page)
    content, _ = pdf_of(made.document, made.labels)
    found = readings(rasterised(content, tool, dpi, tmp_path))
    assert expected(kind, made.payloads) <= set(found)


@pytest.mark.parametrize("dpi", [300, 600])
@pytest.mark.parametrize("tool", ["pdfium", "poppler", "ghostscript"])
@pytest.mark.parametrize("kind", [*EVERYWHERE, SymbolKind.ITF_14])
def test_ink_and_place(kind: SymbolKind, tool: str, dpi: int, tmp_path: Path) -> None:
    """X is whole dots: dark areas are within 3 %, edges within 0.1 mm of where the layout has them."""
    made = sample(kind, template(CASES[kind][0]).labels_per_page, dpi=dpi)
    document = made.document
    picture = rasterised(pdf_of(document, made.labels)[0], tool, dpi, tmp_path) < 128
    height = document.page_dots[1]
    checked = 0
    for labels in made.labels.groups:
        group, layout = labels.symbols, labels.layout
        data = group.modules if isinstance(group, MatrixSymbols) else group.widths
        for position, symbol in zip(group.positions, data, strict=True):
            x_mm, y_mm = document.template.label_origin_mm(int(made.labels.cells[position]))
            dots_mm = 25.4 / dpi
            left = x_mm / dots_mm + layout.box_left_dots
            bottom = (y_mm + document.template.label_height_mm) / dots_mm - layout.box_bottom_dots
            if isinstance(group, MatrixSymbols):
                spare = layout.box_width_x * layout.x_dots - symbol.shape[1] * layout.x_dots
                left, bottom = left + spare / 2, bottom - spare / 2
                high = wide = symbol.shape[0] * layout.x_dots
                nominal = int(symbol.sum()) * layout.x_dots**2
            else:
                high, wide = layout.bar_height_dots, group.width_x * layout.x_dots
                nominal = int(symbol[::2].sum()) / group.units_per_x * layout.x_dots * high
            # Between the symbol and anything else there are more dots than this, but for guard bars below.
            rim = 3
            box = picture[
                round(bottom - high) - rim : round(bottom) + (rim if isinstance(group, MatrixSymbols) else 0),
                round(left) - rim : round(left + wide) + rim,
            ]
            if kind is SymbolKind.ITF_14:
                box = box[rim + 3 : -3]
                nominal *= len(box) / high
            assert box.sum() == pytest.approx(nominal, rel=0.03)
            rows, columns = np.nonzero(box)
            edges = [columns.min() - rim, columns.max() + 1 - rim - wide]
            if kind is not SymbolKind.ITF_14:
                edges.append(rows.min() - rim)
            assert np.abs(edges).max() * dots_mm < 0.1
            checked += 1
    assert checked == len(made.payloads) <= height
    assert picture.any()


@pytest.mark.parametrize("kind", [SymbolKind.QR_CODE, SymbolKind.ITF_14, SymbolKind.EAN_13])
def test_reportlab_draws_the_same_page(kind: SymbolKind, tmp_path: Path) -> None:
    made = sample(kind, template(CASES[kind][0]).labels_per_page + 1)
    ours, _ = pdf_of(made.document, made.labels)
    theirs = reportlab_sheet.draw(made.document, [made.labels])
    assert theirs == reportlab_sheet.draw(made.document, [made.labels])
    for page in range(2):
        one = rasterised(ours, "pdfium", 300, tmp_path, page) < 128
        other = rasterised(theirs, "pdfium", 300, tmp_path, page) < 128
        assert one.shape == other.shape
        # Where they differ, it is by a row of pixels at an edge.
        assert (one & ~_grown(other)).sum() + (other & ~_grown(one)).sum() == 0


def _grown(dark: np.ndarray) -> np.ndarray:
    grown = dark.copy()
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            grown |= np.roll(dark, (down, right), (0, 1))
    return grown


def test_calibration_moves_the_page(tmp_path: Path) -> None:
    """5 mm to the right, 2 mm down, and 99 % about the top left corner."""
    moves = Calibration(5, 2, 99)
    edges = []
    for calibration in (Calibration(), moves):
        made = sample(count=8, calibration=calibration)
        rows, columns = np.nonzero(
            rasterised(pdf_of(made.document, made.labels)[0], "pdfium", 600, tmp_path) < 128
        )
        edges.append(np.array([columns.min(), columns.max(), rows.min(), rows.max()]) * 25.4 / 600)
    assert edges[1] == pytest.approx(edges[0] * 0.99 + [5, 5, 2, 2], abs=0.1)


def test_cut_marks_meet_the_corners(tmp_path: Path) -> None:
    made = sample(count=0, cut_marks=True)
    dark = rasterised(pdf_of(made.document, made.labels)[0], "pdfium", 600, tmp_path) < 200
    rows, columns = np.nonzero(dark)
    sheet_ = made.document.template
    assert columns.min() * 25.4 / 600 == pytest.approx(sheet_.left_mm - 1.5, abs=0.1)
    assert rows.min() * 25.4 / 600 == pytest.approx(sheet_.top_mm - 1.5, abs=0.1)
