"""What the façade needs of whoever runs exports."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol

from accounts.identity import Organisation
from exports.request import ExportRequest


class JobStatus(StrEnum):
    """Where in its life an export is."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        return self in {JobStatus.COMPLETED, JobStatus.FAILED}


@dataclass(frozen=True, slots=True)
class ExportJob:
    """One export as seen from outside.

    Counts are entities: `processed_items` + `failed_items` = `total_items` once completed;
    `total_items` is 0 until the filters have been resolved. `unmatched` counts listed GTINs and ids
    that name nothing, outside `total_items`. `sha256` is the artefact's, hexadecimal. Times are aware.
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

    @property
    def progress_percent(self) -> int:
        """How much is done, 0–100; 100 only when completed, for the artefact is written last."""
        if self.status is JobStatus.COMPLETED:
            return 100
        if self.total_items <= 0:
            return 0
        done = self.processed_items + self.failed_items
        return max(0, min(99, done * 100 // self.total_items))


class Exports(Protocol):
    """Runs exports and reads their state. Every method may block: call them from a thread."""

    def submit(self, organisation: Organisation, request: ExportRequest, *, requested_by: str) -> ExportJob:
        """Return the new job, which has already run where it was small. Raises Unavailable."""
        ...

    def job(self, organisation: str, job_id: str) -> ExportJob:
        """Return the organisation's job. Raises ExportNotFound, also for another organisation's."""
        ...

    def artifact_path(self, job: ExportJob) -> Path | None:
        """Return where the artefact is on this machine's disk, or None where it is elsewhere."""
        ...

    def open_artifact(self, job: ExportJob) -> BinaryIO:
        """Return the artefact opened for reading. Raises FileNotFoundError where it is gone."""
        ...

    def ready(self) -> bool:
        """Return whether exports can be accepted."""
        ...
