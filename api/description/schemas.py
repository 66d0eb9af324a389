"""The JSON Schemas of the API description, generated from the types of requests and answers.

Request types are published under other names than their classes have. Rules that live in validators are not in
the generated schemas; those that JSON Schema can express are added here.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from pydantic.json_schema import models_json_schema

from api.wire import answers, contents, designs, imports, label_exports, paths
from api.wire.designs import DesignPreviewRequest
from api.wire.named import (
    PrinterListOut,
    PrinterOut,
    SavedRequestListOut,
    SavedRequestOut,
    ScheduleListOut,
    ScheduleOut,
)
from api.wire.requests import PLAIN_TEXT, ReprintRequest
from catalogue.selection import Scope
from exports.designs.document import Design
from exports.printers.profile import Profile, Tray
from exports.requests.export_types import FORMATS_OF, ExportType, RequestedFormat
from exports.requests.request import SCOPES_OF_FILTER, ExportRequest
from exports.requests.settings import meaning_of
from exports.schedules import Timetable

#: A JSON Schema.
Schema = dict[str, Any]

#: Published names by class name.
_PUBLISHED: Mapping[str, str] = {
    "ExportRequest": "LabelExportSubmitIn",
    "Filters": "LabelExportFiltersIn",
    "AssetConfig": "LabelExportAssetConfigIn",
    "ReprintRequest": "LabelExportReprintIn",
    "Design": "LabelDesignIn",
    "Line": "LabelDesignLineIn",
    "DesignLogo": "LabelDesignLogoIn",
    "DesignPreviewRequest": "LabelDesignPreviewIn",
    "DesignOut": "LabelDesignOut",
    "DesignDocumentOut": "LabelDesignDocumentOut",
    "DesignListOut": "LabelDesignListOut",
    "Profile": "LabelPrinterIn",
    "Tray": "LabelPrinterTrayIn",
    "PrinterOut": "LabelPrinterOut",
    "PrinterListOut": "LabelPrinterListOut",
    "SavedRequestOut": "LabelSavedRequestOut",
    "SavedRequestListOut": "LabelSavedRequestListOut",
    "Timetable": "LabelScheduleIn",
    "ScheduleOut": "LabelScheduleOut",
    "ScheduleListOut": "LabelScheduleListOut",
    "Scope": "LabelExportScopeEnum",
    "ExportType": "LabelExportTypeEnum",
    "RequestedFormat": "LabelExportFileFormatEnum",
    "JobStatus": "LabelExportStatusEnum",
    "Environment": "LabelExportEnvironmentEnum",
    "Kind": "ImportKindEnum",
}

_REF: Final = "#/components/schemas/"

#: A GTIN of 8, 12, 13 or 14 digits. The format `gtin` stands for the GS1 check digit, the last one.
GTIN: Final[Schema] = {"type": "string", "pattern": r"^([0-9]{8}|[0-9]{12,14})$", "format": "gtin"}

GTIN_EXAMPLE = "00012345678905"
JOB_ID_EXAMPLE = "AbCdEfGhJkLmNoPqRsTuVw"

DESIGN_EXAMPLE: Final[Schema] = {
    "version": 1,
    "linear": "gtin",
    "lines": [
        {"text": "{name}", "place": "above", "weight": "bold", "optional": 1},
        {"text": "LOT {lot}"},
        {"text": "EXP {expiry:DD MMM YYYY}", "smallest_mm": 1.5},
    ],
}

PRINTER_EXAMPLE: Final[Schema] = {
    "offset_x_mm": 0.5,
    "scale_percent": 99.5,
    "dpi": 600,
    "sheet_template": "avery_5160",
    "next_position": 4,
}

_SUBMIT_EXAMPLES: Final[list[Schema]] = [
    {
        "scope": "lots",
        "export_type": "datamatrix",
        "file_format": "svg",
        "filters": {"gtins": [GTIN_EXAMPLE], "never_printed": True},
    },
    {
        "scope": "lots",
        "export_type": "sheet_pdf",
        "file_format": "pdf",
        "filters": {"product_id": "abc123def456"},
        "asset_config": {"sheet_template": "63up_1in_letter"},
    },
]


def schemas() -> dict[str, Schema]:
    """Return all schemas by published name."""
    answer_types = [
        answers.ErrorOut,
        label_exports.LabelExportAcceptedOut,
        label_exports.LabelExportJobOut,
        label_exports.LabelExportListOut,
        label_exports.LabelExportPreviewOut,
        answers.SheetTemplateListOut,
        answers.PrintHistoryOut,
        designs.DesignListOut,
        designs.DesignDocumentOut,
        PrinterListOut,
        PrinterOut,
        SavedRequestListOut,
        SavedRequestOut,
        ScheduleListOut,
        ScheduleOut,
        *contents.LISTS.values(),
        imports.ImportAcceptedOut,
        imports.ImportJobOut,
        answers.SessionOut,
        answers.ServiceStatusOut,
        answers.ReadinessOut,
    ]
    _, found = models_json_schema(
        [
            (ExportRequest, "validation"),
            (ReprintRequest, "validation"),
            (Design, "validation"),
            (DesignPreviewRequest, "validation"),
            (Profile, "validation"),
            (Tray, "validation"),
            (Timetable, "validation"),
            *((model, "serialization") for model in answer_types),
        ],
        ref_template=_REF + "{model}",
    )
    named = {_PUBLISHED.get(name, name): _published(schema) for name, schema in found["$defs"].items()}
    for name, schema in named.items():
        schema["title"] = name
    _refine(named)
    return dict(sorted(named.items()))


def without_null(schema: Schema) -> Schema:
    """Return the schema without `null`. A parameter is absent or has a value."""
    if "anyOf" not in schema:
        return schema
    kinds = [kind for kind in schema["anyOf"] if kind != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**rest, **kinds[0]} if len(kinds) == 1 else {**rest, "anyOf": kinds}


def published_ref(name: str) -> Schema:
    """Return a reference to the schema of a class, given the class name."""
    return {"$ref": _REF + _PUBLISHED.get(name, name)}


def _published(value: Any) -> Any:
    """Return the schema with published names, and without defaults of `null`, which only mean "absent"."""
    if isinstance(value, list):
        return [_published(entry) for entry in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    members = cast("Schema", value)
    if isinstance(members.get("$ref"), str):
        return {**members, **published_ref(members["$ref"].removeprefix(_REF))}
    return {
        key: _published(member)
        for key, member in members.items()
        if not (key == "default" and member is None)
    }


def _refine(named: dict[str, Schema]) -> None:
    """Add the rules of the request's validators, and examples."""
    filters, config = named["LabelExportFiltersIn"], named["LabelExportAssetConfigIn"]
    filters["properties"]["gtins"]["anyOf"][0]["items"] = dict(GTIN)
    for text in _texts(filters["properties"], ("product_id", "lot_run_id", "lot_ids", "serial_ids")):
        text["pattern"] = PLAIN_TEXT
    for text in _texts(config["properties"], ("sheet_template", "design", "printer")):
        text["pattern"] = PLAIN_TEXT
    for kind in ("LabelPrinterIn", "LabelPrinterTrayIn"):
        for text in _texts(named[kind]["properties"], ("sheet_template",)):
            text["pattern"] = PLAIN_TEXT
        named[kind]["examples"] = [PRINTER_EXAMPLE if kind == "LabelPrinterIn" else {"next_position": 1}]
    named["Quantity"]["properties"]["id"]["pattern"] = PLAIN_TEXT
    for name, schema in config["properties"].items():
        schema["description"] = meaning_of(name)
    submit = named["LabelExportSubmitIn"]
    submit["allOf"] = [
        {"anyOf": list(_coherent_formats())},
        {"anyOf": list(_coherent_filters())},
    ]
    submit["examples"] = _SUBMIT_EXAMPLES
    filters["examples"] = [
        {"gtins": [GTIN_EXAMPLE], "never_printed": True},
        {"lot_ids": ["abc123def456"]},
    ]
    config["examples"] = [{"sheet_template": "63up_1in_letter"}]
    named["LabelDesignIn"]["examples"] = [DESIGN_EXAMPLE]
    named["LabelDesignPreviewIn"]["examples"] = [{"design": DESIGN_EXAMPLE, "request": _SUBMIT_EXAMPLES[1]}]
    named["LabelScheduleIn"]["examples"] = [
        {"cron": "0 6 * * 1-5", "time_zone": "Europe/Berlin", "request": _SUBMIT_EXAMPLES[0]}
    ]
    named["LabelExportReprintIn"]["examples"] = [
        {"reason": "The roll was damaged."},
        {"reason": "A jam", "rows": "121-180,200"},
    ]
    named["LabelExportAcceptedOut"]["examples"] = [
        {"job_id": JOB_ID_EXAMPLE, "status": "pending", "poll_url": paths.poll(JOB_ID_EXAMPLE)}
    ]
    named["ErrorOut"]["examples"] = [
        {
            "type": "https://closient.com/docs/errors/validation_error",
            "title": "Validation Error",
            "status": 422,
            "detail": "The request is not a valid label export.",
            "error_code": "validation_error",
            "retryable": False,
            "timestamp": "2026-03-31T12:00:00+00:00",
            "details": [{"loc": ["body", "scope"], "msg": "Field required", "type": "missing"}],
        }
    ]


def _texts(properties: Schema, names: Iterable[str]) -> Iterable[Schema]:
    """Yield the string schema of each named property. For a list, it is that of its entries."""
    for name in names:
        kind = properties[name]["anyOf"][0]
        yield kind.get("items", kind)


def _coherent_formats() -> Iterable[Schema]:
    """Yield one schema for each group of export types that accept the same file formats."""
    by_formats: dict[frozenset[RequestedFormat], list[ExportType]] = {}
    for export_type in ExportType:
        by_formats.setdefault(FORMATS_OF[export_type], []).append(export_type)
    for formats, types in by_formats.items():
        yield {
            "properties": {
                "export_type": {"enum": [t.value for t in types]},
                "file_format": {"enum": [f.value for f in RequestedFormat if f in formats]},
            }
        }


def _coherent_filters() -> Iterable[Schema]:
    """Yield one schema for each scope. Filters that the scope does not accept are absent in it."""
    for scope in Scope:
        absent = [name for name, scopes in SCOPES_OF_FILTER.items() if scope not in scopes]
        branch: Schema = {"scope": {"const": scope.value}}
        if absent:
            branch["filters"] = {"properties": {name: {"type": "null"} for name in absent}}
        yield {"properties": branch}
