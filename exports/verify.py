"""An independent decoder reads what was drawn, before anything is published."""

import io
from dataclasses import dataclass

import resvg_py
import zxingcpp
from PIL import Image

from exports.errors import SymbolDoesNotDecode
from renderers.registry import FileFormat, Symbology

#: ISO/IEC 15424 identifiers: QR without ECI, DataMatrix ECC 200 with FNC1 first.
SYMBOLOGY_IDENTIFIER = {Symbology.QR_CODE: "]Q1", Symbology.GS1_DATAMATRIX: "]d2"}

#: Pixels per SVG millimetre: four to eight per module at the X-dimensions GS1 allows.
_PIXELS_PER_MM = 12


@dataclass(frozen=True, slots=True)
class Expected:
    """What one file must read back as; `payload` has FNC1 as 0x1D, also in first place."""

    symbology: Symbology
    payload: bytes


def require_decodes(name: str, data: bytes, file_format: FileFormat, expected: Expected) -> None:
    """Raise SymbolDoesNotDecode unless the file holds one symbol with exactly the payload expected."""
    found = zxingcpp.read_barcodes(_picture(data, file_format), try_invert=False, try_rotate=False)
    wanted = (SYMBOLOGY_IDENTIFIER[expected.symbology], expected.payload.removeprefix(b"\x1d"))
    read = [(barcode.symbology_identifier, barcode.bytes) for barcode in found]
    if read != [wanted]:
        raise SymbolDoesNotDecode(f"{name} reads as {read or 'nothing'}", value=read, expected=f"{wanted}")


def _picture(data: bytes, file_format: FileFormat) -> Image.Image:
    if file_format is FileFormat.SVG:
        data = bytes(resvg_py.svg_to_bytes(svg_string=data.decode(), dpi=round(_PIXELS_PER_MM * 25.4)))
    return Image.open(io.BytesIO(data)).convert("L")
