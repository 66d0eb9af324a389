"""Export types: the file formats each one accepts and the symbols it makes of an entity."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, TypeAlias

from catalogue.selection import Scope
from gs1.symbol_size import SymbolKind


class ExportType(StrEnum):
    """The kind of files an export makes."""

    QR_CODES = "qr_codes"
    DATAMATRIX = "datamatrix"
    BARCODES_1D = "barcodes_1d"
    CODES_COMBINED = "codes_combined"
    SHEET_PDF = "sheet_pdf"
    ROLL_LABELS = "roll_labels"


class RequestedFormat(StrEnum):
    """The requested format of the files."""

    SVG = "svg"
    PNG = "png"
    PDF = "pdf"
    EPS = "eps"
    ZPL = "zpl"


class Slot(StrEnum):
    """One of an entity's symbols. The value distinguishes its file from those of the others.

    `LINEAR` carries what a linear symbol has room for, `GTIN` is the EAN/UPC or ITF-14 of the product.
    """

    QR = "qr"
    DATAMATRIX = "datamatrix"
    LINEAR = "1d"
    DATAMATRIX_RECTANGULAR = "datamatrix_rectangular"
    GTIN = "gtin"


FORMATS_OF: Mapping[ExportType, frozenset[RequestedFormat]] = {
    ExportType.QR_CODES: frozenset({RequestedFormat.SVG, RequestedFormat.PNG}),
    ExportType.DATAMATRIX: frozenset({RequestedFormat.SVG, RequestedFormat.PNG}),
    ExportType.BARCODES_1D: frozenset({RequestedFormat.SVG, RequestedFormat.EPS}),
    ExportType.CODES_COMBINED: frozenset({RequestedFormat.SVG, RequestedFormat.PNG, RequestedFormat.EPS}),
    ExportType.SHEET_PDF: frozenset({RequestedFormat.PDF}),
    ExportType.ROLL_LABELS: frozenset({RequestedFormat.ZPL}),
}

#: Types that lay out symbol and text on labels of a sheet template.
LABEL_TYPES = frozenset({ExportType.SHEET_PDF, ExportType.ROLL_LABELS})

#: The symbols of an entity in a ZIP by default, in the order of their files. Labels have `SHEET_SLOTS` instead.
SLOTS_OF: Mapping[ExportType, tuple[Slot, ...]] = {
    ExportType.QR_CODES: (Slot.QR,),
    ExportType.DATAMATRIX: (Slot.DATAMATRIX,),
    ExportType.BARCODES_1D: (Slot.LINEAR,),
    ExportType.CODES_COMBINED: (Slot.QR, Slot.LINEAR),
}

#: The symbol of a label, or the one beside its linear symbol.
Symbology: TypeAlias = Literal["auto", "qr", "datamatrix", "barcode_1d", "datamatrix_rectangular"]

#: What a linear symbol carries.
LinearData: TypeAlias = Literal["element_string", "gtin"]

LINEAR_SLOTS: Mapping[LinearData, Slot] = {"element_string": Slot.LINEAR, "gtin": Slot.GTIN}

#: Both kinds of linear symbols.
LINEAR: frozenset[Slot] = frozenset(LINEAR_SLOTS.values())

#: The symbol of a label by `asset_config.symbology`. The first alternative that fits the label is used.
SHEET_SLOTS: Mapping[str, tuple[Slot, ...]] = {
    "auto": (Slot.QR, Slot.DATAMATRIX, Slot.DATAMATRIX_RECTANGULAR),
    "qr": (Slot.QR,),
    "datamatrix": (Slot.DATAMATRIX,),
    "barcode_1d": (Slot.LINEAR,),
    "datamatrix_rectangular": (Slot.DATAMATRIX_RECTANGULAR,),
}

_GTIN_ALONE = frozenset(
    {SymbolKind.EAN_13, SymbolKind.UPC_A, SymbolKind.UPC_E, SymbolKind.EAN_8, SymbolKind.ITF_14}
)

#: The symbol that every entity gets in these slots.
_KIND_OF = {
    Slot.QR: SymbolKind.QR_CODE,
    Slot.DATAMATRIX: SymbolKind.GS1_DATAMATRIX,
    Slot.DATAMATRIX_RECTANGULAR: SymbolKind.GS1_DATAMATRIX_RECTANGULAR,
}


def slots_of(export_type: ExportType, symbology: str | None) -> tuple[Slot, ...]:
    """Return the symbols of an entity in a ZIP, in the order of their files, by `asset_config.symbology`."""
    if export_type is ExportType.DATAMATRIX and symbology == Slot.DATAMATRIX_RECTANGULAR:
        return (Slot.DATAMATRIX_RECTANGULAR,)
    return SLOTS_OF[export_type]


def with_linear(slots: tuple[Slot, ...], data: LinearData) -> tuple[Slot, ...]:
    """Return the slots with the linear symbol that carries this."""
    return tuple(LINEAR_SLOTS[data] if slot is Slot.LINEAR else slot for slot in slots)


def symbols_of(
    export_type: ExportType, symbology: str | None, linear: LinearData | None
) -> list[tuple[Slot, ...]]:
    """Return the symbols of each entity without a design, each as a tuple of alternatives."""
    data = linear or "element_string"
    if export_type in LABEL_TYPES:
        return [with_linear(SHEET_SLOTS[symbology or "auto"], data)]
    return [(slot,) for slot in with_linear(slots_of(export_type, symbology), data)]


def carries_gtin_alone(slot: Slot, scope: str) -> bool:
    """Return whether the slot's symbols carry the digits of a GTIN, without an Application Identifier."""
    return slot is Slot.GTIN or (slot is Slot.LINEAR and scope == Scope.PRODUCTS)


def kinds_of(slot: Slot, scope: Scope) -> frozenset[SymbolKind]:
    """Return the symbologies that the slot may have in this scope. If there are several, the GTIN decides."""
    if slot in LINEAR:
        return _GTIN_ALONE if carries_gtin_alone(slot, scope) else frozenset({SymbolKind.GS1_128})
    return frozenset({_KIND_OF[slot]})
