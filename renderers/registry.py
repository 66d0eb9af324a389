"""The encoder of each symbology and the writer of each file format."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial

from gs1.symbol_size import SymbolKind
from renderers.engine import Engine
from renderers.symbol import BatchEncoder, EncodedBatch, ErrorCorrection, Writer
from renderers.symbologies import data_matrix, ean_upc, gs1_128, itf_14, qr_code
from renderers.symbologies.data_matrix_structure import RECTANGLES
from renderers.writers import eps, png, svg


class FileFormat(StrEnum):
    """File formats of a single symbol; the value is the file name's extension."""

    SVG = "svg"
    PNG = "png"
    EPS = "eps"


def _qr_code(payloads: Sequence[bytes], error_correction: ErrorCorrection) -> EncodedBatch:
    return qr_code.encode(payloads, level=error_correction)


def _without_level(encode: Callable[[Sequence[bytes]], EncodedBatch]) -> BatchEncoder:
    """Return an encoder for a symbology that has no levels of error correction to choose from."""

    def encoder(payloads: Sequence[bytes], error_correction: ErrorCorrection) -> EncodedBatch:
        del error_correction
        return encode(payloads)

    return encoder


ENCODERS: Mapping[SymbolKind, BatchEncoder] = {
    SymbolKind.QR_CODE: _qr_code,
    SymbolKind.GS1_DATAMATRIX: _without_level(data_matrix.encode),
    SymbolKind.EAN_13: _without_level(ean_upc.encode_ean_13),
    SymbolKind.UPC_A: _without_level(ean_upc.encode_upc_a),
    SymbolKind.EAN_8: _without_level(ean_upc.encode_ean_8),
    SymbolKind.ITF_14: _without_level(itf_14.encode),
    SymbolKind.GS1_128: _without_level(gs1_128.encode),
    SymbolKind.UPC_E: _without_level(ean_upc.encode_upc_e),
    SymbolKind.GS1_DATAMATRIX_RECTANGULAR: _without_level(partial(data_matrix.encode, allowed=RECTANGLES)),
}


def encoders(engine: Engine) -> Mapping[SymbolKind, BatchEncoder]:
    """Return the engine's encoder of every symbology."""
    if engine is Engine.BATCH:
        return ENCODERS
    from renderers import reference  # noqa: PLC0415 - imports libraries that the batch engine does not need

    return reference.ENCODERS


WRITERS: Mapping[FileFormat, Writer] = {
    FileFormat.SVG: svg.write,
    FileFormat.PNG: png.write,
    FileFormat.EPS: eps.write,
}
