"""A picture in whole pixels: lines, each with the number of times it repeats downwards."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renderers.fonts.subset import UNITS_PER_EM
from renderers.symbol import BarSymbols, MatrixSymbols, SymbolGroup
from renderers.writers.glyph_bitmap import glyph_bitmap
from renderers.writers.hri import TextRun, advance
from renderers.writers.picture_layout import PictureLayout

#: Lines of pixels, (symbols, lines, width), 1 for light; `symbols` is 1 if all have the same lines.
Lines = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Band:
    """Lines one below the other, each `repeat` pixels high."""

    lines: Lines
    repeat: int


@dataclass(frozen=True, slots=True)
class PixelGrid:
    """A layout in whole pixels.

    `element_pixels` are the pixels of an element by its width in the symbol's units. If half an X is not whole
    pixels, wide elements are half a pixel wider: the ratio is 2.5 to 3.0.
    """

    layout: PictureLayout
    pixels: int
    left: int
    symbol_width: int
    width: int
    height: int
    element_pixels: NDArray[np.intp]

    @staticmethod
    def of(symbols: SymbolGroup, layout: PictureLayout, pixels: int) -> "PixelGrid":
        """Return the grid with `pixels` pixels per X."""
        is_bars = isinstance(symbols, BarSymbols)
        units = symbols.units_per_x if is_bars else 1
        element_pixels = np.floor(np.arange(256) * pixels / units + 0.5).astype(np.intp)
        symbol = layout.symbol
        symbol_width = (
            int(element_pixels[symbols.widths[0]].sum()) if is_bars else round(symbol.width) * pixels
        )
        left = round(symbol.x * pixels)
        right = round((layout.width_x - symbol.x - symbol.width) * pixels)
        height = round(layout.height_x * pixels)
        if layout.text:
            # One more, for a character that rounding moves a pixel below its baseline.
            height = math.ceil(layout.height_x * pixels) + 1
        return PixelGrid(
            layout, pixels, left, symbol_width, left + symbol_width + right, height, element_pixels
        )

    def down(self, y_x: float) -> int:
        """Return the first pixel line at or below a height in X."""
        return round(y_x * self.pixels)

    def across(self, x_x: float) -> float:
        """Return the pixel at a place in X, scaled to the symbol's width in pixels."""
        symbol = self.layout.symbol
        return self.left + (x_x - symbol.x) * self.symbol_width / symbol.width


def bands(symbols: SymbolGroup, grid: PixelGrid, texts: Sequence[str]) -> list[Band]:
    """Return the picture of each symbol from top to bottom."""
    is_matrix = isinstance(symbols, MatrixSymbols)
    drawn = _matrix_bands(symbols, grid, texts) if is_matrix else _bar_bands(symbols, grid, texts)
    return [band for band in drawn if band.repeat > 0]


def _light(symbols: int, lines: int, grid: PixelGrid) -> Lines:
    return np.ones((symbols, lines, grid.width), np.uint8)


def _matrix_bands(symbols: MatrixSymbols, grid: PixelGrid, texts: Sequence[str]) -> list[Band]:
    count, rows, _ = symbols.modules.shape
    top = grid.down(grid.layout.symbol.y)
    bottom = top + rows * grid.pixels
    modules = _light(count, rows, grid)
    modules[:, :, grid.left : grid.left + grid.symbol_width] = np.repeat(
        1 - symbols.modules, grid.pixels, axis=2
    )
    blank = _light(1, 1, grid)
    result = [Band(blank, top), Band(modules, grid.pixels)]
    if not grid.layout.text:
        return [*result, Band(blank, grid.height - bottom)]
    below = _light(count, grid.height - bottom, grid)
    _set(texts, grid, below, bottom)
    return [*result, Band(below, 1)]


def _bar_bands(symbols: BarSymbols, grid: PixelGrid, texts: Sequence[str]) -> list[Band]:
    count = len(symbols.widths)
    layout, down = grid.layout, grid.down
    top, bottom = down(layout.symbol.y), down(layout.symbol.y + layout.symbol.height)
    blank, bearer = _light(1, 1, grid), _light(1, 1, grid)
    above = below = 0
    for box in layout.bearer_bars:
        right = round((layout.width_x - box.x - box.width) * grid.pixels)
        bearer[..., round(box.x * grid.pixels) : grid.width - right] = 0
        above = below = down(box.height)
    elements = np.arange(symbols.widths.shape[1])
    bars = _light(count, 1, grid)
    _draw_elements(symbols, grid, elements % 2 == 0, bars)
    result = [
        Band(blank, top - above), Band(bearer, above), Band(bars, bottom - top), Band(bearer, below)
    ]  # fmt: skip
    bottom += below
    guards = _light(count, 1, grid)
    if symbols.guards:
        _draw_elements(symbols, grid, np.isin(elements, symbols.guards), guards)
    guard_lines = down(layout.guard_x)
    if not layout.text:
        return [*result, Band(guards, guard_lines), Band(blank, grid.height - bottom - guard_lines)]
    text = _light(count, grid.height - bottom, grid)
    text[:, :guard_lines] = guards
    _set(texts, grid, text, bottom)
    return [*result, Band(text, 1)]


def _draw_elements(symbols: BarSymbols, grid: PixelGrid, is_dark: NDArray[np.bool_], lines: Lines) -> None:
    """Draw the dark elements of each symbol into its line."""
    count = len(symbols.widths)
    light = np.tile((~is_dark).astype(np.uint8), count)
    pixels = np.repeat(light, grid.element_pixels[symbols.widths].reshape(-1))
    lines[:, 0, grid.left : grid.left + grid.symbol_width] = pixels.reshape(count, grid.symbol_width)


def _set(texts: Sequence[str], grid: PixelGrid, area: Lines, top: int) -> None:
    """Draw each symbol's text into its lines, the first of which is the picture's line `top`."""
    for text, lines in zip(texts, area, strict=True):
        for run in grid.layout.text:
            _set_run(text[run.start : run.stop], run, grid, lines, top)


def _set_run(line: str, run: TextRun, grid: PixelGrid, area: Lines, top: int) -> None:
    em = run.em_x * grid.pixels
    unit = em * run.stretch / UNITS_PER_EM
    pen = grid.across(run.centre_x) - advance(line, run.pitch) * unit / 2
    baseline = grid.down(run.baseline_x) - top
    for character in line:
        glyph = glyph_bitmap(character, run.pitch, em, run.stretch)
        row, column = baseline + glyph.top, round(pen) + glyph.left
        height, width = glyph.pixels.shape
        place = area[row : row + height, column : column + width]
        np.bitwise_and(place, glyph.pixels, out=place)
        pen += glyph.advance
