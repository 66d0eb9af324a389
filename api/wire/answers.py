"""Answers as types. The API description is generated from these classes."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Generic, Literal, Self, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema
from starlette.responses import Response

from api.wire import cursors, paths
from exports.ports import Degradation, ExportJob, JobPage, JobPosition, JobStatus, Page
from exports.previews.preview import Preview


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


#: A time in ISO 8601 with its UTC offset, as in the published examples.
Moment: TypeAlias = Annotated[
    datetime,
    PlainSerializer(_iso, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class ErrorDetailOut(_Out):
    """One fault of a request: its location, a message for people, and its kind for programs."""

    loc: list[str | int]
    msg: str
    type: str


class ErrorOut(_Out):
    """A problem document (RFC 9457). Every error of this service has this shape."""

    type: str
    title: str
    status: int
    detail: str
    error_code: str
    retryable: bool = False
    timestamp: Moment
    retry_after: int | None = None
    retry_after_seconds: int | None = None
    owner_action_required: bool | None = None
    details: list[ErrorDetailOut] | None = None


class LabelExportAcceptedOut(_Out):
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


class NoteCountOut(_Out):
    """How many symbols have a note of this code in the manifest."""

    code: str
    count: int


class DigestOut(_Out):
    """A digest of the file at `download_url`, in hexadecimal.

    `sha-256` is that of all bytes. `sha-256-of-pieces` is the SHA-256 over the file's pieces of `piece_bytes`, which
    lie end to end: for each its size, as eight bytes, the highest first, and its SHA-256, as 32 bytes.
    """

    algorithm: Literal["sha-256", "sha-256-of-pieces"]
    value: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    piece_bytes: list[int]


class LabelExportJobOut(_Out):
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


class PaginationOut(_Out):
    """The position of a page in its list."""

    page: int
    page_size: int
    total_count: int
    total_pages: int
    has_next: bool
    has_previous: bool

    @classmethod
    def of(cls, page: Page, total: int) -> "PaginationOut":
        """Return the position of a page in a list of `total` items."""
        pages = -(-total // page.size)
        return PaginationOut(
            page=page.number,
            page_size=page.size,
            total_count=total,
            total_pages=pages,
            has_next=page.number < pages,
            has_previous=page.number > 1,
        )


_Item = TypeVar("_Item", bound=BaseModel)


class _Paged(_Out, Generic[_Item]):
    data: list[_Item]
    pagination: PaginationOut

    @classmethod
    def of(cls, items: Sequence[object], page: Page, total: int) -> Self:
        """Return one page of a list of `total` items. `items` have the attributes of the entries' type."""
        return cls.model_validate({"data": items, "pagination": PaginationOut.of(page, total)})


class LabelExportPaginationOut(PaginationOut):
    """The position of a page. `next_after` is the next page's `after`, however deep; null on the last page."""

    next_after: str | None


class LabelExportListOut(_Out):
    """One page of the organisation's label exports, newest first."""

    data: list[LabelExportJobOut]
    pagination: LabelExportPaginationOut


class PreviewFailureOut(_Out):
    """An entity that could not be drawn. The fields are those of errors.csv."""

    entity_id: str
    gtin: str
    lot: str | None
    serial: str | None
    code: str
    reason: str


class PreviewPictureOut(_Out):
    """One drawn symbol or sheet page: a PNG as a `data:` URL."""

    title: str
    description: str
    width_mm: float
    height_mm: float
    url: str


class LabelExportPreviewOut(_Out):
    """What a label export would make, judged by the first entities, which were drawn to find out.

    `total_labels` counts the labels of those in `total_items`. Of all selected entities, `never_printed_items` were never printed, `changed_items` would carry something else
    today than on their last label, and of `unknown_items` it was not recorded what that carried.
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


class SheetTemplateOut(_Out):
    """A sheet of labels. Lengths in millimetres, from the page's top left corner."""

    id: str
    description: str
    shape: str
    columns: int
    rows: int
    labels_per_page: int
    page_width_mm: float
    page_height_mm: float
    label_width_mm: float
    label_height_mm: float
    corner_radius_mm: float
    left_mm: float
    top_mm: float
    pitch_x_mm: float
    pitch_y_mm: float
    also_known_as: list[str]


class SheetTemplateListOut(_Paged[SheetTemplateOut]):
    """One page of the sheet templates that the organisation can use."""


class PrintEventOut(_Out):
    """One printed label. A reprint also has who asked and why.

    `carried` are the values in its symbols by Application Identifier, `resolver` is what its link begins with, if
    it has one, and `lines` is the text on it. `carried` and `lines` are null if they were not recorded.
    """

    event_type: str
    entity_type: str
    entity_id: str
    gtin: Annotated[str, Field(validation_alias="gtin14")]
    lot: Annotated[str | None, Field(validation_alias="lot_number")]
    serial: Annotated[str | None, Field(validation_alias="serial_number")]
    occurred_at: Moment
    job_id: str | None
    actor: str | None
    reason: str | None
    carried: dict[str, str] | None
    resolver: str | None
    lines: list[str] | None


class PrintHistoryOut(_Paged[PrintEventOut]):
    """One page of printed labels, newest first."""


class SessionOut(_Out):
    """A new session: the CSRF token that its writes need. Its cookie is in the headers."""

    csrf_token: str
    expires_at: Moment


class ServiceStatusOut(_Out):
    """The service accepts label exports."""

    status: str = "ok"


class ReadinessOut(_Out):
    """The façade can do its work. `degraded` is what works worse than it should."""

    status: Literal["ok", "degraded"]
    degraded: list[Degradation]


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


def response(body: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return the JSON response. It must not be stored by caches unless `headers` say otherwise."""
    sent = {"cache-control": "no-store", **(headers or {})}
    return Response(body.model_dump_json(), status, headers=sent, media_type="application/json")
