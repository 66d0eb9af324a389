"""What a finished symbol file shows, whatever its format."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exports.errors import SymbolDoesNotDecode

#: Places in a file are rounded this much, in X.
_ROUNDING_X = 0.01


class Line(NamedTuple):
    """Characters drawn as outlines side by side. Lengths in X: left end, right end, and baseline from the top."""

    text: str
    left_x: float
    right_x: float
    baseline_x: float


class Drawn(NamedTuple):
    """A symbol file as it was read back.

    `picture` is greyscale, 0 for black. `pixels_per_mm` follows from the size that the file itself states.
    `lines` are None for a format of pixels, and `description` for a format without one.
    """

    picture: NDArray[np.uint8]
    pixels_per_mm: float
    title: str
    description: str | None
    lines: list[Line] | None


def require_even_scale(name: str, across: float, down: float) -> None:
    """Raise SymbolDoesNotDecode unless a unit is as long in both directions, but for the rounding of a length."""
    if abs(across - down) > 0.002 * across:
        raise SymbolDoesNotDecode(f"{name}: the scale is {across:g} across and {down:g} down", value=down)


def require_inside(name: str, line: Line, width_x: float, height_x: float) -> Line:
    """Return the line. Raises SymbolDoesNotDecode if it leaves the picture."""
    inside = -_ROUNDING_X <= line.left_x <= line.right_x <= width_x + _ROUNDING_X
    if not inside or not 0 < line.baseline_x <= height_x:
        raise SymbolDoesNotDecode(f"{name}: the text {line} leaves the picture", value=line)
    return line
