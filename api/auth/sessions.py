"""Session endpoints for the web page: begin a session with an API key, end it."""

from datetime import timedelta
from functools import partial

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from accounts.store import Accounts
from api.auth.principals import SESSION_COOKIE, key_of, require_token, session_of
from api.auth.settings import AuthSettings
from api.wire import answers

#: Cookie with the CSRF token. The page's own scripts can read it, other sites cannot.
CSRF_COOKIE = "csrftoken"


class SessionRoutes:
    """Handlers of the session endpoint, `paths.SESSION`.

    `public_url` is the service's address if a proxy hides it: cookies are Secure if it, or else the request's
    URL, is https.
    """

    def __init__(self, accounts: Accounts, settings: AuthSettings, *, public_url: str | None) -> None:
        self._accounts = accounts
        self._ttl = timedelta(seconds=settings.session_ttl_seconds)
        self._public_url = public_url

    async def begin(self, request: Request) -> Response:
        """Begin a session for the API key in X-API-Key; answer 201 with its CSRF token and cookies.

        Only an API key is accepted: a session that could begin another would never end.
        """
        key = await key_of(request, self._accounts)
        made = await anyio.to_thread.run_sync(partial(self._accounts.sessions.begin, key, self._ttl))
        begun = answers.SessionOut(
            csrf_token=made.csrf_token, expires_at=made.expires_at.replace(microsecond=0)
        )
        response = answers.response(begun, 201)
        secure = (self._public_url or str(request.url)).lower().startswith("https:")
        for name, value in ((SESSION_COOKIE, made.session_id), (CSRF_COOKIE, made.csrf_token)):
            response.set_cookie(
                name,
                value,
                max_age=int(self._ttl.total_seconds()),
                secure=secure,
                httponly=name == SESSION_COOKIE,
                samesite="strict",
            )
        return response

    async def end(self, request: Request) -> Response:
        """End the session of the cookie and answer 204. Like every write, it needs the CSRF token."""
        require_token(request, await session_of(request, self._accounts))
        await anyio.to_thread.run_sync(self._accounts.sessions.end, request.cookies[SESSION_COOKIE])
        response = Response(status_code=204, headers={"cache-control": "no-store"})
        for name in (SESSION_COOKIE, CSRF_COOKIE):
            response.delete_cookie(name, httponly=name == SESSION_COOKIE, samesite="strict")
        return response
