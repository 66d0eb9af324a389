"""The operations of the API, one entry per method of a path, for the OpenAPI description.

One test compares the table with the routes, another sends requests generated from it to a running service.
"""

from dataclasses import dataclass

from pydantic import BaseModel

from api.wire import answers, contents, designs, imports, named, paths
from api.wire.requests import (
    IDEMPOTENCY_KEY,
    JobsQuery,
    PageQuery,
    PrintHistoryQuery,
    ReportQuery,
    ReprintRequest,
)
from catalogue.selection import Scope
from exports.designs.document import Design
from exports.imports.ports import Rows
from exports.printers.profile import Profile, Tray
from exports.requests.request import ExportRequest

# Statuses of errors that do not depend on the operation.
_ALWAYS = (429, 500, 503)
_WITH_KEY = (401,)
_WITH_JOB = (404, 422)
_WITH_BODY = (400, 408, 413, 415, 422)


@dataclass(frozen=True, slots=True)
class Content:
    """The body of an answer: JSON of type `model`, or any content of the other media types."""

    model: type[BaseModel] | None = None
    media_types: tuple[str, ...] = ("application/json",)


_JSON_TEXT = Content()
_ARTEFACT = Content(None, ("application/zip", "application/pdf", "application/vnd.zebra-zpl"))
_TABLE = Content(
    None,
    (
        "text/csv",
        "application/vnd.apache.parquet",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
)
_TABLES = _TABLE.media_types
_FILE = Content(
    None,
    (
        "application/octet-stream",
        "multipart/form-data",
        "text/csv",
        "application/vnd.apache.parquet",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
)
_ROWS = Content(None, ("text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))
_HTML = Content(None, ("text/html",))
_SCHEMA = Content(None, ("application/schema+json",))
_METRICS = Content(None, ("text/plain",))


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of a path.

    `answers` are the success statuses and their bodies, None for no body. `problems` are the error statuses
    that only this operation has. `body` is a JSON document of that type, or other content. `headers` are those of a success beside the common ones. If the operation is
    `secured`, one of the security schemes in `ways` is needed. `token` means that the link is signed.
    """

    method: str
    path: str
    operation_id: str
    tag: str
    summary: str
    description: str
    answers: dict[int, Content | None]
    problems: tuple[int, ...] = ()
    body: type[BaseModel] | Content | None = None
    query: type[BaseModel] | None = None
    request_headers: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    secured: bool = True
    token: bool = False
    ways: tuple[str, ...] = ("APIKeyHeaderAuth", "OAuthTokenAuth", "SessionAuth")

    @property
    def statuses_of_problems(self) -> list[int]:
        with_key = _WITH_KEY if self.secured else ()
        with_job = _WITH_JOB if "{job_id}" in self.path else ()
        with_body = _WITH_BODY if self.body else ()
        with_query = (422,) if self.query else ()
        return sorted({*_ALWAYS, *with_key, *with_job, *with_body, *with_query, *self.problems})


_FORMATS = (
    "`format` selects the format. `csv` is UTF-8 with BOM, and a cell that starts with `=`, `+`, `-`, `@` or `'` has one "
    "`'` before it, which a reader drops. `parquet` and `xlsx` hold every value as it is. XLSX holds 1,048,575 rows: for "
    "more it is 422."
)

_RECEIPT: dict[int, Content | None] = {202: Content(answers.LabelExportAcceptedOut)}

OPERATIONS = (
    Operation(
        "post",
        paths.LABEL_EXPORTS,
        "apps_products_api_labels_export_api_submit_label_export",
        "Labels",
        "Submit a bulk label-export job",
        "The answer is always a receipt; poll the job for its state and its download link. A small export "
        "runs during the request, and its receipt says `completed` or `failed` at once. Each export type "
        "accepts certain file formats and each filter certain scopes, and a GTIN needs its check digit. "
        "Anything else is 422, with the location in `details[].loc`. If the organisation's stored resolver cannot "
        "begin a Digital Link, exports with Digital Links are 409 until it has another. So are all exports of an "
        "organisation whose artefacts take the storage it may have, until older ones expire.",
        _RECEIPT,
        (403, 409),
        body=ExportRequest,
        request_headers=(IDEMPOTENCY_KEY,),
        headers=("Location", "Retry-After"),
    ),
    Operation(
        "get",
        paths.LABEL_EXPORTS,
        "list_label_exports",
        "Labels",
        "List label-export jobs",
        "The organisation's jobs, newest first. `page` × `page_size` is at most 10,000. Beyond that, and to see each job "
        "once while others are added, pass the `next_after` of a page as `after` of the next one, without `page`.",
        {200: Content(answers.LabelExportListOut)},
        query=JobsQuery,
    ),
    Operation(
        "post",
        paths.PREVIEW,
        "preview_label_export",
        "Labels",
        "Preview a label export",
        "Takes the body of a submission and creates no job. The answer says how many entities are selected and "
        "which of the first would fail and why, with pictures of the first symbols or of the first sheet page.",
        {200: Content(answers.LabelExportPreviewOut)},
        (403, 409),
        body=ExportRequest,
    ),
    Operation(
        "get",
        paths.JOB,
        "poll_label_export",
        "Labels",
        "Poll a label-export job",
        "A completed job has a `download_url`, which needs no key and expires. Polling again gives a new one. "
        "With `If-None-Match`, an unchanged state is 304.",
        {200: Content(answers.LabelExportJobOut), 304: None},
        request_headers=("If-None-Match",),
        headers=("ETag", "Retry-After"),
    ),
    Operation(
        "delete",
        paths.JOB,
        "cancel_label_export",
        "Labels",
        "Cancel a label-export job",
        "The job becomes `failed` with the error `cancelled`. Cancelling it again is no error. A job that "
        "has ended in another way is 409.",
        {202: Content(answers.LabelExportJobOut)},
        (403, 409),
        headers=("Retry-After",),
    ),
    Operation(
        "post",
        paths.REPRINT,
        "reprint_label_export",
        "Labels",
        "Print the labels of a job again",
        "Creates a job with the same rows, or with those that `rows` names, recorded as a reprint with who asked and "
        "why. 409 if the rows are no longer stored, 422 if the job has no such rows.",
        _RECEIPT,
        (403, 409),
        body=ReprintRequest,
        request_headers=(IDEMPOTENCY_KEY,),
        headers=("Location", "Retry-After"),
    ),
    Operation(
        "get",
        paths.JOB + "download/",
        "download_label_export",
        "Downloads",
        "Download the artefact",
        "The ZIP or PDF, by the signed link of a poll. Accepts ranges. May redirect to the object store.",
        {200: _ARTEFACT, 206: _ARTEFACT, 304: None, 307: None},
        (400, 403, 409, 416),
        request_headers=("Range", "If-Range", "If-None-Match"),
        secured=False,
        token=True,
    ),
    Operation(
        "get",
        paths.JOB + "manifest/",
        "download_label_export_manifest",
        "Downloads",
        "Download the manifest",
        "The content of each label, by the signed link of a poll. " + _FORMATS,
        {200: _TABLE},
        (403,),
        query=ReportQuery,
        secured=False,
        token=True,
    ),
    Operation(
        "get",
        paths.JOB + "errors/",
        "download_label_export_errors",
        "Downloads",
        "Download the error report",
        "Which entities failed or matched nothing, by the signed link of a poll. " + _FORMATS,
        {200: _TABLE},
        (403,),
        query=ReportQuery,
        secured=False,
        token=True,
    ),
    Operation(
        "get",
        paths.TEMPLATES,
        "list_sheet_templates",
        "Labels",
        "List sheet templates",
        "The sheets of labels that `asset_config.sheet_template` can name, with their geometry.",
        {200: Content(answers.SheetTemplateListOut)},
        query=PageQuery,
    ),
    Operation(
        "get",
        paths.DESIGNS,
        "list_designs",
        "Labels",
        "List label designs",
        "The designs that `asset_config.design` can name, each with its newest version: the built-in ones, then the "
        "organisation's own by name.",
        {200: Content(designs.DesignListOut)},
        query=PageQuery,
    ),
    Operation(
        "get",
        paths.DESIGN_SCHEMA,
        "design_schema",
        "Labels",
        "The JSON Schema of label designs",
        "JSON Schema 2020-12 of the documents that designs are.",
        {200: _SCHEMA},
    ),
    Operation(
        "post",
        paths.DESIGN_PREVIEW,
        "preview_design",
        "Labels",
        "Preview a label design",
        "Takes a design and the request of a sheet, and stores nothing. The answer is that of a preview of the request "
        "with this design: the first page as it would be printed, and which of the first entities would fail and why.",
        {200: Content(answers.LabelExportPreviewOut)},
        (409,),
        body=designs.DesignPreviewRequest,
    ),
    Operation(
        "get",
        paths.DESIGN,
        "show_design",
        "Labels",
        "Show a label design",
        "The document of a design, of the newest or of the given version.",
        {200: Content(designs.DesignDocumentOut)},
        (404, 422),
        query=designs.DesignQuery,
    ),
    Operation(
        "post",
        paths.DESIGN,
        "add_design",
        "Labels",
        "Add a version of a label design",
        "The body is the document. It becomes the newest version of this name; a document that is already the newest is "
        "not added again. A job keeps the document it was submitted with. 409 if the organisation has 500 versions of "
        "its designs, or if another one is added at the same moment.",
        {201: Content(designs.DesignDocumentOut)},
        (403, 409),
        body=Design,
        headers=("Location",),
    ),
    Operation(
        "delete",
        paths.DESIGN,
        "remove_design",
        "Labels",
        "Remove a label design",
        "Removes all versions of the design. Jobs and reprints of jobs are as they were.",
        {204: None},
        (403, 404),
    ),
    Operation(
        "get",
        paths.PRINTERS,
        "list_printers",
        "Labels",
        "List printer profiles",
        "The printers that `asset_config.printer` can name, each with the first free cell of the sheet in its tray.",
        {200: Content(named.PrinterListOut)},
        query=PageQuery,
    ),
    Operation(
        "get",
        paths.PRINTER,
        "show_printer",
        "Labels",
        "Show a printer profile",
        "`taken_by` is the label export that prints on the sheet in the tray and has not ended. Until it ends, requests "
        "that rely on the tray are 409.",
        {200: Content(named.PrinterOut)},
        (404,),
    ),
    Operation(
        "post",
        paths.PRINTER,
        "save_printer",
        "Labels",
        "Save a printer profile",
        "The body takes the place of the profile that has the name. Without `sheet_template` and `next_position` the tray "
        "stays as it is. Exports that were submitted keep what the profile said then. 409 if the organisation has 500.",
        {201: Content(named.PrinterOut)},
        (403, 409),
        body=Profile,
        headers=("Location",),
    ),
    Operation(
        "delete",
        paths.PRINTER,
        "remove_printer",
        "Labels",
        "Remove a printer profile",
        "Jobs and reprints of jobs keep its settings.",
        {204: None},
        (403, 404),
    ),
    Operation(
        "post",
        paths.TRAY,
        "load_tray",
        "Labels",
        "Tell which sheet is in a printer's tray",
        "A new sheet, or the one that is there and has another free cell, whatever export had it before. Without "
        "`sheet_template` the template stays, without `next_position` the sheet is new.",
        {200: Content(named.PrinterOut)},
        (403, 404),
        body=Tray,
    ),
    Operation(
        "get",
        paths.SAVED_REQUESTS,
        "list_saved_requests",
        "Labels",
        "List saved requests",
        "The organisation's export requests that have a name, by name.",
        {200: Content(named.SavedRequestListOut)},
        query=PageQuery,
    ),
    Operation(
        "get",
        paths.SAVED_REQUEST,
        "show_saved_request",
        "Labels",
        "Show a saved request",
        "`request` is the body of a submission. A release that no longer accepts it shows it still.",
        {200: Content(named.SavedRequestOut)},
        (404,),
    ),
    Operation(
        "post",
        paths.SAVED_REQUEST,
        "save_request",
        "Labels",
        "Save a request",
        "The body is that of a submission, and is validated as one. It takes the place of the request that has the name. "
        "409 if the organisation has 500.",
        {201: Content(named.SavedRequestOut)},
        (403, 409),
        body=ExportRequest,
        headers=("Location",),
    ),
    Operation(
        "delete",
        paths.SAVED_REQUEST,
        "remove_saved_request",
        "Labels",
        "Remove a saved request",
        "Jobs that were made of it stay.",
        {204: None},
        (403, 404),
    ),
    Operation(
        "post",
        paths.SUBMIT_SAVED,
        "submit_saved_request",
        "Labels",
        "Submit a saved request",
        "As a submission of the request that has the name now. There is no body. An Idempotency-Key that was used before "
        "the saved request was changed is 422, as one used for another request is.",
        _RECEIPT,
        (403, 404, 409, 422),
        request_headers=(IDEMPOTENCY_KEY,),
        headers=("Location", "Retry-After"),
    ),
    Operation(
        "get",
        paths.PRINT_HISTORY,
        "list_print_history",
        "Labels",
        "List printed labels",
        "What the organisation has printed and reprinted, newest first, and what each label carried. It stays on "
        "record when its job is deleted.",
        {200: Content(answers.PrintHistoryOut)},
        query=PrintHistoryQuery,
    ),
    Operation(
        "post",
        paths.IMPORTS,
        "submit_import",
        "Catalogue",
        "Import a file into the catalogue",
        "The body is the file itself, or a form with one file and nothing else: CSV, XLSX, ODS or Parquet. The query says "
        "how it is read; without `kind`, its header tells what is in it. The answer is a receipt; poll the import for its counts. Imports run one after "
        "the other, and importing a file twice changes nothing. 413 beyond the service's limit, 429 while the "
        "organisation has ten imports that have not ended, 409 while its storage is full.",
        {202: Content(imports.ImportAcceptedOut)},
        (403, 409),
        body=_FILE,
        query=imports.ImportQuery,
        request_headers=(IDEMPOTENCY_KEY,),
        headers=("Location", "Retry-After"),
    ),
    Operation(
        "get",
        paths.IMPORT,
        "poll_import",
        "Catalogue",
        "Poll an import",
        "How the file was understood, and how many of its rows were added, updated, unchanged, held and refused. An import "
        "with held or refused rows is `completed`. It is `failed` if the file as a whole was refused: then no row is imported.",
        {200: Content(imports.ImportJobOut)},
        headers=("Retry-After",),
    ),
    *(
        Operation(
            "get",
            f"{paths.IMPORT}{rows}/",
            f"download_{rows}_rows",
            "Catalogue",
            f"Download the {rows} rows of an import",
            "The rows with all their cells and what is wrong with them: XLSX if the file was a workbook, else CSV. Correct "
            "and import them. 404 if there are none.",
            {200: _ROWS},
        )
        for rows in Rows
    ),
    *(
        Operation(
            "get",
            paths.contents_of(scope),
            f"list_{scope}",
            "Catalogue",
            f"List {scope}",
            f"The organisation's {scope} with the columns of an import, inactive ones too. Every filter given must match, as in a "
            "label export. `page` × `page_size` is at most 10,000; beyond that pass the `next_after` of a page as `after` of "
            "the next one, without `page`. With `format` the answer is a file with all the rows, whatever the page. "
            "Imported again, it changes nothing. XLSX holds 1,048,575 rows: for more it is 422.",
            {200: Content(contents.LISTS[scope], ("application/json", *_TABLES))},
            query=contents.QUERIES[scope],
        )
        for scope in Scope
    ),
    Operation(
        "post",
        paths.SESSION,
        "begin_session",
        "Session",
        "Begin a session",
        "Exchanges an API key for the cookies `sessionid` and `csrftoken`. Every write of the session "
        "needs the token in the `X-CSRF-Token` header.",
        {201: Content(answers.SessionOut)},
        ways=("APIKeyHeaderAuth",),
    ),
    Operation(
        "delete",
        paths.SESSION,
        "end_session",
        "Session",
        "End the session",
        "Ends the session of the cookie.",
        {204: None},
        (403,),
        ways=("SessionAuth",),
    ),
    Operation(
        "get",
        "/openapi.json",
        "openapi",
        "Service",
        "This description",
        "OpenAPI 3.1.",
        {200: _JSON_TEXT},
        secured=False,
    ),
    Operation(
        "get",
        "/docs",
        "docs",
        "Service",
        "This description as a page",
        "HTML without scripts.",
        {200: _HTML},
        secured=False,
    ),
    Operation(
        "get",
        "/healthz",
        "healthz",
        "Service",
        "Health",
        "200 once label exports are accepted.",
        {200: Content(answers.ServiceStatusOut)},
        secured=False,
    ),
    Operation(
        "get",
        "/readyz",
        "readyz",
        "Service",
        "Readiness",
        "200 if this façade can use its database, its storage and the record of jobs, else 503 within five seconds. "
        "`degraded` names what works worse than it should: the `daemon` that starts queued exports, the "
        "`warm_workers` for small ones, or a `queue` whose oldest export has waited for five minutes.",
        {200: Content(answers.ReadinessOut)},
        secured=False,
    ),
    Operation(
        "get",
        "/metrics",
        "metrics",
        "Service",
        "Metrics",
        "In Prometheus's text format. 404 unless the operator has set a key for it.",
        {200: _METRICS},
        (404,),
        ways=("MetricsKeyAuth",),
    ),
)
