"""The endpoints of what labels are printed on, and of what was printed."""

from functools import partial

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import wire
from api.middleware.rate_limit import principal_of
from api.routes import incoming
from api.routes.paths import PRINT_HISTORY_PATH, TEMPLATES_PATH
from api.routes.resource import resource
from exports.ports import Exports


class ReferenceRoutes:
    """Sheet templates and the print history."""

    def __init__(self, exports: Exports) -> None:
        self._exports = exports

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        return [
            resource(TEMPLATES_PATH, get=self.templates),
            resource(PRINT_HISTORY_PATH, get=self.print_history),
        ]

    async def templates(self, request: Request) -> Response:
        """Answer with one page of the sheet templates."""
        principal = principal_of(request)
        page = incoming.query(request, incoming.PageQuery).to_page()
        sheets = await anyio.to_thread.run_sync(self._exports.templates, principal.organisation.slug)
        shown = [wire.sheet_template(sheet) for sheet in sheets[page.offset : page.offset + page.size]]
        return wire.answer(wire.SheetTemplateListOut.of(shown, page, len(sheets)))

    async def print_history(self, request: Request) -> Response:
        """Answer with one page of the labels the organisation has printed."""
        principal = principal_of(request)
        query = incoming.query(request, incoming.PrintHistoryQuery)
        page = query.to_page()
        find = partial(
            self._exports.print_history,
            principal.organisation.slug,
            page,
            gtin14=query.gtin,
            lot=query.lot,
            serial=query.serial,
        )
        found = await anyio.to_thread.run_sync(find)
        events = [wire.print_event(event) for event in found.events]
        return wire.answer(wire.PrintHistoryOut.of(events, page, found.total))
