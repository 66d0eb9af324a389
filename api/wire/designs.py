"""Requests and answers of label designs, as types."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.wire.answers import Moment, PaginationOut
from api.wire.requests import PLAIN_TEXT, number
from exports.designs.document import Design
from exports.designs.known import KnownDesign
from exports.ports import Page
from exports.requests.request import ExportRequest


class DesignQuery(BaseModel):
    """Which version of a design to show, the newest if absent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(number)] | None = None


class DesignPreviewRequest(BaseModel):
    """A design to look at, and the request of sheets whose first page is drawn with it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    design: Design
    request: ExportRequest


class DesignOut(BaseModel):
    """A label design. Built-in ones have no `created_at` and no `created_by`."""

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, Field(pattern=PLAIN_TEXT)]
    version: int
    built_in: bool
    created_at: Moment | None
    created_by: str | None


class DesignDocumentOut(DesignOut):
    """A label design with its document, as it was sent."""

    design: dict[str, Any]


class DesignListOut(BaseModel):
    """One page of the label designs that the organisation can use, built-in ones first."""

    model_config = ConfigDict(frozen=True)

    data: list[DesignOut]
    pagination: PaginationOut


def listed(every: list[KnownDesign], page: Page) -> DesignListOut:
    """Return one page of the designs."""
    shown = every[page.offset : page.offset + page.size]
    return DesignListOut(
        data=[DesignOut(**_entry(each)) for each in shown], pagination=PaginationOut.of(page, len(every))
    )


def shown(found: KnownDesign) -> DesignDocumentOut:
    """Return a design with its document."""
    return DesignDocumentOut(**_entry(found), design=found.document)


def _entry(found: KnownDesign) -> dict[str, Any]:
    return {name: getattr(found, name) for name in DesignOut.model_fields}
