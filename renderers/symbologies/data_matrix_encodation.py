"""GS1 messages as data codewords of the smallest symbol, for a whole batch at once.

ASCII encodation, which packs two digits into a codeword, is tried first. If a lower bound shows that other schemes
might give a smaller symbol, a shortest-path search over the schemes runs, for all such messages together. Its result is
used if the symbol is smaller.

Base 256 is not used: it takes a codeword per byte, a latch and a length, while ASCII takes at most a codeword for each
byte up to 127. So Base 256 cannot make an accepted message shorter.

Source: ISO/IEC 16022:2006, 5.2; FNC1 in first position and as separator: 5.2.4.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renderers.symbologies.data_matrix_characters import (
    ABSENT,
    ASCII,
    ASCII_CODEWORD,
    C40_FAMILY,
    EDIFACT,
    IS_DIGIT,
    LEAST_TWELFTHS,
    NO_VALUE,
)
from renderers.symbologies.data_matrix_schemes import Tail, cheapest_schemes
from renderers.symbologies.data_matrix_structure import Sizes

_PAD_CODEWORD = 129
_UNLATCH = 254  # from C40, Text and X12
_EDIFACT_UNLATCH = 31
#: Codeword that leaves ASCII for each scheme (table 2); none for ASCII itself.
_LATCH = np.array([0, 230, 239, 238, 240], dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Codewords:
    """Data codewords of a batch: `rows` has shape (n, width), `sizes` are indexes into the allowed sizes.

    A row has as many padded codewords as its size; later columns are undefined. The size is −1 for a message that fits
    no size.
    """

    rows: NDArray[np.uint8]
    sizes: NDArray[np.intp]


def to_codewords(text: NDArray[np.uint8], lengths: NDArray[np.intp], allowed: Sizes) -> Codewords:
    """Return the codewords of messages, one per row of `text`, filled with `ABSENT` after its length.

    Every message starts with FNC1 and has no byte above 127 except the filler.
    """
    capacities = np.array([size.data for size in allowed], dtype=np.intp)
    rows, counts = _in_ascii(text)
    sizes = np.searchsorted(capacities, counts)
    # The least cost of every character in its best scheme, with the first FNC1 and one latch.
    bound = 2 + -(-LEAST_TWELFTHS.take(text[:, 1:]).sum(axis=1, dtype=np.intp) // 12)
    attempts = np.searchsorted(capacities, bound)
    width = int(capacities[min(int(sizes.max()), len(capacities) - 1)])
    codewords = np.zeros((len(rows), width), dtype=np.uint8)
    shared = min(width, rows.shape[1])
    codewords[:, :shared] = rows[:, :shared]
    while len(hopeful := np.flatnonzero(attempts < sizes)):
        tried = capacities[attempts[hopeful]]
        tail = Tail.of(text[hopeful], lengths[hopeful])
        schemes, fits = cheapest_schemes(tail, tried)
        found = hopeful[fits]
        if len(found):
            counts[found] = _write_schemes(codewords, found, tail.only(fits), schemes[:, fits], tried[fits])
            sizes[found] = attempts[found]
        attempts[hopeful] += 1
    sizes[sizes == len(capacities)] = -1
    _pad(codewords, counts)
    return Codewords(codewords, sizes)


def _in_ascii(text: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """Return the messages in ASCII encodation, left-aligned, and the number of codewords of each."""
    columns = np.ascontiguousarray(text.T)
    values, kept = _ascii_values(columns, IS_DIGIT.take(columns))
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
    values = ASCII_CODEWORD.take(columns)
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


def _write_schemes(
    codewords: NDArray[np.uint8],
    rows: NDArray[np.intp],
    tail: Tail,
    schemes: NDArray[np.uint8],
    capacities: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Write the messages of `rows` in the chosen schemes, after the codewords of the part before the search.

    Returns the number of codewords of each.
    """
    writer = _Writer(codewords, rows, tail.spent.copy(), capacities)
    columns = tail.columns
    plain = schemes == ASCII
    ascii_values, kept = _ascii_values(columns, IS_DIGIT.take(columns) & plain)
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
        for scheme, shifts, values in C40_FAMILY:
            if len(which := np.flatnonzero(now == scheme)):
                shift = shifts.take(characters[which])
                shifted = shift != NO_VALUE
                writer.push_c40(which[shifted], shift[shifted])
                writer.push_c40(which, values.take(characters[which]))
        which = np.flatnonzero(now == EDIFACT)
        writer.push_edifact(which, characters[which])
        before = now
    writer.unlatch(np.flatnonzero(before != ASCII), before, more=False)
    return writer.counts


class _Writer:
    """Appends codewords to rows of a matrix, each row at its own position, and packs C40 and EDIFACT."""

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
        """Return the rows `which` to ASCII, or end them if no `more` characters follow."""
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
