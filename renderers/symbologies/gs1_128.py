"""GS1-128 in batches: Code 128 with FNC1 first, in as few symbol characters as the data allow.

Source: GS1 General Specifications, 5.4 (ISO/IEC 15417).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gs1.errors import LabelError
from gs1.symbol_size import SymbolKind, symbol_size
from renderers.errors import PayloadTooLong
from renderers.symbol import BarSymbols, EncodedBatch
from renderers.symbologies import element_strings
from renderers.symbologies.element_strings import FNC1_BYTE

# Symbols encoded at a time, so that intermediate arrays stay in the processor's cache.
_SYMBOLS_AT_ONCE = 2048

#: Most data characters after the first FNC1, including those of Application Identifiers and FNC1 as separator.
MOST_CHARACTERS = symbol_size(SymbolKind.GS1_128).max_data_characters or 0

_ABSENT = 0xFF  # fills short rows of texts and of symbol characters

# Widths of the six elements of symbol characters 0–105, and of the stop pattern's seven.
_PATTERN_DIGITS = (
    b"212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 "
    b"122231 113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 "
    b"322112 322211 212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 "
    b"112133 112331 132131 113123 113321 133121 313121 211331 231131 213113 213311 213131 311123 311321 "
    b"331121 312113 312311 332111 314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 "
    b"112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 111242 121142 121241 114212 "
    b"124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 114311 411113 "
    b"411311 113141 114131 311141 411131 211412 211214 211232"
)
_PATTERNS = np.frombuffer(_PATTERN_DIGITS.replace(b" ", b""), np.uint8).reshape(106, 6) - np.uint8(ord("0"))
_STOP = np.array([2, 3, 3, 1, 1, 1, 2], np.uint8)

# Code sets are single bits, so that a byte can have several. Among equal costs the lowest bit is preferred, so that
# messages start with digits.
_C, _B, _A = (np.uint8(bit) for bit in (1, 2, 4))
_SETS = np.array([_C, _B, _A])
# Symbol characters that switch to a set and that start in it, by its bit.
_SWITCHES = np.array([0, 99, 100, 0, 101], np.uint8)
_STARTS = np.array([0, 105, 104, 0, 103], np.uint8)
_SHIFT, _FNC1 = np.uint8(98), np.uint8(102)


# More than the cost of any message, and small enough that sums fit a byte.
_OUT_OF_REACH = 120


def _tables() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return for each byte the number of symbol characters in sets C, B and A, (3, 256), and its value, (256,).

    A shifted byte takes 2. The value is the same in A and B. Pairs of digits in C are not counted here. The filler
    takes 0. Source: ISO/IEC 15417, table 1.
    """
    costs = np.full((3, 256), _OUT_OF_REACH, np.uint8)
    values = np.full(256, _ABSENT, np.uint8)
    for byte in range(128):
        costs[1:, byte] = 1 if byte >= 32 else 2, 1 if byte < 96 else 2
        values[byte] = byte + 64 if byte < 32 else byte - 32
    costs[:, FNC1_BYTE] = 1
    values[FNC1_BYTE] = _FNC1
    costs[:, _ABSENT] = 0
    return costs, values


_COSTS, _VALUES = _tables()


@dataclass(frozen=True, slots=True)
class _Characters:
    """Symbol characters from start to last data, of symbols that have the same number of them.

    `positions` has shape (n,), `values` (n, characters).
    """

    positions: NDArray[np.intp]
    values: NDArray[np.uint8]


def encode(messages: Sequence[bytes]) -> EncodedBatch:
    r"""Return the GS1-128 symbols of GS1 element strings, one group per number of symbol characters.

    A message is ASCII, starts with FNC1 as byte 0x1D, and every later 0x1D is FNC1 as separator. Code sets are chosen
    so that no other choice takes fewer symbol characters. Groups are in order of width, and symbols in a group in order
    of position. A symbol does not depend on the rest of the batch.

    Errors are in `refused`, not raised: PayloadNotEncodable for a message without FNC1 in front, without data or with
    bytes above 127; PayloadTooLong for more than 48 data characters, separators included.

    >>> batch = encode([b"\x1d0109506000134352", b"0109506000134352"])
    >>> batch.groups[0].width_x, list(batch.refused)
    (134.0, [1])
    """
    refused: dict[int, LabelError] = {}
    by_count: dict[int, list[_Characters]] = {}
    for positions, text, valid in _texts(messages):
        refused.update((int(p), _refusal(messages[int(p)])) for p in positions[~valid])
        if text.size:
            for part in _symbol_characters(positions[valid], text):
                by_count.setdefault(part.values.shape[1], []).append(part)
    groups = [_symbols(by_count.pop(count)) for count in sorted(by_count)]
    return EncodedBatch(groups, refused)


def _texts(
    messages: Sequence[bytes],
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.uint8], NDArray[np.bool_]]]:
    """Yield positions (n,), data of the valid messages (characters, valid), and which of the n are valid (n,)."""
    for start in range(0, len(messages), _SYMBOLS_AT_ONCE):
        part = messages[start : start + _SYMBOLS_AT_ONCE]
        lengths = np.fromiter(map(len, part), np.intp, len(part))
        valid = (lengths >= 2) & (lengths <= 1 + MOST_CHARACTERS)
        if not valid.all():
            part = [message for message, fits in zip(part, valid.tolist(), strict=True) if fits]
            lengths = lengths[valid]
        inside = np.arange(lengths.max(initial=1)) < lengths[:, None]
        text = np.full(inside.shape, _ABSENT, np.uint8)
        text[inside] = np.frombuffer(b"".join(part), np.uint8)
        right = (text[:, 0] == FNC1_BYTE) & ~((text > 127) & inside).any(axis=1)
        if not right.all():
            text = text[right]
        valid[valid] = right
        yield np.arange(start, start + len(valid)), np.ascontiguousarray(text[:, 1:].T), valid


def _refusal(message: bytes) -> LabelError:
    return element_strings.refusal(message, "GS1-128") or too_long(message)


def too_long(message: bytes) -> PayloadTooLong:
    """Return the error for a message with more characters than GS1 allows."""
    return PayloadTooLong(
        f"{len(message) - 1} data characters are more than a GS1-128 may have.",
        value=message,
        expected=f"at most {MOST_CHARACTERS} data characters, FNC1 as separator included",
    )


def _symbol_characters(positions: NDArray[np.intp], text: NDArray[np.uint8]) -> Iterator[_Characters]:
    """Yield the symbol characters of texts (characters, n), by their number."""
    length, count = text.shape
    costs = _COSTS.take(text, axis=1)
    sets, pairs = _code_sets(text, costs)
    # Up to three symbol characters per character of text: a switch of code set, a shift, the value.
    slots = np.full((length, 3, count), _ABSENT, np.uint8)
    switches = sets[1:] != sets[:-1]
    np.copyto(slots[1:, 0], _SWITCHES.take(sets[1:]), where=switches)
    shifts = ((sets == _B) & (costs[1] == 2)) | ((sets == _A) & (costs[2] == 2))
    np.copyto(slots[:, 1], _SHIFT, where=shifts)
    slots[:, 2] = _VALUES.take(text)
    # The value of a digit is 16 to 25. The first slot of a pair has the value of the pair, the second has none.
    tens, units = slots[:-1, 2], slots[1:, 2]
    np.copyto(tens, 10 * (tens - 16) + units - 16, where=pairs[:-1])
    np.copyto(units, _ABSENT, where=pairs[:-1])

    planes = slots.reshape(-1, count)
    planes = planes[(planes != _ABSENT).any(axis=1)]
    taken = np.count_nonzero(planes != _ABSENT, axis=0)
    order = np.argsort(taken, kind="stable")
    rows = np.ascontiguousarray(planes.T)[order]
    data = rows[rows != _ABSENT]
    for number, symbols in zip(*np.unique(taken, return_counts=True), strict=True):
        chosen, order = order[:symbols], order[symbols:]
        values = np.empty((symbols, 2 + number), np.uint8)
        values[:, 0] = _STARTS[sets[0, chosen]]
        values[:, 1] = _FNC1
        values[:, 2:] = data[: symbols * number].reshape(symbols, number)
        data = data[symbols * number :]
        yield _Characters(positions[chosen], values)


def _code_sets(
    text: NDArray[np.uint8], costs: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the code set of each character and where pairs of digits begin, both (characters, n).

    The first pass, from the last character to the first, counts the symbol characters of the rest of the text by the
    code set in which it begins. The second pass, from the first character to the last, keeps the code set as long as
    that costs no more.
    """
    length, count = text.shape
    digits = (text >= ord("0")) & (text <= ord("9"))
    paired = np.zeros_like(digits)
    np.logical_and(digits[:-1], digits[1:], out=paired[:-1])
    pair_costs = np.where(paired, np.uint8(1), np.uint8(_OUT_OF_REACH))

    kept = np.empty((length, 3, count), np.bool_)
    best = np.empty((length, 3, count), np.bool_)
    ahead = np.zeros((3, count), np.uint8)  # of the text after this character, by the set before it
    ahead_of_pair = np.zeros(count, np.uint8)  # in C, of the text after the next character too
    for i in reversed(range(length)):
        here = ahead + costs[:, i]
        np.minimum(here[0], ahead_of_pair + pair_costs[i], out=here[0])
        ahead_of_pair = ahead[0]
        least = here.min(axis=0)
        np.equal(here, least, out=best[i])
        least += 1  # with a switch first
        np.less_equal(here, least, out=kept[i])
        ahead = np.minimum(here, least)

    keepers, candidates = (np.bitwise_or.reduce(mask * _SETS[:, None], axis=1) for mask in (kept, best))
    candidates &= -candidates  # the lowest bit
    sets = np.empty((length, count), np.uint8)
    pairs = np.empty((length, count), np.bool_)
    current = candidates[0]
    within_pair = np.zeros(count, np.bool_)
    for i in range(length):
        stays = within_pair | ((keepers[i] & current) != 0)
        current = np.where(stays, current, candidates[i])
        sets[i] = current
        within_pair = np.logical_and((current == _C) & paired[i], ~within_pair, out=pairs[i])
    return sets, pairs


def _symbols(parts: Sequence[_Characters]) -> BarSymbols:
    """Return the symbols of these symbol characters, in the order of the batch."""
    count = sum(len(part.positions) for part in parts)
    characters = parts[0].values.shape[1]
    # The check character is a sum modulo 103: the start has weight 1, the characters after it 1, 2, 3 …
    weights = np.maximum(np.arange(characters), 1)
    widths = np.empty((count, 6 * (characters + 1) + len(_STOP)), np.uint8)
    widths[:, -len(_STOP) :] = _STOP
    start = 0
    for part in parts:
        stop = start + len(part.values)
        check = (part.values @ weights % 103).astype(np.uint8)
        values = np.concatenate((part.values, check[:, None]), axis=1)
        widths[start:stop, : -len(_STOP)] = _PATTERNS.take(values, axis=0).reshape(len(values), -1)
        start = stop
    return BarSymbols(np.concatenate([part.positions for part in parts]), widths)


# The symbol character of a pattern, by its widths as digits of base 4.
_WEIGHTS = np.array([4**5, 4**4, 4**3, 4**2, 4, 1], np.intp)
_CHARACTERS = np.zeros(4**6, np.uint8)
_CHARACTERS[(_PATTERNS - 1) @ _WEIGHTS] = np.arange(len(_PATTERNS))


def characters(symbols: BarSymbols) -> NDArray[np.uint8]:
    r"""Return the symbol characters of GS1-128 symbols from the start to the last data, shape (n, characters).

    >>> characters(encode([b"\x1d0109506000134352"]).groups[0]).tolist()
    [[105, 102, 1, 9, 50, 60, 0, 13, 43, 52]]
    """
    widths = symbols.widths[:, : -len(_STOP) - _PATTERNS.shape[1]]
    return _CHARACTERS[(widths.reshape(len(widths), -1, _PATTERNS.shape[1]) - 1) @ _WEIGHTS]
