"""What was printed, and when: by what is scanned into the search box, or typed."""

from functools import partial

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exports.ports import Page
from exports.reads import ExportReads
from gs1.errors import Gs1Error
from web.addresses import MOST_PAGES, number_of
from web.rendering import page
from web.scanned import keys_of
from web.visitors import Visitor, Visitors

_EVENTS_PER_PAGE = 50


class HistoryRoutes:
    """The print history."""

    def __init__(self, reads: ExportReads, visitors: Visitors) -> None:
        self._reads = reads
        self._visitors = visitors

    def routes(self) -> list[Route]:
        return [Route("/history", self._visitors.page(self.list))]

    async def list(self, request: Request, visitor: Visitor) -> Response:
        """Show printings, newest first, of the label that was scanned or of all."""
        scanned, number = request.query_params.get("code", "").strip(), number_of(request)
        keys: dict[str, str] = {}
        fault: str | None = None
        try:
            keys = keys_of(scanned) if scanned else {}
        except Gs1Error as error:
            fault = str(error)
        found = None
        if fault is None:
            read = partial(
                self._reads.print_history,
                visitor.organisation.slug,
                Page(number, _EVENTS_PER_PAGE),
                **{"gtin14": None, "lot": None, "serial": None, **keys},
            )
            found = await anyio.to_thread.run_sync(read)
        return page(
            request,
            "history.html",
            visitor,
            status_code=422 if fault else 200,
            scanned=scanned,
            keys=keys,
            fault=fault,
            found=found,
            number=number,
            more=found is not None and found.total > number * _EVENTS_PER_PAGE and number < MOST_PAGES,
        )
