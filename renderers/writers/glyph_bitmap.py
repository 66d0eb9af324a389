"""Characters as black pixels: outlines filled without grey, once per character and size."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

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
    x0, y0, x1, y1 = np.array(lines).T[:, :, None]
    left, right = int(np.floor(x0.min())), int(np.ceil(x0.max()))
    top, bottom = int(np.floor(y0.min())), int(np.ceil(y0.max()))
    across = np.arange(left, right) + 0.5
    down = np.arange(top, bottom) + 0.5
    # Nonzero rule: each line left of a pixel's centre winds around it, downwards +1 and upwards -1.
    winds = np.sign(y1 - y0) * ((np.minimum(y0, y1) <= down) & (down < np.maximum(y0, y1)))
    with np.errstate(divide="ignore", invalid="ignore"):
        crossings = x0 + (down - y0) * (x1 - x0) / (y1 - y0)
    is_left = crossings[:, :, None] < across
    winding = (winds[:, :, None] * is_left).sum(axis=0)
    return GlyphBitmap(left, top, advance, (winding == 0).astype(np.uint8))


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
