"""What the service answers, typed: the schemas of its OpenAPI description.

Members that a later version of the service adds are left aside; those beyond the published description may
be absent.
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
    """A value that comes as a JSON object."""

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the value. Raises TypeError or ValueError where it is none of this kind."""
        known = (member for member in fields(cls) if member.name in document)
        return cls(**{m.name: m.metadata.get("read", _as_it_is)(document[m.name]) for m in known})


def _as_it_is(value: Any) -> Any:
    return value


#: Metadata of a field that comes as text in JSON.
_MOMENT = {"read": _moment}


@dataclass(frozen=True, slots=True)
class Receipt(Document):
    """An accepted export: `status` is `pending`, or `completed`/`failed` where it already ran."""

    job_id: str
    status: JobState
    poll_url: str


@dataclass(frozen=True, slots=True)
class LabelExportJob(Document):
    """The state of an export.

    Counts are entities, and `total_items` is 0 until the filters have been resolved; `progress_percent` is
    0–100; `next_position` is a sheet's first free cell, from 1. Addresses need no key and end at
    `expires_at`. `retry_after_seconds` is how long the service asks to wait before the next poll.
    """

    job_id: str
    status: JobState
    total_items: int
    processed_items: int
    progress_percent: int
    download_url: str | None = None
    expires_at: datetime | None = field(default=None, metadata=_MOMENT)
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
    created_at: datetime | None = field(default=None, metadata=_MOMENT)
    started_at: datetime | None = field(default=None, metadata=_MOMENT)
    finished_at: datetime | None = field(default=None, metadata=_MOMENT)
    retry_after_seconds: float | None = None

    @property
    def is_terminal(self) -> bool:
        return self.status in {"completed", "failed"}

    def asked_to_wait(self, seconds: float | None) -> "LabelExportJob":
        """Return the same state with the answer's Retry-After."""
        return replace(self, retry_after_seconds=seconds)


@dataclass(frozen=True, slots=True)
class PreviewFailure(Document):
    """An entity that could not be drawn, as a row of errors.csv tells it."""

    entity_id: str
    gtin: str
    lot: str | None
    serial: str | None
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class PreviewPicture(Document):
    """One drawn symbol or sheet page; `url` is a `data:` URL of its PNG."""

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
    """What an export would make: entities in all, how many of them were tried, and how those came out."""

    total_items: int
    tried_items: int
    failures: tuple[PreviewFailure, ...] = field(metadata={"read": _failures})
    pictures: tuple[PreviewPicture, ...] = field(metadata={"read": _pictures})


@dataclass(frozen=True, slots=True)
class SheetTemplate(Document):
    """A sheet of labels that `asset_config.sheet_template` can name. Lengths from the page's top left corner."""

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


@dataclass(frozen=True, slots=True)
class PrintEvent(Document):
    """One label that was printed; for a reprint also who asked and why."""

    event_type: str
    entity_type: str
    entity_id: str
    gtin: str
    lot: str | None
    serial: str | None
    occurred_at: datetime = field(metadata=_MOMENT)
    job_id: str | None = None
    actor: str | None = None
    reason: str | None = None
