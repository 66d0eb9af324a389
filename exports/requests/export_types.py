"""The kinds of export there are: which formats each takes, and which symbols it makes of an entity."""

from collections.abc import Mapping
from enum import StrEnum

from catalogue.selection import Scope
from gs1.symbol_size import SymbolKind


class ExportType(StrEnum):
    """What kind of asset an export makes."""

    QR_CODES = "qr_codes"
    DATAMATRIX = "datamatrix"
    BARCODES_1D = "barcodes_1d"
    CODES_COMBINED = "codes_combined"
    SHEET_PDF = "sheet_pdf"


class RequestedFormat(StrEnum):
    """The format of the files asked for."""

    SVG = "svg"
    PNG = "png"
    PDF = "pdf"
    EPS = "eps"


class Slot(StrEnum):
    """One symbol of an entity; the value tells its file from the entity's others."""

    QR = "qr"
    DATAMATRIX = "datamatrix"
    LINEAR = "1d"


FORMATS_OF: Mapping[ExportType, frozenset[RequestedFormat]] = {
    ExportType.QR_CODES: frozenset({RequestedFormat.SVG, RequestedFormat.PNG}),
    ExportType.DATAMATRIX: frozenset({RequestedFormat.SVG, RequestedFormat.PNG}),
    ExportType.BARCODES_1D: frozenset({RequestedFormat.SVG, RequestedFormat.EPS}),
    ExportType.CODES_COMBINED: frozenset({RequestedFormat.SVG, RequestedFormat.PNG, RequestedFormat.EPS}),
    ExportType.SHEET_PDF: frozenset({RequestedFormat.PDF}),
}

#: The symbols of one entity in a ZIP, in the order of their files. What a sheet shows is a choice of its own.
SLOTS_OF: Mapping[ExportType, tuple[Slot, ...]] = {
    ExportType.QR_CODES: (Slot.QR,),
    ExportType.DATAMATRIX: (Slot.DATAMATRIX,),
    ExportType.BARCODES_1D: (Slot.LINEAR,),
    ExportType.CODES_COMBINED: (Slot.QR, Slot.LINEAR),
}

#: What a sheet shows by `asset_config.symbology`: alternatives, in the order tried.
SHEET_SLOTS: Mapping[str, tuple[Slot, ...]] = {
    "auto": (Slot.QR, Slot.DATAMATRIX),
    "qr": (Slot.QR,),
    "datamatrix": (Slot.DATAMATRIX,),
    "barcode_1d": (Slot.LINEAR,),
}

_GTIN_ALONE = frozenset({SymbolKind.EAN_13, SymbolKind.UPC_A, SymbolKind.EAN_8, SymbolKind.ITF_14})


def kinds_of(slot: Slot, scope: Scope) -> frozenset[SymbolKind]:
    """Return the symbologies an entity of the scope may get in the slot: several where its GTIN decides."""
    if slot is Slot.LINEAR:
        return _GTIN_ALONE if scope is Scope.PRODUCTS else frozenset({SymbolKind.GS1_128})
    return frozenset({SymbolKind.QR_CODE if slot is Slot.QR else SymbolKind.GS1_DATAMATRIX})
