"""Sessions for the web page: begun with an API key, kept in a cookie, ended by asking."""

from datetime import timedelta
from functools import partial

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from accounts.store import Accounts
from api.auth.principals import SESSION_COOKIE, key_of, session_of
from api.auth.settings import AuthSettings

#: Holds the CSRF token where the page's own scripts can read it, and other sites' cannot.
CSRF_COOKIE = "csrftoken"

_NO_STORE = {"cache-control": "no-store"}


class SessionRoutes:
    """The handlers of the session endpoint, `api.auth.SESSION_PATH`, over one `Accounts`."""

    def __init__(self, accounts: Accounts, settings: AuthSettings) -> None:
        self._accounts = accounts
        self._ttl = timedelta(seconds=settings.session_ttl_seconds)
        self._public_url = settings.public_url

    async def begin(self, request: Request) -> Response:
        """Answer 201 with a CSRF token and the cookies of a new session of the X-API-Key.

        No other credential will do: a session that could renew itself would never end.
        """
        key = await key_of(request, self._accounts)
        made = await anyio.to_thread.run_sync(partial(self._accounts.sessions.begin, key, self._ttl))
        response = JSONResponse(
            {"csrf_token": made.csrf_token, "expires_at": made.expires_at.isoformat(timespec="seconds")},
            201,
            headers=_NO_STORE,
        )
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
        """End the session of the cookie and answer 204. Needs its CSRF token, as every write."""
        await session_of(request, self._accounts)
        await anyio.to_thread.run_sync(self._accounts.sessions.end, request.cookies[SESSION_COOKIE])
        response = Response(status_code=204, headers=_NO_STORE)
        for name in (SESSION_COOKIE, CSRF_COOKIE):
            response.delete_cookie(name, httponly=name == SESSION_COOKIE, samesite="strict")
        return response
