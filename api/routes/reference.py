"""The endpoints of sheet templates and of the print history."""

from functools import partial

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.auth.callers import principal_of
from api.routes import incoming
from api.routes.resource import resource
from api.wire import answers, paths
from api.wire.requests import PageQuery, PrintHistoryQuery
from exports.reads import ExportReads


class ReferenceRoutes:
    """Sheet templates and the print history."""

    def __init__(self, reads: ExportReads) -> None:
        self._reads = reads

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        return [
            resource(paths.TEMPLATES, get=self.templates),
            resource(paths.PRINT_HISTORY, get=self.print_history),
        ]

    async def templates(self, request: Request) -> Response:
        """Answer with one page of the sheet templates."""
        principal = principal_of(request)
        page = incoming.query(request, PageQuery).to_page()
        sheets = await anyio.to_thread.run_sync(self._reads.templates, principal.organisation.slug)
        shown = sheets[page.offset : page.offset + page.size]
        return answers.response(answers.SheetTemplateListOut.of(shown, page, len(sheets)))

    async def print_history(self, request: Request) -> Response:
        """Answer with one page of the labels the organisation has printed."""
        principal = principal_of(request)
        query = incoming.query(request, PrintHistoryQuery)
        page = query.to_page()
        find = partial(
            self._reads.print_history,
            principal.organisation.slug,
            page,
            gtin14=query.gtin,
            lot=query.lot,
            serial=query.serial,
        )
        found = await anyio.to_thread.run_sync(find)
        return answers.response(answers.PrintHistoryOut.of(found.events, page, found.total))
