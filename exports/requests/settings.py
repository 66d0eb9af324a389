"""Where each setting of `asset_config` applies. What cannot apply is refused, lest it seems to have been followed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from exports.requests.export_types import ExportType, RequestedFormat, Slot

#: The printer's resolution, for PNG and sheets.
DEFAULT_DPI = 600

#: Values that ask for nothing else than leaving the key out does.
SAME_AS_ABSENT: Mapping[str, object] = {
    "symbology": "auto",
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
}


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
_DOTS = _Place("file_format png or pdf", formats=frozenset({RequestedFormat.PNG, RequestedFormat.PDF}))
_QR_CODES = _Place("QR Code", slots=frozenset({Slot.QR}))

#: The others apply to every export: `hri` asks for text, which linear symbols and sheets always have.
_PLACES: Mapping[str, _Place] = {
    "sheet_template": _SHEETS,
    "symbology": _SHEETS,
    "start_position": _SHEETS,
    "copies": _SHEETS,
    "offset_x_mm": _SHEETS,
    "offset_y_mm": _SHEETS,
    "scale_percent": _SHEETS,
    "cut_marks": _SHEETS,
    "dpi": _DOTS,
    "error_correction": _QR_CODES,
}


def place_of(setting: str) -> str | None:
    """Return where alone the setting applies, in words; None where it applies to every export."""
    return _PLACES[setting].words if setting in _PLACES else None


def applies(setting: str, drawn: Drawn) -> bool:
    """Return whether the setting changes anything in such an export."""
    return setting not in _PLACES or _PLACES[setting].has(drawn)


def refusal(setting: str, value: object, drawn: Drawn) -> str | None:
    """Return why the value cannot be taken; None where it applies or asks for nothing."""
    if value is None or applies(setting, drawn):
        return None
    if setting in _IGNORED_ELSEWHERE or value == _DEFAULTS.get(setting):
        return None
    return f"{setting} applies to {_PLACES[setting].words} only, and this is {drawn.export_type} as {drawn.file_format}"
