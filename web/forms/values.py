"""The values of a form of an export: what the visitor entered, as a request of the API and back."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.datastructures import FormData

from catalogue.selection import Scope
from exports.requests.export_types import ExportType, RequestedFormat
from exports.requests.request import ExportRequest, parse_request
from web.forms import lists
from web.forms.choices import PICKED

_LISTS = ("gtins", "lot_ids", "serial_ids")
_TEXTS = ("lot_run_id",)

#: How the text of each setting is read. `copies_from` and `quantities` are told apart in `COUNTED`.
_SETTINGS: Mapping[str, Callable[[str], Any]] = {
    "sheet_template": str,
    "design": str,
    "printer": str,
    "symbology": str,
    "linear": str,
    "start_position": lambda text: _number(text, int),
    "copies": lambda text: _number(text, int),
    "quantities": lists.quantities,
    "offset_x_mm": lambda text: _number(text, float),
    "offset_y_mm": lambda text: _number(text, float),
    "scale_percent": lambda text: _number(text, float),
    "error_correction": str,
    "module_size_mm": lambda text: _number(text, float),
    "dpi": lambda text: _number(text, int),
    "environment": str,
    "hri": lambda _: True,
    "cut_marks": lambda _: True,
    "rotate": lambda text: _number(text, int),
}

#: Where days begin and end, behind the date. Both are included.
_DAY_BEGINS, _DAY_ENDS = "T00:00:00Z", "T23:59:59.999999Z"
_DAYS = (("created_after", "created_from", _DAY_BEGINS), ("created_before", "created_to", _DAY_ENDS))

#: What `printing` chooses among, and the filter that each value is.
PRINTING: Mapping[str, str | None] = {
    "any": None,
    "due": "print_due",
    "never": "never_printed",
    "changed": "changed_since_print",
}

DEFAULTS: Mapping[str, str] = {
    "scope": Scope.LOTS.value,
    "export_type": ExportType.SHEET_PDF.value,
    "file_format": RequestedFormat.PDF.value,
    "printing": "any",
    "record_printed": "on",
}


def values_of(form: FormData) -> dict[str, str]:
    """Return the form's texts by field. Several of one field, as of ticked boxes, are lines of one text."""
    names = dict.fromkeys(name for name, text in form.multi_items() if isinstance(text, str))
    return {
        name: "\n".join(text.strip() for text in form.getlist(name) if isinstance(text, str))
        for name in names
    }


def request_of(values: Mapping[str, str]) -> ExportRequest:
    """Return the request that the values make. Raises InvalidRequest, as a submission over HTTP does."""
    return parse_request(json.dumps(body_of(values)).encode())


def body_of(values: Mapping[str, str]) -> dict[str, Any]:
    """Return the body of the request that the values make. They are settled, see `web.forms.choices`."""
    filters: dict[str, Any] = {
        name: lists.values(f"{values.get(name, '')} {values.get(PICKED + name, '')}")
        for name in _LISTS
        if values.get(name) or values.get(PICKED + name)
    }
    filters |= {name: values[name] for name in _TEXTS if values.get(name)}
    if chosen := PRINTING.get(values.get("printing", "any")):
        filters[chosen] = True
    filters |= {name: values[field] + end for name, field, end in _DAYS if values.get(field)}
    config = {name: read(values[name]) for name, read in _SETTINGS.items() if values.get(name)}
    if values.get("carries"):
        config["carry"] = lists.values(values.get("carry", ""))
    if values.get("copies_from") == "quantity":
        config["copies_from"] = "quantity"
    if "record_printed" not in values:
        config["record_printed"] = False
    return {
        "scope": values.get("scope", ""),
        "export_type": values.get("export_type", ""),
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
    values |= {
        field: filters.pop(name).removesuffix(end)
        for name, field, end in _DAYS
        if str(filters.get(name, "")).endswith(end)
    }
    if config.pop("record_printed", True):
        values["record_printed"] = "on"
    if (carried := config.pop("carry", None)) is not None:
        values |= {"carries": "ticked", "carry": "\n".join(carried)}
    if quantities := config.pop("quantities", None):
        values["quantities"] = "\n".join(f"{each['id']},{each['copies']}" for each in quantities)
        values["copies_from"] = "list"
    values |= {name: str(config.pop(name)) for name in ("copies_from", *_SETTINGS) if name in config}
    return values, [*filters, *config]


def _number(text: str, kind: type[int] | type[float]) -> int | float | str:
    """Return the number that the text is, or else the text, which the request then refuses by its name."""
    try:
        return kind(text.replace(",", ".") if kind is float else text)
    except ValueError:
        return text


#: Fields that every form has, whatever is chosen.
FIELDS = frozenset({"name", "scope", "export_type", "file_format", "printing", "created_from", "created_to"})
