"""The routes of the pages. The composition root lays them beside those of the API, behind the same middleware."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from accounts.errors import NotFound
from accounts.store import Accounts
from catalogue.tables import Catalogue
from exports.errors import ExportNotFound, ImportNotFound, InvalidJobId
from exports.imports.ports import Imports
from exports.ports import Exports
from exports.reads import ExportReads
from exports.schedules import Cron
from gs1.errors import LabelError
from web.errors import FormExpired, NotAllowed, PageNotFound, TooLarge
from web.forms.entered import ExportForms
from web.rendering import STATIC, page
from web.routes.catalogue import CatalogueRoutes
from web.routes.exports import NewExportRoutes
from web.routes.history import HistoryRoutes
from web.routes.jobs import JobRoutes
from web.routes.schedules import ScheduleRoutes
from web.routes.sessions import SessionRoutes
from web.routes.settings import SettingsRoutes
from web.visitors import Endpoint, Visitors

#: Statuses of errors that a page shows by itself. Any other LabelError is about what the visitor asked for.
_STATUSES: Mapping[type[LabelError], HTTPStatus] = {
    InvalidJobId: HTTPStatus.NOT_FOUND,
    PageNotFound: HTTPStatus.NOT_FOUND,
    NotFound: HTTPStatus.NOT_FOUND,
    ExportNotFound: HTTPStatus.NOT_FOUND,
    ImportNotFound: HTTPStatus.NOT_FOUND,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    FormExpired: HTTPStatus.FORBIDDEN,
    NotAllowed: HTTPStatus.FORBIDDEN,
}

_KEPT_FOR_EVER = "public, max-age=31536000, immutable"


def routes(
    *,
    exports: Exports,
    reads: ExportReads,
    imports: Imports,
    catalogue: Catalogue,
    accounts: Accounts,
    cron: Cron,
    session_seconds: int,
    public_url: str | None,
    max_import_bytes: int,
    runs_url: str | None = None,
) -> Sequence[BaseRoute]:
    """Return the routes of all pages, from the root on. `runs_url` is the address of the Dagster UI, if there is one."""
    visitors = Visitors(accounts)
    forms = ExportForms(exports, reads, catalogue)
    told = [
        *SessionRoutes(accounts, visitors, session_seconds, public_url).routes(),
        *NewExportRoutes(exports, reads, forms, visitors).routes(),
        *JobRoutes(exports, reads, accounts, visitors, runs_url).routes(),
        *CatalogueRoutes(catalogue, imports, visitors, max_import_bytes).routes(),
        *HistoryRoutes(reads, visitors).routes(),
        *ScheduleRoutes(exports, accounts, forms, visitors, cron).routes(),
        *SettingsRoutes(accounts, visitors).routes(),
    ]
    return [
        *(Route(route.path, _told(visitors, route.endpoint), methods=route.methods) for route in told),
        Mount("/static", _Static(directory=STATIC)),
    ]


def _told(visitors: Visitors, endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with its errors told on a page."""

    async def safe(request: Request) -> Response:
        try:
            return await endpoint(request)
        except LabelError as error:
            status = next((_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES), 422)
            told = str(error)
        except HTTPException as error:  # a form that cannot be read
            status, told = error.status_code, error.detail
        visitor = await visitors.of(request)
        return page(request, "error.html", visitor, status_code=status, message=told)

    return safe


class _Static(StaticFiles):
    """Files that never change under their address, see `rendering.asset`."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = _KEPT_FOR_EVER
        return response
