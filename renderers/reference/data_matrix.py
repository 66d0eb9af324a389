"""GS1 DataMatrix by libdmtx, one symbol at a time.

The wheel `arbez-dmtx` brings the library and its ctypes declarations. Its own `encode`, like
pylibdmtx's, sets no FNC1, so the result is not a GS1 symbol (NaturalHistoryMuseum/pylibdmtx issue 105):
here the library is called directly.
"""

import ctypes
from collections.abc import Sequence
from functools import partial

import numpy as np
from arbez_dmtx._libdmtx import wrapper as dmtx
from numpy.typing import NDArray

from renderers.reference import one_by_one
from renderers.symbol import EncodedBatch, ErrorCorrection, MatrixSymbols
from renderers.symbologies import data_matrix, element_strings
from renderers.symbologies.data_matrix_structure import RECTANGLES, SQUARES, Sizes

#: All are tried, and the smallest symbol is taken, the first of equally small ones. libdmtx's own search over
#: all schemes (DmtxSchemeAutoBest) would find smaller symbols for some messages, but some messages of letters and
#: separators trip an assertion in its Base 256 (0.7.8, dmtxencodebase256.c), which ends the process.
_SCHEMES = (dmtx.DmtxScheme.DmtxSchemeAscii, dmtx.DmtxScheme.DmtxSchemeC40, dmtx.DmtxScheme.DmtxSchemeText)

_PIXEL_PER_MODULE = {
    dmtx.DmtxProperty.DmtxPropFnc1: element_strings.FNC1_BYTE,
    dmtx.DmtxProperty.DmtxPropMarginSize: 0,
    dmtx.DmtxProperty.DmtxPropModuleSize: 1,
    dmtx.DmtxProperty.DmtxPropPixelPacking: dmtx.DmtxPackOrder.DmtxPack8bppK,
}


SQUARE: int = dmtx.DmtxSymbolSize.DmtxSymbolSquareAuto
RECTANGULAR: int = dmtx.DmtxSymbolSize.DmtxSymbolRectAuto


def encode(messages: Sequence[bytes], error_correction: ErrorCorrection) -> EncodedBatch:
    r"""Return a square symbol for each GS1 element string, one group per size.

    A message is ASCII, starts with FNC1 as byte 0x1D, and every later 0x1D is FNC1 as separator. It is
    written in one encodation scheme throughout, so a symbol may be larger than the batch engine's.
    The level is ignored: ECC 200 has none.

    Refused: PayloadNotEncodable for a message without FNC1 in front, without data or with bytes above 127;
    PayloadTooLong for one that does not fit 144×144.

    >>> encode([b"\x1d0109506000134352"], "M").groups[0].modules.shape
    (1, 16, 16)
    """
    del error_correction
    return one_by_one.encode(messages, partial(_draw, SQUARE, SQUARES), MatrixSymbols)


def encode_rectangular(messages: Sequence[bytes], error_correction: ErrorCorrection) -> EncodedBatch:
    r"""Return a rectangular symbol for each GS1 element string, else as `encode`; 16×48 is the largest.

    >>> encode_rectangular([b"\x1d0109506000134352"], "M").groups[0].modules.shape
    (1, 8, 32)
    """
    del error_correction
    return one_by_one.encode(messages, partial(_draw, RECTANGULAR, RECTANGLES), MatrixSymbols)


def _draw(shape: int, sizes: Sizes, message: bytes) -> NDArray[np.uint8]:
    if error := element_strings.refusal(message, "GS1 DataMatrix"):
        raise error
    drawn = [symbol for scheme in _SCHEMES if (symbol := in_scheme(message, scheme, shape)) is not None]
    if not drawn:
        raise data_matrix.too_long(message, sizes)
    return min(drawn, key=np.size)


def in_scheme(message: bytes, scheme: int, shape: int = SQUARE) -> NDArray[np.uint8] | None:
    """Return the modules (rows, columns) by one of libdmtx's schemes, or None if the message does not fit."""
    encoder = dmtx.dmtxEncodeCreate()
    if not encoder:
        raise MemoryError
    try:
        dmtx.dmtxEncodeSetProp(encoder, dmtx.DmtxProperty.DmtxPropScheme, scheme)
        dmtx.dmtxEncodeSetProp(encoder, dmtx.DmtxProperty.DmtxPropSizeRequest, shape)
        for name, value in _PIXEL_PER_MODULE.items():
            dmtx.dmtxEncodeSetProp(encoder, name, value)
        data = (ctypes.c_ubyte * len(message)).from_buffer_copy(message)
        if not dmtx.dmtxEncodeDataMatrix(encoder, len(message), data):
            return None
        image = encoder.contents.image.contents
        rows, columns = image.height, image.width
        pixels = ctypes.string_at(image.pxl, rows * columns)
    finally:
        dmtx.dmtxEncodeDestroy(ctypes.byref(encoder))
    return (np.frombuffer(pixels, np.uint8) == 0).astype(np.uint8).reshape(rows, columns)
