"""The fixed structure of ECC 200 symbols: sizes, error correction and module placement.

Source: ISO/IEC 16022:2006, table 7 (sizes), 5.7 and Annex E (error correction), Annex F (placement).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from renderers.symbologies import galois


@dataclass(frozen=True, slots=True)
class Size:
    """One symbol size.

    `rows` and `columns` count modules including the finder patterns, `region_rows` and `region_columns` the data
    modules of a region, `data` and `ecc` the codewords of the whole symbol, `blocks` the interleaved blocks.
    """

    rows: int
    columns: int
    region_rows: int
    region_columns: int
    data: int
    ecc: int
    blocks: int = 1

    @property
    def ecc_per_block(self) -> int:
        return self.ecc // self.blocks

    @property
    def mapping(self) -> tuple[int, int]:
        """Rows and columns of the mapping matrix: the symbol without finder patterns."""
        return (
            self.rows // (self.region_rows + 2) * self.region_rows,
            self.columns // (self.region_columns + 2) * self.region_columns,
        )

    def __str__(self) -> str:
        return f"{self.rows}×{self.columns}"


#: Sizes of one shape, in ascending order of capacity.
Sizes: TypeAlias = tuple[Size, ...]


def _square(side: int, region: int, data: int, ecc: int, blocks: int) -> Size:
    return Size(side, side, region, region, data, ecc, blocks)


#: ISO/IEC 16022:2006, table 7, the square symbols.
SQUARES: Sizes = (
    _square(10, 8, 3, 5, 1),
    _square(12, 10, 5, 7, 1),
    _square(14, 12, 8, 10, 1),
    _square(16, 14, 12, 12, 1),
    _square(18, 16, 18, 14, 1),
    _square(20, 18, 22, 18, 1),
    _square(22, 20, 30, 20, 1),
    _square(24, 22, 36, 24, 1),
    _square(26, 24, 44, 28, 1),
    _square(32, 14, 62, 36, 1),
    _square(36, 16, 86, 42, 1),
    _square(40, 18, 114, 48, 1),
    _square(44, 20, 144, 56, 1),
    _square(48, 22, 174, 68, 1),
    _square(52, 24, 204, 84, 2),
    _square(64, 14, 280, 112, 2),
    _square(72, 16, 368, 144, 4),
    _square(80, 18, 456, 192, 4),
    _square(88, 20, 576, 224, 4),
    _square(96, 22, 696, 272, 4),
    _square(104, 24, 816, 336, 6),
    _square(120, 18, 1050, 408, 6),
    _square(132, 20, 1304, 496, 8),
    _square(144, 22, 1558, 620, 10),
)

#: ISO/IEC 16022:2006, table 7, the rectangular symbols.
RECTANGLES: Sizes = (
    Size(8, 18, 6, 16, 5, 7),
    Size(8, 32, 6, 14, 10, 11),
    Size(12, 26, 10, 24, 16, 14),
    Size(12, 36, 10, 16, 22, 18),
    Size(16, 36, 14, 16, 32, 24),
    Size(16, 48, 14, 22, 49, 28),
)


def error_correction(size: Size, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the ECC codewords, shape (n, size.ecc), for data codewords of shape (n, size.data).

    Codeword i of the whole symbol, data or ECC, belongs to block i modulo `blocks`. Only in 144×144 the ECC part does
    not start at block 0, because 10 does not divide 1,558. Some encoders interpret the standard differently there;
    readers expect this order (zxing-cpp issue 259).

    >>> error_correction(SQUARES[0], np.array([[142, 164, 186]], dtype=np.uint8)).tolist()
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
def module_sources(size: Size) -> NDArray[np.intp]:
    """Return the source of each module of a symbol, shape (rows · columns,).

    Values below 8 · (data + ecc) are bit numbers in the codewords, most significant bit first. The value 8 · (data +
    ecc) means a light module, and the next value a dark one.
    """
    light = 8 * (size.data + size.ecc)
    dark = light + 1
    sources = np.full((size.rows, size.columns), light, dtype=np.intp)
    for edge in range(0, size.rows, size.region_rows + 2):
        sources[edge, ::2] = dark  # alternating top
    for edge in range(0, size.columns, size.region_columns + 2):
        sources[1::2, edge + size.region_columns + 1] = dark  # alternating right
    for edge in range(0, size.columns, size.region_columns + 2):
        sources[:, edge] = dark  # solid left
    for edge in range(0, size.rows, size.region_rows + 2):
        sources[edge + size.region_rows + 1] = dark  # solid bottom
    mapping_rows, mapping_columns = size.mapping
    rows, columns = np.arange(mapping_rows), np.arange(mapping_columns)
    rows += rows // size.region_rows * 2 + 1
    columns += columns // size.region_columns * 2 + 1
    sources[np.ix_(rows, columns)] = _placement(mapping_rows, mapping_columns, light, dark)
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


def _placement(rows: int, columns: int, light: int, dark: int) -> NDArray[np.intp]:
    """Return the bit number of every module of the mapping matrix, shape (rows, columns) (Annex F)."""
    bits = np.full((rows, columns), -1, dtype=np.intp)
    codeword = 0
    for upward, sweep in _sweeps(rows, columns):
        corner = _corner_at(*sweep[0], rows, columns) if upward else None
        if corner is not None:
            for bit, (row, column) in enumerate(_CORNERS[corner]):
                bits[row, column] = 8 * codeword + bit
            codeword += 1
        for last_row, last_column in sweep:
            if 0 <= last_row < rows and 0 <= last_column < columns and bits[last_row, last_column] < 0:
                for bit, (down, right) in enumerate(_UTAH):
                    place = _wrapped(last_row + down, last_column + right, rows, columns)
                    bits[place] = 8 * codeword + bit
                codeword += 1
    if bits[-1, -1] < 0:  # sizes whose modules are no multiple of eight: a fixed pattern in the corner
        bits[-2:, -2:] = ((dark, light), (light, dark))
    return bits


def _sweeps(rows: int, columns: int) -> Iterator[tuple[bool, list[tuple[int, int]]]]:
    """Yield the diagonals along which codewords are placed, alternately up to the right and down to the left.

    A diagonal has the positions of the last modules of codewords, some of them outside the matrix.
    """
    row, column = 4, 0
    while row < rows or column < columns:
        up = [(row, column)]
        while (row := row - 2) >= 0 and column + 2 < columns:
            column += 2
            up.append((row, column))
        yield True, up
        row, column = row + 1, column + 5
        down = [(row, column)]
        while (row := row + 2) < rows and column - 2 >= 0:
            column -= 2
            down.append((row, column))
        yield False, down
        row, column = row + 3, column - 1


def _corner_at(row: int, column: int, rows: int, columns: int) -> int | None:
    """Return the corner codeword that comes before the diagonal that goes up from here, or None."""
    cases = (
        row == rows and column == 0,
        row == rows - 2 and column == 0 and columns % 8 in (2, 6),
        row == rows - 2 and column == 0 and columns % 8 == 4,
        row == rows + 4 and column == 2 and columns % 8 == 0,
    )
    return cases.index(True) if any(cases) else None


def _wrapped(row: int, column: int, rows: int, columns: int) -> tuple[int, int]:
    """Return the position of a module beyond the top or left edge: at the opposite edge, shifted."""
    if row < 0:
        row, column = row + rows, column + 4 - (rows + 4) % 8
    if column < 0:
        row, column = row + 4 - (columns + 4) % 8, column + columns
    return row, column
