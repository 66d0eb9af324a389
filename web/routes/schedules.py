"""Schedules: exports that start by the clock."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeAlias

import anyio.to_thread
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from accounts.schedules import Schedule
from accounts.store import Accounts
from exports.errors import ExportNotFound, InvalidRequest
from exports.ports import ExportJob, Exports
from exports.requests.request import parse_request
from exports.requests.words import in_words
from exports.schedules import Cron, job_id_of, require_cron, schedule_request
from gs1.errors import LabelError
from web.addresses import id_of, number_of
from web.export_form import Faults, form_page
from web.forms import lists
from web.forms.entered import ExportForms
from web.forms.values import DEFAULTS, body_of
from web.rendering import page
from web.visitors import Visitor, Visitors

_SCHEDULES_PER_PAGE = 25

_FORM = "new_schedule.html"
_FIELDS = ("name", "cron", "time_zone", "request")
_DEFAULTS = {"cron": "0 6 * * 1-5", "time_zone": "UTC"}

#: (organisation, id of a schedule) -> nothing
_Change: TypeAlias = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class _Shown:
    """A schedule in the list. `words` is None if this release does not accept its request; a paused one has no next tick.

    `last` is the job of the last tick, None if there was no tick or it selected nothing.
    """

    schedule: Schedule
    words: str | None
    next_tick: datetime | None
    last: ExportJob | None


class ScheduleRoutes:
    """The list of schedules, and what can be done with them."""

    def __init__(
        self, exports: Exports, accounts: Accounts, forms: ExportForms, visitors: Visitors, cron: Cron
    ) -> None:
        self._exports = exports
        self._schedules = accounts.schedules
        self._forms = forms
        self._visitors = visitors
        self._cron = cron

    def routes(self) -> list[Route]:
        shown, done = self._visitors.page, self._visitors.action
        filled = done(self.filled, file_bytes=lists.MAX_FILE_BYTES, files=len(lists.FILLED))
        return [
            Route("/schedules", shown(self.all)),
            Route("/schedules", done(self.add), methods=["POST"]),
            Route("/schedules/new", shown(self.blank, needs=lambda it: it.may_submit)),
            Route("/schedules/new", filled, methods=["POST"]),
            *(
                Route(f"/schedules/{{id:int}}/{name}", done(partial(self._change, do)), methods=["POST"])
                for name, do in (
                    ("pause", self._schedules.pause),
                    ("resume", self._schedules.resume),
                    ("remove", self._schedules.remove),
                )
            ),
        ]

    async def all(self, request: Request, visitor: Visitor) -> Response:
        """Show the schedules, oldest first, each with its next tick and what became of the last."""
        number = number_of(request)
        every, shown = await anyio.to_thread.run_sync(self._page, visitor.organisation.slug, number)
        return page(
            request,
            "schedules.html",
            visitor,
            schedules=shown,
            number=number,
            more=len(every) > number * _SCHEDULES_PER_PAGE,
        )

    def _page(self, organisation: str, number: int) -> tuple[list[Schedule], list[_Shown]]:
        every = self._schedules.list(organisation)
        now = datetime.now(UTC)
        part = every[(number - 1) * _SCHEDULES_PER_PAGE : number * _SCHEDULES_PER_PAGE]
        return every, [self._shown(schedule, now) for schedule in part]

    def _shown(self, schedule: Schedule, now: datetime) -> _Shown:
        following = self._cron.next_tick(schedule.cron, schedule.time_zone, now) if schedule.active else None
        try:
            words = in_words(parse_request(schedule.request.encode()))
        except InvalidRequest:
            words = None
        return _Shown(schedule, words, following, self._last(schedule))

    def _last(self, schedule: Schedule) -> ExportJob | None:
        if schedule.last_tick_at is None:
            return None
        try:
            return self._exports.job(schedule.organisation, job_id_of(schedule, schedule.last_tick_at))
        except ExportNotFound:
            return None

    async def blank(self, request: Request, visitor: Visitor) -> Response:
        return form_page(request, _FORM, visitor, {**_DEFAULTS, "request": _indented(body_of(DEFAULTS))})

    async def filled(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        """Show the form of a schedule for what the form of an export asks for. Nothing is stored yet."""
        entered = await self._forms.sent(visitor, form)
        if entered.faults:
            others = [*entered.faults.of_field.values()]
            return form_page(
                request, _FORM, visitor, {**_DEFAULTS, "request": ""}, Faults(others=others), 422
            )
        body = body_of(entered.values)
        faults = Faults()
        try:
            parse_request(json.dumps(body).encode())
        except InvalidRequest as error:
            faults = Faults.of(error, ())
        return form_page(request, _FORM, visitor, {**_DEFAULTS, "request": _indented(body)}, faults)

    async def add(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        """Store the schedule, or show its form again with what is wrong with it."""
        values = {name: str(form.get(name, "")).strip() for name in _FIELDS}
        try:
            await anyio.to_thread.run_sync(self._stored, visitor.organisation.slug, values)
        except LabelError as error:
            return form_page(request, _FORM, visitor, values, Faults.of(error, _FIELDS), 422)
        return RedirectResponse("/schedules", 303)

    def _stored(self, organisation: str, values: Mapping[str, str]) -> None:
        self._schedules.add(
            organisation,
            values["name"],
            cron=require_cron(values["cron"], self._cron.is_valid),
            time_zone=values["time_zone"],
            request=schedule_request(values["request"].encode()),
        )

    async def _change(self, do: _Change, request: Request, visitor: Visitor, form: FormData) -> Response:
        del form
        await anyio.to_thread.run_sync(do, visitor.organisation.slug, id_of(request))
        return RedirectResponse("/schedules", 303)


def _indented(body: Mapping[str, object]) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False)
