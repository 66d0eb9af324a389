"""GS1 messages as data codewords of the smallest symbol, for a whole batch at once.

ASCII encodation, which packs two digits into a codeword, is tried first. If a lower bound says that other
schemes might reach a smaller symbol, a shortest-path search over the schemes runs, for all such messages
together. Its result is taken if the symbol really is smaller.

Base 256 is left out: it takes a codeword per byte, a latch and a length, and ASCII takes at most a codeword
for each byte up to 127, so Base 256 makes no accepted message shorter.

Source: ISO/IEC 16022:2006, 5.2; FNC1 in first position and as separator: 5.2.4.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renderers.symbologies.data_matrix_structure import CAPACITIES
from renderers.symbologies.element_strings import FNC1_BYTE

#: Fills the short rows of a padded matrix of messages and takes no codeword. No message has this byte.
ABSENT = 0x80

ASCII, C40, TEXT, X12, EDIFACT = range(5)

_FNC1_CODEWORD = 232
_PAD_CODEWORD = 129
_UNLATCH = 254  # from C40, Text and X12
_EDIFACT_UNLATCH = 31
#: Codeword that leaves ASCII for each scheme (table 2); none for ASCII itself.
_LATCH = np.array([0, 230, 239, 238, 240], dtype=np.uint8)

#: Larger than any cost; stays within 16 bits after the additions of the longest message.
_NEVER = 16_000


@dataclass(frozen=True, slots=True)
class Codewords:
    """Data codewords of a batch: `rows` has shape (n, width), `sizes` numbers into `SIZES`.

    A row holds as many padded codewords as its size has; later columns are undefined. The size is −1 for a
    message that no size can hold.
    """

    rows: NDArray[np.uint8]
    sizes: NDArray[np.intp]


def to_codewords(text: NDArray[np.uint8], lengths: NDArray[np.intp]) -> Codewords:
    """Return the codewords of messages, one per row of `text`, filled with `ABSENT` after its length.

    Every message starts with FNC1 and holds no other byte above 127 than the fill.
    """
    rows, counts = _in_ascii(text)
    sizes = np.searchsorted(CAPACITIES, counts)
    # The least cost of every character in its best scheme, with the first FNC1 and one latch.
    bound = 2 + -(-_LEAST_TWELFTHS.take(text[:, 1:]).sum(axis=1, dtype=np.intp) // 12)
    attempts = np.searchsorted(CAPACITIES, bound)
    width = int(CAPACITIES[min(int(sizes.max()), len(CAPACITIES) - 1)])
    codewords = np.zeros((len(rows), width), dtype=np.uint8)
    shared = min(width, rows.shape[1])
    codewords[:, :shared] = rows[:, :shared]
    while len(hopeful := np.flatnonzero(attempts < sizes)):
        capacities = CAPACITIES[attempts[hopeful]]
        tail = _Tail.of(text[hopeful], lengths[hopeful])
        schemes, fits = _cheapest_schemes(tail, capacities)
        found = hopeful[fits]
        if len(found):
            counts[found] = _write_schemes(
                codewords, found, tail.only(fits), schemes[:, fits], capacities[fits]
            )
            sizes[found] = attempts[found]
        attempts[hopeful] += 1
    sizes[sizes == len(CAPACITIES)] = -1
    _pad(codewords, counts)
    return Codewords(codewords, sizes)


def _in_ascii(text: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """Return the messages in ASCII encodation, left-aligned, and the number of codewords of each."""
    columns = np.ascontiguousarray(text.T)
    values, kept = _ascii_values(columns, _IS_DIGIT.take(columns))
    kept &= columns != ABSENT
    by_row = np.ascontiguousarray(kept.T)
    counts = by_row.sum(axis=1, dtype=np.intp)
    rows = np.zeros((len(text), int(counts.max())), dtype=np.uint8)
    rows[np.arange(rows.shape[1]) < counts[:, None]] = np.ascontiguousarray(values.T)[by_row]
    return rows, counts


def _ascii_values(
    columns: NDArray[np.uint8], pairable: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the codeword of each character, and which characters have one: all but the second digit of a pair.

    Arrays are (characters, messages). Pairs are taken from the left of every run of `pairable` digits.
    """
    kept = np.ones(columns.shape, dtype=np.bool_)
    for position in range(1, len(columns)):
        kept[position] = ~(pairable[position] & pairable[position - 1] & kept[position - 1])
    values = _ASCII_CODEWORD.take(columns)
    first = ~kept[1:]
    # 130 + 10 a + b with a and b as bytes, modulo 256
    pairs = columns[:-1] * np.uint8(10) + columns[1:] + np.uint8((130 - 11 * 0x30) % 256)
    values[:-1][first] = pairs[first]
    return values, kept


def _pad(codewords: NDArray[np.uint8], counts: NDArray[np.intp]) -> None:
    """Fill every row after its codewords, in place: 129, then 129 randomised by place (5.2.3, Annex B.1)."""
    width = codewords.shape[1]
    randomised = _PAD_CODEWORD + 149 * np.arange(1, width + 1) % 253 + 1
    randomised[randomised > 254] -= 254
    columns = np.arange(width)
    np.copyto(codewords, randomised.astype(np.uint8), where=columns > counts[:, None])
    np.copyto(codewords, np.uint8(_PAD_CODEWORD), where=columns == counts[:, None])


@dataclass(frozen=True, slots=True)
class _Tail:
    """The part of each message that is searched: all but the FNC1 and most of the leading digits.

    `columns` has shape (characters, n), right-aligned behind `ABSENT`; `spent` counts the ASCII
    codewords of what was left out.
    """

    columns: NDArray[np.uint8]
    spent: NDArray[np.intp]

    @classmethod
    def of(cls, text: NDArray[np.uint8], lengths: NDArray[np.intp]) -> "_Tail":
        # Six digits take four codewords in the C40 family and three in ASCII, so a latch six digits
        # before the end of the leading digits can come six digits later; EDIFACT likewise four later.
        leading = _IS_DIGIT.take(text[:, 1:]).argmin(axis=1)
        skipped = np.maximum(0, leading - 6) // 2 * 2
        longest = int((lengths - 1 - skipped).max())
        places = lengths[:, None] - longest + np.arange(longest)
        characters = np.take_along_axis(text, np.maximum(places, 0), axis=1)
        characters[places < (1 + skipped)[:, None]] = ABSENT
        return cls(np.ascontiguousarray(characters.T), 1 + skipped // 2)

    def only(self, chosen: NDArray[np.bool_]) -> "_Tail":
        return _Tail(np.ascontiguousarray(self.columns[:, chosen]), self.spent[chosen])


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


def _cheapest_schemes(
    tail: _Tail, capacities: NDArray[np.intp]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the scheme of every character, shape (characters, n), and which messages fit so.

    The rules at the end of the symbol (5.2.5.2, 5.2.6.2, 5.2.7.2, 5.2.8.2) depend on the room left, so the
    search needs `capacities`, the data codewords of the symbol that is tried.
    """
    columns = tail.columns
    length, count = columns.shape
    capacity = capacities.astype(np.int16)
    digits = _IS_DIGIT.take(columns)
    absent = columns == ABSENT
    values_taken = np.stack((_C40_TAKES.take(columns), _TEXT_TAKES.take(columns)))
    in_x12 = _X12_VALUE.take(columns) != _NO_VALUE
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
    # Ends without unlatch, which fill the symbol to the last codeword. The padded triple of 5.2.5.2 b) is
    # never needed: the first character of its run in ASCII before the latch and its last behind the implied unlatch
    # cost no more, and less if either takes two values.
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


def _write_schemes(
    codewords: NDArray[np.uint8],
    rows: NDArray[np.intp],
    tail: _Tail,
    schemes: NDArray[np.uint8],
    capacities: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Write the messages of `rows` in the chosen schemes, after the codewords of the part that was not searched.

    Returns the number of codewords of each.
    """
    writer = _Writer(codewords, rows, tail.spent.copy(), capacities)
    columns = tail.columns
    plain = schemes == ASCII
    ascii_values, kept = _ascii_values(columns, _IS_DIGIT.take(columns) & plain)
    kept &= plain & (columns != ABSENT)
    before = np.zeros(len(rows), dtype=np.uint8)
    for i, now in enumerate(schemes):
        changed = now != before
        if changed.any():
            writer.unlatch(np.flatnonzero(changed & (before != ASCII)), before, more=True)
            latching = np.flatnonzero(changed & (now != ASCII))
            writer.put(latching, _LATCH.take(now[latching]))
        characters = columns[i]
        which = np.flatnonzero(kept[i])
        writer.put(which, ascii_values[i, which])
        for scheme, shifts, values in _C40_FAMILY:
            if len(which := np.flatnonzero(now == scheme)):
                shift = shifts.take(characters[which])
                shifted = shift != _NO_VALUE
                writer.push_c40(which[shifted], shift[shifted])
                writer.push_c40(which, values.take(characters[which]))
        which = np.flatnonzero(now == EDIFACT)
        writer.push_edifact(which, characters[which])
        before = now
    writer.unlatch(np.flatnonzero(before != ASCII), before, more=False)
    return writer.counts


class _Writer:
    """Appends codewords to rows of a matrix, each row with its own place, and packs C40 and EDIFACT."""

    def __init__(
        self,
        codewords: NDArray[np.uint8],
        rows: NDArray[np.intp],
        counts: NDArray[np.intp],
        capacities: NDArray[np.intp],
    ) -> None:
        self.counts = counts
        self._codewords = codewords
        self._rows = rows
        self._capacities = capacities
        self._packed = np.zeros(len(rows), dtype=np.int64)
        self._held = np.zeros(len(rows), dtype=np.intp)

    def put(self, which: NDArray[np.intp], codewords: NDArray[np.uint8] | int) -> None:
        """Append one codeword to each of the rows `which`."""
        self._codewords[self._rows[which], self.counts[which]] = codewords
        self.counts[which] += 1

    def push_c40(self, which: NDArray[np.intp], values: NDArray[np.uint8]) -> None:
        """Append one value of C40, Text or X12 (5.2.5.2): three make two codewords."""
        self._packed[which] = self._packed[which] * 40 + values
        self._held[which] += 1
        full = which[self._held[which] == 3]
        if len(full):
            packed = self._packed[full] + 1
            self.put(full, (packed >> 8).astype(np.uint8))
            self.put(full, (packed & 0xFF).astype(np.uint8))
            self._clear(full)

    def push_edifact(self, which: NDArray[np.intp], characters: NDArray[np.uint8]) -> None:
        """Append one EDIFACT character (5.2.8.2): four make three codewords."""
        self._packed[which] = self._packed[which] << 6 | (characters & 0x3F)
        self._held[which] += 1
        full = which[self._held[which] == 4]
        if len(full):
            self._put_packed(full, self._packed[full], np.full(len(full), 3))

    def unlatch(self, which: NDArray[np.intp], schemes: NDArray[np.uint8], *, more: bool) -> None:
        """Return the rows `which` to ASCII, or end them where no `more` characters follow."""
        in_edifact = schemes[which] == EDIFACT
        self._unlatch_edifact(which[in_edifact])
        which = which[~in_edifact]
        room = self._capacities[which] - self.counts[which]
        self.put(which[room != 1 if more else room > 0], _UNLATCH)

    def _unlatch_edifact(self, which: NDArray[np.intp]) -> None:
        room = self._capacities[which] - self.counts[which]
        which = which[room > 2]
        held = self._held[which]
        packed = (self._packed[which] << 6 | _EDIFACT_UNLATCH) << 6 * (3 - held)
        self._put_packed(which, packed, np.minimum(held + 1, 3))

    def _put_packed(
        self, which: NDArray[np.intp], packed: NDArray[np.int64], lengths: NDArray[np.intp]
    ) -> None:
        """Append the first 1–3 bytes of 24-bit numbers."""
        for place in range(3):
            chosen = lengths > place
            self.put(which[chosen], (packed[chosen] >> 16 - 8 * place & 0xFF).astype(np.uint8))
        self._clear(which)

    def _clear(self, which: NDArray[np.intp]) -> None:
        self._packed[which] = 0
        self._held[which] = 0


# Tables by byte value.

_NO_VALUE = 0xFF
_UPPER = range(ord("A"), ord("Z") + 1)
_LOWER = range(ord("a"), ord("z") + 1)
_DIGITS = range(ord("0"), ord("9") + 1)


def _table(values: dict[int, int], default: int) -> NDArray[np.uint8]:
    table = np.full(256, default, dtype=np.uint8)
    for byte, value in values.items():
        table[byte] = value
    return table


def _c40_tables(basic: range, other: range) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the shift (or none) and the value of every character; `basic` are the unshifted letters.

    Source: ISO/IEC 16022:2006, Annex C.1 (C40) and C.2 (Text). Byte 0x1D is FNC1, not GS.
    """
    shifts: dict[int, int] = {}
    values = {0x20: 3}
    values |= {byte: 4 + i for i, byte in enumerate(_DIGITS)}
    values |= {byte: 14 + i for i, byte in enumerate(basic)}
    sets = {
        0: list(range(0x20)),
        1: [*range(0x21, 0x30), *range(0x3A, 0x41), *range(0x5B, 0x60)],
        2: [0x60, *other, *range(0x7B, 0x80)],
    }
    for shift, members in sets.items():
        shifts |= dict.fromkeys(members, shift)
        values |= {byte: i for i, byte in enumerate(members)}
    shifts[FNC1_BYTE], values[FNC1_BYTE] = 1, 27
    return _table(shifts, _NO_VALUE), _table(values, _NO_VALUE)


def _values_taken(shifts: NDArray[np.uint8], values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return how many values each character takes: 1, or 2 with a shift; 0 where it has none."""
    taken = 1 + (shifts != _NO_VALUE).astype(np.uint8)
    taken[values == _NO_VALUE] = 0
    return taken


_IS_DIGIT: NDArray[np.bool_] = _table(dict.fromkeys(_DIGITS, 1), 0).astype(np.bool_)
_ASCII_CODEWORD = _table({byte: byte + 1 for byte in range(128)} | {FNC1_BYTE: _FNC1_CODEWORD}, 0)
_C40_SHIFT, _C40_VALUE = _c40_tables(_UPPER, _LOWER)
_TEXT_SHIFT, _TEXT_VALUE = _c40_tables(_LOWER, _UPPER)
_C40_TAKES = _values_taken(_C40_SHIFT, _C40_VALUE)
_TEXT_TAKES = _values_taken(_TEXT_SHIFT, _TEXT_VALUE)
#: ISO/IEC 16022:2006, 5.2.7.
_X12_VALUE = _table(
    {0x0D: 0, ord("*"): 1, ord(">"): 2, ord(" "): 3}
    | {byte: 4 + i for i, byte in enumerate(_DIGITS)}
    | {byte: 14 + i for i, byte in enumerate(_UPPER)},
    _NO_VALUE,
)
_C40_FAMILY = (
    (C40, _C40_SHIFT, _C40_VALUE),
    (TEXT, _TEXT_SHIFT, _TEXT_VALUE),
    (X12, _table({}, _NO_VALUE), _X12_VALUE),
)
#: Twelfths of a codeword that a character needs at least: half for a digit in ASCII, two thirds for
#: one value of the C40 family, three quarters in EDIFACT, else a whole one.
_LEAST_TWELFTHS = _table(
    dict.fromkeys(range(128), 12)
    | dict.fromkeys(range(0x20, 0x5F), 9)
    | dict.fromkeys([0x0D, *b" *>", *_UPPER, *_LOWER], 8)
    | dict.fromkeys(_DIGITS, 6),
    0,
)
