"""Capacities and module places of each version and level of QR Code Model 2, from ISO/IEC 18004:2015."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from renderers.symbol import ErrorCorrection

VERSIONS = range(1, 41)
MASKS = 8

#: Check codewords per block, versions 1–40. Source: ISO/IEC 18004:2015, table 9.
_ECC_PER_BLOCK: dict[ErrorCorrection, str] = {
    "L": "7 10 15 20 26 18 20 24 30 18 20 24 26 30 22 24 28 30 28 28"
    " 28 28 30 30 26 28 30 30 30 30 30 30 30 30 30 30 30 30 30 30",
    "M": "10 16 26 18 24 16 18 22 22 26 30 22 22 24 24 28 28 26 26 26"
    " 26 28 28 28 28 28 28 28 28 28 28 28 28 28 28 28 28 28 28 28",
    "Q": "13 22 18 26 18 24 18 22 20 24 28 26 24 20 30 24 28 28 26 30"
    " 28 30 30 30 30 28 30 30 30 30 30 30 30 30 30 30 30 30 30 30",
    "H": "17 28 22 16 22 28 26 26 24 28 24 28 22 24 24 30 28 28 26 28"
    " 30 24 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30",
}

#: Error correction blocks, versions 1–40. Source: ISO/IEC 18004:2015, table 9.
_BLOCKS: dict[ErrorCorrection, str] = {
    "L": "1 1 1 1 1 2 2 2 2 4 4 4 4 4 6 6 6 6 7 8 8 9 9 10 12 12 12 13 14 15 16 17 18 19 19 20 21 22 24 25",
    "M": "1 1 1 2 2 4 4 4 5 5 5 8 9 9 10 10 11 13 14 16 17 17 18 20 21 23 25 26 28 29 31 33 35 37 38 40 43 45"
    " 47 49",
    "Q": "1 1 2 2 4 4 6 6 8 8 8 10 12 16 12 17 16 18 21 20 23 23 25 27 29 34 34 35 38 40 43 45 48 51 53 56 59"
    " 62 65 68",
    "H": "1 1 2 4 4 4 5 6 8 8 11 11 16 16 18 16 19 21 25 25 25 34 30 32 35 37 40 42 45 48 51 54 57 60 63 66"
    " 70 74 77 81",
}

#: The two bits that name a level in the format information. Source: ISO/IEC 18004:2015, table 12.
_LEVEL_BITS: dict[ErrorCorrection, int] = {"L": 1, "M": 0, "Q": 3, "H": 2}

_FINDER = 7
_TIMING = 6


@dataclass(frozen=True, slots=True)
class BlockLayout:
    """How the codewords of one version and level split into blocks; the short blocks come first."""

    blocks: int
    short_blocks: int
    short_data: int
    ecc_per_block: int

    @property
    def data_codewords(self) -> int:
        return self.blocks * self.short_data + self.blocks - self.short_blocks


def size_of(version: int) -> int:
    """Return the number of modules per side, 21–177."""
    return 4 * version + 17


def total_codewords(version: int) -> int:
    """Return the number of data and check codewords, without the up to 7 remainder bits.

    >>> total_codewords(1), total_codewords(40)
    (26, 3706)
    """
    modules = (16 * version + 128) * version + 64
    if version >= 2:
        alignments = version // 7 + 2
        modules -= (25 * alignments - 10) * alignments - 55
    if version >= 7:
        modules -= 36
    return modules // 8


@lru_cache(maxsize=160)
def block_layout(version: int, level: ErrorCorrection) -> BlockLayout:
    """Return the blocks of a version and level.

    >>> block_layout(5, "Q")
    BlockLayout(blocks=4, short_blocks=2, short_data=15, ecc_per_block=18)
    """
    blocks = int(_BLOCKS[level].split()[version - 1])
    ecc_per_block = int(_ECC_PER_BLOCK[level].split()[version - 1])
    short_length, long_blocks = divmod(total_codewords(version), blocks)
    return BlockLayout(blocks, blocks - long_blocks, short_length - ecc_per_block, ecc_per_block)


@lru_cache(maxsize=4)
def data_bits(level: ErrorCorrection) -> NDArray[np.int64]:
    """Return the capacities of versions 1–40 at a level, in data bits, ascending."""
    return np.array([8 * block_layout(version, level).data_codewords for version in VERSIONS])


@lru_cache(maxsize=160)
def interleaving(version: int, level: ErrorCorrection) -> NDArray[np.intp]:
    """Return the source of each codeword of the symbol: its index among all codewords before interleaving.

    Before interleaving, the data codewords of all blocks come first, then the check codewords of all blocks.
    Source: ISO/IEC 18004:2015, 7.6.
    """
    layout = block_layout(version, level)
    data: list[int] = []
    starts = [
        block * layout.short_data + max(0, block - layout.short_blocks) for block in range(layout.blocks)
    ]
    for position in range(layout.short_data + 1):
        first = 0 if position < layout.short_data else layout.short_blocks
        data += [starts[block] + position for block in range(first, layout.blocks)]
    check = [
        layout.data_codewords + block * layout.ecc_per_block + position
        for position in range(layout.ecc_per_block)
        for block in range(layout.blocks)
    ]
    return np.array(data + check, np.intp)


def alignment_centres(version: int) -> list[int]:
    """Return the row and column coordinates of alignment patterns. Source: ISO/IEC 18004:2015, annex E.

    >>> alignment_centres(32)
    [6, 34, 60, 86, 112, 138]
    """
    if version == 1:
        return []
    count = version // 7 + 2
    # Version 32 is the one exception to the even spacing of annex E.
    step = 26 if version == 32 else (version * 8 + count * 3 + 5) // (count * 4 - 4) * 2
    last = size_of(version) - _FINDER
    return [_TIMING, *sorted(last - step * index for index in range(count - 1))]


def format_information(level: ErrorCorrection, mask: int) -> int:
    """Return the 15 bits of format information: BCH (15, 5), masked. Source: ISO/IEC 18004:2015, 7.9.

    >>> bin(format_information("M", 5))
    '0b100000011001110'
    """
    data = _LEVEL_BITS[level] << 3 | mask
    remainder = data
    for _ in range(10):
        remainder = (remainder << 1) ^ ((remainder >> 9) * 0x537)
    return (data << 10 | remainder) ^ 0x5412


def version_information(version: int) -> int:
    """Return the 18 bits of version information: BCH (18, 6). Source: ISO/IEC 18004:2015, 7.10.

    >>> hex(version_information(7))
    '0x7c94'
    """
    remainder = version
    for _ in range(12):
        remainder = (remainder << 1) ^ ((remainder >> 11) * 0x1F25)
    return version << 12 | remainder


@lru_cache(maxsize=40)
def function_patterns(version: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the modules that are the same for all payloads, and which modules are not for data.

    Both have shape (size, size). Format information is reserved but still light, except the one module
    beside it that is always dark (ISO/IEC 18004:2015, 6.3 and 7.9.1).
    """
    size = size_of(version)
    modules = np.zeros((size, size), np.uint8)
    reserved = np.zeros((size, size), np.bool_)

    timing = np.arange(size) % 2 == 0
    modules[_TIMING, :] = modules[:, _TIMING] = timing
    reserved[_TIMING, :] = reserved[:, _TIMING] = True

    finder = _rings(3, dark_rings=(0, 1, 3))
    corner = _FINDER + 1  # with its separator; the ninth module holds format information
    for rows, columns in ((0, 0), (0, size - _FINDER), (size - _FINDER, 0)):
        top, left = max(0, rows - 1), max(0, columns - 1)
        modules[top : top + corner, left : left + corner] = 0
        modules[rows : rows + _FINDER, columns : columns + _FINDER] = finder
        reserved[top : rows + corner + (rows == 0), left : columns + corner + (columns == 0)] = True

    centres = alignment_centres(version)
    alignment = _rings(2, dark_rings=(0, 2))
    for row in centres:
        for column in centres:
            if (row, column) in {(6, 6), (6, centres[-1]), (centres[-1], 6)}:
                continue  # a finder pattern is there
            modules[row - 2 : row + 3, column - 2 : column + 3] = alignment
            reserved[row - 2 : row + 3, column - 2 : column + 3] = True

    if version >= 7:
        information = version_information(version)
        for bit in range(18):
            near, far = bit // 3, size - 11 + bit % 3
            modules[near, far] = modules[far, near] = information >> bit & 1
            reserved[near, far] = reserved[far, near] = True

    modules[size - 8, 8] = 1
    modules.flags.writeable = reserved.flags.writeable = False
    return modules, reserved


@lru_cache(maxsize=40)
def data_places(version: int) -> NDArray[np.intp]:
    """Return for each module the number of its bit in the codeword sequence.

    Shape (size * size,). Modules without such a bit (function patterns, remainder bits) have the number
    after the last bit. Source: ISO/IEC 18004:2015, 7.7.3.
    """
    size = size_of(version)
    _, reserved = function_patterns(version)
    bits = 8 * total_codewords(version)
    places = np.full((size, size), bits, np.intp)
    bit = 0
    upwards = True
    rights = [right if right > _TIMING else right - 1 for right in range(size - 1, 0, -2)]
    for right in rights:
        for row in range(size - 1, -1, -1) if upwards else range(size):
            for column in (right, right - 1):
                if not reserved[row, column]:
                    places[row, column] = min(bit, bits)
                    bit += 1
        upwards = not upwards
    places.flags.writeable = False
    return places.ravel()


@lru_cache(maxsize=32)
def masked_patterns(version: int, level: ErrorCorrection) -> NDArray[np.uint8]:
    """Return the pattern to XOR with the data bits for each mask, shape (8, size, size).

    It has the mask over the encoding region, the function patterns, the format and the version information. XOR with
    the data bits in their places gives the complete symbol. Source: ISO/IEC 18004:2015, table 10 and 7.9.1.
    """
    size = size_of(version)
    modules, reserved = function_patterns(version)
    row, column = np.indices((size, size))
    conditions = (
        (row + column) % 2,
        row % 2,
        column % 3,
        (row + column) % 3,
        (row // 2 + column // 3) % 2,
        row * column % 2 + row * column % 3,
        (row * column % 2 + row * column % 3) % 2,
        ((row + column) % 2 + row * column % 3) % 2,
    )
    patterns = np.empty((MASKS, size, size), np.uint8)
    for mask, condition in enumerate(conditions):
        patterns[mask] = np.where(reserved, modules, condition == 0)
        information = format_information(level, mask)
        for bit in range(15):
            value = information >> bit & 1
            # Around the top left finder pattern, stepping over the timing patterns; and split
            # between the other two. Bit 0 is the least significant.
            if bit < 8:
                patterns[mask, bit + (bit >= 6), 8] = value
                patterns[mask, 8, size - 1 - bit] = value
            else:
                patterns[mask, 8, 15 - bit - (bit >= 9)] = value
                patterns[mask, size - 15 + bit, 8] = value
    patterns.flags.writeable = False
    return patterns


def _rings(radius: int, dark_rings: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return concentric square rings, numbered from the centre; those named are dark."""
    distance = np.abs(np.arange(-radius, radius + 1))
    return np.isin(np.maximum(distance[:, None], distance[None, :]), dark_rings).astype(np.uint8)
