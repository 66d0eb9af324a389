"""The endpoints of the catalogue's contents: by page, or whole as a file that imports again."""

from functools import partial

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from api.auth.callers import principal_of
from api.routes import incoming
from api.routes.downloads import REPORT_MEDIA_TYPES, chunks
from api.routes.resource import resource
from api.wire import answers, paths
from api.wire.contents import QUERIES, listed
from catalogue import contents
from catalogue.selection import Scope
from catalogue.tables import Catalogue
from exports.reports import catalogue_files
from exports.storage.addresses import attachment
from gs1.digital_link import DEFAULT_RESOLVER

#: Pages and whole files read at once: each may sort millions of rows.
_PAGE_THREADS, _FILE_THREADS = 4, 2


class ContentRoutes:
    """The catalogue endpoints."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._page_threads = anyio.CapacityLimiter(_PAGE_THREADS)
        self._file_threads = anyio.CapacityLimiter(_FILE_THREADS)

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        return [
            resource(paths.contents_of(scope), get=partial(self.contents, scope=scope)) for scope in Scope
        ]

    async def contents(self, request: Request, *, scope: Scope) -> Response:
        """Answer with one page of the rows, or with all of them as a file."""
        organisation = principal_of(request).organisation
        query = incoming.query(request, QUERIES[scope])
        wanted = query.selection(organisation.slug, organisation.resolver or DEFAULT_RESOLVER, scope)
        if query.format is None:
            page = query.to_page()
            find = partial(
                contents.part, self._catalogue, wanted, limit=page.size, offset=page.offset, after=query.after
            )
            found = await anyio.to_thread.run_sync(find, limiter=self._page_threads)
            return answers.response(listed(found, page, scope, query.after))
        rows = contents.every(self._catalogue, wanted)
        write = partial(catalogue_files.written, rows, scope.value, query.format)
        stream = await anyio.to_thread.run_sync(write, limiter=self._file_threads)
        headers = {
            "cache-control": "private, no-store",
            "content-disposition": attachment(f"{scope}.{query.format}"),
        }
        return StreamingResponse(chunks(stream), headers=headers, media_type=REPORT_MEDIA_TYPES[query.format])
