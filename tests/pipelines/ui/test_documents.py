"""Whatever graphql-core reads as a mutation does not reach Dagster without a log-in, on any way in."""

from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from structlog.testing import CapturingLogger

from accounts.database import Database
from accounts.operators import Operators
from pipelines.ui import documents, server
from pipelines.ui.settings import UiSettings
from tests.pipelines.ui.conftest import ORIGIN, PORT


@dataclass
class Silent:
    """Has the web server's routes, executes nothing, and keeps the documents that reach it."""

    routes: list[BaseRoute]
    documents: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            socket = WebSocket(scope, receive, send)
            await socket.accept()
            with suppress(WebSocketDisconnect):
                self.documents.append((await socket.receive_json())["payload"]["query"])
                await socket.close()
            return
        request = Request(scope, receive)
        call = request.query_params if request.method == "GET" else await request.json()
        self.documents.append(call["query"])
        await PlainTextResponse("")(scope, receive, send)


@pytest.fixture(scope="module")
def silent(webserver: Starlette) -> Silent:
    return Silent(webserver.routes)


@pytest.fixture(scope="module")
def visitor(silent: Silent) -> TestClient:
    ui = UiSettings.model_validate({"LABELS_DATABASE_URL": "unused"})
    app = server.guarded(silent, Operators(Database("sqlite://")), ui, PORT, CapturingLogger())
    return TestClient(app, base_url=ORIGIN)


def kinds(text: str) -> set[OperationType] | None:
    """Return the kinds of the operations in the document, None if there is no document in the text."""
    try:
        found = parse(text).definitions
    except GraphQLError:
        return None
    return {node.operation for node in found if isinstance(node, OperationDefinitionNode)}


NAMES = st.sampled_from(["", "A", "query", "mutation", "setNuxSeen", "_"])
FIELDS = st.sampled_from(
    [
        "{ version }",
        "{ setNuxSeen: deleteRun }",
        "{ setNuxSeen deleteRun }",
        "{ ...F }",
        "{ ... on Mutation { setNuxSeen } }",
        '{ a(b: "mutation { c }") }',
        '{ a(b: """query { c }""") }',
        "{ mutation subscription }",
    ]
)
DEFINITIONS = st.one_of(
    st.tuples(st.sampled_from(["query", "mutation", "subscription"]), NAMES, FIELDS).map(" ".join),
    FIELDS,
    FIELDS.map("fragment F on Mutation ".__add__),
    st.sampled_from(["type Mutation { a: Int }", "schema { query: Mutation }", "# mutation { a }\n"]),
)
BETWEEN = st.sampled_from(
    [" ", "", ",", "\n", "\ufeff", "#", "# \n", "\t", "\x00", '"', "}", "\u2028", "$v: "]
)
DOCUMENTS = st.lists(st.tuples(BETWEEN, DEFINITIONS, BETWEEN).map("".join), min_size=1, max_size=4).map(
    "".join
)


@given(text=st.one_of(DOCUMENTS, st.text(max_size=40)))
@example(text="mutation { deleteRun }")
@example(text="query A { version } mutation B { deleteRun }")
@settings(max_examples=150, deadline=None)
def test_no_mutation_reaches_dagster_without_a_log_in(visitor: TestClient, silent: Silent, text: str) -> None:
    silent.documents.clear()
    found = kinds(text)
    visitor.post("/graphql", json={"query": text, "operationName": "A"})
    posted, silent.documents = silent.documents, []
    visitor.get("/graphql", params={"query": text})
    got, silent.documents = silent.documents, []
    with visitor.websocket_connect(f"ws://127.0.0.1:{PORT}/graphql", subprotocols=["graphql-ws"]) as socket:
        socket.send_json({"type": "start", "id": "1", "payload": {"query": text}})
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()
    streamed = silent.documents
    readable = found is not None
    assert posted == ([text] if readable and found <= {OperationType.QUERY} else [])
    assert got == posted
    assert streamed == ([text] if readable and OperationType.MUTATION not in found else [])


@pytest.mark.parametrize(
    ("text", "mutations", "sent_by_itself"),
    [
        ("{ version }", (), False),
        ("mutation M { setNuxSeen }", ("setNuxSeen",), True),
        ("mutation { a: logTelemetry(action: 1) { __typename } }", ("logTelemetry",), True),
        ("mutation { setNuxSeen deleteRun }", ("setNuxSeen", "deleteRun"), False),
        ("mutation { setNuxSeen: deleteRun }", ("deleteRun",), False),
        ("mutation { ...F } fragment F on M { ... on M { a } b }", ("a", "b"), False),
        ("mutation { ...F ...F } fragment F on M { a ...F }", ("a",), False),
        ("mutation { ...None }", (), False),
        ("mutation A { setNuxSeen } mutation B { setNuxSeen }", ("setNuxSeen", "setNuxSeen"), False),
    ],
)
def test_the_fields_of_mutations_are_found(
    text: str, mutations: tuple[str, ...], sent_by_itself: bool
) -> None:
    document = documents.read(text)
    assert (document.mutations, document.sent_by_itself) == (mutations, sent_by_itself)
