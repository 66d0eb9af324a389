"""QR Code data codewords of payloads: optimal segments, smallest version, one array per batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renderers.symbol import ErrorCorrection
from renderers.symbologies.qr_tables import data_bits

#: Source: ISO/IEC 18004:2015, table 5.
ALPHANUMERIC = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

#: The longest payload that fits: 40-L has 7,089 digits (ISO/IEC 18004:2015, table 7).
LONGEST_PAYLOAD = 7089

_NUMERIC, _ALPHANUMERIC, _BYTE, _PAST_END = range(4)
_MODES = (_NUMERIC, _ALPHANUMERIC, _BYTE)
_MODE_INDICATORS = np.array([0b0001, 0b0010, 0b0100], np.int32)


@dataclass(frozen=True, slots=True)
class _VersionRange:
    """Versions that share the widths of the character count, in bits, by mode."""

    first: int
    last: int
    count_bits: tuple[int, int, int]


#: Source: ISO/IEC 18004:2015, table 3.
_VERSION_RANGES = (
    _VersionRange(1, 9, (10, 9, 8)),
    _VersionRange(10, 26, (12, 11, 16)),
    _VersionRange(27, 40, (14, 13, 16)),
)

# Costs count sixths of a bit, so that a digit (10/3 bits) and an alphanumeric character (11/2) are whole.
_SIXTHS = 6
_CHARACTER_COST = (20, 33, 48)
_OUT_OF_REACH = 1 << 28

#: Characters of a mode that are written together, the weight of the first of two, and the bits of one,
#: two or three of them. Source: ISO/IEC 18004:2015, 7.4.3 to 7.4.5.
_GROUP_SIZE = np.array([3, 2, 1], np.int32)
_GROUP_BASE = np.array([10, 45, 0], np.int32)
_GROUP_BITS = np.array([[4, 7, 10], [6, 11, 0], [8, 0, 0]], np.int32)

_INDICATOR_BITS = 4
_TERMINATOR_BITS = 4
_PAD_CODEWORDS = np.array([0xEC, 0x11], np.uint8)


def _class_table() -> bytes:
    """Return for each byte the most compact mode that has it."""
    table = bytearray([_BYTE] * 256)
    for character in ALPHANUMERIC:
        table[character] = _ALPHANUMERIC
    for character in b"0123456789":
        table[character] = _NUMERIC
    return bytes(table)


_CLASSES = _class_table()
_ALPHANUMERIC_VALUES = np.zeros(256, np.int32)
_ALPHANUMERIC_VALUES[list(ALPHANUMERIC)] = range(len(ALPHANUMERIC))


@dataclass(frozen=True, slots=True)
class DataCodewords:
    """Data codewords of payloads of one version: `positions` (n,), `codewords` (n, data codewords) uint8."""

    version: int
    positions: NDArray[np.intp]
    codewords: NDArray[np.uint8]


def data_codewords(
    payloads: Sequence[bytes], positions: NDArray[np.intp], level: ErrorCorrection
) -> tuple[list[DataCodewords], NDArray[np.intp]]:
    """Return the data codewords of payloads[positions] by version, and the positions that fit no version.

    Each payload is cut into numeric, alphanumeric and byte segments so that it takes the fewest bits in its version
    range, and gets the smallest version that fits. Every payload has at most LONGEST_PAYLOAD bytes. Source: ISO/IEC
    18004:2015, 7.4.
    """
    encoded: list[DataCodewords] = []
    capacities = data_bits(level)
    waiting = positions
    for versions in _VERSION_RANGES:
        if not waiting.size:
            break
        chosen = [payloads[position] for position in waiting.tolist()]
        width = max(map(len, chosen))
        modes, bits = _segment(chosen, width, versions)
        index = np.searchsorted(capacities[: versions.last], bits)
        fitting = np.maximum(index + 1, versions.first)
        fits = index < versions.last
        if fits.any():
            characters = _as_matrix(chosen, width, b"\0")
            for version in np.unique(fitting[fits]).tolist():
                rows = np.flatnonzero(fits & (fitting == version))
                codewords = _write(
                    characters[rows], modes[rows], bits[rows], versions, int(capacities[version - 1])
                )
                encoded.append(DataCodewords(version, waiting[rows], codewords))
        waiting = waiting[~fits]
    return encoded, waiting


def _as_matrix(texts: Sequence[bytes], width: int, filler: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join([text.ljust(width, filler) for text in texts]), np.uint8).reshape(
        len(texts), width
    )


def _segment(
    payloads: Sequence[bytes], width: int, versions: _VersionRange
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the mode of each character (n, width) and the bits of all segments (n,).

    Only the pattern of character classes matters, and the payloads of a batch often have the same. So each distinct
    pattern is solved once, all of them together, one character at a time.
    """
    filler = bytes([_PAST_END])
    patterns: dict[bytes, int] = {}
    of_payload = [patterns.setdefault(each.translate(_CLASSES), len(patterns)) for each in payloads]
    classes = _as_matrix(list(patterns), width, filler)
    modes, bits = _cheapest_modes(classes, versions)
    if len(patterns) == len(payloads):
        return modes, bits
    return modes[of_payload], bits[of_payload]


def _cheapest_modes(
    classes: NDArray[np.uint8], versions: _VersionRange
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return modes (n, width) of least total length and that length in bits, by dynamic programming.

    The state is the mode of the last character. Unfinished groups of digits are compared by fractions of bits. This is
    exact, because rounding a segment up to whole bits keeps the order of two candidates.
    """
    count, width = classes.shape
    headers = [_SIXTHS * (_INDICATOR_BITS + bits) for bits in versions.count_bits]
    columns = np.ascontiguousarray(classes.T)
    came_from = np.empty((width, len(_MODES), count), np.uint8)
    cost = np.full((len(_MODES), count), _OUT_OF_REACH, np.int32)
    closed = np.zeros(count, np.int32)  # the least bits of everything before, its last segment closed
    closed_mode = np.full(count, _BYTE, np.uint8)
    for place in range(width):
        column = columns[place]
        past_end = column == _PAST_END
        some_past_end = bool(past_end.any())
        following = np.empty_like(cost)
        for mode in _MODES:
            opened = closed + headers[mode]
            # On a tie, stay in the mode: fewer segments, and the same choice on every machine.
            stays = cost[mode] <= opened
            came_from[place, mode] = np.where(stays, mode, closed_mode)
            reached = np.minimum(cost[mode], opened) + _CHARACTER_COST[mode]
            following[mode] = np.where(column <= mode, reached, _OUT_OF_REACH)
        if some_past_end:
            came_from[place][:, past_end] = np.arange(len(_MODES), dtype=np.uint8)[:, None]
            following[:, past_end] = cost[:, past_end]
        cost = following
        whole = (cost + (_SIXTHS - 1)) // _SIXTHS * _SIXTHS
        # Among equally short results, prefer bytes to alphanumeric characters, and those to digits.
        closed = whole[_BYTE]
        closed_mode = np.full(count, _BYTE, np.uint8)
        for mode in (_ALPHANUMERIC, _NUMERIC):
            better = whole[mode] < closed
            closed_mode[better] = mode
            closed = np.minimum(closed, whole[mode])
    modes = np.empty((width, count), np.uint8)
    mode = closed_mode.astype(np.intp)
    rows = np.arange(count)
    for place in range(width - 1, -1, -1):
        modes[place] = mode
        mode = came_from[place, mode, rows].astype(np.intp)
    modes[columns == _PAST_END] = _PAST_END
    return np.ascontiguousarray(modes.T), (closed // _SIXTHS).astype(np.int64)


def _write(
    characters: NDArray[np.uint8],
    modes: NDArray[np.uint8],
    bits: NDArray[np.int64],
    versions: _VersionRange,
    capacity: int,
) -> NDArray[np.uint8]:
    """Return the data codewords (n, capacity / 8): segments, terminator, padding.

    A field (a segment's header, up to three digits, two characters or one byte) is at most 20 bits wide. Each is placed
    in the two 32-bit words that it may touch, and the words are summed. Fields never overlap, so the sum is exact.
    """
    count = len(characters)
    rows, offsets, widths, values = _fields(characters, modes, versions)
    words = -(-capacity // 32) + 1
    word = rows * words + (offsets >> 5)
    shifted = values.astype(np.uint64) << (64 - (offsets & 31) - widths).astype(np.uint64)
    total = count * words
    summed = np.bincount(word, (shifted >> np.uint64(32)).astype(np.float64), total)
    summed += np.bincount(word + 1, (shifted & np.uint64(0xFFFFFFFF)).astype(np.float64), total)
    stream = summed.astype(np.uint32).astype(">u4").view(np.uint8).reshape(count, words * 4)
    # The terminator is shortened if the symbol is full. Padding starts at the next whole codeword.
    used = (np.minimum(bits + _TERMINATOR_BITS, capacity) + 7) // 8
    beyond = np.arange(capacity // 8) - used[:, None]
    padding = _PAD_CODEWORDS[beyond & 1]
    return np.where(beyond >= 0, padding, stream[:, : capacity // 8])


def _fields(
    characters: NDArray[np.uint8], modes: NDArray[np.uint8], versions: _VersionRange
) -> tuple[NDArray[np.intp], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Return all bit fields: the row of each, its offset in the row's bits, its width and its value."""
    count, width = modes.shape
    changes = modes[:, 1:] != modes[:, :-1]
    edge = np.ones((count, 1), np.bool_)
    present = modes != _PAST_END
    starts = np.flatnonzero(np.hstack((edge, changes)) & present)
    last_of_segment = np.hstack((changes, edge)) & present
    ends = np.flatnonzero(last_of_segment)

    inside = np.flatnonzero(present)
    lengths = ends - starts + 1
    mode = modes.ravel()[inside]
    phase = (inside - np.repeat(starts, lengths)) % _GROUP_SIZE[mode]
    complete = (phase == _GROUP_SIZE[mode] - 1) | last_of_segment.ravel()[inside]
    group, mode, phase = inside[complete], mode[complete], phase[complete]
    flat = characters.ravel()
    known = _ALPHANUMERIC_VALUES[flat]
    value = np.where(mode == _BYTE, flat[group], known[group])
    value += np.where(phase >= 1, known[group - (phase >= 1)] * _GROUP_BASE[mode], 0)
    value += np.where(phase >= 2, known[group - phase] * 100, 0)

    # Two slots to a character: the header of the segment it opens, the group of characters it completes.
    widths = np.zeros((count * width, 2), np.int32)
    values = np.zeros((count * width, 2), np.int32)
    opening = modes.ravel()[starts]
    count_bits = np.array(versions.count_bits)[opening]
    widths[starts, 0] = _INDICATOR_BITS + count_bits
    values[starts, 0] = (_MODE_INDICATORS[opening] << count_bits) | lengths
    widths[group, 1] = _GROUP_BITS[mode, phase]
    values[group, 1] = value
    offsets = np.cumsum(widths.reshape(count, 2 * width), axis=1, dtype=np.int32).ravel() - widths.ravel()
    used = np.flatnonzero(widths)
    return used // (2 * width), offsets[used], widths.ravel()[used], values.ravel()[used]
