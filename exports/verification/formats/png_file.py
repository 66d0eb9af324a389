"""Read back the PNG files that we write, and compare the pixels of their text."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from exports.errors import SymbolDoesNotDecode
from exports.verification.formats.drawn import Drawn, require_even_scale
from renderers.fonts.subset import UNITS_PER_EM
from renderers.symbol import Captions, Drawing, SymbolGroup
from renderers.units import MILLIMETRES_PER_INCH
from renderers.writers.glyph_bitmap import glyph_bitmap
from renderers.writers.hri import advance
from renderers.writers.picture_layout import PictureLayout, draw_by_layout
from renderers.writers.pixels import PixelGrid


def read(name: str, data: bytes) -> Drawn:
    """Return the content of the file. Raises SymbolDoesNotDecode if it is not a PNG that states its size."""
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            grey = np.asarray(picture.convert("L"))
            across, down = picture.info["dpi"]
            texts = {key: str(picture.info.get(key, "")) for key in ("Title", "Description")}
    except (OSError, SyntaxError, KeyError) as error:
        raise SymbolDoesNotDecode(f"{name} is not a PNG of our form: {error}", value=data[:32]) from error
    require_even_scale(name, across, down)
    return Drawn(grey, across / MILLIMETRES_PER_INCH, texts["Title"], texts["Description"], None)


def require_text(
    name: str,
    dark: NDArray[np.bool_],
    pixels_per_x: int,
    symbol: SymbolGroup,
    drawing: Drawing,
    elements: Sequence[str],
) -> None:
    """Raise SymbolDoesNotDecode unless the pixels below the symbol are exactly those of the text.

    `symbol` has the right size and any data. The positions of the lines come from the writer's layout; their characters
    are drawn here.
    """
    text = "".join(elements)
    layout = _layout(symbol, drawing, elements)
    if "".join(text[run.start : run.stop] for run in layout.text) != (text if drawing.hri else ""):
        raise SymbolDoesNotDecode(f"{name}: the lines are not the whole of {text!r}", value=layout.text)
    grid = PixelGrid.of(symbol, layout, pixels_per_x)
    if dark.shape != (grid.height, grid.width):
        raise SymbolDoesNotDecode(f"{name} is not as large as its symbol and its text", value=dark.shape)
    bottom = grid.down(layout.symbol.y + layout.symbol.height)
    bottom += sum(grid.down(bar.height) for bar in layout.bearer_bars[1:])
    below = dark[bottom:].copy()
    # Guard bars continue between the digits. Digits begin lower, so they never fill a column to the end of the bars.
    guards = below[: grid.down(layout.guard_x)]
    guards[:, guards.all(axis=0)] = False
    if not np.array_equal(below, _ink(text, layout, grid)[bottom:]):
        raise SymbolDoesNotDecode(f"{name} shows other text than {text!r}", expected=text)


def _layout(symbol: SymbolGroup, drawing: Drawing, elements: Sequence[str]) -> PictureLayout:
    layouts: list[PictureLayout] = []

    def take(
        _symbols: SymbolGroup, layout: PictureLayout, _drawing: Drawing, _captions: Captions
    ) -> list[bytes]:
        layouts.append(layout)
        return [b""]

    draw_by_layout(symbol, drawing, Captions([""], [""], [elements]), take)
    return layouts[0]


def _ink(text: str, layout: PictureLayout, grid: PixelGrid) -> NDArray[np.bool_]:
    """Return the picture of the text alone, true for ink."""
    ink = np.zeros((grid.height, grid.width), np.bool_)
    for run in layout.text:
        line = text[run.start : run.stop]
        em = run.em_x * grid.pixels
        pen = grid.across(run.centre_x) - advance(line, run.pitch) * em * run.stretch / UNITS_PER_EM / 2
        for character in line:
            glyph = glyph_bitmap(character, run.pitch, em, run.stretch)
            top, left = grid.down(run.baseline_x) + glyph.top, round(pen) + glyph.left
            height, width = glyph.pixels.shape
            ink[top : top + height, left : left + width] |= glyph.pixels == 0
            pen += glyph.advance
    return ink
