"""Interface for submitting, cancelling and reading label-export jobs, and its return values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from accounts.identity import Organisation
from exports.requests.request import ExportRequest
from exports.requests.row_ranges import RowRanges

#: A submission is answered within this time, even if the job has not ended.
ANSWER_SECONDS = 20.0


class JobStatus(StrEnum):
    """The state of a label export."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        return self in {JobStatus.COMPLETED, JobStatus.FAILED}


class Report(StrEnum):
    """A table about an export. The value is the file name without its suffix."""

    MANIFEST = "manifest"
    ERRORS = "errors"


class Stage(StrEnum):
    """A stage of an export, in their order."""

    RESOLVE = "resolve"
    DRAW = "draw"
    ASSEMBLE = "assemble"
    VERIFY = "verify"
    PUBLISH = "publish"
    RECORD = "record"


class Degradation(StrEnum):
    """A fault of the service while exports are still accepted.

    `daemon`: queued exports do not start, because the daemon has stopped or is stuck. `warm_workers`: small exports
    wait longer, because some workers are dead or not warm yet. `queue`: the oldest queued export has waited long.
    """

    DAEMON = "daemon"
    WARM_WORKERS = "warm_workers"
    QUEUE = "queue"


class ReportFormat(StrEnum):
    """The file format of a report. The value is the suffix of its file name."""

    CSV = "csv"
    PARQUET = "parquet"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True)
class Gauges:
    """The current load of the service, over all organisations.

    `jobs` counts jobs by status, `queue_age_seconds` is the age of the oldest job in the queue, and
    `exported_items` counts the entities of completed jobs.
    """

    jobs: dict[JobStatus, int]
    queue_age_seconds: float
    exported_items: int = 0


@dataclass(frozen=True, slots=True)
class ExportJob:
    """The state of one label export.

    Counts are entities. Once completed, `processed_items` + `failed_items` = `total_items`; `total_items` is 0 until
    the filters have been resolved. `unmatched` counts the listed GTINs and ids that match no entity; they are not in
    `total_items`. `total_labels` counts the labels of `total_items`. It is None until the filters have been resolved,
    and for jobs of releases that did not count labels. `sha256` is the artefact's digest in hexadecimal. If it is None,
    `composite_sha256` is the digest of pieces of `piece_bytes`, see `exports.storage.joining`. `reports` are the tables
    that can be downloaded separately. `next_position` is the first free cell of a sheet, counted from 1. `notes` counts
    the notes of the symbols by code. `request_in_words` and `requested_by` are for people; jobs of early releases have
    neither. Times are timezone-aware.
    """

    job_id: str
    organisation: str
    status: JobStatus
    total_items: int
    processed_items: int
    failed_items: int
    unmatched: int
    error: str | None
    error_code: str | None
    output_filename: str | None
    file_size_bytes: int | None
    sha256: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    reports: frozenset[Report] = frozenset()
    next_position: int | None = None
    notes: Mapping[str, int] = field(default_factory=dict[str, int])
    composite_sha256: str | None = None
    piece_bytes: Sequence[int] = ()
    request_in_words: str | None = None
    requested_by: str | None = None
    total_labels: int | None = None

    @property
    def progress_percent(self) -> int:
        """Progress in percent, 0–100. It is 100 only on completion, because the artefact is written last."""
        if self.status is JobStatus.COMPLETED:
            return 100
        if self.total_items <= 0:
            return 0
        done = self.processed_items + self.failed_items
        return max(0, min(99, done * 100 // self.total_items))


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: page `number`, counted from 1, of `size` entries."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size


@dataclass(frozen=True, slots=True)
class JobPosition:
    """The place of a job in the list of its organisation's jobs. The job may have been removed since."""

    created_at: datetime
    job_id: str


@dataclass(frozen=True, slots=True)
class JobPage:
    """One page of jobs, newest first, the number of jobs on all pages, and whether older jobs follow."""

    jobs: list[ExportJob]
    total: int
    has_next: bool


class Exports(Protocol):
    """Submits, cancels and reads label-export jobs. Every method may block: call it from a thread."""

    def submit(
        self,
        organisation: Organisation,
        request: ExportRequest,
        *,
        requested_by: str,
        idempotency_key: str | None = None,
        wait_seconds: float = ANSWER_SECONDS,
    ) -> ExportJob:
        """Create a job and return it. A small job has usually ended by then, within `wait_seconds`.

        If this raises an error, the job will not run, unless the client repeats the request with its idempotency key.
        If the organisation has used the idempotency key before, return the job of that submission. Raises Unavailable;
        InvalidRequest; TooManyOpenJobs; KeyReused if the key was used for another request; StillInFlight while the
        first submission with the key is being answered.
        """
        ...

    def reprint(
        self,
        organisation: Organisation,
        job_id: str,
        *,
        requested_by: str,
        reason: str,
        rows: RowRanges | None = None,
        idempotency_key: str | None = None,
        wait_seconds: float = ANSWER_SECONDS,
    ) -> ExportJob:
        """Create a job, like `submit`, with the frozen rows of a completed one, or with those in `rows`.

        Raises ExportNotFound, NotReprintable, TooManyOpenJobs, KeyReused, StillInFlight, and InvalidRequest if the job
        lacks some of the rows.
        """
        ...

    def cancel(self, organisation: str, job_id: str) -> ExportJob:
        """Cancel the job and return it. No error if it is already cancelled. Raises ExportNotFound, AlreadyFinished."""
        ...

    def job(self, organisation: str, job_id: str) -> ExportJob:
        """Return the organisation's job. Raises ExportNotFound, also for a job of another organisation."""
        ...

    def stages(self, organisation: str, job_id: str) -> Mapping[Stage, datetime]:
        """Return when each stage of the job ended, those that did. Raises ExportNotFound as `job` does.

        Of jobs of earlier releases some stages are not known.
        """
        ...

    def jobs(
        self,
        organisation: str,
        page: Page,
        status: JobStatus | None = None,
        after: JobPosition | None = None,
    ) -> JobPage:
        """Return one page of the organisation's jobs, newest first, of one status if given.

        With `after`, pages are counted from that position. The cost grows with the page's offset.
        """
        ...

    def gauges(self) -> Gauges:
        """Return the current load of the service, over all organisations."""
        ...

    def degraded(self) -> frozenset[Degradation]:
        """Return the faults of the service, noticed within 90 s. Raises an error if jobs cannot be read."""
        ...

    def ready(self) -> bool:
        """Return whether jobs can be accepted."""
        ...
