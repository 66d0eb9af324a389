"""The endpoints of the service itself: API description, health, metrics."""

import json
from functools import cache

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.description import openapi
from api.description import page as docs
from api.middleware import metrics
from api.middleware.metrics import Metrics
from api.routes.resource import resource
from api.wire import answers
from exports.errors import Unavailable
from exports.ports import Exports

#: Paths polled by monitoring. They need no credential and are not rate-limited.
UNLIMITED = frozenset({"/healthz", "/readyz", "/metrics"})


class ServiceRoutes:
    """The API description, and the endpoints for monitoring."""

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
        """Answer with the OpenAPI description."""
        del request
        return Response(
            self._openapi, headers={"cache-control": "public, max-age=300"}, media_type="application/json"
        )

    async def docs(self, request: Request) -> Response:
        """Answer with the OpenAPI description as an HTML page."""
        del request
        headers = {"cache-control": "public, max-age=300", "content-security-policy": docs.POLICY}
        return Response(self._docs, headers=headers, media_type="text/html; charset=utf-8")

    async def ready(self, request: Request) -> Response:
        """Answer 200 once exports can be accepted."""
        del request
        if not await anyio.to_thread.run_sync(self._exports.ready):
            raise Unavailable
        return answers.response(answers.ServiceStatusOut())

    async def metrics(self, request: Request) -> Response:
        """Answer with the metrics in Prometheus's text format."""
        del request
        text = await anyio.to_thread.run_sync(self._metrics.text)
        return Response(text, headers={"cache-control": "no-store"}, media_type=metrics.MEDIA_TYPE)


@cache
def _description() -> tuple[bytes, str]:
    """Return the OpenAPI description as JSON and as an HTML page. Cached, because it never changes."""
    document = openapi.document()
    return json.dumps(document).encode(), docs.page(document)
