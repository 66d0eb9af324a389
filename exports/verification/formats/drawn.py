"""The content of a finished symbol file, independent of its format."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exports.errors import SymbolDoesNotDecode

#: Rounding of positions in a file, in X.
_ROUNDING_X = 0.01


class Line(NamedTuple):
    """Characters drawn as outlines side by side. Lengths in X: left end, right end, and baseline from the top."""

    text: str
    left_x: float
    right_x: float
    baseline_x: float


class Drawn(NamedTuple):
    """A symbol file that was read back.

    `picture` is greyscale, 0 for black. `pixels_per_mm` is computed from the size that the file states. `lines` is None
    for pixel formats, and `description` is None for formats without one.
    """

    picture: NDArray[np.uint8]
    pixels_per_mm: float
    title: str
    description: str | None
    lines: list[Line] | None


def require_even_scale(name: str, across: float, down: float) -> None:
    """Raise SymbolDoesNotDecode unless the scale is equal in both directions, except for rounding."""
    if abs(across - down) > 0.002 * across:
        raise SymbolDoesNotDecode(f"{name}: the scale is {across:g} across and {down:g} down", value=down)


def require_inside(name: str, line: Line, width_x: float, height_x: float) -> Line:
    """Return the line. Raises SymbolDoesNotDecode if it leaves the picture."""
    inside = -_ROUNDING_X <= line.left_x <= line.right_x <= width_x + _ROUNDING_X
    if not inside or not 0 < line.baseline_x <= height_x:
        raise SymbolDoesNotDecode(f"{name}: the text {line} leaves the picture", value=line)
    return line
