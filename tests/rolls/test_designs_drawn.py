"""Labels of a design as an independent renderer draws them: the logo and pictures of text dot by dot, the symbols decoded."""

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import zxingcpp
from numpy.typing import NDArray

from exports.designs.chosen import design_of
from exports.verification.rolls.places import line_ink
from renderers.fonts.visual_order import ELLIPSIS
from renderers.logos import svg
from tests.rolls.jobs import drawn, plan_of
from tests.rolls.zpl_renderer import Draw, renderer
from tests.sheets import jobs

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><path d="M0 20L20 0L40 20z"/>'
    '<circle cx="20" cy="13" r="4" fill="white"/></svg>'
)
NAME = "Grüner Tee 緑茶"
DESIGN = {
    "version": 1,
    "linear": "gtin",
    "logo": {"svg": SVG, "height_mm": 9},
    "lines": [
        {"text": "{name}", "weight": "bold", "place": "above"},
        {"text": "LOT {lot}"},
        {"text": "תוקף אצווה {lot}", "align": "right"},
        {"text": "หมดอายุ", "weight": "bold"},
        {"text": "हरी चाय"},
    ],
}
PICTURED = {0: NAME, 2: "תוקף אצווה \u2066L0000\u2069", 3: "หมดอายุ", 4: "हरी चाय"}


@pytest.fixture(scope="module")
def draw() -> Iterator[Draw]:
    with renderer() as draw:
        yield draw


def _at(label: NDArray[np.bool_], x: int, y: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    return label[y : y + shape[0], x : x + shape[1]]


@pytest.mark.parametrize("dpi", [203, 300, 600])
@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("symbology", ["qr", "datamatrix"])
def test_a_design_is_drawn_as_it_was_laid_out(draw: Draw, symbology: str, rotate: int, dpi: int) -> None:
    plan = plan_of("lots", symbology=symbology, dpi=dpi, rotate=rotate)
    plan = replace(plan, design=design_of(json.dumps(DESIGN).encode()))
    sheet, _, zpl = drawn(plan, jobs.lots(1, names=(NAME,)))
    width, height = sheet.document.page_dots
    printed = (height, width) if rotate in {90, 270} else (width, height)
    [picture] = draw(zpl, printed, dpi)
    upright = np.ascontiguousarray(np.rot90(picture, rotate // 90))
    dark = upright < 128
    found = {code.symbology_identifier: code.bytes for code in zxingcpp.read_barcodes(upright)}
    matrix = {"qr": "]Q1", "datamatrix": "]d2"}[symbology]
    assert found.keys() == {matrix, "]E0"}
    assert found["]E0"] == b"9506000000008"
    assert b"L0000" in found[matrix]
    layout = next(layout for layout in sheet.layouts if layout.lines)
    box = layout.logo
    assert box is not None
    left, bottom = round(sheet.template.left_mm), height - round(sheet.template.top_mm)
    logo = svg.read(SVG).dots(box.width_dots, box.height_dots).samples.astype(np.bool_)
    place = left + box.left_dots, bottom - box.bottom_dots - box.height_dots
    assert np.array_equal(_at(dark, *place, logo.shape), logo)
    lines = {line.number: line for line in layout.lines}
    assert lines.keys() == {0, 1, 2, 3, 4}
    for number, text in PICTURED.items():
        ink = line_ink(sheet, lines[number], text)
        assert ink.dark.any()
        assert ELLIPSIS not in text
        assert np.array_equal(_at(dark, ink.x, ink.y, ink.dark.shape), ink.dark)
