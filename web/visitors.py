"""Who looks at a page: the holder of the API key with which the browser's session began."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from accounts import keys
from accounts.identity import Organisation, Role, Session
from web.errors import FormExpired, NotAllowed, TooLarge

#: The cookies that the API's sessions have too, so that either may begin one.
SESSION_COOKIE, CSRF_COOKIE = "sessionid", "csrftoken"

#: The field of every form that holds the session's token, which other sites cannot read.
CSRF_FIELD = "csrf"

_MOST_FIELDS = 1_000
#: All fields of a form, files aside: the longest lists that a request takes, pasted.
_MOST_BYTES = 2 << 20


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever is signed in. `id` names them in logs and records as the API names its sessions."""

    organisation: Organisation
    role: Role
    id: str
    csrf_token: str = field(repr=False)

    @property
    def may_submit(self) -> bool:
        return self.role.may_submit

    @property
    def manages(self) -> bool:
        return self.role is Role.MANAGER


Page: TypeAlias = Callable[[Request, Visitor], Awaitable[Response]]
Action: TypeAlias = Callable[[Request, Visitor, FormData], Awaitable[Response]]
Need: TypeAlias = Callable[[Visitor], bool]
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

#: Returns the session of a request, None if it has none. The middleware has looked it up.
SessionOf: TypeAlias = Callable[[Request], Session | None]


class Visitors:
    """Finds the visitor of a request by its session."""

    def __init__(self, session_of: SessionOf) -> None:
        self._session_of = session_of

    def of(self, request: Request) -> Visitor | None:
        """Return who is signed in, None if nobody is."""
        found, token = self._session_of(request), request.cookies.get(CSRF_COOKIE)
        if found is None or not token or not hmac.compare_digest(keys.digest(token), found.csrf_sha256):
            return None
        return Visitor(found.key.organisation, found.key.role, f"session:{found.key.id}", token)

    def page(self, show: Page, *, needs: Need = lambda _: True) -> Endpoint:
        """Return the endpoint of a page for whoever is signed in. Others are sent to the sign-in page, and back.

        Raises NotAllowed for a role that may not see it.
        """

        async def endpoint(request: Request) -> Response:
            visitor = self.of(request)
            if visitor is None:
                return _to_sign_in(request)
            if not needs(visitor):
                raise NotAllowed(visitor.role)
            return await show(request, visitor)

        return endpoint

    def action(
        self,
        do: Action,
        *,
        needs: Need = lambda it: it.may_submit,
        file_bytes: int = 0,
        files: int = 1,
    ) -> Endpoint:
        """Return the endpoint of a form that changes something.

        Raises FormExpired for a form of another session or another site, NotAllowed for a role that may not do it,
        TooLarge for a form that does not say that it has at most `file_bytes` in its `files`, beside its fields.
        """

        async def endpoint(request: Request) -> Response:
            visitor = self.of(request)
            if visitor is None:
                return _to_sign_in(request)
            require_own_form(request)
            declared = request.headers.get("content-length", "")
            if not declared.isdecimal() or int(declared[:20]) > _MOST_BYTES + file_bytes:
                raise TooLarge(_MOST_BYTES + file_bytes)
            async with request.form(
                max_files=files, max_fields=_MOST_FIELDS, max_part_size=_MOST_BYTES
            ) as form:
                if not _same(form.get(CSRF_FIELD), visitor.csrf_token):
                    raise FormExpired
                if not needs(visitor):
                    raise NotAllowed(visitor.role)
                return await do(request, visitor, form)

        return endpoint


def require_own_form(request: Request) -> None:
    """Raise FormExpired if the browser says that a page of another site sent the form.

    Source: W3C Fetch Metadata Request Headers, `Sec-Fetch-Site`. Programs and old browsers do not send it.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise FormExpired


def _same(given: object, token: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), token.encode())


def _to_sign_in(request: Request) -> Response:
    """Return the way to the sign-in page. htmx follows it for the whole page, not for the part that it asked for."""
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    target = "/sign-in" if request.method != "GET" else f"/sign-in?next={quote(back, safe='')}"
    if request.headers.get("hx-request"):
        return Response(status_code=204, headers={"hx-redirect": "/sign-in"})
    return RedirectResponse(target, 303)
