"""Middleware that gives every error response the shape of a problem document."""

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from api import problems
from exports import errors
from exports.storage.failures import storage_words

#: Seconds to wait before repeating a request that failed for an error of the storage.
_STORAGE_RETRY_AFTER = 30

#: Headers that keep their meaning when the body is replaced.
_KEPT = frozenset({"allow", "content-range", "retry-after", "vary", "www-authenticate"})

#: Media types of errors that are told in full already: to programs, and to people.
_LEFT = (problems.MEDIA_TYPE, "text/html")


class EveryErrorIsAProblem:
    """ASGI middleware: every error leaves as a problem document.

    An unexpected exception becomes a 500 that reveals nothing, or a retryable 503 if the storage failed; the log
    has the traceback. An error that a response class or another middleware writes as plain text (a bad range,
    a refused preflight) is replaced. A page for people that tells of an error is left as it is.
    """

    def __init__(self, app: ASGIApp, *, log: FilteringBoundLogger) -> None:
        self.app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        replacement: Response | None = None
        started = False

        async def tell(message: Message) -> None:
            nonlocal replacement, started
            if message["type"] == "http.response.start":
                started = True
                if message["status"] >= 400:
                    replacement = _replacement(message)
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
            await _of_crash(error)(scope, receive, send)


def _of_crash(error: Exception) -> Response:
    words = storage_words(error)
    if words is None:
        return problems.response(problems.INTERNAL, problems.detail_of(problems.INTERNAL.status))
    detail = f"The storage cannot be used just now: {words}. The same request may succeed later."
    return problems.of_error(errors.Unavailable(detail, retry_after=_STORAGE_RETRY_AFTER))


def _replacement(start: Message) -> Response | None:
    """Return the problem to send instead of the response. None if the response is a problem already, or a page."""
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in start["headers"]}
    if headers.get("content-type", "").startswith(_LEFT):
        return None
    kept = {k: v for k, v in headers.items() if k in _KEPT or k.startswith("access-control-")}
    status: int = start["status"]
    return problems.response(problems.of_status(status), problems.detail_of(status), headers=kept)
