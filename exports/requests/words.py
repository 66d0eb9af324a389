"""An export request in words, for people who look at a job."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from exports.errors import InvalidRequest
from exports.requests.export_types import LABEL_TYPES, ExportType
from exports.requests.request import AssetConfig, ExportRequest, Filters, parse_request

_MADE: Mapping[ExportType, str] = {
    ExportType.QR_CODES: "QR Codes",
    ExportType.DATAMATRIX: "GS1 DataMatrix",
    ExportType.BARCODES_1D: "Linear barcodes",
    ExportType.CODES_COMBINED: "QR Codes beside linear barcodes",
    ExportType.SHEET_PDF: "Sheets of labels",
    ExportType.ROLL_LABELS: "Labels on a roll",
}

#: Filters that list entities, in the singular. Up to so many values are named, more are counted.
_LISTS: Mapping[str, str] = {"gtins": "GTIN", "lot_ids": "lot id", "serial_ids": "serial id"}
_MOST_NAMED = 3

_SINGLE: Mapping[str, str] = {"product_id": "product", "lot_run_id": "lot run"}

_FLAGS: Mapping[str, str] = {
    "never_printed": "never printed",
    "changed_since_print": "changed since they were printed",
    "print_due": "never printed or changed since",
}

_TIMES: Mapping[str, str] = {"created_after": "created after", "created_before": "created before"}


def in_words(request: ExportRequest) -> str:
    """Return the request as one phrase. Settings follow in brackets; values that are the default are left out.

    >>> in_words(ExportRequest(scope="lots", export_type="datamatrix", file_format="svg"))
    'GS1 DataMatrix as SVG in a ZIP, of all lots'
    """
    made = f"{_MADE[request.export_type]} as {request.file_format.upper()}"
    if request.export_type not in LABEL_TYPES:
        made += " in a ZIP"
    filters = request.filters or Filters()
    entities = " ".join([f"all {request.scope}", *_named(filters)])
    selected = ", ".join([f"{made}, of {entities}", *_conditions(filters)])
    config = AssetConfig.model_validate(request.normalised().get("asset_config", {}))
    settings = ", ".join(_settings(config))
    return f"{selected} ({settings})" if settings else selected


def stored_in_words(document: str) -> str | None:
    """Return the stored request as one phrase, or None if this release no longer accepts it."""
    try:
        return in_words(parse_request(document.encode()))
    except InvalidRequest:
        return None


def _named(filters: Filters) -> Iterator[str]:
    """Yield what says which entities are meant by name."""
    for field, singular in _LISTS.items():
        values: tuple[str, ...] | None = getattr(filters, field)
        if values is not None:
            few = 0 < len(values) <= _MOST_NAMED
            yield f"of {singular} {' or '.join(values)}" if few else f"of {len(values):,} listed {singular}s"
    for field, name in _SINGLE.items():
        value: str | None = getattr(filters, field)
        if value is not None:
            yield f"of {name} {value}"


def _conditions(filters: Filters) -> Iterator[str]:
    for field, words in _FLAGS.items():
        if getattr(filters, field):
            yield words
    for field, words in _TIMES.items():
        time: datetime | None = getattr(filters, field)
        if time is not None:
            yield f"{words} {time:%Y-%m-%d %H:%M:%S} UTC"


def _settings(config: AssetConfig) -> Iterator[str]:
    for field, value in config.model_dump(mode="json", exclude_none=True).items():
        match field, value:
            case "record_printed", False:
                yield "not recorded as printed"
            case "copies", copies:
                yield f"{copies} copies each"
            case "rotate", degrees:
                yield f"turned by {degrees} degrees"
            case "copies_from", _:
                yield "as many of each as its quantity"
            case "carry", ais:
                yield f"carrying {' '.join(f'({ai})' for ai in ais) or 'keys alone'}"
            case "quantities", listed:
                yield f"quantities of {len(listed):,} by id"
            case _, bool():
                yield field.replace("_", " ") if value else f"no {field.replace('_', ' ')}"
            case _:
                yield f"{field.replace('_', ' ')} {value}"
