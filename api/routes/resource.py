"""One path with all of its methods."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


class Resource:
    """An ASGI endpoint that picks the handler by method.

    HEAD is GET whose body the server leaves out; OPTIONS, and 405 for any other method, tell in `Allow`
    what there is.
    """

    def __init__(self, handlers: dict[str, Handler]) -> None:
        self._handlers = handlers
        if "GET" in handlers:
            self._handlers = {**handlers, "HEAD": handlers["GET"]}
        self.allow = ", ".join(sorted({*self._handlers, "OPTIONS"}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        handler = self._handlers.get(request.method)
        if handler is not None:
            response = await handler(request)
        elif request.method == "OPTIONS":
            response = Response(status_code=204, headers={"allow": self.allow})
        else:
            raise HTTPException(405, headers={"Allow": self.allow})
        await response(scope, receive, send)


def resource(
    path: str, *, get: Handler | None = None, post: Handler | None = None, delete: Handler | None = None
) -> Route:
    """Return the route of one path; no other route has the same one."""
    handlers = {"GET": get, "POST": post, "DELETE": delete}
    return Route(path, Resource({method: handler for method, handler in handlers.items() if handler}))
