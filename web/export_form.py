"""The form of a new export: what the visitor entered, as a request of the API and back."""

import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import FormData

from catalogue.selection import Scope
from exports.errors import InvalidRequest
from exports.requests.export_types import FORMATS_OF, ExportType, RequestedFormat
from exports.requests.request import ExportRequest, parse_request
from gs1.errors import LabelError

#: Lists are pasted from anywhere: a spreadsheet's column, a line of text, a scanner's lines.
_BETWEEN_VALUES = re.compile(r"[\s,;]+")

_LISTS = ("gtins", "lot_ids", "serial_ids")
_TEXTS = ("lot_run_id",)
_WHOLE = ("start_position", "copies", "dpi")
_DECIMAL = ("offset_x_mm", "offset_y_mm", "scale_percent")
_CHOICES = ("sheet_template", "symbology")

#: Where days begin and end, behind the date. Both are included.
_DAY_BEGINS, _DAY_ENDS = "T00:00:00Z", "T23:59:59.999999Z"

#: What `printing` chooses among, and the filter that each value is.
PRINTING: Mapping[str, str | None] = {
    "any": None,
    "due": "print_due",
    "never": "never_printed",
    "changed": "changed_since_print",
}

#: What a type is called, in the order offered.
TYPES: Mapping[ExportType, str] = {
    ExportType.SHEET_PDF: "Labels on sheets or rolls",
    ExportType.QR_CODES: "QR Codes with GS1 Digital Links",
    ExportType.DATAMATRIX: "GS1 DataMatrix",
    ExportType.BARCODES_1D: "Linear barcodes",
    ExportType.CODES_COMBINED: "QR Code and linear barcode",
}

DEFAULTS: Mapping[str, str] = {
    "scope": Scope.LOTS.value,
    "export_type": ExportType.SHEET_PDF.value,
    "file_format": RequestedFormat.PDF.value,
    "printing": "any",
    "record_printed": "on",
}


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with a form: sentences by field, and those about no field that the form has."""

    of_field: Mapping[str, str] = field(default_factory=dict[str, str])
    others: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.of_field or self.others)

    @classmethod
    def of(cls, error: LabelError, fields: Iterable[str]) -> "Faults":
        """Return what the error says of the form that has these fields. A fault of a list names the entry."""
        known, others = dict[str, str](), list[str]()
        names = set(fields)
        if not isinstance(error, InvalidRequest):
            told = str(error)
            if error.expected and error.expected not in told:
                told += f": expected {error.expected}"
            return cls({error.field: told}) if error.field in names else cls(others=[told])
        for fault in error.details:
            places = [str(place) for place in fault["loc"]]
            name = next((place for place in places if place in names), None)
            if name is None:
                others.append(f"{places[-1]}: {fault['msg']}")
            else:
                entry = places[places.index(name) + 1 :]
                told = (
                    f"entry {int(entry[0]) + 1}: {fault['msg']}"
                    if entry and entry[0].isdecimal()
                    else fault["msg"]
                )
                known.setdefault(name, told)
        return cls(known, others)


def formats_of(export_type: str) -> list[RequestedFormat]:
    """Return the formats that the type takes, in the order of the API."""
    try:
        accepted = FORMATS_OF[ExportType(export_type)]
    except ValueError:
        return list(RequestedFormat)
    return [each for each in RequestedFormat if each in accepted]


def values_of(form: FormData) -> dict[str, str]:
    """Return the form's texts by field. A type that does not take the chosen format gets its first one."""
    values = {name: text.strip() for name, text in form.items() if isinstance(text, str)}
    formats = formats_of(values.get("export_type", ""))
    if values.get("file_format") not in formats:
        values["file_format"] = formats[0].value
    return values


def request_of(values: Mapping[str, str]) -> ExportRequest:
    """Return the request that the values make. Raises InvalidRequest, as a submission over HTTP does."""
    return parse_request(json.dumps(body_of(values)).encode())


def body_of(values: Mapping[str, str]) -> dict[str, Any]:
    """Return the body of the request that the values make. Fields that the type has no use for are left out."""
    export_type = values.get("export_type", "")
    filters: dict[str, Any] = {
        name: [each for each in _BETWEEN_VALUES.split(values[name]) if each]
        for name in _LISTS
        if values.get(name)
    }
    filters |= {name: values[name] for name in _TEXTS if values.get(name)}
    if chosen := PRINTING.get(values.get("printing", "any")):
        filters[chosen] = True
    if values.get("created_from"):
        filters["created_after"] = values["created_from"] + _DAY_BEGINS
    if values.get("created_to"):
        filters["created_before"] = values["created_to"] + _DAY_ENDS
    config: dict[str, Any] = {}
    if export_type == ExportType.SHEET_PDF:
        config |= {name: values[name] for name in _CHOICES if values.get(name)}
        config |= {name: _number(values[name], int) for name in _WHOLE if values.get(name)}
        config |= {name: _number(values[name], float) for name in _DECIMAL if values.get(name)}
    if "record_printed" not in values:
        config["record_printed"] = False
    return {
        "scope": values.get("scope", ""),
        "export_type": export_type,
        "file_format": values.get("file_format", ""),
        **({"filters": filters} if filters else {}),
        **({"asset_config": config} if config else {}),
    }


def values_of_request(request: ExportRequest) -> tuple[dict[str, str], list[str]]:
    """Return the values that make the request, and the names of what the form has no field for."""
    body = request.normalised()
    filters, config = dict(body.get("filters", {})), dict(body.get("asset_config", {}))
    values = {name: str(body[name]) for name in ("scope", "export_type", "file_format")}
    values |= {name: "\n".join(filters.pop(name)) for name in _LISTS if name in filters}
    values |= {name: filters.pop(name) for name in _TEXTS if name in filters}
    values["printing"] = next((name for name, chosen in PRINTING.items() if filters.pop(chosen, None)), "any")
    for name, field_name, end in (
        ("created_after", "created_from", _DAY_BEGINS),
        ("created_before", "created_to", _DAY_ENDS),
    ):
        if str(filters.get(name, "")).endswith(end):
            values[field_name] = filters.pop(name).removesuffix(end)
    if config.pop("record_printed", True):
        values["record_printed"] = "on"
    if request.export_type is ExportType.SHEET_PDF:
        values |= {name: str(config.pop(name)) for name in (*_CHOICES, *_WHOLE, *_DECIMAL) if name in config}
    return values, [*filters, *config]


def _number(text: str, kind: type[int] | type[float]) -> int | float | str:
    """Return the number that the text is, or else the text, which the request then refuses by its name."""
    try:
        return kind(text.replace(",", ".") if kind is float else text)
    except ValueError:
        return text


#: Every field of the form.
FIELDS = frozenset(
    {*_LISTS, *_TEXTS, *_WHOLE, *_DECIMAL, *_CHOICES, "scope", "export_type", "file_format", "printing"}
)


def new_key() -> str:
    """Return an idempotency key for one shown form: sent twice, it makes one job."""
    return f"page-{secrets.token_urlsafe(18)}"
