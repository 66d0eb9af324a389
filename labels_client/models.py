"""Types of the service's answers, as in its OpenAPI description.

Unknown members, which a later version of the service may add, are ignored. Members with a default may be absent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Literal, Self, TypeAlias

ReportFormat: TypeAlias = Literal["csv", "parquet", "xlsx"]
JobState: TypeAlias = Literal["pending", "processing", "completed", "failed"]


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


@dataclass(frozen=True, slots=True)
class Document:
    """A value that is read from a JSON object."""

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the value. Raises TypeError or ValueError if the object does not have this type."""
        known = (member for member in fields(cls) if member.name in document)
        return cls(**{m.name: m.metadata.get("read", _as_it_is)(document[m.name]) for m in known})


def _as_it_is(value: Any) -> Any:
    return value


#: Metadata of a date-time field, which is a string in JSON.
MOMENT = {"read": _moment}


@dataclass(frozen=True, slots=True)
class Receipt(Document):
    """The receipt of an accepted export. `status` is `pending`, or `completed` or `failed` if it has already run."""

    job_id: str
    status: JobState
    poll_url: str


@dataclass(frozen=True, slots=True)
class NoteCount(Document):
    """How many symbols have a note of this code in the manifest."""

    code: str
    count: int


def _notes(documents: list[dict[str, Any]]) -> tuple[NoteCount, ...]:
    return tuple(NoteCount.from_document(document) for document in documents)


@dataclass(frozen=True, slots=True)
class Digest(Document):
    """A digest of an artefact: `sha-256` of all bytes, or `sha-256-of-pieces` of the sizes in `piece_bytes`."""

    algorithm: str
    value: str
    piece_bytes: tuple[int, ...] = field(default=(), metadata={"read": tuple})


def _digest(document: Mapping[str, Any] | None) -> Digest | None:
    return None if document is None else Digest.from_document(document)


@dataclass(frozen=True, slots=True)
class LabelExportJob(Document):
    """The state of an export.

    Counts are entities. `total_items` is 0 until the filters have been resolved; then `total_labels` are the labels of
    these entities. `progress_percent` is 0–100.
    `next_position` is the first free cell of a sheet, counted from 1. URLs need no key and expire at
    `expires_at`. `retry_after_seconds` is the time that the service asks to wait before the next poll.
    """

    job_id: str
    status: JobState
    total_items: int
    processed_items: int
    progress_percent: int
    download_url: str | None = None
    expires_at: datetime | None = field(default=None, metadata=MOMENT)
    output_filename: str | None = None
    file_size_bytes: int | None = None
    error: str | None = None
    error_code: str | None = None
    cancelled: bool = False
    failed_items: int = 0
    unmatched: int = 0
    manifest_url: str | None = None
    errors_url: str | None = None
    next_position: int | None = None
    notes: tuple[NoteCount, ...] = field(default=(), metadata={"read": _notes})
    created_at: datetime | None = field(default=None, metadata=MOMENT)
    started_at: datetime | None = field(default=None, metadata=MOMENT)
    finished_at: datetime | None = field(default=None, metadata=MOMENT)
    retry_after_seconds: float | None = None
    digest: Digest | None = field(default=None, metadata={"read": _digest})
    total_labels: int | None = None

    @property
    def is_terminal(self) -> bool:
        return self.status in {"completed", "failed"}

    def asked_to_wait(self, seconds: float | None) -> "LabelExportJob":
        """Return the state with the Retry-After of its answer."""
        return replace(self, retry_after_seconds=seconds)


@dataclass(frozen=True, slots=True)
class PreviewFailure(Document):
    """An entity that could not be drawn. The fields are those of errors.csv."""

    entity_id: str
    gtin: str
    lot: str | None
    serial: str | None
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class PreviewPicture(Document):
    """One drawn symbol or sheet page. `url` is a `data:` URL of a PNG."""

    title: str
    description: str
    width_mm: float
    height_mm: float
    url: str


def _failures(documents: list[dict[str, Any]]) -> tuple[PreviewFailure, ...]:
    return tuple(PreviewFailure.from_document(document) for document in documents)


def _pictures(documents: list[dict[str, Any]]) -> tuple[PreviewPicture, ...]:
    return tuple(PreviewPicture.from_document(document) for document in documents)


@dataclass(frozen=True, slots=True)
class LabelExportPreview(Document):
    """The result that an export would have. The first `tried_items` of `total_items` entities were drawn for it.

    `total_labels` are the labels of all of them, None if the service does not tell. Of all selected entities,
    `never_printed_items` were never printed, `changed_items` would have other data than on their last label, and for
    `unknown_items` the data of the last label were not recorded.
    """

    total_items: int
    tried_items: int
    failures: tuple[PreviewFailure, ...] = field(metadata={"read": _failures})
    pictures: tuple[PreviewPicture, ...] = field(metadata={"read": _pictures})
    notes: tuple[NoteCount, ...] = field(default=(), metadata={"read": _notes})
    never_printed_items: int = 0
    changed_items: int = 0
    unknown_items: int = 0
    total_labels: int | None = None


@dataclass(frozen=True, slots=True)
class SheetTemplate(Document):
    """A sheet of labels, named by `asset_config.sheet_template`. Positions are from the page's top left corner."""

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
    also_known_as: tuple[str, ...] = field(metadata={"read": tuple})


def _lines(lines: list[str] | None) -> tuple[str, ...] | None:
    return None if lines is None else tuple(lines)


@dataclass(frozen=True, slots=True)
class PrintEvent(Document):
    """One printed label. A reprint also has the requester and the reason.

    `carried` are the values in its symbols by Application Identifier. `resolver` is the beginning of its link, if it
    has one. `lines` is the text on the label. `carried` and `lines` are None if they were not recorded.
    """

    event_type: str
    entity_type: str
    entity_id: str
    gtin: str
    lot: str | None
    serial: str | None
    occurred_at: datetime = field(metadata=MOMENT)
    job_id: str | None = None
    actor: str | None = None
    reason: str | None = None
    carried: Mapping[str, str] | None = None
    resolver: str | None = None
    lines: tuple[str, ...] | None = field(default=None, metadata={"read": _lines})
