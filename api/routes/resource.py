"""Routing of a path's methods to handlers."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


class Resource:
    """An ASGI endpoint that chooses the handler by method.

    HEAD calls the handler of GET; the server omits the body. OPTIONS is answered 204, any other method 405,
    both with the supported methods in `Allow`.
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
    """Return the one route of a path, with all of its methods."""
    handlers = {"GET": get, "POST": post, "DELETE": delete}
    return Route(path, Resource({method: handler for method, handler in handlers.items() if handler}))
