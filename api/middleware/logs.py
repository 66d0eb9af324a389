"""Request log: one JSON line per request and per crash, on standard error.

A line identifies the request and its outcome. It never holds the query (which may contain a token), a header or
the body.
"""

import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars
from structlog.typing import FilteringBoundLogger

from api.middleware.metrics import Metrics
from exports import trace

REQUEST_ID = "X-Request-ID"

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestLog:
    """ASGI middleware: gives the request an id and a span, then logs and counts its outcome. It is the outermost.

    The span belongs to the trace of the request's `traceparent` header, or to a new one. The client's X-Request-ID is used if it is 1 to 64 characters of A-Z, a-z, 0-9, `.`, `_` and `-`. The path is
    logged and counted as its template, because an id in it would be personal data and a metrics series of its
    own.
    """

    def __init__(self, app: ASGIApp, *, log: FilteringBoundLogger, metrics: Metrics) -> None:
        self.app = app
        self._log = log
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        status = 0  # remains 0 if the client disconnects before an answer

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        start = time.perf_counter()
        with trace.span("request", _parent(scope)):
            try:
                await self.app(scope, receive, tell)
            finally:
                seconds = time.perf_counter() - start
                method = scope["method"] if scope["method"] in _METHODS else "other"
                path = getattr(scope.get("route"), "path", "unknown")
                self._metrics.observe(method, path, status, seconds)
                self._log.info(
                    "request", method=method, path=path, status=status, duration_ms=round(seconds * 1000, 1)
                )
                trace.describe(f"{method} {path}", http_route=path, http_status=status)


def _parent(scope: Scope) -> trace.TraceParent | None:
    headers = Headers(scope=scope).getlist(trace.HEADER)
    return trace.parse(headers[0]) if len(headers) == 1 else None
