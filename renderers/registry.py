"""Which encoder makes a symbology and which writer makes a file format."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TypeAlias

from renderers.symbol import EncodedBatch, ErrorCorrection, Writer
from renderers.symbologies import data_matrix, qr_code
from renderers.writers import png, svg


class FileFormat(StrEnum):
    """File formats of a single symbol; the value is the file name's extension."""

    SVG = "svg"
    PNG = "png"


class Symbology(StrEnum):
    """Symbologies the exporter draws."""

    QR_CODE = "qr_code"
    GS1_DATAMATRIX = "gs1_datamatrix"


#: (payloads, error correction level) -> symbols and refusals
BatchEncoder: TypeAlias = Callable[[Sequence[bytes], ErrorCorrection], EncodedBatch]


def _qr_code(payloads: Sequence[bytes], error_correction: ErrorCorrection) -> EncodedBatch:
    return qr_code.encode(payloads, level=error_correction)


def _gs1_datamatrix(messages: Sequence[bytes], _error_correction: ErrorCorrection) -> EncodedBatch:
    """Encode; ECC 200 has one level of error correction per size, so the level asked for says nothing."""
    return data_matrix.encode(messages)


ENCODERS: Mapping[Symbology, BatchEncoder] = {
    Symbology.QR_CODE: _qr_code,
    Symbology.GS1_DATAMATRIX: _gs1_datamatrix,
}

WRITERS: Mapping[FileFormat, Writer] = {
    FileFormat.SVG: svg.write,
    FileFormat.PNG: png.write,
}

MEDIA_TYPES: Mapping[FileFormat, str] = {
    FileFormat.SVG: "image/svg+xml",
    FileFormat.PNG: "image/png",
}
