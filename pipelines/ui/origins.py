"""Accept only browser requests that use the UI's own host names and come from its own pages."""

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose
from structlog.typing import FilteringBoundLogger

from pipelines.ui.refused import POLICY_VIOLATION, Refused

#: Headers that a browser sets at most once. If one is sent twice, two programs may read different values.
_ONCE = ("host", "origin", "sec-fetch-site", "content-type", "content-length")


class OwnOriginsOnly:
    """ASGI middleware: refuses requests to host names that are not in `hosts`, and requests from other sites' pages.

    `hosts` has the UI's origin for each accepted Host header. An unknown Host header may come from a name that an
    attacker points at this machine (DNS rebinding). Clients other than browsers send neither Origin nor Sec-Fetch-Site.
    """

    def __init__(self, app: ASGIApp, *, hosts: Mapping[str, str], log: FilteringBoundLogger) -> None:
        self._app = app
        self._hosts = hosts
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._require_own(scope.get("method"), headers)
        except Refused as refused:
            self._log.warning(
                "dagster ui refused",
                why=refused.why,
                host=headers.get("host"),
                origin=headers.get("origin"),
                path=scope["path"],
            )
            if scope["type"] == "http":
                await PlainTextResponse(refused.why + "\n", refused.status)(scope, receive, send)
            else:
                await WebSocketClose(POLICY_VIOLATION, refused.why)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _require_own(self, method: str | None, headers: Headers) -> None:
        if twice := [name for name in _ONCE if len(headers.getlist(name)) > 1]:
            raise Refused(400, f"The header {twice[0]} was sent more than once.")
        own = self._hosts.get(headers.get("host", "").lower())
        if own is None:
            known = ", ".join(self._hosts.values())
            raise Refused(
                421,
                f"The Dagster UI is not served under this name. Open one of: {known}, or set LABELS_UI_ORIGINS.",
            )
        if headers.get("origin", own) != own:
            raise Refused(403, "Pages of other sites may not call the Dagster UI.")
        if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"} and not _follows_link(
            method, headers
        ):
            raise Refused(403, "Pages of other sites may not call or embed the Dagster UI.")


def _follows_link(method: str | None, headers: Headers) -> bool:
    """Return whether the browser follows a link from another site to a whole page, not to a frame."""
    return (
        method == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )
