"""Where each setting of `asset_config` applies. What cannot apply is refused, lest it seems to have been followed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from exports.requests.export_types import LABEL_TYPES, LINEAR, ExportType, RequestedFormat, Slot

#: The printer's resolution, for PNG and sheets, and that of most label printers.
DEFAULT_DPI = 600
_ZPL_DPI = 203

#: Values that ask for nothing else than leaving the key out does.
SAME_AS_ABSENT: Mapping[str, object] = {
    "symbology": "auto",
    "design": "default",
    "linear": "element_string",
    "start_position": 1,
    "copies": 1,
    "record_printed": True,
    "offset_x_mm": 0.0,
    "offset_y_mm": 0.0,
    "scale_percent": 100.0,
    "dpi": DEFAULT_DPI,
    "environment": "retail",
    "hri": False,
    "cut_marks": False,
    "rotate": 0,
}

#: Settings that a printer's profile has values of.
OF_PRINTER = ("offset_x_mm", "offset_y_mm", "scale_percent", "dpi", "rotate", "sheet_template")

#: Settings that a design or a printer has its own defaults of. Beside it the values above are not the same as none.
DEFAULTS_OF: Mapping[str, tuple[str, ...]] = {
    "design": ("symbology", "linear"),
    "printer": (*OF_PRINTER, "start_position"),
}

#: Settings with which entities have different numbers of labels.
COUNTED_EACH = ("copies_from", "quantities")

#: Sheets with `symbology: auto` may lower an error correction that was not asked for.
_DEFAULTS: Mapping[str, object] = {**SAME_AS_ABSENT, "error_correction": "M"}

#: Accepted with any value where they do not apply, as published.
_IGNORED_ELSEWHERE = frozenset({"sheet_template"})


@dataclass(frozen=True, slots=True)
class Drawn:
    """What an export draws: files of a format, and the symbols that an entity may get."""

    export_type: ExportType
    file_format: RequestedFormat
    slots: frozenset[Slot]


class _Place(NamedTuple):
    """Where a setting applies: in words, and the exports of these types and formats with any of these symbols."""

    words: str
    types: frozenset[ExportType] = frozenset(ExportType)
    formats: frozenset[RequestedFormat] = frozenset(RequestedFormat)
    slots: frozenset[Slot] = frozenset(Slot)

    def has(self, drawn: Drawn) -> bool:
        return (
            drawn.export_type in self.types
            and drawn.file_format in self.formats
            and not drawn.slots.isdisjoint(self.slots)
        )


_SHEETS = _Place("export_type sheet_pdf", types=frozenset({ExportType.SHEET_PDF}))
_LABELS = _Place("export_type sheet_pdf or roll_labels", types=LABEL_TYPES)
_DOTS = _Place(
    "file_format png, pdf or zpl",
    formats=frozenset({RequestedFormat.PNG, RequestedFormat.PDF, RequestedFormat.ZPL}),
)
_LABELS_AND_DATAMATRIX = _Place(
    "export_type sheet_pdf, roll_labels or datamatrix", types=LABEL_TYPES | {ExportType.DATAMATRIX}
)
_QR_CODES = _Place("QR Code", slots=frozenset({Slot.QR}))
_LINEAR = _Place("linear symbols", slots=LINEAR)
_ELEMENTS = _Place("QR Code, GS1 DataMatrix and GS1-128", slots=frozenset(Slot) - {Slot.GTIN})

#: The others apply to every export: `hri` asks for text, which linear symbols and sheets always have.
_PLACES: Mapping[str, _Place] = {
    "sheet_template": _LABELS,
    "symbology": _LABELS,
    "design": _LABELS,
    "linear": _LINEAR,
    "start_position": _SHEETS,
    "copies": _LABELS,
    "copies_from": _LABELS,
    "quantities": _LABELS,
    "offset_x_mm": _LABELS,
    "offset_y_mm": _LABELS,
    "scale_percent": _SHEETS,
    "cut_marks": _SHEETS,
    "rotate": _LABELS,
    "dpi": _DOTS,
    "printer": _DOTS,
    "error_correction": _QR_CODES,
    "carry": _ELEMENTS,
}

#: Settings that are taken everywhere but change nothing elsewhere: linear symbols and labels have their text anyway.
_PLACES_OF_EFFECT: Mapping[str, _Place] = {
    "hri": _Place(
        "matrix symbols in a ZIP", types=frozenset(ExportType) - LABEL_TYPES, slots=frozenset(Slot) - LINEAR
    )
}

#: Values that apply elsewhere than their setting's others.
_PLACES_OF_VALUES: Mapping[tuple[str, object], _Place] = {
    ("symbology", Slot.DATAMATRIX_RECTANGULAR.value): _LABELS_AND_DATAMATRIX
}

#: What each key of `asset_config` means.
_MEANINGS: Mapping[str, str] = {
    "sheet_template": (
        "The id of a sheet template; ignored where no labels are made. `roll_labels` takes templates with one label a"
        " page, by default thermal_4x6in."
    ),
    "design": (
        "The name of a label design: what is on each label. `default` has a symbol, its text and the product's name;"
        " `dual` has a linear symbol of the GTIN too. The newest version is taken, and the job keeps it."
    ),
    "linear": (
        "What a linear symbol carries: `element_string`, all that GS1-128 has room for, or `gtin`, the GTIN alone as"
        " EAN/UPC or ITF-14. A design with two symbols has its own default."
    ),
    "symbology": (
        "The symbol on each label. `auto` takes QR Code at level M, then L, then GS1 DataMatrix, at last its rectangular"
        " form where all labels have room for it. `datamatrix_rectangular` may also be asked of export_type datamatrix."
    ),
    "start_position": "The first free label of the first page, counted from 1.",
    "copies": "Labels of each entity. Pages are limited with copies counted.",
    "copies_from": (
        "`quantity` makes as many labels of each entity as its quantity in the catalogue, and one where that is not"
        " known. 0 leaves it out of the job. Excludes `copies` and `quantities`."
    ),
    "quantities": (
        "How many labels the entities with these ids have; 0 leaves one out of the job. The others have one. An id that"
        " is not selected is in the errors. Excludes `copies` and `copies_from`."
    ),
    "record_printed": "Whether the entities count as printed.",
    "offset_x_mm": "Moves the pages to the right for one printer, in millimetres. No label may leave the page.",
    "offset_y_mm": "Moves the pages down for one printer, in millimetres. No label may leave the page.",
    "scale_percent": (
        "Scales the pages about their top left corner to make up for one printer. Limits, and X in the manifest,"
        " are those at 100 %. No label may leave the page."
    ),
    "error_correction": "The error correction level of QR Code. Default M.",
    "module_size_mm": (
        "The X-dimension, within GS1's limits for the symbol and `environment`. PNG and sheets take the whole dots"
        " of the printer nearest to it within those limits; the manifest tells which X is printed."
    ),
    "dpi": (
        f"The printer's resolution, in which X is whole dots. Default {DEFAULT_DPI}. ZPL takes 203, 300 or 600, by"
        f" default {_ZPL_DPI}."
    ),
    "environment": "Where the symbols are scanned: it decides GS1's limits of their sizes.",
    "hri": "Human-readable text beside matrix symbols; linear symbols and sheets always have it.",
    "cut_marks": "Draws the corners of each label, for sheets that are not die-cut.",
    "rotate": (
        "Turns what is on each label clockwise, in degrees, after it was laid out for the label so turned. Other values"
        " than 0 need a template with one label a page."
    ),
    "printer": (
        "The name of a printer profile of the organisation. It fills what the request leaves out of offsets, scale, dpi,"
        " rotation and sheet template, where the export takes them. Without `start_position`, sheets of the template in the"
        " printer's tray begin at its next free cell; until that job ends, another such request is 409."
    ),
    "carry": (
        "The Application Identifiers that symbols carry beside (01) and the scope's own (10) or (21), these and no others;"
        " `310n` is the net weight in kg with any number of decimals. (10) is the lot of a serial. What an entity has no"
        " value of is left out, and the manifest's note says so. Absent: (17) or else (15), and (10); of serials, linear"
        " symbols carry neither."
    ),
}


def default_dpi(file_format: RequestedFormat) -> int:
    """Return the resolution of a request that names none."""
    return _ZPL_DPI if file_format is RequestedFormat.ZPL else DEFAULT_DPI


def meaning_of(setting: str) -> str:
    """Return what the key of `asset_config` means and where it applies, for descriptions of the request."""
    place = place_of(setting)
    if place is None or setting in _IGNORED_ELSEWHERE:
        return _MEANINGS[setting]
    return f"{_MEANINGS[setting]} Applies to {place} only: elsewhere any other value than the default is refused."


def place_of(setting: str) -> str | None:
    """Return where alone the setting applies, in words; None where it applies to every export."""
    return _PLACES[setting].words if setting in _PLACES else None


def applies(setting: str, drawn: Drawn, value: object = None) -> bool:
    """Return whether the setting, or this value of it, changes anything in such an export."""
    place = _place(setting, value)
    return place is None or place.has(drawn)


def matters(setting: str, drawn: Drawn) -> bool:
    """Return whether any value of the setting changes what such an export makes."""
    values = (None, *(value for name, value in _PLACES_OF_VALUES if name == setting))
    place = _PLACES_OF_EFFECT.get(setting)
    return (place is None or place.has(drawn)) and any(applies(setting, drawn, value) for value in values)


def _place(setting: str, value: object) -> _Place | None:
    own = _PLACES_OF_VALUES.get((setting, value)) if isinstance(value, str) else None
    return own or _PLACES.get(setting)


def refusal(setting: str, value: object, drawn: Drawn) -> str | None:
    """Return why the value cannot be taken; None where it applies or asks for nothing."""
    place = _place(setting, value)
    if value is None or place is None or place.has(drawn):
        return None
    if setting in _IGNORED_ELSEWHERE or value == _DEFAULTS.get(setting):
        return None
    return f"{setting} applies to {place.words} only, and this is {drawn.export_type} as {drawn.file_format}"
