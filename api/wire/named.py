"""Answers about printers and saved requests, as types."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from accounts.labels.named import Named
from accounts.labels.printers import StoredPrinter
from api.wire.answers import Moment, PaginationOut
from api.wire.requests import PLAIN_TEXT
from exports.ports import Page
from exports.printers.profile import profile_of
from exports.requests.saved import document_of

_Found = TypeVar("_Found")
_Name = Annotated[str, Field(pattern=PLAIN_TEXT)]


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class PrinterOut(_Out):
    """A printer profile. `next_position` is the first free cell of the sheet in the tray, counted from 1.

    `taken_by` is the label export that prints from there on and has not ended.
    """

    name: _Name
    offset_x_mm: float | None
    offset_y_mm: float | None
    scale_percent: float | None
    dpi: int | None
    rotate: int | None
    sheet_template: str | None
    next_position: int | None
    taken_by: str | None
    changed_at: Moment
    changed_by: str


class PrinterListOut(_Out):
    """One page of the organisation's printers, by name."""

    data: list[PrinterOut]
    pagination: PaginationOut


class SavedRequestOut(_Out):
    """An export request with a name."""

    name: _Name
    request: dict[str, Any]
    changed_at: Moment
    changed_by: str


class SavedRequestListOut(_Out):
    """One page of the organisation's saved requests, by name."""

    data: list[SavedRequestOut]
    pagination: PaginationOut


def printer(found: StoredPrinter) -> PrinterOut:
    """Return a printer and what is in its tray."""
    return PrinterOut(
        name=found.name,
        **profile_of(found).model_dump(),
        taken_by=found.taken_by,
        changed_at=found.changed_at,
        changed_by=found.changed_by,
    )


def printers(found: list[StoredPrinter], page: Page) -> PrinterListOut:
    """Return one page of printers."""
    data = [printer(each) for each in _part(found, page)]
    return PrinterListOut(data=data, pagination=PaginationOut.of(page, len(found)))


def saved_request(found: Named) -> SavedRequestOut:
    """Return a saved request."""
    return SavedRequestOut(
        name=found.name,
        request=document_of(found),
        changed_at=found.changed_at,
        changed_by=found.changed_by,
    )


def saved_requests(found: list[Named], page: Page) -> SavedRequestListOut:
    """Return one page of saved requests."""
    data = [saved_request(each) for each in _part(found, page)]
    return SavedRequestListOut(data=data, pagination=PaginationOut.of(page, len(found)))


def _part(found: list[_Found], page: Page) -> list[_Found]:
    return found[page.offset : page.offset + page.size]
