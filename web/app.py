"""The routes of the pages. The composition root lays them beside those of the API, behind the same middleware."""

from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from accounts.store import Accounts
from catalogue.tables import Catalogue
from exports.imports.ports import Imports
from exports.ports import Exports
from exports.reads import ExportReads
from exports.schedules import Cron
from web.error_pages import told
from web.forms.entered import ExportForms
from web.rendering import STATIC
from web.routes.catalogue import CatalogueRoutes
from web.routes.designs import DesignRoutes
from web.routes.exports import NewExportRoutes
from web.routes.history import HistoryRoutes
from web.routes.jobs import JobRoutes
from web.routes.printers import PrinterRoutes
from web.routes.saved_requests import SavedRequestRoutes
from web.routes.schedules import ScheduleRoutes
from web.routes.sessions import SessionRoutes
from web.routes.settings import SettingsRoutes
from web.visitors import SessionOf, Visitors

_KEPT_FOR_EVER = "public, max-age=31536000, immutable"


def routes(
    *,
    exports: Exports,
    reads: ExportReads,
    imports: Imports,
    catalogue: Catalogue,
    accounts: Accounts,
    session_of: SessionOf,
    cron: Cron,
    session_seconds: int,
    public_url: str | None,
    max_import_bytes: int,
    runs_url: str | None = None,
) -> Sequence[BaseRoute]:
    """Return the routes of all pages, from the root on. `runs_url` is the address of the Dagster UI, if there is one."""
    visitors = Visitors(session_of)
    forms = ExportForms(exports, reads, catalogue)
    pages = [
        *SessionRoutes(accounts, visitors, session_seconds, public_url).routes(),
        *NewExportRoutes(exports, reads, accounts, forms, visitors).routes(),
        *JobRoutes(exports, reads, accounts, visitors, runs_url).routes(),
        *CatalogueRoutes(catalogue, imports, visitors, max_import_bytes).routes(),
        *HistoryRoutes(reads, visitors).routes(),
        *DesignRoutes(accounts, reads, visitors).routes(),
        *PrinterRoutes(exports, reads, accounts, visitors).routes(),
        *SavedRequestRoutes(exports, accounts, visitors).routes(),
        *ScheduleRoutes(exports, accounts, forms, visitors, cron).routes(),
        *SettingsRoutes(accounts, visitors).routes(),
    ]
    return [
        *(Route(route.path, told(visitors, route.endpoint), methods=route.methods) for route in pages),
        Mount("/static", _Static(directory=STATIC)),
    ]


class _Static(StaticFiles):
    """Files that never change under their address, see `rendering.asset`."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = _KEPT_FOR_EVER
        return response
