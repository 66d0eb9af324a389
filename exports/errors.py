"""The errors of exports: those shown to clients and those that end a job."""

from typing import TypedDict

from gs1.errors import LabelError


class Detail(TypedDict):
    """One fault of a request: its place, its description, and its kind for programs."""

    loc: list[str | int]
    msg: str
    type: str


class ExportError(LabelError):
    """An export cannot be made, found or read."""

    code = "export_error"


class InvalidRequest(ExportError):
    """The request body is not a valid export request. `details` holds one entry per fault."""

    code = "validation_error"

    def __init__(
        self, details: list[Detail], message: str = "The request is not a valid label export."
    ) -> None:
        super().__init__(message)
        self.details = details


class InvalidJobId(ExportError):
    """The text is not a valid job id."""

    code = "invalid_job_id"

    def __init__(self, job_id: str) -> None:
        super().__init__(
            "A job id is 22 letters and digits.",
            value=job_id,
            expected="22 letters and digits",
            field="job_id",
        )


class ExportNotFound(ExportError):
    """No such export of this organisation."""

    code = "not_found"

    def __init__(self, job_id: str) -> None:
        super().__init__("There is no such label export.", value=job_id, field="job_id")


class ImportNotFound(ExportError):
    """No such import of this organisation, or it has no such rows."""

    code = "not_found"

    def __init__(self, job_id: str) -> None:
        super().__init__("There is no such import.", value=job_id, field="job_id")


class NotReady(ExportError):
    """The export has no artefact to download (yet)."""

    code = "not_ready"

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(
            f"The label export is {status}, not completed.",
            value=status,
            expected="completed",
            field="status",
        )
        self.job_id = job_id


class UnreadableDocument(ExportError):
    """A stored document of one job is damaged, or written by a release that this one does not understand."""

    code = "unreadable_document"

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"The document {key} cannot be read: {reason}", value=key, field="document")


class TooManyRows(ExportError):
    """A report has more rows than the requested format can have."""

    code = "too_many_rows"

    def __init__(self, rows: int, most: int) -> None:
        super().__init__(
            f"The table has {rows:,} rows and XLSX holds {most:,}. Use format=parquet or format=csv.",
            value=rows,
            expected=f"at most {most:,} rows",
            field="format",
        )


class KeyReused(ExportError):
    """An idempotency key was used again with another request."""

    code = "idempotency_key_reused"

    def __init__(self, key: str) -> None:
        super().__init__(
            "This Idempotency-Key was used for another request.",
            value=key,
            expected="a new key, or the same request",
            field="Idempotency-Key",
        )


class StillInFlight(ExportError):
    """The first request with this idempotency key is still being answered."""

    code = "in_flight"

    def __init__(self, key: str, *, retry_after: int = 2) -> None:
        super().__init__(
            "The first request with this Idempotency-Key is still being answered.",
            value=key,
            field="Idempotency-Key",
        )
        self.retry_after = retry_after


class AlreadyFinished(ExportError):
    """The export has ended, or its artefact is committed: it can no longer be cancelled."""

    code = "already_finished"

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(
            f"The label export is {status}: it can no longer be cancelled.",
            value=status,
            expected="pending or processing",
            field="status",
        )
        self.job_id = job_id


class NotReprintable(ExportError):
    """The export was not completed, or what it printed is no longer kept."""

    code = "not_reprintable"

    def __init__(self, job_id: str, why: str) -> None:
        super().__init__(f"The label export cannot be printed again: {why}.", value=job_id, field="job_id")


class TrayTaken(ExportError):
    """Another job prints on the sheet in the printer's tray, so it is not known which cell will be free."""

    code = "tray_taken"

    def __init__(self, printer: str, job_id: str, remedy: str) -> None:
        super().__init__(
            f"The sheet in the tray of printer {printer!r} is taken by label export {job_id}. {remedy}",
            value=printer,
            field="printer",
        )
        self.job_id = job_id


class TrayChanged(ExportError):
    """The sheet in the printer's tray is no longer the one that the job was made for."""

    code = "tray_changed"

    def __init__(self, printer: str) -> None:
        super().__init__(
            f"The tray of printer {printer!r} was changed at the same moment. Send the request again, with another"
            " Idempotency-Key.",
            value=printer,
            field="printer",
        )


class Unavailable(ExportError):
    """The service cannot accept exports now. The same request may succeed later."""

    code = "unavailable"

    def __init__(
        self, message: str = "Label exports cannot be accepted just now.", *, retry_after: int = 5
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManyOpenJobs(ExportError):
    """The organisation has reached its limit of unfinished jobs."""

    code = "rate_limited"

    def __init__(self, most: int, *, what: str = "label exports", retry_after: int = 10) -> None:
        cancel = ", or cancel one" if what == "label exports" else ""
        super().__init__(
            f"The organisation has {most} open {what}. Wait until one ends{cancel}.",
            value=most,
            expected=f"fewer than {most} open {what}",
        )
        self.retry_after = retry_after


class EmptySelection(ExportError):
    """The selection matches no entity."""

    code = "empty_selection"

    def __init__(self, message: str = "The selection matches nothing that can be exported.") -> None:
        super().__init__(message)


class AllItemsFailed(ExportError):
    """No entity of the export could be made into a symbol."""

    code = "all_items_failed"

    def __init__(self, total_items: int) -> None:
        super().__init__(f"None of the {total_items} entities could be exported.", value=total_items)
        self.total_items = total_items


class ExportCancelled(ExportError):
    """The export was cancelled before it was committed."""

    code = "cancelled"

    def __init__(self, message: str = "cancelled") -> None:
        super().__init__(message)


class StockIsBusy(ExportError):
    """Another export of the organisation's unprinted stock has not ended in time."""

    code = "stock_is_busy"

    def __init__(self, organisation: str) -> None:
        super().__init__(
            f"Another export of stock due for printing is still running for {organisation}.",
            value=organisation,
        )


class StorageIsFull(ExportError):
    """The organisation's artefacts fill its storage limit."""

    code = "storage_is_full"

    def __init__(self, stored_bytes: int, most_bytes: int) -> None:
        super().__init__(
            f"The organisation's artefacts take {stored_bytes:,} bytes, and may take {most_bytes:,}. There is room for"
            " new ones when older ones have expired.",
            value=stored_bytes,
            expected=f"less than {most_bytes} bytes",
        )


class TooManyPages(ExportError):
    """The labels fill more pages than one PDF may have."""

    code = "too_many_pages"

    def __init__(self, template: str, labels: int, pages: int, most: int) -> None:
        super().__init__(
            f"{labels:,} labels take {pages:,} pages of {template}, and a PDF has {most:,} at most: narrow the"
            " selection, and export in parts.",
            value=pages,
            expected=f"at most {most} pages",
        )


class SymbolDoesNotDecode(ExportError):
    """A finished artefact differs from the frozen manifest. It must not be published."""

    code = "symbol_does_not_decode"


class Stalled(ExportError):
    """A job repeatedly made no progress."""

    code = "stalled"

    def __init__(self, step: str, times: int, seconds: float) -> None:
        super().__init__(
            f"The job stalled {times} times, the last time for {seconds / 60:.0f} minutes in the step {step}."
            " Nothing was published.",
            value=step,
        )


class WorkerDied(ExportError):
    """The processes of a job died repeatedly."""

    code = "worker_died"

    def __init__(self, step: str, times: int) -> None:
        super().__init__(
            f"The process of the job died repeatedly, {times} times in the step {step}. Nothing was published.",
            value=step,
        )


class StorageFailed(ExportError):
    """The storage or a database failed repeatedly in a step of the job."""

    code = "storage_failed"

    def __init__(self, what: str, words: str) -> None:
        super().__init__(
            f"The storage failed when writing or reading {what}: {words}. Nothing was published. Submit the"
            " label export again when the storage has room and can be written.",
            value=words,
        )
