"""Label sheets as a printer would see them: every symbol decodes, stands in its place and keeps its ink."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gs1.symbol_size import SymbolKind
from renderers.errors import RenderError
from renderers.reference import sheet
from renderers.sheets.calibration import calibration_page
from renderers.sheets.document import Calibration
from renderers.sheets.preview import preview
from renderers.sheets.templates import template
from renderers.symbol import MatrixSymbols
from tests.renderers.sheets.pdf_samples import CASES, part, pdf_of, rasterised, readings, sample

EVERYWHERE = (SymbolKind.QR_CODE, SymbolKind.EAN_13)


def expected(kind: SymbolKind, payloads: list[bytes]) -> set[tuple[bytes, str]]:
    # A reader reports UPC-A as the EAN-13 it is, and FNC1 in first place by the symbology identifier alone.
    before = b"0" if kind is SymbolKind.UPC_A else b""
    return {(before + payload.removeprefix(b"\x1d"), CASES[kind][2]) for payload in payloads}


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
    theirs = sheet.draw(made.document, [made.labels])
    assert theirs == sheet.draw(made.document, [made.labels])
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


@pytest.mark.parametrize("kind", [SymbolKind.QR_CODE, SymbolKind.EAN_13, SymbolKind.ITF_14])
def test_the_preview_decodes(kind: SymbolKind) -> None:
    made = sample(kind, template(CASES[kind][0]).labels_per_page + 2)
    labels = part(made.labels, 0, made.document.template.labels_per_page)
    content = preview(made.document, [labels])
    assert content == preview(made.document, [labels])
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.info["dpi"][0] >= 149.9
        assert picture.width / picture.info["dpi"][0] * 25.4 == pytest.approx(
            made.document.template.page_width_mm, abs=0.1
        )
        found = readings(np.array(picture))
    assert expected(kind, made.payloads[:-2]) <= set(found)


def test_the_preview_is_the_first_page_of_the_pdf(tmp_path: Path) -> None:
    made = sample(count=70, calibration=Calibration(5, 2, 99), cut_marks=True)
    content, _ = pdf_of(made.document, made.labels)
    with Image.open(io.BytesIO(preview(made.document, [part(made.labels, 0, 63)]))) as picture:
        dpi = round(picture.info["dpi"][0])
        printed = rasterised(content, "pdfium", dpi, tmp_path)
        assert printed.shape == np.array(picture).shape
        # Only the edges of letters differ: they are smoothed in the one and not in the other.
        assert ((np.array(picture) < 128) != (printed < 128)).mean() < 0.01


def test_the_preview_of_a_large_page_is_small() -> None:
    made = sample(count=1)
    poster = replace(made.document.template, page_width_mm=3000, page_height_mm=2000)
    content = preview(replace(made.document, template=poster), [made.labels])
    with Image.open(io.BytesIO(content)) as picture:
        assert 9_900_000 < picture.width * picture.height < 10_100_000
        assert picture.width / picture.info["dpi"][0] * 25.4 == pytest.approx(3000, abs=1)


def test_labels_of_other_pages_are_refused() -> None:
    made = sample(count=64)
    with pytest.raises(RenderError, match="not on the pages"):
        preview(made.document, [made.labels])


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


@pytest.mark.parametrize("template_id", ["63up_1in_letter", "avery_l7160", "thermal_2x1in"])
def test_the_calibration_page_shows_every_label(template_id: str, tmp_path: Path) -> None:
    chosen = template(template_id)
    content = calibration_page(chosen)
    assert content == calibration_page(chosen)
    dark = rasterised(content, "pdfium", 300, tmp_path) < 160
    rows, columns = np.nonzero(dark)
    last_x, last_y = chosen.label_origin_mm(chosen.labels_per_page - 1)
    edges = np.array([columns.min(), columns.max() + 1, rows.min(), rows.max() + 1]) * 25.4 / 300
    at = [chosen.left_mm, last_x + chosen.label_width_mm, chosen.top_mm, last_y + chosen.label_height_mm]
    assert edges == pytest.approx(np.array(at), abs=0.2)
    moved = rasterised(calibration_page(chosen, Calibration(1, 0.5)), "pdfium", 300, tmp_path) < 160
    assert np.nonzero(moved)[1].min() * 25.4 / 300 == pytest.approx(edges[0] + 1, abs=0.1)
