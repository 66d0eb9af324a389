"""Additions to Dagster's page: a link to log in or out, and a separate browser cache for operators."""

from html import escape

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

from pipelines.ui.log_in import LOG_IN

_STYLE = "position:fixed;left:24px;bottom:6px;z-index:10;font:12px system-ui,sans-serif;color:#6b7280"

#: The page derives the name of its browser cache from this. The cache includes permissions, so buttons that were
#: disabled for a visitor would stay disabled for an operator.
_CACHE = b'"instanceId": "'


def for_person(send: Send, operator: str | None) -> Send:
    """Return a `send` that adapts Dagster's page to the operator, or to a visitor if `operator` is None."""
    text = f"{escape(operator)} \N{MIDDLE DOT} Log out" if operator else "Log in to make changes"
    changes = {b"</body>": f'<a href="{LOG_IN}" style="{_STYLE}">{text}</a></body>'.encode()}
    if operator:
        changes[_CACHE] = _CACHE + b"operators-"

    async def send_changed(message: Message) -> None:
        if message["type"] == "http.response.start":
            del MutableHeaders(scope=message)["content-length"]
        elif message["type"] == "http.response.body":
            for old, new in changes.items():
                message["body"] = message.get("body", b"").replace(old, new)
        await send(message)

    return send_changed
