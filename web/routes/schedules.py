"""Schedules: exports that start by the clock."""

import json
from collections.abc import Callable, Mapping
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
from exports.errors import InvalidRequest
from exports.ports import Exports
from exports.requests.request import parse_request
from exports.requests.words import stored_in_words
from exports.schedules import Cron, ScheduleState, require_cron, schedule_request, state_of
from gs1.errors import LabelError
from web.addresses import id_of, number_of
from web.export_form import Faults, form_page
from web.forms import lists
from web.forms.entered import ExportForms
from web.forms.values import DEFAULTS, body_of
from web.rendering import indented, page
from web.visitors import Visitor, Visitors

_SCHEDULES_PER_PAGE = 25

_FORM = "new_schedule.html"
_FIELDS = ("name", "cron", "time_zone", "request")
_DEFAULTS = {"cron": "0 6 * * 1-5", "time_zone": "UTC"}

#: (organisation, id of a schedule) -> nothing
_Change: TypeAlias = Callable[[str, int], None]


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

    def _page(
        self, organisation: str, number: int
    ) -> tuple[list[Schedule], list[tuple[ScheduleState, str | None]]]:
        """Return all schedules, and those of the page, each with its request in words."""
        every = self._schedules.list(organisation)
        now = datetime.now(UTC)
        part = every[(number - 1) * _SCHEDULES_PER_PAGE : number * _SCHEDULES_PER_PAGE]
        return every, [
            (state_of(schedule, now, self._exports, self._cron), stored_in_words(schedule.request))
            for schedule in part
        ]

    async def blank(self, request: Request, visitor: Visitor) -> Response:
        return form_page(request, _FORM, visitor, {**_DEFAULTS, "request": indented(body_of(DEFAULTS))})

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
        return form_page(request, _FORM, visitor, {**_DEFAULTS, "request": indented(body)}, faults)

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
