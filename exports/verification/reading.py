"""Decode the drawn symbols with an independent decoder before publishing."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import zxingcpp
from numpy.typing import NDArray

from exports.errors import SymbolDoesNotDecode
from exports.verification import carried as carrying
from exports.verification.carried import Carried
from exports.verification.formats import eps_picture, png_file, svg_file
from exports.verification.formats.drawn import Drawn
from gs1.symbol_size import SymbolKind
from renderers.registry import FileFormat

#: ISO/IEC 15424 identifiers: QR without ECI, DataMatrix ECC 200 and Code 128 with FNC1 first, ITF with or
#: without its check digit verified by the reader.
SYMBOLOGY_IDENTIFIERS: Mapping[SymbolKind, frozenset[str]] = {
    SymbolKind.QR_CODE: frozenset({"]Q1"}),
    SymbolKind.GS1_DATAMATRIX: frozenset({"]d2"}),
    SymbolKind.EAN_13: frozenset({"]E0"}),
    SymbolKind.UPC_A: frozenset({"]E0"}),
    SymbolKind.EAN_8: frozenset({"]E4"}),
    SymbolKind.ITF_14: frozenset({"]I0", "]I1"}),
    SymbolKind.GS1_128: frozenset({"]C1"}),
    SymbolKind.UPC_E: frozenset({"]E0"}),
    SymbolKind.GS1_DATAMATRIX_RECTANGULAR: frozenset({"]d2"}),
}

_FORMATS: Mapping[SymbolKind, zxingcpp.BarcodeFormat] = {
    SymbolKind.QR_CODE: zxingcpp.BarcodeFormat.QRCode,
    SymbolKind.GS1_DATAMATRIX: zxingcpp.BarcodeFormat.DataMatrix,
    SymbolKind.EAN_13: zxingcpp.BarcodeFormat.EAN13,
    SymbolKind.UPC_A: zxingcpp.BarcodeFormat.UPCA,
    SymbolKind.EAN_8: zxingcpp.BarcodeFormat.EAN8,
    SymbolKind.ITF_14: zxingcpp.BarcodeFormat.ITF,
    SymbolKind.GS1_128: zxingcpp.BarcodeFormat.Code128,
    SymbolKind.UPC_E: zxingcpp.BarcodeFormat.UPCE,
    SymbolKind.GS1_DATAMATRIX_RECTANGULAR: zxingcpp.BarcodeFormat.DataMatrix,
}

_DARK = 128

#: The reader for files of each format: (name for messages, bytes) -> Drawn.
READERS: Mapping[FileFormat, Callable[[str, bytes], Drawn]] = {
    FileFormat.SVG: svg_file.read,
    FileFormat.PNG: png_file.read,
    FileFormat.EPS: eps_picture.read,
}


class Decoded(NamedTuple):
    """A correct symbol: its payload in text, its message, its position, and its picture as dark pixels.

    `message` is the `message` of `manifest.csv`: FNC1 is written as `^`.
    """

    text: str
    message: str
    position: zxingcpp.Position
    dark: NDArray[np.bool_]


def require_reads(name: str, picture: NDArray[np.uint8], carried: Carried) -> Decoded:
    """Return the one symbol of the picture.

    Raises SymbolDoesNotDecode unless there is exactly one symbol of the kind with exactly the expected data.
    """
    found = zxingcpp.read_barcodes(
        picture, formats=zxingcpp.BarcodeFormats(_FORMATS[carried.kind]), try_invert=False, try_rotate=False
    )
    identifiers = SYMBOLOGY_IDENTIFIERS[carried.kind]
    if len(found) != 1 or found[0].symbology_identifier not in identifiers:
        read = [(barcode.symbology_identifier, barcode.bytes) for barcode in found]
        raise SymbolDoesNotDecode(
            f"{name} reads as {read or 'nothing'}", value=read, expected=f"one {carried.kind} {carried.hri}"
        )
    text = carrying.require_carried(name, found[0].bytes, carried)
    encoded = found[0].bytes.decode("ascii").replace("\x1d", "^")
    message = text if carried.digits or carried.resolver else f"^{encoded}"
    return Decoded(text, message, found[0].position, picture < _DARK)
