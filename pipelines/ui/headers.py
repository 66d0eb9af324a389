"""Security headers of every response of the UI."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: For responses without a policy of their own: files, and data that a browser must not run.
_DEFAULT_POLICY = "default-src 'self'; object-src 'none'"

#: GraphiQL's page has a script within it.
_POLICIES = {"/graphql": "default-src 'self' data: blob: 'unsafe-inline'; object-src 'none'"}

#: A second policy in addition to the first. Dagster's own policy does not limit connections, forms and frames.
_BOUNDS = (
    "base-uri 'none'; connect-src 'self'; font-src 'self' data:; form-action 'self'; frame-ancestors 'none'; "
    "frame-src 'none'; img-src 'self' data: blob:; media-src 'self'; worker-src 'self' blob:"
)

_HEADERS = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # With `no-referrer`, the form of the log-in page would send no Origin header.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class SecurityHeaders:
    """ASGI middleware: sets the headers, and adds to the response's own content security policy."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("content-security-policy", _POLICIES.get(scope["path"], _DEFAULT_POLICY))
                headers.append("content-security-policy", _BOUNDS)
                headers.update(_HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)
