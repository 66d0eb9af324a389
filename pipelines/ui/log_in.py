"""The pages where an operator logs in and out of the Dagster UI."""

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta
from html import escape
from urllib.parse import parse_qs, urlencode

from anyio.to_thread import run_sync
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from accounts.operators import Operators

LOG_IN = "/labels/log-in"
LOG_OUT = "/labels/log-out"
COOKIE = "labels_operator"

_SESSION = timedelta(hours=12)
_ATTEMPTS = RateLimitItemPerMinute(10)

#: A path on this server, which no browser reads as another server's address.
_LOCAL_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { display: grid; place-items: center; min-height: 90vh; margin: 1rem; }
main { width: min(26rem, 100%); }
h1 { font-size: 1.4rem; margin: 0 0 .5rem; }
label { display: block; font-weight: 600; margin-top: 1rem; }
input, button { font: inherit; box-sizing: border-box; width: 100%; padding: .5rem .75rem; border-radius: .375rem; }
input { border: 1px solid #767676; margin-bottom: 1rem; }
button { border: 0; background: #4f43dd; color: #fff; font-weight: 600; cursor: pointer; }
code { font-size: .9em; }
[role=alert] { border-left: .25rem solid #c62828; padding-left: .75rem; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'",
}
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
<main>
<h1>{title}</h1>
{content}
</main>
</html>
"""
_FORM = """<p>Operators may start, stop and delete in the Dagster UI. Everybody else may only look.</p>
{alert}
<form method="post" action="{action}">
<label for="key">Operator’s key</label>
<input id="key" name="key" type="password" autocomplete="current-password" required autofocus>
<input name="next" type="hidden" value="{next}">
<button>Log in</button>
</form>
<p>The administrator of the service makes a key with <code>labels operators add NAME</code>.</p>"""
_LOGGED_IN = """<p>You are logged in as <strong>{operator}</strong>. <a href="/">Back to the Dagster UI</a></p>
<form method="post" action="{action}"><button>Log out</button></form>"""


class LogIn:
    """Log-in and log-out of operators. `hosts` has the UI's origin for each Host header."""

    def __init__(self, operators: Operators, hosts: Mapping[str, str]) -> None:
        self._operators = operators
        self._hosts = hosts
        self._attempts = FixedWindowRateLimiter(MemoryStorage())

    def pages(self) -> Starlette:
        """Return the pages as an application. Requests must come from the UI's own origin."""
        return Starlette(
            routes=[
                Route(LOG_IN, self._show, methods=["GET"]),
                Route(LOG_IN, self._log_in, methods=["POST"]),
                Route(LOG_OUT, self._log_out, methods=["POST"]),
            ]
        )

    async def operator(self, connection: HTTPConnection) -> str | None:
        """Return the name of the logged-in operator, or None."""
        session_id = connection.cookies.get(COOKIE)
        return None if session_id is None else await run_sync(self._operators.of_session, session_id)

    def address(self, connection: HTTPConnection, *, back_to: str | None = None) -> str:
        """Return the log-in page's URL. After the log-in the browser goes to the path `back_to`."""
        query = "" if back_to is None else "?" + urlencode({"next": back_to})
        return f"{self._origin(connection)}{LOG_IN}{query}"

    async def _show(self, request: Request) -> Response:
        operator = await self.operator(request)
        if operator is not None:
            content = _LOGGED_IN.format(operator=escape(operator), action=LOG_OUT)
            return _page("Dagster UI", content)
        return _form(_local(request.query_params.get("next", "/")))

    async def _log_in(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode("latin-1"))
        back_to = _local(form.get("next", ["/"])[0])
        if not self._attempts.hit(_ATTEMPTS, request.client.host if request.client else ""):
            return _form(back_to, alert="Too many attempts. Wait a minute and try again.", status=429)
        key = form.get("key", [""])[0].strip()
        session_id = await run_sync(self._operators.begin_session, key, _SESSION)
        if session_id is None:
            return _form(back_to, alert="No operator has this key. API keys do not work here.", status=403)
        answer = RedirectResponse(back_to, 303, headers={"cache-control": "no-store"})
        answer.set_cookie(
            COOKIE,
            session_id,
            max_age=int(_SESSION.total_seconds()),
            secure=self._origin(request).startswith("https:"),
            httponly=True,
            samesite="strict",
        )
        return answer

    async def _log_out(self, request: Request) -> Response:
        if (session_id := request.cookies.get(COOKIE)) is not None:
            await run_sync(self._operators.end_session, session_id)
        answer = RedirectResponse(LOG_IN, 303, headers={"cache-control": "no-store"})
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    def _origin(self, connection: HTTPConnection) -> str:
        return self._hosts[connection.headers["host"].lower()]


def _local(path: str) -> str:
    return path if _LOCAL_PATH.fullmatch(path) else "/"


def _form(back_to: str, *, alert: str = "", status: int = 200) -> Response:
    paragraph = f'<p role="alert">{escape(alert)}</p>' if alert else ""
    content = _FORM.format(alert=paragraph, action=LOG_IN, next=escape(back_to))
    return _page("Log in to the Dagster UI", content, status)


def _page(title: str, content: str, status: int = 200) -> Response:
    return HTMLResponse(_PAGE.format(title=title, style=_STYLE, content=content), status, headers=_HEADERS)
