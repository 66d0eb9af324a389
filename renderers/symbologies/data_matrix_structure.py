"""The fixed structure of square ECC 200 symbols: sizes, error correction and module placement.

Source: ISO/IEC 16022:2006, table 7 (sizes), 5.7 and Annex E (Reed–Solomon), Annex F (placement).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

#: x^8 + x^5 + x^3 + x^2 + 1 (ISO/IEC 16022:2006, 5.7.2).
FIELD_POLYNOMIAL = 0x12D


@dataclass(frozen=True, slots=True)
class SymbolSize:
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
    def longest_block(self) -> int:
        """Data codewords of the first block; in 144×144 the last two blocks hold one less."""
        return -(-self.data // self.blocks)

    @property
    def mapping_side(self) -> int:
        """Modules along one side of the mapping matrix: the symbol without finder patterns."""
        return self.side // (self.region + 2) * self.region


#: ISO/IEC 16022:2006, table 7, the square symbols in rising order.
SIZES: tuple[SymbolSize, ...] = (
    SymbolSize(10, 8, 3, 5, 1),
    SymbolSize(12, 10, 5, 7, 1),
    SymbolSize(14, 12, 8, 10, 1),
    SymbolSize(16, 14, 12, 12, 1),
    SymbolSize(18, 16, 18, 14, 1),
    SymbolSize(20, 18, 22, 18, 1),
    SymbolSize(22, 20, 30, 20, 1),
    SymbolSize(24, 22, 36, 24, 1),
    SymbolSize(26, 24, 44, 28, 1),
    SymbolSize(32, 14, 62, 36, 1),
    SymbolSize(36, 16, 86, 42, 1),
    SymbolSize(40, 18, 114, 48, 1),
    SymbolSize(44, 20, 144, 56, 1),
    SymbolSize(48, 22, 174, 68, 1),
    SymbolSize(52, 24, 204, 84, 2),
    SymbolSize(64, 14, 280, 112, 2),
    SymbolSize(72, 16, 368, 144, 4),
    SymbolSize(80, 18, 456, 192, 4),
    SymbolSize(88, 20, 576, 224, 4),
    SymbolSize(96, 22, 696, 272, 4),
    SymbolSize(104, 24, 816, 336, 6),
    SymbolSize(120, 18, 1050, 408, 6),
    SymbolSize(132, 20, 1304, 496, 8),
    SymbolSize(144, 22, 1558, 620, 10),
)

#: Data codewords of each of `SIZES`.
CAPACITIES: NDArray[np.intp] = np.array([size.data for size in SIZES], dtype=np.intp)


def error_correction(size: SymbolSize, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the ECC codewords, shape (n, size.ecc), for data codewords of shape (n, size.data).

    Codeword i of the whole symbol, data and ECC alike, belongs to block i modulo `blocks`. Only in
    144×144 does the ECC part start elsewhere than at block 0, because 10 does not divide 1,558. Some
    read the standard otherwise there; this is what readers expect (zxing-cpp issue 259).

    >>> error_correction(SIZES[0], np.array([[142, 164, 186]], dtype=np.uint8)).tolist()
    [[114, 25, 5, 88, 102]]
    """
    ecc = np.empty((len(data), size.ecc), dtype=np.uint8)
    table = _remainders(size.longest_block, size.ecc_per_block)
    for block in range(size.blocks):
        columns = data[:, block :: size.blocks]
        # A block that is one shorter behaves as if led by a zero, which adds nothing.
        first = size.longest_block - columns.shape[1]
        total = np.zeros((len(data), table.shape[2]), dtype=np.uint64)
        for column in range(columns.shape[1]):
            total ^= table[first + column].take(columns[:, column], axis=0)
        start = (block - size.data) % size.blocks
        ecc[:, start :: size.blocks] = total.view(np.uint8)[:, : size.ecc_per_block]
    return ecc


@cache
def module_sources(size: SymbolSize) -> NDArray[np.intp]:
    """Return where each module of a symbol comes from, shape (side · side,).

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


@cache
def _products() -> NDArray[np.uint8]:
    """Return the multiplication table of GF(256), shape (256, 256)."""
    exponentials = np.zeros(510, dtype=np.uint8)
    logarithms = np.zeros(256, dtype=np.intp)
    value = 1
    for power in range(255):
        exponentials[power] = exponentials[power + 255] = value
        logarithms[value] = power
        value <<= 1
        if value > 255:
            value ^= FIELD_POLYNOMIAL
    products = exponentials[logarithms[:, None] + logarithms[None, :]]
    products[0, :] = products[:, 0] = 0
    return products


@cache
def _generator(degree: int) -> NDArray[np.uint8]:
    """Return (x − 2)(x − 4)…(x − 2^degree) without its leading 1, highest power first (Annex E)."""
    products = _products()
    polynomial = np.array([1], dtype=np.uint8)
    root = 1
    for _ in range(degree):
        root = int(products[root, 2])
        longer = np.zeros(len(polynomial) + 1, dtype=np.uint8)
        longer[:-1] = polynomial
        longer[1:] ^= products[root, polynomial]
        polynomial = longer
    return polynomial[1:]


@cache
def _remainders(length: int, degree: int) -> NDArray[np.uint64]:
    """Return what each value of each data codeword adds to the ECC of a block of `length`.

    Shape (length, 256, words): the `degree` bytes stand packed in 64-bit words, so that a block's ECC
    is the exclusive-or of `length` short look-ups instead of a division.
    """
    products = _products()
    generator = _generator(degree)
    words = -(-degree // 8)
    table = np.zeros((length, 256, words * 8), dtype=np.uint8)
    remainder = generator
    for column in range(length - 1, -1, -1):
        table[column, :, :degree] = products[:, remainder]
        shifted = np.zeros_like(remainder)
        shifted[:-1] = remainder[1:]
        remainder = shifted ^ products[generator, int(remainder[0])]
    return table.view(np.uint64)


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
    """Return where a module lies that sticks out at the top or the left: at the other edge, shifted."""
    shift = 4 - (side + 4) % 8
    if row < 0:
        row, column = row + side, column + shift
    if column < 0:
        row, column = row + shift, column + side
    return row, column
