"""What can be asked of the API, one entry per method of a path: the description's own table.

A test holds it against the routes, and another sends what it promises to the running service.
"""

from dataclasses import dataclass

from pydantic import BaseModel

from api import wire
from api.auth.principals import SESSION_PATH
from api.routes import incoming
from api.routes.paths import PRINT_HISTORY_PATH, TEMPLATES_PATH
from api.routes.reprint_request import ReprintRequest
from exports.requests.request import ExportRequest

JOB = wire.ROOT + "{job_id}/"

# What a request can meet on its way, whatever the operation.
_ALWAYS = (429, 500, 503)
_WITH_KEY = (401,)
_WITH_JOB = (404, 422)
_WITH_BODY = (400, 408, 413, 415, 422)


@dataclass(frozen=True, slots=True)
class Content:
    """A body of an answer: a type of ours as JSON, or bytes of the media types named."""

    model: type[BaseModel] | None = None
    media_types: tuple[str, ...] = ("application/json",)


_JSON_TEXT = Content()
_ARTEFACT = Content(None, ("application/zip", "application/pdf"))
_TABLE = Content(
    None,
    (
        "text/csv",
        "application/vnd.apache.parquet",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
)
_HTML = Content(None, ("text/html",))
_METRICS = Content(None, ("text/plain",))


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of a path.

    `answers` are the statuses of success with their bodies, None for an answer without one; `problems`
    the statuses of errors; `headers` those that successes carry beside the common ones. `ways` are the
    security schemes of which one is needed where the operation is `secured`; `token` says that its link is
    signed instead.
    """

    method: str
    path: str
    operation_id: str
    tag: str
    summary: str
    description: str
    answers: dict[int, Content | None]
    problems: tuple[int, ...] = ()
    body: type[BaseModel] | None = None
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
    "`format` says how. `csv` is UTF-8 with BOM, and a cell that starts with `=`, `+`, `-`, `@` or `'` has one `'` "
    "before it, which a reader drops. `parquet` and `xlsx` hold every value as it is, and empty cells where there "
    "is none. XLSX holds 1,048,575 rows: for more it is 422."
)

_RECEIPT: dict[int, Content | None] = {202: Content(wire.LabelExportAcceptedOut)}

OPERATIONS = (
    Operation(
        "post",
        wire.ROOT,
        "apps_products_api_labels_export_api_submit_label_export",
        "Labels",
        "Submit a bulk label-export job",
        "Always answers with a receipt; poll the job for its state and its download link. A small export "
        "runs inside the request, and its receipt says `completed` or `failed` at once. An export type "
        "takes certain file formats, a filter certain scopes, and a GTIN needs its check digit: anything "
        "else is 422, with the place in `details[].loc`. Digital Links of an organisation whose stored "
        "resolver cannot begin one are 409 until it has another.",
        _RECEIPT,
        (403, 409),
        body=ExportRequest,
        request_headers=(incoming.IDEMPOTENCY_KEY,),
        headers=("Location", "Retry-After"),
    ),
    Operation(
        "get",
        wire.ROOT,
        "list_label_exports",
        "Labels",
        "List label-export jobs",
        "The organisation's jobs, newest first.",
        {200: Content(wire.LabelExportListOut)},
        query=incoming.JobsQuery,
    ),
    Operation(
        "post",
        wire.ROOT + "preview/",
        "preview_label_export",
        "Labels",
        "Preview a label export",
        "Takes the body of a submission and makes no job: how many entities there are, which of those "
        "tried would fail and why, and pictures of the first symbols or of the first sheet page.",
        {200: Content(wire.LabelExportPreviewOut)},
        (403, 409),
        body=ExportRequest,
    ),
    Operation(
        "get",
        JOB,
        "poll_label_export",
        "Labels",
        "Poll a label-export job",
        "A completed job has a `download_url`, which needs no key and expires; polling again gives a fresh "
        "one. With `If-None-Match` an unchanged state is 304.",
        {200: Content(wire.LabelExportJobOut), 304: None},
        request_headers=("If-None-Match",),
        headers=("ETag", "Retry-After"),
    ),
    Operation(
        "delete",
        JOB,
        "cancel_label_export",
        "Labels",
        "Cancel a label-export job",
        "The job becomes `failed` with the error `cancelled`. Cancelling it again is no error; a job that "
        "has ended otherwise is 409.",
        {202: Content(wire.LabelExportJobOut)},
        (403, 409),
        headers=("Retry-After",),
    ),
    Operation(
        "post",
        JOB + "reprint/",
        "reprint_label_export",
        "Labels",
        "Print the labels of a job again",
        "A new job over the very same rows, recorded as a reprint with who asked and why. 409 once the "
        "rows are no longer kept.",
        _RECEIPT,
        (403, 409),
        body=ReprintRequest,
        headers=("Location", "Retry-After"),
    ),
    Operation(
        "get",
        JOB + "download/",
        "download_label_export",
        "Downloads",
        "Download the artefact",
        "The ZIP or PDF, by the signed link of a poll. Takes ranges. May redirect to the object store.",
        {200: _ARTEFACT, 206: _ARTEFACT, 304: None, 307: None},
        (400, 403, 409, 416),
        request_headers=("Range", "If-Range", "If-None-Match"),
        secured=False,
        token=True,
    ),
    Operation(
        "get",
        JOB + "manifest/",
        "download_label_export_manifest",
        "Downloads",
        "Download the manifest",
        "What stands on each label, by the signed link of a poll. " + _FORMATS,
        {200: _TABLE},
        (403,),
        query=incoming.ReportQuery,
        secured=False,
        token=True,
    ),
    Operation(
        "get",
        JOB + "errors/",
        "download_label_export_errors",
        "Downloads",
        "Download the error report",
        "Which entities failed or matched nothing, by the signed link of a poll. " + _FORMATS,
        {200: _TABLE},
        (403,),
        query=incoming.ReportQuery,
        secured=False,
        token=True,
    ),
    Operation(
        "get",
        TEMPLATES_PATH,
        "list_sheet_templates",
        "Labels",
        "List sheet templates",
        "The sheets of labels that `asset_config.sheet_template` can name, with their geometry.",
        {200: Content(wire.SheetTemplateListOut)},
        query=incoming.PageQuery,
    ),
    Operation(
        "get",
        PRINT_HISTORY_PATH,
        "list_print_history",
        "Labels",
        "List printed labels",
        "What the organisation has printed and reprinted, newest first.",
        {200: Content(wire.PrintHistoryOut)},
        query=incoming.PrintHistoryQuery,
    ),
    Operation(
        "post",
        SESSION_PATH,
        "begin_session",
        "Session",
        "Begin a session",
        "Exchanges an API key for the cookies `sessionid` and `csrftoken`. Every write of the session "
        "needs the token in the `X-CSRF-Token` header.",
        {201: Content(wire.SessionOut)},
        ways=("APIKeyHeaderAuth",),
    ),
    Operation(
        "delete",
        SESSION_PATH,
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
        {200: Content(wire.ServiceStatusOut)},
        secured=False,
    ),
    Operation(
        "get",
        "/readyz",
        "readyz",
        "Service",
        "Readiness",
        "200 once label exports are accepted.",
        {200: Content(wire.ServiceStatusOut)},
        secured=False,
    ),
    Operation(
        "get",
        "/metrics",
        "metrics",
        "Service",
        "Metrics",
        "In Prometheus's text format.",
        {200: _METRICS},
        secured=False,
    ),
)
