"""The endpoints of label designs."""

from functools import partial

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from accounts.labels.designs import Designs
from api.auth.callers import principal_of, writer_of
from api.routes import incoming
from api.routes.resource import resource
from api.settings import ApiSettings
from api.wire import answers, designs, label_exports, paths
from api.wire.requests import PageQuery
from exports.designs import chosen, known
from exports.designs.document import schema
from exports.designs.known import KnownDesign
from exports.reads import ExportReads
from exports.requests.json_body import parse

#: Previews draw inside the request.
_PREVIEW_THREADS = 2


class DesignRoutes:
    """Label designs: list, show, add, remove, preview, and their schema."""

    def __init__(self, stored: Designs, reads: ExportReads, settings: ApiSettings) -> None:
        self._designs = stored
        self._reads = reads
        self._settings = settings
        self._preview_threads = anyio.CapacityLimiter(_PREVIEW_THREADS)

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        return [
            resource(paths.DESIGNS, get=self.list),
            resource(paths.DESIGN_SCHEMA, get=self.schema),
            resource(paths.DESIGN_PREVIEW, post=self.preview),
            resource(paths.DESIGN, get=self.show, post=self.add, delete=self.remove),
        ]

    async def list(self, request: Request) -> Response:
        """Answer with one page of the designs."""
        principal = principal_of(request)
        page = incoming.query(request, PageQuery).to_page()
        found = await anyio.to_thread.run_sync(known.newest, self._designs, principal.organisation.slug)
        return answers.response(designs.listed(found, page))

    async def schema(self, request: Request) -> Response:
        """Answer with the JSON Schema of design documents."""
        principal_of(request)
        return JSONResponse(schema(), media_type="application/schema+json")

    async def show(self, request: Request) -> Response:
        """Answer with a design and its document."""
        principal = principal_of(request)
        name: str = request.path_params["name"]
        version = incoming.query(request, designs.DesignQuery).version
        find = partial(known.find, self._designs, principal.organisation.slug, name, version)
        return answers.response(designs.shown(await anyio.to_thread.run_sync(find)))

    async def add(self, request: Request) -> Response:
        """Store the body as a new version of the design; answer 201 with it."""
        principal = writer_of(request)
        name: str = request.path_params["name"]
        body = await incoming.json_body(request, self._settings)
        add = partial(
            chosen.add,
            self._designs,
            principal.organisation.slug,
            name,
            body,
            created_by=principal.id,
        )
        made = await anyio.to_thread.run_sync(add, limiter=self._preview_threads)
        return answers.response(designs.shown(KnownDesign.of(made)), 201, {"location": paths.design_of(name)})

    async def remove(self, request: Request) -> Response:
        """Remove the design; answer 204."""
        principal = writer_of(request)
        name: str = request.path_params["name"]
        await anyio.to_thread.run_sync(self._designs.remove, principal.organisation.slug, name)
        return Response(status_code=204, headers={"cache-control": "no-store"})

    async def preview(self, request: Request) -> Response:
        """Answer with what the labels of a design would look like. Nothing is stored."""
        principal = principal_of(request)
        body = await incoming.json_body(request, self._settings)

        def look() -> label_exports.LabelExportPreviewOut:
            wanted = parse(body, designs.DesignPreviewRequest)
            found = self._reads.preview(principal.organisation, wanted.request, wanted.design)
            return label_exports.preview(found)

        found = await anyio.to_thread.run_sync(look, limiter=self._preview_threads)
        return answers.response(found)
