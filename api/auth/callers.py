"""The caller of each request, identified once, before the rate limits and the endpoints ask for it."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias, cast

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from accounts.identity import Session
from api.auth.principals import Principal, require_writer, session_principal
from api.auth.recent import RecentCredentials, digest_of
from api.errors import Forbidden, Unauthorized

#: Holds an attempt to authenticate while it lasts. Entering raises RateLimited if the address has failed too often.
Attempt: TypeAlias = Callable[[Request], AbstractAsyncContextManager[None]]


class Authentication:
    """ASGI middleware: identifies the caller, for `principal_of`, and names it in the log.

    A failure is kept, not raised: only endpoints that need a principal raise it. Requests for the paths in
    `skipped` are not authenticated. A credential that was not valid lately needs an `attempt` before it is looked
    up.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        authenticate: Callable[[Request], Awaitable[Principal]],
        attempt: Attempt,
        skipped: frozenset[str],
    ) -> None:
        self.app = app
        self._authenticate = authenticate
        self._attempt = attempt
        self._recent = RecentCredentials()
        self._skipped = skipped

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in self._skipped:
            request = Request(scope)
            request.state.session = None
            request.state.caller = await self._caller(request)
            if (principal := known_principal(request)) is not None:
                bind_contextvars(organisation=principal.organisation.slug, principal=principal.id)
        await self.app(scope, receive, send)

    async def _caller(self, request: Request) -> Principal | Exception:
        try:
            return await self._identified(request)
        except Exception as error:  # noqa: BLE001 - `principal_of` raises it
            return error

    async def _identified(self, request: Request) -> Principal:
        digest = digest_of(request)
        if digest is None:
            return await self._authenticate(request)  # raises Unauthorized, and looks nothing up
        if digest in self._recent:
            try:
                return await self._authenticate(request)
            except Unauthorized:
                self._recent.discard(digest)
                raise
        async with self._attempt(request):
            principal = await self._authenticate(request)
        self._recent.add(digest)
        return principal


def principal_of(request: Request) -> Principal:
    """Return the request's caller. Raises Unauthorized, or any other error that authentication ended with."""
    caller = cast("Principal | Exception", request.state.caller)
    if isinstance(caller, Exception):
        raise caller
    return caller


def writer_of(request: Request) -> Principal:
    """Return the request's caller. Raises as `principal_of` and `require_writer` do."""
    principal = principal_of(request)
    require_writer(principal)
    return principal


def known_principal(request: Request) -> Principal | None:
    """Return whose request it is, also of a write without its session's token. None if nobody was authenticated."""
    caller = getattr(request.state, "caller", None)
    if isinstance(caller, Principal):
        return caller
    session: Session | None = getattr(request.state, "session", None)
    return session and session_principal(session)


def known_session(request: Request) -> Session | None:
    """Return the session of a request for a page, which compares its token itself. None if there is none.

    Raises what authentication ended with if it could not tell.
    """
    caller = getattr(request.state, "caller", None)
    if isinstance(caller, Exception) and not isinstance(caller, Unauthorized | Forbidden):
        raise caller
    session: Session | None = getattr(request.state, "session", None)
    return session
