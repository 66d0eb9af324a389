"""Authentication by API key, OAuth bearer token or session cookie, looked for in this order.

The first credential found decides. If it is bad, the request is refused even if it has another, good one.
"""

import hmac
from dataclasses import dataclass

import anyio
import anyio.to_thread
from starlette.requests import Request

from accounts import keys
from accounts.errors import NoSuchOrganisation
from accounts.identity import ApiKey, Organisation, Role, Session
from accounts.store import Accounts
from api.auth.oauth import SCOPE, BearerTokens, Fetch, fetch_jwks
from api.auth.settings import AuthSettings
from api.errors import Forbidden, Unauthorized
from api.wire import paths

SESSION_COOKIE = "sessionid"

#: The ways to authenticate, as listed in a 401 response.
WWW_AUTHENTICATE = (
    'ApiKey realm="labels", header="X-API-Key", '
    f'Bearer realm="labels", scope="{SCOPE}", '
    f'Cookie realm="labels", form-action="{paths.SESSION}", cookie-name={SESSION_COOKIE}'
)

#: Methods that change nothing and therefore need no CSRF token (RFC 9110, 9.2.1).
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

#: Checking a token may block on fetching the issuer's keys. Threads of its own keep the shared ones free.
_TOKEN_THREADS = 4


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated caller of a request.

    `id` names the credential in logs, records and rate limits: `key:<key id>`, `oauth:<subject>` or
    `session:<key id>`. All sessions of a key share its limits. `per_minute` and `per_day` are the credential's
    own limits in requests, None for the default.
    """

    organisation: Organisation
    role: Role
    id: str
    per_minute: int | None = None
    per_day: int | None = None


class Authenticator:
    """Identifies the caller of a request. `fetch` returns the document at the JWK Set's URL."""

    def __init__(self, accounts: Accounts, settings: AuthSettings, *, fetch: Fetch = fetch_jwks) -> None:
        self._accounts = accounts
        self._tokens = None if settings.oauth_jwks_url is None else BearerTokens(settings, fetch)
        self._token_threads = anyio.CapacityLimiter(_TOKEN_THREADS)

    async def __call__(self, request: Request) -> Principal:
        """Return the caller. `request.state.session` is the caller's session, also if its token is not there.

        Raises Unauthorized; Forbidden for a write with a session but without its CSRF token; Unavailable if the
        token issuer's keys are needed and have never been fetched.
        """
        if "x-api-key" in request.headers:
            return _principal("key", await key_of(request, self._accounts))
        if (token := _bearer_token(request)) is not None:
            return await self._of_token(token)
        request.state.session = await session_of(request, self._accounts)
        require_token(request, request.state.session)
        return session_principal(request.state.session)

    async def _of_token(self, token: str) -> Principal:
        if self._tokens is None:
            raise Unauthorized
        bearer = await anyio.to_thread.run_sync(self._tokens.check, token, limiter=self._token_threads)
        try:
            organisation = await anyio.to_thread.run_sync(self._accounts.organisation, bearer.organisation)
        except NoSuchOrganisation as error:
            raise Unauthorized from error
        if organisation.suspended:
            raise Unauthorized
        return Principal(organisation, bearer.role, f"oauth:{bearer.subject}")


def require_writer(principal: Principal) -> None:
    """Raise Forbidden unless the role may submit, cancel and reprint exports, import, and change designs and the like."""
    if not principal.role.may_submit:
        raise Forbidden(
            f"A {principal.role} may look, and not submit, cancel, import or change anything.",
            value=principal.role,
            expected="manager or editor",
        )


async def key_of(request: Request, accounts: Accounts) -> ApiKey:
    """Return the API key of the request's X-API-Key header. Raises Unauthorized, also for two such headers."""
    plain = _only(request.headers.getlist("x-api-key"))
    key = await anyio.to_thread.run_sync(accounts.authenticate, plain)
    if key is None:
        raise Unauthorized
    return key


async def session_of(request: Request, accounts: Accounts) -> Session:
    """Return the session of the request's cookie. Raises Unauthorized."""
    session_id = request.cookies.get(SESSION_COOKIE)
    session = session_id and await anyio.to_thread.run_sync(accounts.sessions.find, session_id)
    if not session:
        raise Unauthorized
    return session


def require_token(request: Request, session: Session) -> None:
    """Raise Forbidden if the request is a write and its X-CSRF-Token header is not the session's token.

    Another site can make a browser send the cookie, but cannot read the token.
    """
    token = request.headers.get("x-csrf-token", "")
    if request.method not in _SAFE_METHODS and not hmac.compare_digest(
        keys.digest(token), session.csrf_sha256
    ):
        raise Forbidden(
            "A write with a session needs the session's token in the X-CSRF-Token header.",
            field="X-CSRF-Token",
        )


def session_principal(session: Session) -> Principal:
    """Return the caller whose session it is."""
    return _principal("session", session.key)


def _principal(way: str, key: ApiKey) -> Principal:
    return Principal(key.organisation, key.role, f"{way}:{key.id}", key.per_minute, key.per_day)


def _bearer_token(request: Request) -> str | None:
    """Return the bearer token, or None if there is none. Raises Unauthorized if there are several."""
    headers = request.headers.getlist("authorization")
    bearers = [h.partition(" ")[2].strip() for h in headers if h.partition(" ")[0].lower() == "bearer"]
    return _only(bearers) if bearers else None


def _only(values: list[str]) -> str:
    if len(values) != 1:
        raise Unauthorized
    return values[0]
