"""What the façade needs of whoever runs exports."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol

from accounts.identity import Organisation
from exports.requests.request import ExportRequest
from renderers.sheets.model import SheetTemplate


class JobStatus(StrEnum):
    """Where in its life an export is."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        return self in {JobStatus.COMPLETED, JobStatus.FAILED}


class Report(StrEnum):
    """A table about an export; the value is its file's stem."""

    MANIFEST = "manifest"
    ERRORS = "errors"


class ReportFormat(StrEnum):
    """The format a report is wanted in; the value is its file's suffix."""

    CSV = "csv"
    PARQUET = "parquet"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True)
class Gauges:
    """The service at this moment, over all organisations.

    Jobs by status, the age of the oldest one waiting in seconds, and the entities of the completed ones.
    """

    jobs: dict[JobStatus, int]
    queue_age_seconds: float
    exported_items: int = 0


@dataclass(frozen=True, slots=True)
class ExportJob:
    """One export as seen from outside.

    Counts are entities: `processed_items` + `failed_items` = `total_items` once completed;
    `total_items` is 0 until the filters have been resolved. `unmatched` counts listed GTINs and ids
    that name nothing, outside `total_items`. `sha256` is the artefact's, hexadecimal. `reports` are those that
    can be fetched by themselves, `next_position` is a sheet's first free cell, from 1. Times are aware.
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

    @property
    def progress_percent(self) -> int:
        """How much is done, 0–100; 100 only when completed, for the artefact is written last."""
        if self.status is JobStatus.COMPLETED:
            return 100
        if self.total_items <= 0:
            return 0
        done = self.processed_items + self.failed_items
        return max(0, min(99, done * 100 // self.total_items))


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: `number` counts from 1."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size


@dataclass(frozen=True, slots=True)
class JobPage:
    """Jobs of one page, newest first, and how many there are in all."""

    jobs: list[ExportJob]
    total: int


@dataclass(frozen=True, slots=True)
class PrintEvent:
    """One label that was printed: of which entity, when, by which job, and for a reprint who and why."""

    event_type: str
    entity_type: str
    entity_id: str
    gtin14: str
    lot_number: str | None
    serial_number: str | None
    occurred_at: datetime
    job_id: str | None
    actor: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class PrintHistory:
    """Events of one page, newest first, and how many there are in all."""

    events: list[PrintEvent]
    total: int


@dataclass(frozen=True, slots=True)
class PreviewFailure:
    """An entity of a preview that could not be drawn, as a row of `errors.csv` would tell it."""

    entity_id: str
    gtin: str
    lot: str | None
    serial: str | None
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class PreviewPicture:
    """One drawn symbol or sheet page: a PNG, what it shows in words, and its size in millimetres."""

    png: bytes
    title: str
    description: str
    width_mm: float
    height_mm: float


@dataclass(frozen=True, slots=True)
class Preview:
    """What an export would make: entities in all, how many were tried, which of those fail, and pictures."""

    total_items: int
    tried_items: int
    failures: list[PreviewFailure]
    pictures: list[PreviewPicture]


class Exports(Protocol):
    """Runs exports and reads their state. Every method may block: call them from a thread."""

    def submit(
        self,
        organisation: Organisation,
        request: ExportRequest,
        *,
        requested_by: str,
        idempotency_key: str | None = None,
    ) -> ExportJob:
        """Return the new job, which has already run where it was small.

        With a key that the organisation used before, return that job instead. Raises Unavailable,
        KeyReused where the key came with another request, StillInFlight while the first is being answered.
        """
        ...

    def reprint(
        self, organisation: Organisation, job_id: str, *, requested_by: str, reason: str
    ) -> ExportJob:
        """Return a new job over the very rows of another. Raises ExportNotFound, NotReprintable."""
        ...

    def cancel(self, organisation: str, job_id: str) -> ExportJob:
        """Return the job, cancelled now or before. Raises ExportNotFound, AlreadyFinished."""
        ...

    def job(self, organisation: str, job_id: str) -> ExportJob:
        """Return the organisation's job. Raises ExportNotFound, also for another organisation's."""
        ...

    def jobs(self, organisation: str, page: Page, status: JobStatus | None = None) -> JobPage:
        """Return the organisation's jobs, newest first."""
        ...

    def preview(self, organisation: Organisation, request: ExportRequest) -> Preview:
        """Return what the request would make, without making a job."""
        ...

    def templates(self, organisation: str) -> list[SheetTemplate]:
        """Return the sheet templates the organisation can use, its own among them."""
        ...

    def print_history(
        self, organisation: str, page: Page, *, gtin14: str | None, lot: str | None, serial: str | None
    ) -> PrintHistory:
        """Return PRINTED and REPRINTED events, newest first; each filter narrows."""
        ...

    def artefact_path(self, job: ExportJob) -> Path | None:
        """Return where the artefact is on this machine's disk, or None where it is elsewhere."""
        ...

    def artefact_url(self, job: ExportJob, ttl_seconds: int) -> str | None:
        """Return the object store's own presigned address of the artefact, or None where it has none."""
        ...

    def open_artefact(self, job: ExportJob) -> BinaryIO:
        """Return the artefact opened for reading. Raises FileNotFoundError where it is gone."""
        ...

    def open_report(self, job: ExportJob, report: Report, wanted: ReportFormat) -> BinaryIO:
        """Return the job's manifest or errors in the format wanted; other formats than CSV take time to make.

        Raises ExportNotFound where there is none, TooManyRows for more than the format holds.
        """
        ...

    def gauges(self) -> Gauges:
        """Return what the service as a whole is at, over all organisations."""
        ...

    def ready(self) -> bool:
        """Return whether exports can be accepted."""
        ...
