"""Answers as types: what all have in common, and those without a module of their own.

The API description is generated from these classes.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Generic, Literal, Self, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema
from starlette.responses import Response

from exports.ports import Degradation, Page


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


#: A time in ISO 8601 with its UTC offset, as in the published examples.
Moment: TypeAlias = Annotated[
    datetime,
    PlainSerializer(_iso, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class Out(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class ErrorDetailOut(Out):
    """One fault of a request: its location, a message for people, and its kind for programs."""

    loc: list[str | int]
    msg: str
    type: str


class ErrorOut(Out):
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


class PaginationOut(Out):
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


class _Paged(Out, Generic[_Item]):
    data: list[_Item]
    pagination: PaginationOut

    @classmethod
    def of(cls, items: Sequence[object], page: Page, total: int) -> Self:
        """Return one page of a list of `total` items. `items` have the attributes of the entries' type."""
        return cls.model_validate({"data": items, "pagination": PaginationOut.of(page, total)})


class SheetTemplateOut(Out):
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


class PrintEventOut(Out):
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


class SessionOut(Out):
    """A new session: the CSRF token that its writes need. Its cookie is in the headers."""

    csrf_token: str
    expires_at: Moment


class ServiceStatusOut(Out):
    """The service accepts label exports."""

    status: str = "ok"


class ReadinessOut(Out):
    """The façade can do its work. `degraded` is what works worse than it should."""

    status: Literal["ok", "degraded"]
    degraded: list[Degradation]


def response(body: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return the JSON response. It must not be stored by caches unless `headers` say otherwise."""
    sent = {"cache-control": "no-store", **(headers or {})}
    return Response(body.model_dump_json(), status, headers=sent, media_type="application/json")
