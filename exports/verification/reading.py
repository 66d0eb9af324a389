"""An independent decoder reads what was drawn, before anything is published."""

import io
import re
from collections.abc import Callable, Mapping

import resvg_py
import zxingcpp
from PIL import Image

from exports.errors import SymbolDoesNotDecode
from exports.symbols.payloads import Expected
from exports.verification.eps_picture import picture_of
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
}

_FORMATS: Mapping[SymbolKind, zxingcpp.BarcodeFormat] = {
    SymbolKind.QR_CODE: zxingcpp.BarcodeFormat.QRCode,
    SymbolKind.GS1_DATAMATRIX: zxingcpp.BarcodeFormat.DataMatrix,
    SymbolKind.EAN_13: zxingcpp.BarcodeFormat.EAN13,
    SymbolKind.UPC_A: zxingcpp.BarcodeFormat.UPCA,
    SymbolKind.EAN_8: zxingcpp.BarcodeFormat.EAN8,
    SymbolKind.ITF_14: zxingcpp.BarcodeFormat.ITF,
    SymbolKind.GS1_128: zxingcpp.BarcodeFormat.Code128,
}

#: Pixels per X of drawings without pixels; the user unit of an SVG is one X. Few: drawing costs more than reading.
_PIXELS_PER_X = 2

_VIEW_BOX_WIDTH = re.compile(rb'viewBox="0 0 ([0-9.]+) ')


def require_decodes(name: str, data: bytes, file_format: FileFormat, expected: Expected) -> None:
    """Raise SymbolDoesNotDecode unless the file holds one symbol with exactly the payload expected."""
    require_reads(name, PICTURES[file_format](data), expected)


def require_reads(name: str, picture: Image.Image, expected: Expected) -> None:
    """Raise SymbolDoesNotDecode unless the picture holds one symbol with exactly the payload expected."""
    found = zxingcpp.read_barcodes(
        picture, formats=zxingcpp.BarcodeFormats(_FORMATS[expected.kind]), try_invert=False, try_rotate=False
    )
    read = [(barcode.symbology_identifier, barcode.bytes) for barcode in found]
    # FNC1 in first place shows in the identifier; a UPC-A is read as the EAN-13 it also is.
    leading = b"0" if expected.kind is SymbolKind.UPC_A else b""
    payload = leading + expected.payload.removeprefix(b"\x1d")
    identifiers = SYMBOLOGY_IDENTIFIERS[expected.kind]
    if len(read) != 1 or read[0][0] not in identifiers or read[0][1] != payload:
        raise SymbolDoesNotDecode(
            f"{name} reads as {read or 'nothing'}",
            value=read,
            expected=f"{' or '.join(sorted(identifiers))} {payload!r}",
        )


def _svg(data: bytes) -> Image.Image:
    view_box = _VIEW_BOX_WIDTH.search(data)
    if view_box is None:
        raise SymbolDoesNotDecode("The SVG has no viewBox", value=data[:200])
    width = round(float(view_box[1]) * _PIXELS_PER_X)
    return _png(
        bytes(resvg_py.svg_to_bytes(svg_string=data.decode(), width=width, dpi=96, skip_system_fonts=True))
    )


def _png(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("L")


#: How a file of each format becomes a picture.
PICTURES: Mapping[FileFormat, Callable[[bytes], Image.Image]] = {
    FileFormat.SVG: _svg,
    FileFormat.PNG: _png,
    FileFormat.EPS: picture_of,
}
