"""Signing in with an API key, and out."""

from datetime import timedelta
from functools import partial

import anyio.to_thread
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from accounts.store import Accounts
from web.rendering import page
from web.visitors import CSRF_COOKIE, SESSION_COOKIE, Visitor, Visitors, require_own_form

#: Where a visitor begins.
HOME = "/jobs"


class SessionRoutes:
    """The sign-in page and its form. Cookies are Secure if the service's address is https."""

    def __init__(
        self, accounts: Accounts, visitors: Visitors, session_seconds: int, public_url: str | None
    ) -> None:
        self._accounts = accounts
        self._visitors = visitors
        self._ttl = timedelta(seconds=session_seconds)
        self._public_url = public_url

    def routes(self) -> list[Route]:
        return [
            Route("/", self._visitors.page(self.home)),
            Route("/sign-in", self.sign_in, methods=["GET", "POST"]),
            Route("/sign-out", self._visitors.action(self.sign_out, needs=lambda _: True), methods=["POST"]),
        ]

    async def home(self, request: Request, visitor: Visitor) -> Response:
        del request, visitor
        return RedirectResponse(HOME, 303)

    async def sign_in(self, request: Request) -> Response:
        """Show the form, or begin a session with its key. The session that the browser had ends."""
        if request.method == "GET":
            return await self._form(request)
        # Otherwise another site could sign its visitors in with a key of its own.
        require_own_form(request)
        async with request.form(max_files=0, max_fields=4) as form:
            given, target = str(form.get("key", "")).strip(), _safe(str(form.get("next", "")))
        key = await anyio.to_thread.run_sync(self._accounts.authenticate, given)
        if key is None:
            return await self._form(request, status=401, target=target, refused=True)
        await self._end(request)
        made = await anyio.to_thread.run_sync(partial(self._accounts.sessions.begin, key, self._ttl))
        response = RedirectResponse(target, 303)
        secure = (self._public_url or str(request.url)).lower().startswith("https:")
        for name, value in ((SESSION_COOKIE, made.session_id), (CSRF_COOKIE, made.csrf_token)):
            response.set_cookie(
                name,
                value,
                max_age=int(self._ttl.total_seconds()),
                secure=secure,
                httponly=True,
                samesite="lax",
            )
        return response

    async def sign_out(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        del visitor, form
        await self._end(request)
        response = RedirectResponse("/sign-in", 303)
        for name in (SESSION_COOKIE, CSRF_COOKIE):
            response.delete_cookie(name, httponly=True, samesite="lax")
        return response

    async def _form(
        self, request: Request, *, status: int = 200, target: str | None = None, refused: bool = False
    ) -> Response:
        known = await anyio.to_thread.run_sync(self._accounts.organisations)
        return page(
            request,
            "sign_in.html",
            status_code=status,
            is_new=not known,
            refused=refused,
            target=target or _safe(request.query_params.get("next", "")),
        )

    async def _end(self, request: Request) -> None:
        if session_id := request.cookies.get(SESSION_COOKIE):
            await anyio.to_thread.run_sync(self._accounts.sessions.end, session_id)


def _safe(target: str) -> str:
    """Return the path to go to after signing in. A path that begins with two slashes is another site's."""
    inside = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if inside and target.isprintable() else HOME
