"""The fixed structure of square ECC 200 symbols: sizes, error correction and module placement.

Source: ISO/IEC 16022:2006, table 7 (sizes), 5.7 and Annex E (error correction), Annex F (placement).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from renderers.symbologies import galois


@dataclass(frozen=True, slots=True)
class SquareSize:
    """One square symbol size.

    `side` counts modules including the finder patterns, `region` the data modules along one side of a
    region, `data` and `ecc` the codewords of the whole symbol, `blocks` the interleaved blocks.
    """

    side: int
    region: int
    data: int
    ecc: int
    blocks: int

    @property
    def ecc_per_block(self) -> int:
        return self.ecc // self.blocks

    @property
    def mapping_side(self) -> int:
        """Modules along one side of the mapping matrix: the symbol without finder patterns."""
        return self.side // (self.region + 2) * self.region


#: ISO/IEC 16022:2006, table 7, the square symbols in rising order.
SIZES: tuple[SquareSize, ...] = (
    SquareSize(10, 8, 3, 5, 1),
    SquareSize(12, 10, 5, 7, 1),
    SquareSize(14, 12, 8, 10, 1),
    SquareSize(16, 14, 12, 12, 1),
    SquareSize(18, 16, 18, 14, 1),
    SquareSize(20, 18, 22, 18, 1),
    SquareSize(22, 20, 30, 20, 1),
    SquareSize(24, 22, 36, 24, 1),
    SquareSize(26, 24, 44, 28, 1),
    SquareSize(32, 14, 62, 36, 1),
    SquareSize(36, 16, 86, 42, 1),
    SquareSize(40, 18, 114, 48, 1),
    SquareSize(44, 20, 144, 56, 1),
    SquareSize(48, 22, 174, 68, 1),
    SquareSize(52, 24, 204, 84, 2),
    SquareSize(64, 14, 280, 112, 2),
    SquareSize(72, 16, 368, 144, 4),
    SquareSize(80, 18, 456, 192, 4),
    SquareSize(88, 20, 576, 224, 4),
    SquareSize(96, 22, 696, 272, 4),
    SquareSize(104, 24, 816, 336, 6),
    SquareSize(120, 18, 1050, 408, 6),
    SquareSize(132, 20, 1304, 496, 8),
    SquareSize(144, 22, 1558, 620, 10),
)

#: Data codewords of each of `SIZES`.
CAPACITIES: NDArray[np.intp] = np.array([size.data for size in SIZES], dtype=np.intp)


def error_correction(size: SquareSize, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the ECC codewords, shape (n, size.ecc), for data codewords of shape (n, size.data).

    Codeword i of the whole symbol, data and ECC alike, belongs to block i modulo `blocks`. Only in
    144×144 does the ECC part start elsewhere than at block 0, because 10 does not divide 1,558. Some
    encoders read the standard differently there; readers expect this order (zxing-cpp issue 259).

    >>> error_correction(SIZES[0], np.array([[142, 164, 186]], dtype=np.uint8)).tolist()
    [[114, 25, 5, 88, 102]]
    """
    ecc = np.empty((len(data), size.ecc), dtype=np.uint8)
    for block in range(size.blocks):
        start = (block - size.data) % size.blocks
        ecc[:, start :: size.blocks] = galois.rs_parity(
            data[:, block :: size.blocks],
            size.ecc_per_block,
            primitive=galois.DATA_MATRIX_PRIMITIVE,
            first_root=1,
        )
    return ecc


@cache
def module_sources(size: SquareSize) -> NDArray[np.intp]:
    """Return the source of each module of a symbol, shape (side · side,).

    Values below 8 · (data + ecc) number a bit of the codewords, most significant first; that count
    itself stands for a light module and the one after for a dark one.
    """
    light = 8 * (size.data + size.ecc)
    dark = light + 1
    sources = np.full((size.side, size.side), light, dtype=np.intp)
    pitch = size.region + 2
    index = np.arange(size.side)
    for edge in range(0, size.side, pitch):
        sources[edge, index % 2 == 0] = dark  # alternating top
        sources[index % 2 == 1, edge + pitch - 1] = dark  # alternating right
    for edge in range(0, size.side, pitch):
        sources[:, edge] = dark  # solid left
        sources[edge + pitch - 1, :] = dark  # solid bottom
    mapped = np.arange(size.mapping_side)
    mapped += mapped // size.region * 2 + 1
    sources[np.ix_(mapped, mapped)] = _placement(size.mapping_side, light, dark)
    sources.flags.writeable = False
    return sources.reshape(-1)


#: Offsets of bits 1–8 of an ordinary codeword from its last module (Annex F), as row, column.
_UTAH = ((-2, -2), (-2, -1), (-1, -2), (-1, -1), (-1, 0), (0, -2), (0, -1), (0, 0))

#: Bits 1–8 of the four corner codewords (Annex F); negative counts from the far edge.
_CORNERS = (
    ((-1, 0), (-1, 1), (-1, 2), (0, -2), (0, -1), (1, -1), (2, -1), (3, -1)),
    ((-3, 0), (-2, 0), (-1, 0), (0, -4), (0, -3), (0, -2), (0, -1), (1, -1)),
    ((-3, 0), (-2, 0), (-1, 0), (0, -2), (0, -1), (1, -1), (2, -1), (3, -1)),
    ((-1, 0), (-1, -1), (0, -3), (0, -2), (0, -1), (1, -3), (1, -2), (1, -1)),
)


def _placement(side: int, light: int, dark: int) -> NDArray[np.intp]:
    """Return the bit number of every module of the mapping matrix, shape (side, side) (Annex F)."""
    bits = np.full((side, side), -1, dtype=np.intp)
    codeword = 0
    for upward, sweep in _sweeps(side):
        corner = _corner_at(*sweep[0], side) if upward else None
        if corner is not None:
            for bit, (row, column) in enumerate(_CORNERS[corner]):
                bits[row, column] = 8 * codeword + bit
            codeword += 1
        for last_row, last_column in sweep:
            if 0 <= last_row < side and 0 <= last_column < side and bits[last_row, last_column] < 0:
                for bit, (down, right) in enumerate(_UTAH):
                    bits[_wrapped(last_row + down, last_column + right, side)] = 8 * codeword + bit
                codeword += 1
    if bits[-1, -1] < 0:  # sizes whose modules are no multiple of eight: a fixed pattern in the corner
        bits[-2:, -2:] = ((dark, light), (light, dark))
    return bits


def _sweeps(side: int) -> Iterator[tuple[bool, list[tuple[int, int]]]]:
    """Yield the diagonals along which codewords lie, up to the right and down to the left by turns.

    A diagonal holds the places of last modules, some of them outside the matrix.
    """
    row, column = 4, 0
    while row < side or column < side:
        up = [(row, column)]
        while (row := row - 2) >= 0 and column + 2 < side:
            column += 2
            up.append((row, column))
        yield True, up
        row, column = row + 1, column + 5
        down = [(row, column)]
        while (row := row + 2) < side and column - 2 >= 0:
            column -= 2
            down.append((row, column))
        yield False, down
        row, column = row + 3, column - 1


def _corner_at(row: int, column: int, side: int) -> int | None:
    """Return which corner codeword comes before the diagonal that goes up from here, if any."""
    cases = (
        row == side and column == 0,
        row == side - 2 and column == 0 and side % 8 in (2, 6),
        row == side - 2 and column == 0 and side % 8 == 4,
        row == side + 4 and column == 2 and side % 8 == 0,
    )
    return cases.index(True) if any(cases) else None


def _wrapped(row: int, column: int, side: int) -> tuple[int, int]:
    """Return the place of a module beyond the top or left edge: at the opposite edge, shifted."""
    shift = 4 - (side + 4) % 8
    if row < 0:
        row, column = row + side, column + shift
    if column < 0:
        row, column = row + shift, column + side
    return row, column
