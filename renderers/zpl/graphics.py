"""Pictures and boxes as fields.

A picture that has more bytes than one command may say is drawn in strips, one below the other.

Source: Zebra, ZPL II Programming Guide, `^GF` and its alternative data compression scheme, `^GB`.
"""

import operator

import numpy as np
from numpy.typing import NDArray

# The two hexadecimal digits of every byte.
_DIGITS = np.frombuffer(bytes(range(256)).hex().upper().encode(), np.uint8).reshape(256, 2)

#: Stands for a row that is the same as the one above it.
_REPEATED = ord(":")

#: The most bytes of a picture. Source: `^GF`, binary byte count.
MOST_BYTES = 99_999


def box(x: int, y: int, width: int, height: int) -> str:
    """Return a black rectangle with its upper left corner at (x, y)."""
    return f"^FO{x},{y}^GB{width},{height},{min(width, height)}^FS"


def pictures(x: int, y: int, samples: NDArray[np.uint8], dots_across: int, dots_down: int) -> list[str]:
    """Return pictures of one size and place, each sample so many dots wide and high.

    `samples`, shape (n, rows, columns), is 1 for black. (x, y) is the upper left corner.

    >>> pictures(5, 0, np.array([[[1, 0], [0, 1]]], np.uint8), 4, 3)
    ['^FO5,0^GFA,6,6,1,F0::0F::^FS']
    """
    count, rows, columns = samples.shape
    row_bytes = -(-columns * dots_across // 8)
    total = rows * dots_down * row_bytes
    if total > MOST_BYTES:
        if rows > 1:
            half = rows // 2
            upper, lower = (
                (y, samples[:, :half], dots_down),
                (y + half * dots_down, samples[:, half:], dots_down),
            )
        else:
            half = dots_down // 2
            upper, lower = (y, samples, half), (y + half, samples, dots_down - half)
        halves = (pictures(x, top, some, dots_across, down) for top, some, down in (upper, lower))
        return list(map(operator.add, *halves))
    packed = np.packbits(np.repeat(samples, dots_across, axis=2), axis=2)
    lines = np.full((count, rows, 2 * row_bytes + dots_down - 1), _REPEATED, np.uint8)
    lines[:, :, : 2 * row_bytes] = _DIGITS[packed].reshape(count, rows, -1)
    size = lines[0].size
    data = lines.tobytes().decode("ascii")
    head = _head(x, y, total, row_bytes)
    return [f"{head}{data[at : at + size]}^FS" for at in range(0, len(data), size)]


def picture(x: int, y: int, samples: NDArray[np.uint8]) -> str:
    """Return one picture of single dots, shape (rows, columns), with less white and repeated rows in it.

    >>> picture(2, 1, np.array([[1] + [0] * 15, [1] + [0] * 15], np.uint8))
    '^FO2,1^GFA,4,4,2,8,:^FS'
    """
    rows = len(samples)
    packed = np.packbits(samples, axis=1)
    if packed.size > MOST_BYTES:
        half = rows // 2
        return picture(x, y, samples[:half]) + picture(x, y + half, samples[half:])
    lines = [row.tobytes().hex().upper() for row in packed]
    data = "".join(
        ":" if number and line == lines[number - 1] else _trimmed(line) for number, line in enumerate(lines)
    )
    return f"{_head(x, y, packed.size, packed.shape[1])}{data}^FS"


def _head(x: int, y: int, size: int, row_bytes: int) -> str:
    return f"^FO{x},{y}^GFA,{size},{size},{row_bytes},"


def _trimmed(line: str) -> str:
    """Return the digits of a row with a comma for the zeros at its end."""
    short = line.rstrip("0")
    return line if len(short) == len(line) else f"{short},"
