"""The endpoints of the service itself: API description, health, metrics."""

import hmac
import json
from collections.abc import Collection
from functools import cache
from typing import cast

import anyio.to_thread
from pydantic import SecretStr
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.description import openapi
from api.description import page as docs
from api.health import Health
from api.middleware import metrics
from api.middleware.metrics import Metrics
from api.routes.resource import resource
from api.wire import answers
from exports.errors import Unavailable
from exports.ports import Degradation, Exports

#: Paths polled by monitoring. They need no API key and are not rate-limited.
UNLIMITED = frozenset({"/healthz", "/readyz", "/metrics"})

#: The check whose result is what is degraded.
JOBS = "jobs"


class ServiceRoutes:
    """The API description, and the endpoints for monitoring."""

    def __init__(
        self, exports: Exports, health: Health, measured: Metrics, metrics_key: SecretStr | None
    ) -> None:
        self._exports = exports
        self._health = health
        self._metrics = measured
        self._metrics_key = metrics_key
        self._openapi, self._docs = _description()

    def routes(self) -> list[Route]:
        """Return the routes, to be mounted at the root."""
        return [
            resource("/openapi.json", get=self.openapi),
            resource("/docs", get=self.docs),
            resource("/healthz", get=self.accepting),
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

    async def accepting(self, request: Request) -> Response:
        """Answer 200 once exports can be accepted."""
        del request
        if not self._exports.ready():
            raise Unavailable
        return answers.response(answers.ServiceStatusOut())

    async def ready(self, request: Request) -> Response:
        """Answer 200 if this façade can do its work, and say what is degraded. Answer 503 within 5 s if not."""
        del request
        if not self._exports.ready():
            raise Unavailable
        results = await self._health.results()
        failed = [name for name, result in results.items() if isinstance(result, BaseException)]
        if failed:
            raise Unavailable(f"This façade cannot use its {', '.join(failed)} just now.")
        degraded = sorted(cast("Collection[Degradation]", results[JOBS]))
        return answers.response(
            answers.ReadinessOut(status="degraded" if degraded else "ok", degraded=degraded)
        )

    async def metrics(self, request: Request) -> Response:
        """Answer with the metrics in Prometheus's text format, if the operator has set a key for them."""
        if self._metrics_key is None:
            raise HTTPException(404)
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._metrics_key.get_secret_value()}".encode()):
            raise HTTPException(401, headers={"WWW-Authenticate": 'Bearer realm="metrics"'})
        text = await anyio.to_thread.run_sync(self._metrics.text)
        return Response(text, headers={"cache-control": "no-store"}, media_type=metrics.MEDIA_TYPE)


@cache
def _description() -> tuple[bytes, str]:
    """Return the OpenAPI description as JSON and as an HTML page. Cached, because it never changes."""
    document = openapi.document()
    return json.dumps(document).encode(), docs.page(document)
