"""Middleware that gives every error response the shape of a problem document, or of a page for people."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import get_contextvars
from structlog.typing import FilteringBoundLogger

from api import problems
from api.wire import paths
from exports import errors
from exports.storage.failures import storage_words

#: Seconds to wait before repeating a request that failed for an error of the storage.
_STORAGE_RETRY_AFTER = 30

#: Headers that keep their meaning when the body is replaced.
_KEPT = frozenset({"allow", "content-range", "retry-after", "vary", "www-authenticate"})

#: (request, status, headers, request id) -> a page that tells of the error
ErrorPage: TypeAlias = Callable[[Request, int, Mapping[str, str], str], Response]


class EveryErrorIsAProblem:
    """ASGI middleware: every error leaves as a problem document, or as a `page` where a browser asks for one.

    An unexpected exception becomes a 500 that reveals nothing, or a retryable 503 if the storage failed; the log
    has the traceback. An error that a response class or another middleware writes as plain text (a bad range,
    a refused preflight) is replaced. A page for people that tells of an error is left as it is.
    """

    def __init__(self, app: ASGIApp, *, log: FilteringBoundLogger, page: ErrorPage | None = None) -> None:
        self.app = app
        self._log = log
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        replacement: Response | None = None
        started = False

        async def tell(message: Message) -> None:
            nonlocal replacement, started
            if message["type"] == "http.response.start":
                if message["status"] >= 400:
                    replacement = self._replacement(scope, message)
                started = replacement is None
            if replacement is None:
                await send(message)
            elif message["type"] == "http.response.body" and not message.get("more_body", False):
                await replacement(scope, receive, send)

        try:
            await self.app(scope, receive, tell)
        except Exception as error:
            self._log.exception("crash")
            if started:
                raise  # the response cannot be replaced any more; the server cuts the connection
            crashed = _of_crash(error)
            answer = self._told(scope, crashed.status_code, crashed.headers) or crashed
            await answer(scope, receive, send)

    def _replacement(self, scope: Scope, start: Message) -> Response | None:
        """Return what to send instead of the response. None if the response tells its reader in full already."""
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in start["headers"]}
        media_type = headers.get("content-type", "")
        if media_type.startswith("text/html"):
            return None
        status: int = start["status"]
        if (page := self._told(scope, status, headers)) is not None:
            return page
        if media_type.startswith(problems.MEDIA_TYPE):
            return None
        return problems.response(
            problems.of_status(status), problems.detail_of(status), headers=_kept(headers)
        )

    def _told(self, scope: Scope, status: int, headers: Mapping[str, str]) -> Response | None:
        """Return the page that tells of the error. None if it is not for people."""
        for_people = "text/html" in Headers(scope=scope).get("accept", "")
        if self._page is None or not for_people or scope["path"].startswith(paths.ROOT):
            return None
        return self._page(Request(scope), status, _kept(headers), get_contextvars().get("request_id", ""))


def _of_crash(error: Exception) -> Response:
    words = storage_words(error)
    if words is None:
        return problems.response(problems.INTERNAL, problems.detail_of(problems.INTERNAL.status))
    detail = f"The storage cannot be used just now: {words}. The same request may succeed later."
    return problems.of_error(errors.Unavailable(detail, retry_after=_STORAGE_RETRY_AFTER))


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in headers.items() if k in _KEPT or k.startswith("access-control-")}
