"""QR Code by segno, one symbol at a time."""

import re
from collections.abc import Sequence

import numpy as np
import segno
from numpy.typing import NDArray
from segno import consts

from renderers.reference import one_by_one
from renderers.symbol import EncodedBatch, ErrorCorrection, MatrixSymbols
from renderers.symbologies import qr_code, qr_segments

_DIGITS = re.compile(rb"[0-9]+")
_ALPHANUMERIC = re.compile(b"[" + re.escape(qr_segments.ALPHANUMERIC) + b"]+")

#: From nine digits on, a numeric segment inside bytes pays for its header and the next one in every version:
#: at most 38 bits of headers against 42 saved (ISO/IEC 18004:2015, table 3).
_RUNS = re.compile(rb"[0-9]{9,}|(?:(?![0-9]{9}).)+", re.DOTALL)


def encode(payloads: Sequence[bytes], error_correction: ErrorCorrection) -> EncodedBatch:
    """Return the QR Code symbols of payloads at exactly this level, one group per version.

    A payload of digits or of alphanumeric characters is one segment; otherwise long runs of digits are
    numeric and the rest is bytes. That is not always the shortest segmentation, so a symbol may be a version
    larger than the batch engine's. Refused are empty payloads (PayloadNotEncodable) and those whose segments
    do not fit version 40 (PayloadTooLong).

    segno 1.6.6 follows a terminator that ends on a codeword by a codeword 0x00 that the standard does not
    have (heuer/segno issues 123 and 148). Readers stop at the terminator, so such a symbol is used as it is,
    though it differs from those of other encoders.

    >>> encode([b"https://id.gs1.org/01/09506000134352"], "M").groups[0].modules.shape
    (1, 29, 29)
    """

    def draw(payload: bytes) -> NDArray[np.uint8]:
        if not payload:
            raise qr_code.empty()
        try:
            # boost_error would raise the level if there is room, but the request names the level.
            symbol = segno.make(
                _segments(payload),  # pyright: ignore[reportArgumentType] - the stub knows one segment only
                error=error_correction,
                micro=False,
                boost_error=False,
            )
        except segno.DataOverflowError as error:
            raise qr_code.too_long(payload, error_correction) from error
        return np.array(symbol.matrix, np.uint8)

    return one_by_one.encode(payloads, draw, MatrixSymbols)


def _segments(payload: bytes) -> list[tuple[bytes, int]]:
    """Return the payload cut into segments, each with segno's number of its mode.

    The mode is always named: left to itself segno turns bytes that look like Shift JIS into Kanji.
    """
    if _DIGITS.fullmatch(payload):
        return [(payload, consts.MODE_NUMERIC)]
    if _ALPHANUMERIC.fullmatch(payload):
        return [(payload, consts.MODE_ALPHANUMERIC)]
    return [
        (run, consts.MODE_NUMERIC if len(run) >= 9 and _DIGITS.fullmatch(run) else consts.MODE_BYTE)
        for run in _RUNS.findall(payload)
    ]
