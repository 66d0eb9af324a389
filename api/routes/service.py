"""The endpoints of the service itself: its description, its health, its metrics."""

import json
from functools import cache

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import wire
from api.description import openapi
from api.description import page as docs
from api.middleware import metrics
from api.middleware.metrics import Metrics
from api.routes.resource import resource
from exports.errors import Unavailable
from exports.ports import Exports

#: Asked by machines that watch, so never refused for asking often.
UNLIMITED = frozenset({"/healthz", "/readyz", "/metrics"})


class ServiceRoutes:
    """What operators and programmers ask of the service."""

    def __init__(self, exports: Exports, measured: Metrics) -> None:
        self._exports = exports
        self._metrics = measured
        self._openapi, self._docs = _description()

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        return [
            resource("/openapi.json", get=self.openapi),
            resource("/docs", get=self.docs),
            resource("/healthz", get=self.ready),
            resource("/readyz", get=self.ready),
            resource("/metrics", get=self.metrics),
        ]

    async def openapi(self, request: Request) -> Response:
        """Answer with the description of this API."""
        del request
        return Response(
            self._openapi, headers={"cache-control": "public, max-age=300"}, media_type="application/json"
        )

    async def docs(self, request: Request) -> Response:
        """Answer with the same description as a page."""
        del request
        headers = {"cache-control": "public, max-age=300", "content-security-policy": docs.POLICY}
        return Response(self._docs, headers=headers, media_type="text/html; charset=utf-8")

    async def ready(self, request: Request) -> Response:
        """Answer 200 once exports can be accepted."""
        del request
        if not await anyio.to_thread.run_sync(self._exports.ready):
            raise Unavailable
        return wire.answer(wire.ServiceStatusOut())

    async def metrics(self, request: Request) -> Response:
        """Answer with what Prometheus reads."""
        del request
        text = await anyio.to_thread.run_sync(self._metrics.text)
        return Response(text, headers={"cache-control": "no-store"}, media_type=metrics.MEDIA_TYPE)


@cache
def _description() -> tuple[bytes, str]:
    """Return the description as JSON and as a page: the same for every façade of a process."""
    document = openapi.document()
    return json.dumps(document).encode(), docs.page(document)
