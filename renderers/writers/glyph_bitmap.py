"""Characters as black pixels: outlines filled without grey, once per character and size."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from renderers.filling import filled
from renderers.fonts.outlines import Contour, Point, glyph_in_cell
from renderers.fonts.subset import UNITS_PER_EM

# Straight pieces per curve. At the sizes printed under symbols they deviate by less than a fiftieth of a pixel.
_PIECES = 8


@dataclass(frozen=True, slots=True)
class GlyphBitmap:
    """A character's pixels, (rows, columns) of uint8, 0 for ink and 1 for paper.

    `left` and `top` are the place of its first pixel, right of the pen and down from the baseline;
    `advance` is how far the pen moves on, in pixels.
    """

    left: int
    top: int
    advance: float
    pixels: NDArray[np.uint8]


@lru_cache(maxsize=2048)
def glyph_bitmap(
    character: str, pitch: int | None, em_pixels: float, stretch: float, *, bold: bool = False
) -> GlyphBitmap:
    """Return the character in its cell; pixels with their centre inside the outline are inked."""
    scale = em_pixels / UNITS_PER_EM
    glyph = glyph_in_cell(character, pitch, bold=bold)
    advance = glyph.advance * scale * stretch
    lines = [
        (x0 * scale * stretch, -y0 * scale, x1 * scale * stretch, -y1 * scale)
        for contour in glyph.contours
        for (x0, y0), (x1, y1) in _lines(contour)
    ]
    if not lines:
        return GlyphBitmap(0, 0, advance, np.ones((0, 0), np.uint8))
    sides = np.array(lines)
    left, top = (int(least) for least in np.floor(sides.reshape(-1, 2).min(axis=0)))
    right, bottom = (int(most) for most in np.ceil(sides.reshape(-1, 2).max(axis=0)))
    inked = filled(sides, left, top, right - left, bottom - top)
    return GlyphBitmap(left, top, advance, (~inked).astype(np.uint8))


def _lines(contour: Contour) -> Iterator[tuple[Point, Point]]:
    """Yield the contour as straight lines, back to its start."""
    here = contour.start
    for piece in contour.pieces:
        for point in piece if len(piece) == 1 else _curve(here, *piece):
            yield here, point
            here = point
    yield here, contour.start


def _curve(start: Point, control: Point, end: Point) -> Iterator[Point]:
    """Yield points along a quadratic curve, its end last."""
    for number in range(1, _PIECES + 1):
        t = number / _PIECES
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
        yield a * start[0] + b * control[0] + c * end[0], a * start[1] + b * control[1] + c * end[1]
