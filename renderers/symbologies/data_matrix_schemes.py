"""Find the encodation schemes of the characters of GS1 messages by a shortest-path search over a batch.

Source: ISO/IEC 16022:2006, 5.2.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renderers.symbologies.data_matrix_characters import (
    ABSENT,
    C40,
    C40_TAKES,
    EDIFACT,
    IS_DIGIT,
    NO_VALUE,
    TEXT,
    TEXT_TAKES,
    X12,
    X12_VALUE,
)

#: Larger than any cost, and within 16 bits after the additions for the longest message.
_NEVER = 16_000


@dataclass(frozen=True, slots=True)
class Tail:
    """The part of each message to search: without the FNC1 and most of the leading digits.

    `columns` has shape (characters, n), right-aligned after `ABSENT`. `spent` counts the ASCII codewords of the omitted
    part.
    """

    columns: NDArray[np.uint8]
    spent: NDArray[np.intp]

    @classmethod
    def of(cls, text: NDArray[np.uint8], lengths: NDArray[np.intp]) -> "Tail":
        # Six digits take four codewords in the C40 family and three in ASCII, so a latch six digits
        # before the end of the leading digits can come six digits later; EDIFACT likewise four later.
        leading = IS_DIGIT.take(text[:, 1:]).argmin(axis=1)
        skipped = np.maximum(0, leading - 6) // 2 * 2
        longest = int((lengths - 1 - skipped).max())
        places = lengths[:, None] - longest + np.arange(longest)
        characters = np.take_along_axis(text, np.maximum(places, 0), axis=1)
        characters[places < (1 + skipped)[:, None]] = ABSENT
        return cls(np.ascontiguousarray(characters.T), 1 + skipped // 2)

    def only(self, chosen: NDArray[np.bool_]) -> "Tail":
        return Tail(np.ascontiguousarray(self.columns[:, chosen]), self.spent[chosen])


# States of the search after a character: the scheme, and how many C40 values or EDIFACT characters wait for
# their codewords. HALF is ASCII between the digits of a pair; ANY means "wherever ASCII was reached from".
_A, _C, _T, _X, _E, _HALF, _ANY = 0, 1, 4, 7, 10, 14, 15
_SCHEME_OF_STATE = np.array([0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 4, 0], dtype=np.uint8)
_RING_START = np.isin(np.arange(16), (_C, _T, _X, _E))
#: The states from which ASCII is reached without a character, in the order of `_closings`.
_CLOSABLE = np.array([_A, _C, _T, _X, _E, _E + 1, _E + 2, _E + 3], dtype=np.uint8)


def _previous_states() -> NDArray[np.uint8]:
    """Return the state before a character that took 0, 1 or 2 values, shape (16, 3)."""
    previous = np.full((16, 3), _ANY, dtype=np.uint8)
    for start, ring in ((_C, 3), (_T, 3), (_X, 3), (_E, 4)):
        for held in range(ring):
            for values in (1, 2):
                previous[start + held, values] = start + (held - values) % ring
    return previous


_PREVIOUS = _previous_states()


def cheapest_schemes(tail: Tail, capacities: NDArray[np.intp]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the scheme of every character, shape (characters, n), and which messages fit.

    The rules at the end of the symbol (5.2.5.2, 5.2.6.2, 5.2.7.2, 5.2.8.2) depend on the remaining room, so the search
    needs `capacities`, the number of data codewords of the symbol.
    """
    columns = tail.columns
    length, count = columns.shape
    capacity = capacities.astype(np.int16)
    digits = IS_DIGIT.take(columns)
    absent = columns == ABSENT
    values_taken = np.stack((C40_TAKES.take(columns), TEXT_TAKES.take(columns)))
    in_x12 = X12_VALUE.take(columns) != NO_VALUE
    in_edifact = (columns >= 0x20) & (columns <= 0x5E)

    origins = np.empty((length, count), dtype=np.uint8)
    paired = np.empty((length, count), dtype=np.bool_)
    latched = np.empty((length, 5, count), dtype=np.bool_)

    never = np.full(count, _NEVER, dtype=np.int16)
    plain = tail.spent.astype(np.int16)
    half = never
    # c40[h] holds C40 in its first row and Text in its second, with h values held back
    c40 = [np.stack((never, never)) for _ in range(3)]
    x12 = [never] * 3
    edifact = [never] * 4
    for i in range(length):
        closings = _closings(plain, c40[0], x12[0], edifact, capacity)
        origins[i] = _CLOSABLE.take(closings.argmin(axis=0))
        start = closings.min(axis=0)
        entered = start + np.int16(1)

        latched[i, C40 : TEXT + 1] = entered < c40[0]
        latched[i, X12] = entered < x12[0]
        latched[i, EDIFACT] = entered < edifact[0]
        from_c40 = np.minimum(c40[0], entered)
        from_x12 = np.minimum(x12[0], entered)
        from_edifact = np.minimum(edifact[0], entered)

        single = np.where(absent[i], start, entered)
        pair = np.where(digits[i], half + np.int16(1), never)
        paired[i] = pair < single
        plain = np.minimum(single, pair)
        half = np.where(digits[i], start, never)

        takes_one = values_taken[:, i] == 1
        c40 = [
            np.where(takes_one, c40[2], c40[1]) + np.int16(2),
            np.where(takes_one, from_c40, c40[2] + np.int16(2)),
            np.where(takes_one, c40[1], from_c40),
        ]
        if absent[i].any():
            c40 = [np.where(absent[i], never, cost) for cost in c40]
        x12 = [np.where(in_x12[i], cost, never) for cost in (x12[2] + np.int16(2), from_x12, x12[1])]
        edifact = [
            np.where(in_edifact[i], cost, never)
            for cost in (edifact[3] + np.int16(3), from_edifact, edifact[1], edifact[2])
        ]

    closings = _closings(plain, c40[0], x12[0], edifact, capacity)
    # Ends without unlatch, which fill the symbol to the last codeword. The padded triple of 5.2.5.2 b) is never needed:
    # it costs no more to encode the first character of its run in ASCII before the latch, and the last one after the
    # implied unlatch, and less if either takes two values.
    exact = np.concatenate((c40[0], [x12[0], edifact[0]])) == capacity
    closed = closings.min(axis=0) <= capacity
    state = np.where(
        closed,
        _CLOSABLE.take(closings.argmin(axis=0)),
        np.array([_C, _T, _X, _E], dtype=np.uint8).take(exact.argmax(axis=0)),
    )
    schemes = _retrace(state, origins, paired, latched, values_taken)
    return schemes, closed | exact.any(axis=0)


def _closings(
    plain: NDArray[np.int16],
    c40: NDArray[np.int16],
    x12: NDArray[np.int16],
    edifact: list[NDArray[np.int16]],
    capacity: NDArray[np.int16],
) -> NDArray[np.int16]:
    """Return the total cost of being in ASCII now, from each of the states `_CLOSABLE`.

    The unlatch of the C40 family is implied before the last codeword of the symbol, that of EDIFACT
    before the last two; EDIFACT cannot begin a group of four there.
    """
    closings = np.empty((8, len(plain)), dtype=np.int16)
    closings[0] = plain
    closings[1:3] = c40 + (capacity - c40 != 1)
    closings[3] = x12 + (capacity - x12 != 1)
    closings[4] = edifact[0] + (capacity - edifact[0] > 2)
    closings[5] = np.where(capacity - edifact[1] > 2, edifact[1] + np.int16(2), np.int16(_NEVER))
    closings[6] = edifact[2] + np.int16(3)
    closings[7] = edifact[3] + np.int16(3)
    return closings


def _retrace(
    state: NDArray[np.uint8],
    origins: NDArray[np.uint8],
    paired: NDArray[np.bool_],
    latched: NDArray[np.bool_],
    values_taken: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """Return the scheme of every character on the path that ends in `state`."""
    schemes = np.empty(origins.shape, dtype=np.uint8)
    every = np.arange(len(state))
    for i in range(len(origins) - 1, -1, -1):
        scheme = _SCHEME_OF_STATE.take(state)
        schemes[i] = scheme
        takes = np.where(scheme == C40, values_taken[0, i], np.where(scheme == TEXT, values_taken[1, i], 1))
        before = _PREVIOUS[state, takes]
        before[_RING_START.take(before) & latched[i, scheme, every]] = _ANY
        before[(state == _A) & paired[i]] = _HALF
        state = np.where(before == _ANY, origins[i], before)
    return schemes
