"""Measure a decoded symbol in its picture: modules, quiet zone, height."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import zxingcpp
from numpy.typing import NDArray

from exports.errors import SymbolDoesNotDecode
from gs1.symbol_size import SymbolKind, SymbolSize, symbol_size

#: The decoder's position of a symbol is exact to about a pixel. No other ink is this near: the least quiet zone is 1 X.
_NEAR_X = 0.5


class _Form(NamedTuple):
    """The width of a symbol in X: `fixed`, plus `per_run` for each dark run of one of its rows.

    `row_x` is the distance of that row from the symbol's upper edge in X, or None for the middle of the bars.
    """

    row_x: float | None
    per_run: float
    fixed: float


#: QR Code: dark and light modules alternate in row 6, between two finder patterns of 7 modules with one light module
#: each (ISO/IEC 18004). Data Matrix: they alternate in the top row (ISO/IEC 16022). EAN-13 and UPC-A have 95 modules,
#: UPC-E has 51 and EAN-8 has 67 (GS1 General Specifications, 5.2). ITF-14: a start of 4 narrow elements, 7 pairs of 4
#: wide and 6 narrow, a stop of 1 wide and 2 narrow, a wide one 2.5 X. GS1-128: characters of 3 bars and 11 modules, but
#: for the stop of 4 bars and 13 modules (ISO/IEC 15417).
_FORMS: Mapping[SymbolKind, _Form] = {
    SymbolKind.QR_CODE: _Form(6.5, 2, 11),
    SymbolKind.GS1_DATAMATRIX: _Form(0.5, 2, 0),
    SymbolKind.GS1_DATAMATRIX_RECTANGULAR: _Form(0.5, 2, 0),
    SymbolKind.EAN_13: _Form(None, 0, 95),
    SymbolKind.UPC_A: _Form(None, 0, 95),
    SymbolKind.UPC_E: _Form(None, 0, 51),
    SymbolKind.EAN_8: _Form(None, 0, 67),
    SymbolKind.ITF_14: _Form(None, 0, 120.5),
    SymbolKind.GS1_128: _Form(None, 11 / 3, 13 - 4 * 11 / 3),
}

#: Rows and columns of the rectangular Data Matrix symbols (ISO/IEC 16022).
_RECTANGLES = frozenset({(8, 18), (8, 32), (12, 26), (12, 36), (16, 36), (16, 48)})

#: If half an X is not a whole number of pixels, each of ITF-14's 29 wide elements is half a pixel wider.
_WIDE_ELEMENTS = 29


def width_x(
    name: str,
    dark: NDArray[np.bool_],
    position: zxingcpp.Position,
    kind: SymbolKind,
    size: SymbolSize,
    pixels_per_x: float,
    height_x: float | None,
    slack_px: int = 0,
) -> float:
    """Return the width of the decoded symbol in X, without quiet zone.

    `slack_px` is how far ink may reach beyond its edges, if the picture's pixels are not the file's own. Raises
    SymbolDoesNotDecode unless X has the expected number of pixels, the quiet zone is light, and the bars have the right
    height: at least `height_x`, and at most that plus a guard bar's 5 X or two bearer bars, plus half an X.
    """
    left, top, right, bottom = _box(
        dark, position, is_linear=size.height_mm is not None, pixels_per_x=pixels_per_x
    )
    form = _FORMS[kind]
    row = (top + bottom) // 2 if form.row_x is None else top + int(form.row_x * pixels_per_x)
    line = dark[row, left:right].astype(np.int8)
    runs = int((np.diff(line, prepend=0) == 1).sum())
    width = form.per_run * runs + form.fixed
    tolerance = 1.0 + 2 * slack_px
    if kind is SymbolKind.ITF_14 and round(pixels_per_x) % 2:
        tolerance += _WIDE_ELEMENTS / 2
    if abs((right - left) - width * pixels_per_x) > tolerance:
        raise SymbolDoesNotDecode(
            f"{name}: {width:g} X take {right - left} pixels, not {width * pixels_per_x:g}",
            value=right - left,
            expected=f"{width * pixels_per_x:g} pixels",
        )
    if height_x is None:
        _require_quiet(name, dark, (left, top, right, bottom), size, pixels_per_x, slack_px)
    else:
        middle = (top + bottom) // 2
        quarter = max(1, (bottom - top) // 4)
        _require_quiet(
            name, dark, (left, middle - quarter, right, middle + quarter), size, pixels_per_x, slack_px
        )
        _require_height(name, dark[:, left], middle, height_x * pixels_per_x, pixels_per_x)
    return width


def rows(
    name: str,
    dark: NDArray[np.bool_],
    position: zxingcpp.Position,
    kind: SymbolKind,
    width_x: float,
    pixels_per_x: float,
    slack_px: int = 0,
) -> int | None:
    """Return the number of rows of modules of the decoded symbol, or None for a linear symbol.

    All symbols but the rectangular ones are square. Data Matrix: dark and light modules also alternate in the rightmost
    column, and the lowest is dark (ISO/IEC 16022). Raises SymbolDoesNotDecode unless the numbers of rows and columns
    are those of a Data Matrix size, and rows are as high as columns are wide.
    """
    if symbol_size(kind).height_mm is not None:
        return None
    if kind is not SymbolKind.GS1_DATAMATRIX_RECTANGULAR:
        return round(width_x)
    _, top, right, bottom = _box(dark, position, is_linear=False, pixels_per_x=pixels_per_x)
    line = dark[top:bottom, right - 1 - int(pixels_per_x / 2)].astype(np.int8)
    count = 2 * int((np.diff(line, prepend=0) == 1).sum())
    if (count, width_x) not in _RECTANGLES or abs(bottom - top - count * pixels_per_x) > 1.0 + 2 * slack_px:
        raise SymbolDoesNotDecode(
            f"{name} has {count} rows of {width_x:g} modules, {bottom - top} pixels high: not a rectangle of Data Matrix",
            value=(count, width_x),
            expected=", ".join(f"{rows}x{columns}" for rows, columns in sorted(_RECTANGLES)),
        )
    return count


def modules_text(width_x: float, rows: int | None) -> str:
    """Return the size as in the report: `rows x columns`, or one number if they are equal."""
    return f"{width_x:g}" if rows in {None, width_x} else f"{rows}x{width_x:g}"


def _box(
    dark: NDArray[np.bool_], position: zxingcpp.Position, *, is_linear: bool, pixels_per_x: float
) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the symbol's ink, the latter two exclusive."""
    corners = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    near = round(_NEAR_X * pixels_per_x)
    columns, rows = [corner.x for corner in corners], [corner.y for corner in corners]
    left, right = max(0, min(columns) - near), max(columns) + near + 1
    top, bottom = min(rows), max(rows)
    if is_linear:
        middle = (top + bottom) // 2
        across = np.flatnonzero(dark[middle, left:right])
        return left + int(across[0]), top, left + int(across[-1]) + 1, bottom
    top = max(0, top - near)
    ink = dark[top : bottom + near + 1, left:right]
    down, across = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return left + int(across[0]), top + int(down[0]), left + int(across[-1]) + 1, top + int(down[-1]) + 1


def _require_quiet(
    name: str,
    dark: NDArray[np.bool_],
    box: tuple[int, int, int, int],
    size: SymbolSize,
    pixels_per_x: float,
    slack_px: int,
) -> None:
    left, top, right, bottom = box
    quiet = (size.quiet_left_x, size.quiet_top_x, size.quiet_right_x, size.quiet_bottom_x)
    zones = [max(0, round(zone * pixels_per_x) - slack_px) for zone in quiet]
    outer = left - zones[0], top - zones[1], right + zones[2], bottom + zones[3]
    height, width = dark.shape
    if min(outer) < 0 or outer[2] > width or outer[3] > height:
        raise SymbolDoesNotDecode(f"{name}: the quiet zone does not fit the picture", value=box)
    around = dark[outer[1] : outer[3], outer[0] : outer[2]]
    if np.count_nonzero(around) != np.count_nonzero(dark[top:bottom, left:right]):
        raise SymbolDoesNotDecode(f"{name}: the quiet zone is not light", value=box)


def _require_height(
    name: str, column: NDArray[np.bool_], middle: int, height: float, pixels_per_x: float
) -> None:
    """Raise SymbolDoesNotDecode unless the first bar, which is dark in the middle row, has about this height."""
    light = np.flatnonzero(~column)
    top = int(light[light < middle].max(initial=-1))
    bottom = int(light[light > middle].min(initial=len(column)))
    found = bottom - top - 1
    if not height - 1 <= found <= height + 5.5 * pixels_per_x:
        raise SymbolDoesNotDecode(
            f"{name}: the bars are {found} pixels high, not {height:g}", value=found, expected=f"{height:g}"
        )
