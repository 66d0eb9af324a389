"""The catalogue: its products, lots and serials, and files that are laid into it."""

from dataclasses import replace
from datetime import datetime
from functools import partial

import anyio.to_thread
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from catalogue import contents, lifecycle
from catalogue.imports.dates import DateOrder
from catalogue.imports.options import ImportOptions
from catalogue.selection import Scope
from catalogue.tables import Catalogue
from exports.imports.ports import ImportJob, ImportRequest, Imports, Rows
from gs1.element_string import bracketed
from web.addresses import MOST_PAGES, number_of
from web.downloads import download
from web.errors import NoFile, PageNotFound
from web.rendering import page
from web.scanned import selection_of
from web.threads import Threads
from web.visitors import Visitor, Visitors

_ROWS_PER_PAGE = 50
#: Pages read at once, and searches at once that read all serial numbers.
_THREADS, _LONG_THREADS = 4, 2
_BLOCK_BYTES = 1 << 20


class CatalogueRoutes:
    """What the organisation has, and how it gets there. `max_import_bytes` is the largest file that is taken."""

    def __init__(
        self, catalogue: Catalogue, imports: Imports, visitors: Visitors, max_import_bytes: int
    ) -> None:
        self._catalogue = catalogue
        self._imports = imports
        self._visitors = visitors
        self._max_import_bytes = max_import_bytes
        self._threads, self._long = Threads(_THREADS), Threads(_LONG_THREADS)

    def routes(self) -> list[Route]:
        shown = self._visitors.page
        upload = self._visitors.action(self.upload, file_bytes=self._max_import_bytes)
        return [
            Route("/catalogue", shown(self.start)),
            Route("/catalogue/import", shown(self.form)),
            Route("/catalogue/import", upload, methods=["POST"]),
            Route("/catalogue/imports/{job_id}", shown(self.job)),
            Route("/catalogue/imports/{job_id}/state", shown(self.state)),
            Route("/catalogue/imports/{job_id}/{rows}", shown(self.rows)),
            Route("/catalogue/{scope}", shown(self.list)),
        ]

    async def start(self, request: Request, visitor: Visitor) -> Response:
        del request, visitor
        return RedirectResponse("/catalogue/products", 303)

    async def list(self, request: Request, visitor: Visitor) -> Response:
        """Show a page of products, lots or serials: all, or those of what was scanned or typed."""
        try:
            scope = Scope(request.path_params["scope"])
        except ValueError:
            raise PageNotFound from None
        number, searched = number_of(request), request.query_params.get("search", "").strip()
        wanted = selection_of(visitor.organisation.slug, scope, searched)
        # Reading all serial numbers takes a second for ten million: the page shows what is found without, and asks again.
        may_begin = wanted.text is not None and scope is Scope.SERIALS
        beginning = may_begin and "beginning" in request.query_params
        read = partial(
            contents.uncounted,
            self._catalogue,
            replace(wanted, beginning_of_serials=beginning),
            limit=_ROWS_PER_PAGE,
            offset=(number - 1) * _ROWS_PER_PAGE,
        )
        rows, follow = await (self._long if beginning else self._threads).run(visitor.organisation.slug, read)
        # The page comes without, and then asks for itself once more with the times.
        printed: dict[str, datetime] | None = None
        if "printed" in request.query_params:
            shown = list(rows.select("gtin", "id").iter_rows())
            last = partial(
                lifecycle.last_printed, self._catalogue, visitor.organisation.slug, scope.value[:-1], shown
            )
            printed = await self._threads.run(visitor.organisation.slug, last)
        return page(
            request,
            "catalogue.html",
            visitor,
            printed=printed,
            scope=scope,
            scopes=list(Scope),
            searched=searched,
            beginning=beginning,
            may_begin=may_begin and not beginning,
            rows=[{**row, "code": _code(row)} for row in rows.iter_rows(named=True)],
            number=number,
            more=follow and number < MOST_PAGES,
        )

    async def form(self, request: Request, visitor: Visitor) -> Response:
        return page(request, "import.html", visitor)

    async def upload(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        """Store the file and queue its import."""
        del request
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.size:
            raise NoFile
        order = form.get("date_order")
        options = ImportOptions(
            date_order=DateOrder(order) if order in set(DateOrder) else None,
            accept_warnings="accept_warnings" in form,
            dry_run="dry_run" in form,
        )
        job = await anyio.to_thread.run_sync(self._stored, visitor, file, options)
        return RedirectResponse(f"/catalogue/imports/{job.job_id}", 303)

    def _stored(self, visitor: Visitor, file: UploadFile, options: ImportOptions) -> ImportJob:
        with self._imports.receive(visitor.organisation.slug) as upload:
            while block := file.file.read(_BLOCK_BYTES):
                upload.write(block)
        wanted = ImportRequest(options, name=file.filename or "upload")
        return self._imports.submit(visitor.organisation.slug, upload, wanted, requested_by=visitor.id)

    async def job(self, request: Request, visitor: Visitor) -> Response:
        return page(request, "import_job.html", visitor, job=await self._job(request, visitor))

    async def state(self, request: Request, visitor: Visitor) -> Response:
        """Show the part of an import's page that moves."""
        return page(request, "import_state.html", visitor, job=await self._job(request, visitor))

    async def rows(self, request: Request, visitor: Visitor) -> Response:
        """Hand out the rows that were held or refused, to be corrected and imported."""
        try:
            rows = Rows(request.path_params["rows"])
        except ValueError:
            raise PageNotFound from None
        job_id = request.path_params["job_id"]
        stream, suffix = await anyio.to_thread.run_sync(
            self._imports.open_rows, visitor.organisation.slug, job_id, rows
        )
        return download(stream, f"{job_id}-{rows}{suffix}")

    async def _job(self, request: Request, visitor: Visitor) -> ImportJob:
        job_id = request.path_params["job_id"]
        return await anyio.to_thread.run_sync(self._imports.job, visitor.organisation.slug, job_id)


def _code(row: dict[str, str | None]) -> str:
    """Return what stands for the row in a search box."""
    elements = (("01", row["gtin"]), ("10", row.get("lot_number")), ("21", row.get("serial_number")))
    return bracketed([(ai, value) for ai, value in elements if value])
