"""The caller of each request, identified once, before the rate limits and the endpoints ask for it."""

from collections.abc import Awaitable, Callable
from typing import cast

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from api.auth.principals import Principal


class Authentication:
    """ASGI middleware: identifies the caller, for `principal_of`, and names it in the log.

    A failure is kept, not raised: only endpoints that need a principal raise it. Requests for the paths in
    `skipped` are not authenticated.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        authenticate: Callable[[Request], Awaitable[Principal]],
        skipped: frozenset[str],
    ) -> None:
        self.app = app
        self._authenticate = authenticate
        self._skipped = skipped

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in self._skipped:
            request = Request(scope)
            request.state.caller = await self._caller(request)
        await self.app(scope, receive, send)

    async def _caller(self, request: Request) -> Principal | Exception:
        try:
            principal = await self._authenticate(request)
        except Exception as error:  # noqa: BLE001 - `principal_of` raises it
            return error
        bind_contextvars(organisation=principal.organisation.slug, principal=principal.id)
        return principal


def principal_of(request: Request) -> Principal:
    """Return the request's caller. Raises Unauthorized, or any other error that authentication ended with."""
    caller = cast("Principal | Exception", request.state.caller)
    if isinstance(caller, Exception):
        raise caller
    return caller


def known_principal(request: Request) -> Principal | None:
    """Return the request's caller. None if it was not authenticated, for whatever reason."""
    caller = getattr(request.state, "caller", None)
    return caller if isinstance(caller, Principal) else None
