"""QR Code Model 2 in batches: payloads that share a version are encoded together, as arrays.

Source: ISO/IEC 18004:2015. No ECI and no FNC1 mode: a reader reports symbology identifier ]Q1.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gs1.errors import LabelError
from renderers.errors import PayloadNotEncodable, PayloadTooLong
from renderers.symbol import EncodedBatch, ErrorCorrection, MatrixSymbols
from renderers.symbologies import galois, qr_masks, qr_segments, qr_tables

# Limits of one step, so that memory is bounded and intermediate arrays stay in the processor's cache: payloads and
# characters for the segmentation, words of modules under all masks for the drawing.
_PAYLOADS_AT_ONCE = 2048
_CHARACTERS_AT_ONCE = 1 << 18
_MODULE_WORDS_AT_ONCE = 1 << 16

_BITS_OF_BYTE = np.array([128, 64, 32, 16, 8, 4, 2, 1], np.uint8)


def encode(payloads: Sequence[bytes], *, level: ErrorCorrection = "M") -> EncodedBatch:
    """Return the QR Code symbols of payloads, one group per version, and the refused payloads.

    The version is the smallest that fits the payload at exactly this level. The mask is the one with the fewest penalty
    points, the lowest number among equals. A symbol depends only on its payload and level, not on the rest of the
    batch. Payloads beyond version 40 (PayloadTooLong) and empty ones (PayloadNotEncodable) are refused.

    >>> batch = encode([b"https://id.gs1.org/01/09506000134352"], level="M")
    >>> batch.groups[0].modules.shape
    (1, 29, 29)
    """
    refused: dict[int, LabelError] = {
        position: empty() for position, payload in enumerate(payloads) if not payload
    }
    by_version: dict[int, list[qr_segments.DataCodewords]] = {}
    unfit: list[int] = [
        position for position, payload in enumerate(payloads) if len(payload) > qr_segments.LONGEST_PAYLOAD
    ]
    for positions in _slices(payloads):
        encoded, unfitting = qr_segments.data_codewords(payloads, positions, level)
        unfit += unfitting.tolist()
        for part in encoded:
            by_version.setdefault(part.version, []).append(part)
    for position in unfit:
        refused[position] = too_long(payloads[position], level)
    groups = [_symbols(version, level, by_version.pop(version)) for version in sorted(by_version)]
    return EncodedBatch(groups, dict(sorted(refused.items())))


def sizes(payloads: Sequence[bytes], *, level: ErrorCorrection = "M") -> NDArray[np.intp]:
    """Return the width in modules of each symbol that `encode` would make, 0 if it would refuse it: shape (n,)."""
    modules = np.zeros(len(payloads), np.intp)
    for positions in _slices(payloads):
        encoded, _ = qr_segments.data_codewords(payloads, positions, level)
        for part in encoded:
            modules[part.positions] = qr_tables.size_of(part.version)
    return modules


def empty() -> PayloadNotEncodable:
    """Return the error for an empty payload."""
    return PayloadNotEncodable(
        "An empty payload makes no QR Code symbol.", value=b"", expected="at least one byte"
    )


def too_long(payload: bytes, level: ErrorCorrection) -> PayloadTooLong:
    """Return the error for a payload that does not fit the largest symbol at this level."""
    return PayloadTooLong(
        f"The payload of {len(payload)} bytes does not fit QR Code version 40 at level {level}.",
        value=payload,
        expected=f"at most {qr_tables.data_bits(level)[-1] // 8} codewords",
    )


def _slices(payloads: Sequence[bytes]) -> Iterator[NDArray[np.intp]]:
    """Yield the positions of payloads to encode together, of similar length."""
    lengths = np.fromiter(map(len, payloads), np.intp, len(payloads))
    order = np.argsort(lengths, kind="stable")
    order = order[(lengths[order] > 0) & (lengths[order] <= qr_segments.LONGEST_PAYLOAD)]
    while order.size:
        count = min(_PAYLOADS_AT_ONCE, order.size)
        while count > 1 and count * lengths[order[count - 1]] > _CHARACTERS_AT_ONCE:
            count //= 2
        yield order[:count]
        order = order[count:]


def _symbols(
    version: int, level: ErrorCorrection, parts: Sequence[qr_segments.DataCodewords]
) -> MatrixSymbols:
    """Return the symbols of one version in the order of the batch."""
    positions = np.concatenate([part.positions for part in parts])
    order = np.argsort(positions)
    codewords = np.concatenate([part.codewords for part in parts])[order]
    size = qr_tables.size_of(version)
    modules = np.empty((len(positions), size, size), np.uint8)
    step = 64 * max(1, _MODULE_WORDS_AT_ONCE // (size * size * qr_tables.MASKS))
    for start in range(0, len(positions), step):
        part = codewords[start : start + step]
        modules[start : start + step] = _draw(version, level, _with_check_codewords(version, level, part))
    return MatrixSymbols(positions[order], modules)


def _with_check_codewords(version: int, level: ErrorCorrection, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return data and check codewords in the order of placement, (n, total codewords)."""
    layout = qr_tables.block_layout(version, level)
    count = len(data)
    in_short = layout.short_blocks * layout.short_data
    parts = [data]
    for blocks, length, codewords in (
        (layout.short_blocks, layout.short_data, data[:, :in_short]),
        (layout.blocks - layout.short_blocks, layout.short_data + 1, data[:, in_short:]),
    ):
        if blocks:
            parity = galois.rs_parity(codewords.reshape(count * blocks, length), layout.ecc_per_block)
            parts.append(parity.reshape(count, blocks * layout.ecc_per_block))
    return np.hstack(parts).take(qr_tables.interleaving(version, level), axis=1)


def _draw(version: int, level: ErrorCorrection, codewords: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the modules (n, size, size) under the best mask of each symbol."""
    count, total = codewords.shape
    size = qr_tables.size_of(version)
    words = -(-count // 64)
    # One plane per bit of the symbol, and a last one, always clear, for modules without a bit.
    planes = np.zeros((8 * total + 1, words * 8), np.uint8)
    bits = np.ascontiguousarray(codewords.T)[:, None, :] & _BITS_OF_BYTE[:, None]
    planes[:-1, : -(-count // 8)] = np.packbits(bits, axis=2, bitorder="little").reshape(8 * total, -1)
    unmasked = planes.take(qr_tables.data_places(version), axis=0)

    candidates = unmasked.view(np.uint64).reshape(size, size, 1, words) ^ _mask_planes(version, level)
    points = qr_masks.penalties(candidates.reshape(size, size, qr_tables.MASKS * words))
    best = points.reshape(qr_tables.MASKS, words * 64)[:, :count].argmin(axis=0)

    modules = np.unpackbits(unmasked, axis=1, count=count, bitorder="little")
    patterns = qr_tables.masked_patterns(version, level)
    return modules.T.reshape(count, size, size) ^ patterns[best]


@lru_cache(maxsize=16)
def _mask_planes(version: int, level: ErrorCorrection) -> NDArray[np.uint64]:
    """Return the pattern of each mask, to XOR with all symbols: (size, size, masks, 1), words of no or all bits."""
    patterns = qr_tables.masked_patterns(version, level)
    planes = patterns.transpose(1, 2, 0)[..., None].astype(np.uint64) * np.uint64(0xFFFF_FFFF_FFFF_FFFF)
    planes.flags.writeable = False
    return planes
