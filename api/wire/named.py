"""Answers about printers, saved requests and schedules, as types."""

import json
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from accounts.labels.named import Named
from accounts.labels.printers import StoredPrinter
from accounts.schedules import Schedule
from api.wire.answers import Moment, PaginationOut
from api.wire.label_exports import LabelExportAcceptedOut, receipt
from api.wire.requests import PLAIN_TEXT
from exports.ports import Page
from exports.printers.profile import profile_of
from exports.requests.saved import document_of
from exports.schedules import ScheduleState

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


class ScheduleOut(_Out):
    """An export that starts by the clock. A paused one has no `next_tick_at`.

    `last_job` is the label export of the last tick, null if there was no tick yet, nothing was due, or it was removed.
    """

    name: _Name
    cron: str
    time_zone: str
    request: dict[str, Any]
    active: bool
    next_tick_at: Moment | None
    last_tick_at: Moment | None
    last_job: LabelExportAcceptedOut | None
    changed_at: Moment


class ScheduleListOut(_Out):
    """One page of the organisation's schedules, oldest first."""

    data: list[ScheduleOut]
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


def schedule(found: ScheduleState) -> ScheduleOut:
    """Return a schedule, when it starts next, and what came of its last tick."""
    kept, last = found.schedule, found.last
    return ScheduleOut(
        name=kept.name,
        cron=kept.cron,
        time_zone=kept.time_zone,
        request=json.loads(kept.request),
        active=kept.active,
        next_tick_at=found.next_tick,
        last_tick_at=kept.last_tick_at,
        last_job=last and receipt(last),
        changed_at=kept.created_at,
    )


def schedules(shown: Callable[[Schedule], ScheduleOut], found: list[Schedule], page: Page) -> ScheduleListOut:
    """Return one page of schedules. `shown` is called for those of the page alone."""
    data = [shown(each) for each in _part(found, page)]
    return ScheduleListOut(data=data, pagination=PaginationOut.of(page, len(found)))


def _part(found: list[_Found], page: Page) -> list[_Found]:
    return found[page.offset : page.offset + page.size]
