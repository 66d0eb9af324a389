"""GS1 DataMatrix (ECC 200), square or rectangular, many symbols at once.

Messages of a batch are encoded together as one matrix of codewords, error correction is a sum of table
look-ups, and a precomputed map per size puts every bit into its module.

Source: ISO/IEC 16022:2006; GS1 General Specifications, 5.6 (FNC1 first); GS1 DataMatrix
Guideline, release 2.5.1, 2.2 (square and rectangular sizes). The rectangular extension (ISO/IEC 21471) is left out.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from gs1.errors import LabelError
from renderers.errors import PayloadTooLong
from renderers.symbol import EncodedBatch, MatrixSymbols
from renderers.symbologies import element_strings
from renderers.symbologies.data_matrix_characters import ABSENT
from renderers.symbologies.data_matrix_encodation import to_codewords
from renderers.symbologies.data_matrix_structure import (
    SQUARES,
    Size,
    Sizes,
    error_correction,
    module_sources,
)
from renderers.symbologies.element_strings import FNC1_FIRST

#: Symbols encoded at a time, so that the intermediate arrays take less than 100 MB.
_ROWS_AT_ONCE = 4_000
_CELLS_AT_ONCE = 2_000_000

#: The largest symbol has 3,116 digits, and no character takes less room than a digit (table 7).
_LONGEST_MESSAGE = 1 + 3_116


def encode(messages: Sequence[bytes], allowed: Sizes = SQUARES) -> EncodedBatch:
    r"""Return a symbol for each GS1 element string, in the smallest of the `allowed` sizes that fits.

    A message is ASCII, starts with FNC1 as byte 0x1D, and every later 0x1D is FNC1 as separator. Modules have no quiet
    zone (GS1 requires 1X on all sides). Groups are in order of size, and symbols in a group in order of position. A
    symbol does not depend on the rest of the batch.

    Errors are in `refused`, not raised: PayloadNotEncodable for a message without FNC1 in front, without data or with
    bytes above 127; PayloadTooLong for a message that does not fit the largest size.

    >>> batch = encode([b"\x1d0109506000134352", b"0109506000134352"])
    >>> [group.modules.shape for group in batch.groups], list(batch.refused)
    ([(1, 16, 16)], [1])
    """
    accepted = [position for position, message in enumerate(messages) if _is_encodable(message)]
    refused = {
        position: _refusal(message, allowed)
        for position, message in enumerate(messages)
        if not _is_encodable(message)
    }
    by_size: dict[int, list[tuple[NDArray[np.intp], NDArray[np.uint8]]]] = {}
    for positions, text, lengths in _padded(messages, accepted):
        codewords = to_codewords(text, lengths, allowed)
        for index in np.unique(codewords.sizes).tolist():
            rows = np.flatnonzero(codewords.sizes == index)
            if index < 0:
                refused.update((int(p), too_long(messages[int(p)], allowed)) for p in positions[rows])
            else:
                by_size.setdefault(index, []).append(
                    (positions[rows], codewords.rows[rows, : allowed[index].data])
                )
    groups: list[MatrixSymbols] = []
    for index in sorted(by_size):
        parts = by_size.pop(index)
        positions = np.concatenate([part[0] for part in parts])
        order = np.argsort(positions)
        data = np.concatenate([part[1] for part in parts])[order]
        groups.append(MatrixSymbols(positions[order], _modules(allowed[index], data)))
    return EncodedBatch(groups, dict(sorted(refused.items())))


def sizes(messages: Sequence[bytes], allowed: Sizes = SQUARES) -> NDArray[np.intp]:
    """Return the rows and columns of each symbol that `encode` would make, shape (n, 2), 0 if it would refuse it."""
    found = np.zeros((len(messages), 2), np.intp)
    # The last element is for messages that fit no size. Their index is -1.
    modules = np.array([(size.rows, size.columns) for size in allowed] + [(0, 0)])
    accepted = [position for position, message in enumerate(messages) if _is_encodable(message)]
    for positions, text, lengths in _padded(messages, accepted):
        found[positions] = modules[to_codewords(text, lengths, allowed).sizes]
    return found


def _is_encodable(message: bytes) -> bool:
    return message[:1] == FNC1_FIRST and 1 < len(message) <= _LONGEST_MESSAGE and message.isascii()


def _refusal(message: bytes, allowed: Sizes) -> LabelError:
    return element_strings.refusal(message, "GS1 DataMatrix") or too_long(message, allowed)


def too_long(message: bytes, allowed: Sizes = SQUARES) -> PayloadTooLong:
    """Return the error for a message that does not fit the largest of the `allowed` sizes."""
    largest = allowed[-1]
    return PayloadTooLong(
        f"{len(message)} characters do not fit the largest DataMatrix, {largest}.",
        value=message,
        expected=f"at most {largest.data} codewords",
    )


def _padded(
    messages: Sequence[bytes], accepted: list[int]
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.uint8], NDArray[np.intp]]]:
    """Yield positions, padded text and lengths of the accepted messages, similar lengths together."""
    all_lengths = np.array([len(messages[position]) for position in accepted], dtype=np.intp)
    order = np.argsort(all_lengths, kind="stable")
    places = np.array(accepted, dtype=np.intp)[order]
    all_lengths = all_lengths[order]
    start = 0
    while start < len(places):
        # Limit the rows by the first length, then by the longest length among them.
        stop = min(len(places), start + _rows(int(all_lengths[start])))
        stop = min(stop, start + _rows(int(all_lengths[stop - 1])))
        positions, lengths = places[start:stop], all_lengths[start:stop]
        width = int(lengths[-1])
        fill = bytes([ABSENT])
        joined = b"".join(messages[position].ljust(width, fill) for position in positions.tolist())
        yield positions, np.frombuffer(joined, dtype=np.uint8).reshape(-1, width), lengths
        start = stop


def _rows(cells: int) -> int:
    """Return the number of rows to process at once, each of this many cells."""
    return max(1, min(_ROWS_AT_ONCE, _CELLS_AT_ONCE // cells))


def _modules(size: Size, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the modules, shape (n, rows, columns), of symbols with these data codewords."""
    sources = module_sources(size)
    bit_count = 8 * (size.data + size.ecc)
    modules = np.empty((len(data), size.rows * size.columns), dtype=np.uint8)
    step = _rows(len(sources))
    for start in range(0, len(data), step):
        part = data[start : start + step]
        bits = np.empty((len(part), bit_count + 2), dtype=np.uint8)
        codewords = np.concatenate((part, error_correction(size, part)), axis=1)
        bits[:, :bit_count] = np.unpackbits(codewords, axis=1)
        bits[:, bit_count:] = 0, 1
        # With "wrap", NumPy does not check bounds, which would need a buffer for the output.
        np.take(bits, sources, axis=1, out=modules[start : start + step], mode="wrap")
    return modules.reshape(-1, size.rows, size.columns)
