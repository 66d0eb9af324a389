"""What forms have in common: what is wrong with one, its page, and a key for each that is shown."""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from exports.errors import InvalidRequest
from exports.requests.export_types import ExportType
from gs1.errors import LabelError
from renderers.sheets.model import SheetTemplate
from web.rendering import page
from web.visitors import Visitor

#: What a type is called, in the order offered.
TYPES: Mapping[ExportType, str] = {
    ExportType.SHEET_PDF: "Labels on sheets or rolls, as PDF",
    ExportType.ROLL_LABELS: "Labels for a label printer, as ZPL",
    ExportType.QR_CODES: "QR Codes with GS1 Digital Links",
    ExportType.DATAMATRIX: "GS1 DataMatrix",
    ExportType.BARCODES_1D: "Linear barcodes",
    ExportType.CODES_COMBINED: "QR Code and linear barcode",
}

#: Fields of the form by the filter that they are.
_FIELD_OF: Mapping[str, str] = {"created_after": "created_from", "created_before": "created_to"}


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
            places = [_FIELD_OF.get(str(place), str(place)) for place in fault["loc"]]
            name = next((place for place in places if place in names), None)
            if name is None:
                others.append(f"{places[-1]}: {fault['msg']}")
            else:
                entry = places[places.index(name) + 1 :]
                known.setdefault(name, ": ".join([*_entry(entry), fault["msg"]]))
        return cls(known, others)


def _entry(places: Sequence[str]) -> Iterator[str]:
    """Yield which entry of a list is meant, counted from 1, and which part of it."""
    if places and places[0].isdecimal():
        yield f"entry {int(places[0]) + 1}"
        yield from places[1:]


def form_page(
    request: Request,
    template: str,
    visitor: Visitor,
    values: Mapping[str, str],
    faults: Faults | None = None,
    status_code: int = 200,
    **more: Any,
) -> Response:
    """Return the page of a form that is filled with the values. Fields without one are empty."""
    return page(
        request,
        template,
        visitor,
        status_code=status_code,
        values=defaultdict(str, values),
        faults=faults or Faults(),
        **more,
    )


def sheet_options(sheets: Iterable[SheetTemplate]) -> list[tuple[str, str]]:
    """Return the templates to choose from: the id of each, and its text."""
    return [(each.id, f"{each.description} ({each.id})") for each in sheets]


def new_key() -> str:
    """Return an idempotency key for one shown form: sent twice, it makes one job."""
    return f"page-{secrets.token_urlsafe(18)}"
