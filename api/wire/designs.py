"""Requests and answers of label designs, as types."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from accounts.labels.designs import StoredDesign
from api.wire.answers import Moment, PaginationOut
from api.wire.requests import PLAIN_TEXT, number
from exports.designs.document import BUILT_IN, Design
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


_BUILT_IN = [
    DesignOut(name=name, version=1, built_in=True, created_at=None, created_by=None) for name in BUILT_IN
]


def listed(stored: list[StoredDesign], page: Page) -> DesignListOut:
    """Return one page of the designs."""
    every = [*_BUILT_IN, *(_entry(each) for each in stored)]
    shown = every[page.offset : page.offset + page.size]
    return DesignListOut(data=shown, pagination=PaginationOut.of(page, len(every)))


def built_in(name: str) -> DesignDocumentOut:
    """Return a design that every organisation has."""
    document = BUILT_IN[name].model_dump(mode="json", exclude_none=True)
    return DesignDocumentOut(
        name=name, version=1, built_in=True, created_at=None, created_by=None, design=document
    )


def stored(found: StoredDesign) -> DesignDocumentOut:
    """Return a design of the organisation."""
    return DesignDocumentOut(**_entry(found).model_dump(), design=json.loads(found.document))


def _entry(found: StoredDesign) -> DesignOut:
    return DesignOut(
        name=found.name,
        version=found.version,
        built_in=False,
        created_at=found.created_at,
        created_by=found.created_by,
    )
