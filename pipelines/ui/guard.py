"""The guard in front of Dagster's web server: everybody may read, operators may change. See decision 0014."""

import json
from typing import Any, cast

from anyio.to_thread import run_sync
from graphql import OperationType
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Match, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose
from structlog.typing import FilteringBoundLogger

from pipelines.submission.run_coordinator import ACTOR_HEADER
from pipelines.ui import documents
from pipelines.ui.dagster_webserver_names import GRAPHQL_HTTP, GRAPHQL_WEBSOCKET, LOOKING, PAGE
from pipelines.ui.log_in import LOG_IN, LOG_OUT, LogIn
from pipelines.ui.page import for_person
from pipelines.ui.refused import POLICY_VIOLATION, Refused

_JSON = "application/json"
_READS = frozenset({"GET", "HEAD"})

#: The message types of subscriptions-transport-ws, Dagster's only websocket protocol, that Dagster handles.
_MESSAGES = frozenset({"connection_init", "connection_terminate", "start", "stop"})


class Guard:
    """ASGI application: the log-in pages, and Dagster's web server as far as the client may use it.

    Requests must come from the UI's own origin. With `log_in_to_look` nothing is shown without a log-in.
    """

    def __init__(
        self, webserver: Starlette, *, log_in: LogIn, log_in_to_look: bool, log: FilteringBoundLogger
    ) -> None:
        self._webserver = webserver
        self._log_in = log_in
        self._pages = log_in.pages()
        self._log_in_to_look = log_in_to_look
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._webserver(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["path"] in {LOG_IN, LOG_OUT}:
            await self._pages(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        route = _route(self._webserver, scope)
        operator = await self._log_in.operator(request)
        answer: ASGIApp
        try:
            if self._log_in_to_look:
                self._require_log_in(operator, request)
            if route == GRAPHQL_HTTP and request.method in _READS:
                await _require_reads(request.query_params.getlist("query"))
            elif route == GRAPHQL_HTTP:
                scope, receive = await self._checked_call(operator, request)
            elif route not in LOOKING or request.method not in _READS:
                _require_json(request.headers, or_nothing=True)
                self._require_log_in(operator, request)
                self._log.info("dagster ui", actor=operator, method=request.method, path=request.url.path)
        except Refused as refused:
            answer = self._refusal(request, route, refused)
        else:
            answer = self._webserver
            if route == PAGE:
                send = for_person(send, operator)
        await answer(_with_actor(scope, operator), receive, send)

    def _require_log_in(self, operator: str | None, connection: HTTPConnection) -> None:
        if operator is None:
            address = self._log_in.address(connection)
            raise Refused(401, f"This needs a log-in: open {address}, then try again.", "UNAUTHENTICATED")

    async def _checked_call(self, operator: str | None, request: Request) -> tuple[Scope, Receive]:
        """Return the checked GraphQL request for Dagster. Raises Refused."""
        _require_json(request.headers)
        call = documents.read_call(await request.body())
        document = await run_sync(documents.read, call.query)
        if OperationType.SUBSCRIPTION in document.operations:
            raise Refused(400, "Subscriptions need a websocket.")
        if not document.only_reads and not document.sent_by_itself:
            self._require_log_in(operator, request)
            self._log.info("dagster ui", actor=operator, mutations=document.mutations)
        return _with_body(request, call.body())

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        known = _route(self._webserver, scope) == GRAPHQL_WEBSOCKET
        if not known or (self._log_in_to_look and await self._log_in.operator(connection) is None):
            await WebSocketClose(POLICY_VIOLATION)(scope, receive, send)
            return

        async def receive_checked() -> Message:
            message = await receive()
            if message["type"] != "websocket.receive":
                return message
            try:
                return {"type": "websocket.receive", "text": await _checked_message(message.get("text"))}
            except Refused as refused:
                self._log.warning("dagster ui refused", why=refused.why, path=scope["path"])
                await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": refused.why[:100]})
                return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}

        await self._webserver(_with_actor(scope, None), receive_checked, send)

    def _refusal(self, request: Request, route: str | None, refused: Refused) -> Response:
        self._log.info("dagster ui refused", why=refused.why, method=request.method, path=request.url.path)
        if route == GRAPHQL_HTTP:
            return _graphql_error(refused)
        if (
            refused.status == 401
            and request.method == "GET"
            and "text/html" in request.headers.get("accept", "")
        ):
            back_to = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(self._log_in.address(request, back_to=back_to), 303)
        return PlainTextResponse(refused.why + "\n", refused.status)


def _route(webserver: Starlette, scope: Scope) -> str | None:
    """Return the name of the web server's first route that matches the path, or None."""
    for route in webserver.routes:
        match, _ = route.matches(scope)
        if match is not Match.NONE:
            return route.name if isinstance(route, Route | WebSocketRoute | Mount) else None
    return None


def _require_json(headers: Headers, *, or_nothing: bool = False) -> None:
    """Raise Refused unless the body is JSON. Forms of other sites' pages can send other media types only."""
    media_type = headers.get("content-type", _JSON if or_nothing else "").partition(";")[0].strip().lower()
    if media_type != _JSON:
        raise Refused(415, f"Expected the content type {_JSON}, not {media_type or 'none'}.")


async def _require_reads(texts: list[str]) -> None:
    for text in texts:
        if not (await run_sync(documents.read, text)).only_reads:
            raise Refused(405, "A GET request only reads. Send mutations by POST.")


def _with_actor(scope: Scope, operator: str | None) -> Scope:
    """Return the scope with the operator's name in `ACTOR_HEADER`. The client's own header is removed."""
    headers = MutableHeaders(raw=list(scope["headers"]))
    del headers[ACTOR_HEADER]
    if operator is not None:
        headers[ACTOR_HEADER] = operator
    return {**scope, "headers": headers.raw}


def _with_body(request: Request, body: bytes) -> tuple[Scope, Receive]:
    """Return the request with this JSON body instead of its own."""
    headers = MutableHeaders(raw=list(request.scope["headers"]))
    for name in ("content-encoding", "transfer-encoding"):
        del headers[name]
    headers.update({"content-type": _JSON, "content-length": str(len(body))})
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else await request.receive()

    return {**request.scope, "headers": headers.raw}, receive


async def _checked_message(text: str | None) -> str:
    """Return the checked websocket message for Dagster. Raises Refused unless it only reads or subscribes."""
    message = documents.read_json(text or "")
    match message:
        case {"type": "start", "payload": {"query": str() as query}}:
            if OperationType.MUTATION in (await run_sync(documents.read, query)).operations:
                raise Refused(405, "A websocket only reads. Send mutations by POST.")
        case {"type": str() as kind} if kind in _MESSAGES - {"start"}:
            pass
        case _:
            raise Refused(400, "Expected a message of the protocol graphql-ws.")
    return json.dumps(cast("dict[str, Any]", message))


def _graphql_error(refused: Refused) -> JSONResponse:
    error = {"message": refused.why, "extensions": {"code": refused.code}}
    return JSONResponse({"data": None, "errors": [error]}, refused.status)
