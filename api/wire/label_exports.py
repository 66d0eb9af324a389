"""Answers about label exports, as types."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.wire import cursors, paths
from api.wire.answers import Moment, Out, PaginationOut
from exports.ports import ExportJob, JobPage, JobPosition, JobStatus, Page
from exports.previews.preview import Preview


class LabelExportAcceptedOut(Out):
    """The receipt of a label export."""

    job_id: str
    status: JobStatus
    poll_url: str


@dataclass(frozen=True, slots=True)
class Links:
    """Signed URLs of a job's files, and when they expire. None if the job has no such file."""

    download: str | None
    manifest: str | None
    errors: str | None
    expires_at: datetime


class NoteCountOut(Out):
    """How many symbols have a note of this code in the manifest."""

    code: str
    count: int


class DigestOut(Out):
    """A digest of the file at `download_url`, in hexadecimal.

    `sha-256` is that of all bytes. `sha-256-of-pieces` is the SHA-256 over the file's pieces of `piece_bytes`, which
    lie end to end: for each its size, as eight bytes, the highest first, and its SHA-256, as 32 bytes.
    """

    algorithm: Literal["sha-256", "sha-256-of-pieces"]
    value: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    piece_bytes: list[int]


class LabelExportJobOut(Out):
    """The state of a label export. The URLs need no key and expire.

    Counts are entities. `total_labels` counts the labels of those in `total_items`. It is null until the selection is resolved.
    """

    job_id: str
    status: JobStatus
    total_items: int
    total_labels: int | None
    processed_items: int
    progress_percent: Annotated[int, Field(ge=0, le=100)]
    download_url: str | None
    expires_at: Moment | None
    output_filename: str | None
    file_size_bytes: int | None
    digest: DigestOut | None
    error: str | None
    error_code: str | None
    cancelled: bool
    failed_items: int
    unmatched: int
    manifest_url: str | None
    errors_url: str | None
    next_position: int | None
    notes: list[NoteCountOut]
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None


class LabelExportPaginationOut(PaginationOut):
    """The position of a page. `next_after` is the next page's `after`, however deep; null on the last page."""

    next_after: str | None


class LabelExportListOut(Out):
    """One page of the organisation's label exports, newest first."""

    data: list[LabelExportJobOut]
    pagination: LabelExportPaginationOut


class PreviewFailureOut(Out):
    """An entity that could not be drawn. The fields are those of errors.csv."""

    entity_id: str
    gtin: str
    lot: str | None
    serial: str | None
    code: str
    reason: str


class PreviewPictureOut(Out):
    """One drawn symbol or sheet page: a PNG as a `data:` URL."""

    title: str
    description: str
    width_mm: float
    height_mm: float
    url: str


class LabelExportPreviewOut(Out):
    """What a label export would make, judged by the first entities, which were drawn to find out.

    `total_labels` counts the labels of those in `total_items`. Of all selected entities, `never_printed_items` were never
    printed, `changed_items` would carry something else today than on their last label, and of `unknown_items` it was not
    recorded what that carried.
    """

    total_items: int
    total_labels: int
    tried_items: int
    failures: list[PreviewFailureOut]
    pictures: list[PreviewPictureOut]
    notes: list[NoteCountOut]
    never_printed_items: int
    changed_items: int
    unknown_items: int


def receipt(job: ExportJob) -> LabelExportAcceptedOut:
    """Return the published receipt of a submission."""
    return LabelExportAcceptedOut(job_id=job.job_id, status=job.status, poll_url=paths.poll(job.job_id))


def _note_counts(notes: Mapping[str, int]) -> list[NoteCountOut]:
    return [NoteCountOut(code=code, count=count) for code, count in sorted(notes.items())]


def _digest(job: ExportJob) -> DigestOut | None:
    if job.sha256 is not None:
        return DigestOut(algorithm="sha-256", value=job.sha256, piece_bytes=[])
    if job.composite_sha256 is not None:
        pieces = list(job.piece_bytes)
        return DigestOut(algorithm="sha-256-of-pieces", value=job.composite_sha256, piece_bytes=pieces)
    return None


def job_state(job: ExportJob, links: Links) -> LabelExportJobOut:
    """Return the state of a job."""
    completed = job.status is JobStatus.COMPLETED
    failed = job.status is JobStatus.FAILED
    return LabelExportJobOut(
        job_id=job.job_id,
        status=job.status,
        total_items=job.total_items,
        total_labels=job.total_labels,
        processed_items=job.processed_items,
        progress_percent=job.progress_percent,
        download_url=links.download,
        expires_at=links.expires_at if links.download else None,
        output_filename=job.output_filename if completed else None,
        file_size_bytes=job.file_size_bytes if completed else None,
        digest=_digest(job) if completed else None,
        error=(job.error or "The label export failed.") if failed else None,
        error_code=(job.error_code or "internal_error") if failed else None,
        cancelled=failed and job.error_code == "cancelled",
        failed_items=job.failed_items,
        unmatched=job.unmatched,
        manifest_url=links.manifest,
        errors_url=links.errors,
        next_position=job.next_position if completed else None,
        notes=_note_counts(job.notes),
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


def job_list(
    states: list[LabelExportJobOut], page: Page, found: JobPage, after: JobPosition | None
) -> LabelExportListOut:
    """Return one page of jobs. A page that follows a cursor is page 1, and has pages before it."""
    last = JobPosition(found.jobs[-1].created_at, found.jobs[-1].job_id) if found.has_next else None
    pagination = LabelExportPaginationOut(
        page=page.number,
        page_size=page.size,
        total_count=found.total,
        total_pages=-(-found.total // page.size),
        has_next=found.has_next,
        has_previous=after is not None or page.number > 1,
        next_after=last and cursors.of(last),
    )
    return LabelExportListOut(data=states, pagination=pagination)


def preview(found: Preview) -> LabelExportPreviewOut:
    """Return a preview with its pictures as `data:` URLs."""
    return LabelExportPreviewOut(
        total_items=found.total_items,
        total_labels=found.total_labels,
        tried_items=found.tried_items,
        failures=[PreviewFailureOut.model_validate(failure) for failure in found.failures],
        pictures=[
            PreviewPictureOut(
                title=picture.title,
                description=picture.description,
                width_mm=picture.width_mm,
                height_mm=picture.height_mm,
                url="data:image/png;base64," + base64.b64encode(picture.png).decode("ascii"),
            )
            for picture in found.pictures
        ],
        notes=_note_counts(found.notes),
        never_printed_items=found.printed.never_printed,
        changed_items=found.printed.changed,
        unknown_items=found.printed.unknown,
    )
