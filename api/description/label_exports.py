"""The operations of label exports, of their files, and of what was printed."""

from api.description.operation import TABLES, Content, Operation
from api.wire import answers, label_exports, paths
from api.wire.requests import IDEMPOTENCY_KEY, JobsQuery, PrintHistoryQuery, ReportQuery, ReprintRequest
from exports.requests.request import ExportRequest

_ARTEFACT = Content(None, ("application/zip", "application/pdf", "application/vnd.zebra-zpl"))
_TABLE = Content(None, TABLES)

_FORMATS = (
    "`format` selects the format. `csv` is UTF-8 with BOM, and a cell that starts with `=`, `+`, `-`, `@` or `'` has one "
    "`'` before it, which a reader drops. `parquet` and `xlsx` hold every value as it is. XLSX holds 1,048,575 rows: for "
    "more it is 422."
)

RECEIPT: dict[int, Content | None] = {202: Content(label_exports.LabelExportAcceptedOut)}

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
        RECEIPT,
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
        {200: Content(label_exports.LabelExportListOut)},
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
        {200: Content(label_exports.LabelExportPreviewOut)},
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
        {200: Content(label_exports.LabelExportJobOut), 304: None},
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
        {202: Content(label_exports.LabelExportJobOut)},
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
        RECEIPT,
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
        paths.PRINT_HISTORY,
        "list_print_history",
        "Labels",
        "List printed labels",
        "What the organisation has printed and reprinted, newest first, and what each label carried. It stays on "
        "record when its job is deleted.",
        {200: Content(answers.PrintHistoryOut)},
        query=PrintHistoryQuery,
    ),
)
