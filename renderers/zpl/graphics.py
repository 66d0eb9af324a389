"""Pictures and boxes as fields.

Source: Zebra, ZPL II Programming Guide, `^GF` and its alternative data compression scheme, `^GB`.
"""

import numpy as np
from numpy.typing import NDArray

# The two hexadecimal digits of every byte.
_DIGITS = np.frombuffer(bytes(range(256)).hex().upper().encode(), np.uint8).reshape(256, 2)

#: Stands for a row that is the same as the one above it.
_REPEATED = ord(":")


def box(width: int, height: int) -> str:
    """Return a black rectangle."""
    return f"^GB{width},{height},{min(width, height)}^FS"


def pictures(samples: NDArray[np.uint8], dots_across: int, dots_down: int) -> list[str]:
    """Return pictures of one size, each sample so many dots wide and high.

    `samples`, shape (n, rows, columns), is 1 for black.

    >>> pictures(np.array([[[1, 0], [0, 1]]], np.uint8), 4, 3)
    ['^GFA,6,6,1,F0::0F::^FS']
    """
    count, rows, _ = samples.shape
    packed = np.packbits(np.repeat(samples, dots_across, axis=2), axis=2)
    row_bytes = packed.shape[2]
    lines = np.full((count, rows, 2 * row_bytes + dots_down - 1), _REPEATED, np.uint8)
    lines[:, :, : 2 * row_bytes] = _DIGITS[packed].reshape(count, rows, -1)
    size = lines[0].size
    data = lines.tobytes().decode("ascii")
    total = rows * dots_down * row_bytes
    head = f"^GFA,{total},{total},{row_bytes},"
    return [f"{head}{data[at : at + size]}^FS" for at in range(0, len(data), size)]


def picture(samples: NDArray[np.uint8]) -> str:
    """Return one picture of single dots, shape (rows, columns), with less white and repeated rows in it.

    >>> picture(np.array([[1] + [0] * 15, [1] + [0] * 15], np.uint8))
    '^GFA,4,4,2,8,:^FS'
    """
    packed = np.packbits(samples, axis=1)
    lines = [row.tobytes().hex().upper() for row in packed]
    data = "".join(
        ":" if number and line == lines[number - 1] else _trimmed(line) for number, line in enumerate(lines)
    )
    total = packed.size
    return f"^GFA,{total},{total},{packed.shape[1]},{data}^FS"


def _trimmed(line: str) -> str:
    """Return the digits of a row with a comma for the zeros at its end."""
    short = line.rstrip("0")
    return line if len(short) == len(line) else f"{short},"
