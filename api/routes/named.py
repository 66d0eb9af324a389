"""The endpoints of what an organisation keeps by name: printers, saved requests and schedules."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import anyio.to_thread
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from accounts.schedules import Schedule
from accounts.store import Accounts
from api.auth.callers import principal_of, writer_of
from api.routes import incoming
from api.routes.label_exports import LabelExportRoutes
from api.routes.resource import resource
from api.settings import ApiSettings
from api.wire import answers, named, paths
from api.wire.requests import PageQuery
from exports import schedules
from exports.ports import Exports, Page
from exports.printers import profile
from exports.printers.profile import Tray
from exports.printers.trays import Trays
from exports.requests import saved
from exports.requests.json_body import parse
from exports.schedules import Cron


class NamedRoutes:
    """List, show, save and remove what an organisation has of one kind. All are functions of its slug first.

    `path` is that of one with a name, below that of the list. `save` takes the name and the body too.
    """

    def __init__(
        self,
        path: str,
        settings: ApiSettings,
        *,
        find: Callable[[str, str], Any],
        find_all: Callable[[str], list[Any]],
        save: Callable[..., Any],
        remove: Callable[[str, str], None],
        shown: Callable[[Any], BaseModel],
        listed: Callable[[list[Any], Page], BaseModel],
    ) -> None:
        self._path = path
        self._settings = settings
        self._find, self._find_all, self._save, self._remove = find, find_all, save, remove
        self._shown, self._listed = shown, listed

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        return [
            resource(self._path.removesuffix("{name}/"), get=self.list),
            resource(self._path, get=self.show, post=self.save, delete=self.remove),
        ]

    async def list(self, request: Request) -> Response:
        """Answer with one page of them."""
        principal = principal_of(request)
        page = incoming.query(request, PageQuery).to_page()

        def listed() -> BaseModel:
            return self._listed(self._find_all(principal.organisation.slug), page)

        return answers.response(await anyio.to_thread.run_sync(listed))

    async def show(self, request: Request) -> Response:
        """Answer with the one of the name."""
        principal = principal_of(request)

        def shown() -> BaseModel:
            return self._shown(self._find(principal.organisation.slug, request.path_params["name"]))

        return answers.response(await anyio.to_thread.run_sync(shown))

    async def save(self, request: Request) -> Response:
        """Store the body under the name; answer 201 with it."""
        principal = writer_of(request)
        name: str = request.path_params["name"]
        body = await incoming.json_body(request, self._settings)

        def saved() -> BaseModel:
            return self._shown(self._save(principal.organisation.slug, name, body, changed_by=principal.id))

        made = await anyio.to_thread.run_sync(saved)
        return answers.response(made, 201, {"location": self._path.format(name=name)})

    async def remove(self, request: Request) -> Response:
        """Remove the one of the name; answer 204."""
        principal = writer_of(request)
        remove = partial(self._remove, principal.organisation.slug, request.path_params["name"])
        await anyio.to_thread.run_sync(remove)
        return Response(status_code=204, headers={"cache-control": "no-store"})


def printer_routes(accounts: Accounts, trays: Trays, settings: ApiSettings) -> list[Route]:
    """Return the routes of printers and their trays, to be mounted at the root."""

    async def load(request: Request) -> Response:
        """Record which sheet is in the tray; answer with the printer."""
        principal = writer_of(request)
        tray = parse(await incoming.json_body(request, settings), Tray)
        load = partial(profile.load_tray, accounts.printers, trays.templates, principal.organisation.slug)
        loaded = await anyio.to_thread.run_sync(load, request.path_params["name"], tray)
        return answers.response(named.printer(loaded))

    printers = NamedRoutes(
        paths.PRINTER,
        settings,
        find=trays.get,
        find_all=trays.list,
        save=partial(profile.save, accounts.printers, trays.templates),
        remove=accounts.printers.remove,
        shown=named.printer,
        listed=named.printers,
    )
    return [*printers.routes(), resource(paths.TRAY, post=load)]


def saved_request_routes(
    accounts: Accounts, exports: LabelExportRoutes, settings: ApiSettings
) -> list[Route]:
    """Return the routes of saved requests, to be mounted at the root."""
    stored = accounts.saved_requests

    async def submit(request: Request) -> Response:
        """Submit the saved request as it is now; answer 202 with the job's receipt."""
        principal = writer_of(request)
        find = partial(stored.get, principal.organisation.slug, request.path_params["name"])
        wanted = saved.request_of(await anyio.to_thread.run_sync(find))
        return await exports.submitted(request, principal, wanted)

    requests = NamedRoutes(
        paths.SAVED_REQUEST,
        settings,
        find=stored.get,
        find_all=stored.list,
        save=partial(saved.save, stored),
        remove=stored.remove,
        shown=named.saved_request,
        listed=named.saved_requests,
    )
    return [*requests.routes(), resource(paths.SUBMIT_SAVED, post=submit)]


def schedule_routes(accounts: Accounts, exports: Exports, cron: Cron, settings: ApiSettings) -> list[Route]:
    """Return the routes of schedules, to be mounted at the root."""
    stored = accounts.schedules

    def shown(found: Schedule) -> named.ScheduleOut:
        return named.schedule(schedules.state_of(found, datetime.now(UTC), exports, cron))

    def save(organisation: str, name: str, body: bytes, *, changed_by: str) -> Schedule:
        del changed_by  # schedules do not keep it
        return schedules.save(stored, cron.is_valid, organisation, name, body)

    def changing(change: Callable[[str, int], None]) -> Callable[[Request], Awaitable[Response]]:
        """Return the handler that changes the schedule of the name, and answers with it."""

        async def handler(request: Request) -> Response:
            organisation = writer_of(request).organisation.slug
            name: str = request.path_params["name"]

            def changed() -> named.ScheduleOut:
                change(organisation, stored.get(organisation, name).id)
                return shown(stored.get(organisation, name))

            return answers.response(await anyio.to_thread.run_sync(changed))

        return handler

    routes = NamedRoutes(
        paths.SCHEDULE,
        settings,
        find=stored.get,
        find_all=stored.list,
        save=save,
        remove=lambda organisation, name: stored.remove(organisation, stored.get(organisation, name).id),
        shown=shown,
        listed=partial(named.schedules, shown),
    )
    return [
        *routes.routes(),
        resource(paths.PAUSE, post=changing(stored.pause)),
        resource(paths.RESUME, post=changing(stored.resume)),
    ]
