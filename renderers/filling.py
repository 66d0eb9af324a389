"""Outlines as whole dots: a dot is black where its centre is inside."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

#: Crossings of lines with rows of dots that are looked at together: some tens of megabytes.
_AT_ONCE = 1 << 20


def filled(
    lines: NDArray[np.float64], left: int, top: int, width: int, height: int, *, even_odd: bool = False
) -> NDArray[np.bool_]:
    """Return the dots, shape (height, width), whose centres are inside closed outlines; nonzero or even-odd rule.

    `lines` are all sides of the outlines, shape (n, 4): x and y of both ends in dots, x to the right and y down. The
    first dot is `left` and `top` of their origin.
    """
    # In each row, what the winding number of the dots from there on is changed by.
    changes = np.zeros((height, width + 1), np.int32)
    for part in _in_parts(lines, top, height):
        x0, y0, x1, y1 = part.T
        start, counts = _rows(part, top, height)
        each = np.repeat(np.arange(len(part)), counts)
        rows = start[each] + np.arange(len(each)) - np.repeat(np.cumsum(counts) - counts, counts)
        down = rows + 0.5
        crossings = x0[each] + (down - y0[each]) * (x1 - x0)[each] / (y1 - y0)[each]
        columns = np.floor(np.clip(crossings - left, 0, width) - 0.5).astype(np.intp) + 1
        np.add.at(changes, (rows - top, columns), np.sign(y1 - y0).astype(np.int32)[each])
    winding = np.cumsum(changes[:, :-1], axis=1, out=changes[:, :-1])
    return winding % 2 == 1 if even_odd else winding != 0


def _rows(lines: NDArray[np.float64], top: int, height: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first row of dots whose centres each line crosses, and how many rows these are."""
    ends = np.sort(lines[:, 1::2], axis=1)
    bounds = np.ceil(np.clip(ends, top, top + height) - 0.5).astype(np.intp)
    return bounds[:, 0], bounds[:, 1] - bounds[:, 0]


def _in_parts(lines: NDArray[np.float64], top: int, height: int) -> Iterator[NDArray[np.float64]]:
    _, counts = _rows(lines, top, height)
    crossing = lines[counts > 0]
    places = np.cumsum(counts[counts > 0]) // _AT_ONCE
    yield from np.split(crossing, np.flatnonzero(np.diff(places)) + 1)
