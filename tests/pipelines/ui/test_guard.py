"""What reaches Dagster's web server: everybody looks, operators change, and other sites do neither."""

import json
import re
from collections.abc import Callable

import dagster as dg
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from structlog.testing import CapturingLogger

from accounts.store import Accounts
from pipelines.ui.dagster_webserver_names import GRAPHQL_HTTP, GRAPHQL_WEBSOCKET, LOOKING, SENT_BY_ITSELF
from tests.pipelines.ui.conftest import ORIGIN, PORT, Recorder

SOCKET = f"ws://127.0.0.1:{PORT}/graphql"
VERSION = "query { version }"
SUBSCRIPTION = "subscription { locationStateChangeEvents { event { message } } }"

#: Routes of the web server that are guarded as writes, though some only read: their content is sensitive.
AS_WRITES = {
    "download_captured_logs_endpoint",
    "download_notebook",
    "download_debug_file_endpoint",
    "report_asset_materialization_endpoint",
    "report_asset_check_endpoint",
    "report_asset_observation_endpoint",
}


def deletion(run_id: str) -> str:
    return f'mutation {{ deletePipelineRun(runId: "{run_id}") {{ __typename }} }}'


def post(client: TestClient, query: str, **kwargs: object):
    return client.post("/graphql", json={"query": query}, **kwargs)


def message_of(response) -> str:
    return response.json()["errors"][0]["message"]


@pytest.fixture
def survives(dagster_instance: dg.DagsterInstance, run_id: str, reached: Recorder):
    """The run id; after the test the run is still there, and no request has reached the web server."""
    yield run_id
    assert dagster_instance.get_run_by_id(run_id) is not None
    assert reached.scopes == []


def test_every_route_of_the_web_server_is_known(reached: Recorder) -> None:
    names = {route.name for route in reached.routes}
    assert names == {GRAPHQL_HTTP, GRAPHQL_WEBSOCKET} | LOOKING | AS_WRITES, (
        "look at the new route: decision 14"
    )


class TestLooking:
    def test_a_query(self, client: TestClient) -> None:
        assert post(client, VERSION).json() == {"data": {"version": dg.__version__}}
        assert client.get("/graphql", params={"query": VERSION}).status_code == 200

    def test_variables_and_operation_name_arrive(self, client: TestClient) -> None:
        query = "query A($id: ID!) { runOrError(runId: $id) { __typename } } query B { version }"
        body = {"query": query, "operationName": "A", "variables": {"id": "none"}, "extensions": {}}
        answer = client.post("/graphql", json=body)
        assert answer.json() == {"data": {"runOrError": {"__typename": "RunNotFoundError"}}}

    def test_the_page_and_its_files(self, client: TestClient) -> None:
        page = client.get("/runs/some-id?tab=1")
        assert "<!DOCTYPE html>" in page.text
        own, bounds = page.headers.get_list("content-security-policy")
        assert "'strict-dynamic'" in own
        assert "frame-ancestors 'none'" in bounds
        scripts = [part.partition('"')[0] for part in page.text.split('src="')[1:]]
        assert scripts
        for path in (*scripts, "/favicon.png", "/manifest.json", "/server_info"):
            assert client.get(path).status_code == 200, path

    def test_a_link_tells_who_is_logged_in(self, client: TestClient, accounts: Accounts) -> None:
        assert ">Log in to make changes</a></body>" in client.get("/runs").text
        client.post("/labels/log-in", data={"key": accounts.operators.add("maria")})
        assert ">maria · Log out</a></body>" in client.get("/runs").text
        assert client.head("/runs").status_code == 200

    def test_a_browser_caches_an_operators_buttons_apart_from_a_visitors(
        self, client: TestClient, accounts: Accounts
    ) -> None:
        visitor = re.search(r'"instanceId": "([0-9a-f-]{36})"', client.get("/runs").text)[1]
        client.post("/labels/log-in", data={"key": accounts.operators.add("maria")})
        assert f'"instanceId": "operators-{visitor}"' in client.get("/runs").text

    def test_graphiql(self, client: TestClient) -> None:
        page = client.get("/graphql", headers={"accept": "text/html"})
        assert "GraphiQL" in page.text
        assert "'unsafe-inline'" in page.headers["content-security-policy"]

    def test_a_subscription(self, client: TestClient) -> None:
        with client.websocket_connect(SOCKET, subprotocols=["graphql-ws"]) as socket:
            socket.send_json({"type": "connection_init"})
            assert socket.receive_json() == {"type": "connection_ack"}
            socket.send_json({"type": "start", "id": "1", "payload": {"query": "subscription { nothing }"}})
            assert socket.receive_json()["type"] == "error"
            socket.send_json({"type": "start", "id": "2", "payload": {"query": SUBSCRIPTION}})
            socket.send_json({"type": "stop", "id": "2"})
            socket.send_json({"type": "connection_terminate"})

    def test_what_the_ui_sends_by_itself_needs_no_log_in(self, client: TestClient) -> None:
        assert {"setNuxSeen", "logTelemetry"} == SENT_BY_ITSELF
        assert post(client, "mutation SetNuxSeen { setNuxSeen }").json() == {"data": {"setNuxSeen": True}}

    def test_every_answer_has_the_headers(self, client: TestClient) -> None:
        for path in ("/", "/server_info", "/favicon.png", "/labels/log-in", "/logs/a.out"):
            headers = client.get(path).headers
            assert headers["x-frame-options"] == "DENY", path
            assert headers["x-content-type-options"] == "nosniff", path
            assert headers["referrer-policy"] == "same-origin", path
            assert headers["cross-origin-opener-policy"] == "same-origin", path
            assert "frame-ancestors 'none'" in headers["content-security-policy"], path


class TestOtherSites:
    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ([("host", "evil.example:3000")], 421),
            ([("host", "127.0.0.1:3001")], 421),
            ([("host", "127.0.0.1")], 421),
            ([("host", "127.0.0.1:3000.evil.example")], 421),
            ([("host", "evil.example"), ("x-forwarded-host", "127.0.0.1:3000")], 421),
            ([("host", "")], 421),
            ([("host", "127.0.0.1:3000"), ("Host", "evil.example")], 400),
            ([("origin", "https://evil.example")], 403),
            ([("origin", "null")], 403),
            ([("origin", "")], 403),
            ([("origin", "http://127.0.0.1:8000")], 403),
            ([("origin", "http://localhost:3000")], 403),
            ([("origin", "https://127.0.0.1:3000")], 403),
            ([("origin", ORIGIN), ("Origin", "https://evil.example")], 400),
            ([("origin", "https://evil.example"), ("Origin", ORIGIN)], 400),
            ([("sec-fetch-site", "cross-site")], 403),
            ([("sec-fetch-site", "same-site")], 403),
            ([("sec-fetch-site", "Cross-Site")], 403),
            ([("content-type", "application/json"), ("Content-Type", "text/plain")], 400),
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
    def test_their_requests_are_refused(
        self, operator: TestClient, reached: Recorder, headers: list, status: int, method: str
    ) -> None:
        """Even those of a browser in which an operator is logged in."""
        for name in {name.lower() for name, _ in headers} & {"origin"}:
            del operator.headers[name]
        for path in ("/graphql", "/", "/report_asset_check/x", "/labels/log-in"):
            answer = operator.request(method, path, headers=headers, content=json.dumps({"query": VERSION}))
            assert answer.status_code == status, path
        assert reached.scopes == []

    def test_the_answer_to_another_name_says_what_to_open(self, client: TestClient) -> None:
        told = client.get("/", headers={"host": "evil.example"}).text
        assert "http://localhost:3000" in told
        assert "LABELS_UI_ORIGINS" in told

    def test_a_link_to_a_page_may_be_followed(self, client: TestClient) -> None:
        del client.headers["origin"]
        link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
        assert client.get("/runs", headers=link).status_code == 200
        assert client.get("/runs", headers=link | {"sec-fetch-dest": "iframe"}).status_code == 403
        assert client.post("/graphql", json={"query": VERSION}, headers=link).status_code == 403

    @pytest.mark.parametrize(
        "headers",
        [
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"host": "evil.example:3000"},
            {"sec-fetch-site": "cross-site"},
        ],
    )
    def test_their_websockets_are_refused(
        self, operator: TestClient, reached: Recorder, headers: dict[str, str]
    ) -> None:
        with (
            pytest.raises(WebSocketDisconnect) as refused,
            operator.websocket_connect(SOCKET, headers=headers),
        ):
            pass
        assert refused.value.code == 4403
        assert reached.scopes == []

    def test_every_own_name_is_answered(self, browse: Callable[..., TestClient]) -> None:
        for name in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]"):
            assert browse(f"http://{name}:{PORT}").get("/server_info").status_code == 200, name


class TestMutations:
    def test_without_a_log_in_they_say_where_to_log_in(self, client: TestClient, survives: str) -> None:
        answer = post(client, deletion(survives))
        assert answer.status_code == 401
        assert f"{ORIGIN}/labels/log-in" in message_of(answer)
        assert answer.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}

    def test_an_operators_is_executed_and_logged(
        self, operator: TestClient, dagster_instance: dg.DagsterInstance, run_id: str, log: CapturingLogger
    ) -> None:
        answer = post(operator, deletion(run_id))
        assert answer.json() == {"data": {"deletePipelineRun": {"__typename": "DeletePipelineRunSuccess"}}}
        assert dagster_instance.get_run_by_id(run_id) is None
        assert log.calls[-1].kwargs == {"actor": "maria", "mutations": ("deletePipelineRun",)}

    def test_never_by_get(self, operator: TestClient, survives: str) -> None:
        """The attack by which any page that the operator visited deleted runs."""
        for params in (
            {"query": deletion(survives)},
            {"query": VERSION + deletion(survives)},
            [("query", VERSION), ("query", deletion(survives))],
            [("query", deletion(survives)), ("query", VERSION)],
            {"query": SUBSCRIPTION},
        ):
            for accept in ("*/*", "text/html"):
                answer = operator.get("/graphql", params=params, headers={"accept": accept})
                assert answer.status_code == 405, params
        assert operator.get("/graphql", params={"query": "mutation {"}).status_code == 400

    @pytest.mark.parametrize(
        "media_type",
        [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/graphql",
            "text/plain; application/json",
            "application/json, text/plain",
            "",
        ],
    )
    def test_only_as_json(self, operator: TestClient, survives: str, media_type: str) -> None:
        body = json.dumps({"query": deletion(survives)})
        params = {"query": deletion(survives)}  # what Dagster reads of a POST of another type
        answer = operator.post("/graphql", content=body, params=params, headers={"content-type": media_type})
        assert answer.status_code == 415

    @pytest.mark.parametrize(
        "body",
        [
            '[{"query": "mutation { setNuxSeen }"}]',
            '"mutation { setNuxSeen }"',
            "null",
            "{}",
            '{"query": null}',
            '{"query": ["mutation { setNuxSeen }"]}',
            '{"id": "1", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "00"}}}',
            '{"query": "query { version }", "variables": "{}"}',
            '{"query": "query { version }", "operationName": ["a"]}',
            '{"query": "query { version"}',
            '{"query": "subscription { locationStateChangeEvents { __typename } }"}',
            '{"query": ',
            "[" * 100_000,
            b"\xff\xfe",
        ],
    )
    def test_nothing_but_one_whole_call(self, operator: TestClient, reached: Recorder, body: str) -> None:
        answer = operator.post("/graphql", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 400
        assert message_of(answer)
        assert reached.scopes == []

    def test_hidden_ones_are_found(self, client: TestClient, survives: str) -> None:
        delete = deletion(survives)
        for query in (
            f"query A {{ version }} {delete}",
            f"# query {{ version }}\n{delete}",
            "\ufeff" + delete,
            delete.replace("deletePipelineRun", "setNuxSeen: deletePipelineRun"),
            delete.replace("mutation {", "mutation { setNuxSeen "),
            "mutation { setNuxSeen } " + delete.replace("mutation", "mutation B"),
            "mutation { setNuxSeen } query B { version }",
            "mutation { ... on Mutation { setNuxSeen } }",
            "mutation { ...F } fragment F on Mutation { setNuxSeen }",
            "mutation { ...F } fragment F on Mutation { ...F }",
        ):
            body = {"query": query, "operationName": "A"}
            assert client.post("/graphql", json=body).status_code == 401, query
        twice = json.dumps({"query": VERSION})[:-1] + f', "query": {json.dumps(delete)}}}'
        answer = client.post("/graphql", content=twice, headers={"content-type": "application/json"})
        assert answer.status_code == 401

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
    def test_dagster_gets_only_what_was_checked(
        self, client: TestClient, reached: Recorder, encoding: str
    ) -> None:
        twice = '{"query": "mutation { deleteRun }", "id": 1, "query": "query { version }"}'.encode(encoding)
        answer = client.post(
            "/graphql", content=twice, headers={"content-type": "application/json; charset=x"}
        )
        assert answer.json() == {"data": {"version": dg.__version__}}
        assert reached.bodies == [b'{"query": "query { version }", "variables": null, "operationName": null}']
        headers = dict(reached.scopes[0]["headers"])
        assert headers[b"content-type"] == b"application/json"
        assert headers[b"content-length"] == str(len(reached.bodies[0])).encode()

    def test_large_requests_are_refused(self, client: TestClient, reached: Recorder) -> None:
        assert post(client, VERSION + " " * 100_000).status_code == 413
        large = {"query": VERSION, "variables": {"text": "x" * 1_100_000}}
        assert client.post("/graphql", json=large).status_code == 413
        assert reached.scopes == []

    @pytest.mark.parametrize(
        "sent",
        [
            {"type": "start", "id": "1", "payload": {"query": "mutation { setNuxSeen }"}},
            {
                "type": "start",
                "id": "1",
                "payload": {"query": "query A { version } mutation B { setNuxSeen }"},
            },
            {"type": "subscribe", "id": "1", "payload": {"query": "mutation { setNuxSeen }"}},
            {"type": "start", "id": "1", "payload": {}},
            {"type": "start", "id": "1", "payload": {"query": "mutation {"}},
            {"type": ["start"]},
            [],
        ],
    )
    def test_never_by_websocket(self, operator: TestClient, sent: object) -> None:
        with operator.websocket_connect(SOCKET) as socket:
            socket.send_json(sent)
            with pytest.raises(WebSocketDisconnect) as refused:
                socket.receive_json()
        assert refused.value.code == 4403

    def test_a_websocket_takes_no_bytes(self, operator: TestClient) -> None:
        with operator.websocket_connect(SOCKET) as socket:
            socket.send_bytes(b'{"type": "connection_init"}')
            with pytest.raises(WebSocketDisconnect):
                socket.receive_json()


class TestOtherRoutes:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/report_asset_materialization/label_export"),
            ("POST", "/report_asset_check/label_export?check_name=x&passed=true"),
            ("POST", "/report_asset_observation/label_export"),
            ("GET", "/download_debug/some-id"),
            ("GET", "/logs/a/b/c.out"),
            ("GET", "/notebook?path=x.ipynb&repoLocName=labels"),
            ("GET", "/dagit/notebook"),
            ("POST", "/"),
            ("DELETE", "/runs/some-id"),
            ("OPTIONS", "/"),
            ("UNHEARD-OF", "/server_info"),
        ],
    )
    def test_they_need_a_log_in(
        self, client: TestClient, reached: Recorder, accounts: Accounts, method: str, path: str
    ) -> None:
        refused = client.request(method, path)
        assert refused.status_code == 401
        assert "/labels/log-in" in refused.text
        assert client.request(method, path, headers={"content-type": "text/plain"}).status_code == 415
        assert reached.scopes == []
        client.post("/labels/log-in", data={"key": accounts.operators.add("maria")})
        client.request(method, path)
        assert [scope["path"] for scope in reached.scopes] == [path.partition("?")[0]]

    def test_a_write_is_logged(self, operator: TestClient, log: CapturingLogger) -> None:
        assert operator.post("/report_asset_materialization/label_export").json() == {}
        assert log.calls[-1].kwargs == {
            "actor": "maria",
            "method": "POST",
            "path": "/report_asset_materialization/label_export",
        }

    def test_a_person_is_led_to_the_log_in_and_back(self, client: TestClient) -> None:
        answer = client.get("/download_debug/id?a=1&b=2", headers={"accept": "text/html,*/*"})
        assert answer.status_code == 303
        where = answer.headers["location"]
        assert where == f"{ORIGIN}/labels/log-in?next=%2Fdownload_debug%2Fid%3Fa%3D1%26b%3D2"
        assert 'value="/download_debug/id?a=1&amp;b=2"' in client.get(where).text


class TestPermissions:
    """Dagster itself takes a visitor's request as read-only, should the guard ever let a mutation through."""

    PERMISSIONS = "query { permissions { permission value disabledReason } }"

    def test_the_ui_offers_a_visitor_no_change_and_says_why(self, client: TestClient) -> None:
        permissions = post(client, self.PERMISSIONS).json()["data"]["permissions"]
        assert {each["value"] for each in permissions} == {False}
        assert {each["disabledReason"] for each in permissions} == {
            "Operators only: log in at /labels/log-in"
        }

    def test_it_offers_an_operator_changes(self, operator: TestClient) -> None:
        permissions = post(operator, self.PERMISSIONS).json()["data"]["permissions"]
        offered = {each["permission"] for each in permissions if each["value"]}
        assert offered >= {"launch_pipeline_execution", "delete_pipeline_run", "stop_running_schedule"}

    def test_dagster_refuses_a_visitors_mutation(
        self, webserver: Starlette, dagster_instance: dg.DagsterInstance, run_id: str
    ) -> None:
        answer = post(TestClient(webserver), deletion(run_id))
        assert answer.json() == {"data": {"deletePipelineRun": {"__typename": "UnauthorizedError"}}}
        assert dagster_instance.get_run_by_id(run_id) is not None


class TestActor:
    def actors(self, reached: Recorder) -> list[bytes]:
        return [value for name, value in reached.scopes[-1]["headers"] if name.lower() == b"x-labels-actor"]

    def test_the_operators_name_arrives(self, operator: TestClient, reached: Recorder) -> None:
        post(
            operator,
            "mutation { setNuxSeen }",
            headers=[("X-Labels-Actor", "root"), ("x-labels-actor", "eve")],
        )
        assert self.actors(reached) == [b"maria"]

    def test_nobody_can_claim_a_name(self, client: TestClient, reached: Recorder) -> None:
        post(client, VERSION, headers={"X-LABELS-ACTOR": "maria"})
        assert self.actors(reached) == []
        with client.websocket_connect(SOCKET, headers={"x-labels-actor": "maria"}):
            pass
        assert self.actors(reached) == []


class TestLogInToLook:
    @pytest.fixture(
        params=[
            {"login": "always"},
            {"host": "0.0.0.0"},
            {"origins": "https://dagster.example.com", "login": "writes"},
        ]
    )
    def closed(self, request: pytest.FixtureRequest, browse: Callable[..., TestClient]) -> TestClient:
        return browse(**request.param)

    def test_nothing_is_shown_before(self, closed: TestClient, reached: Recorder) -> None:
        assert closed.get("/runs", headers={"accept": "text/html"}).status_code == 303
        assert closed.get("/favicon.png").status_code == 401
        assert post(closed, VERSION).status_code == 401
        assert closed.get("/graphql", params={"query": VERSION}).status_code == 401
        with pytest.raises(WebSocketDisconnect) as refused, closed.websocket_connect(SOCKET):
            pass
        assert refused.value.code == 4403
        assert reached.scopes == []

    def test_everything_after(self, closed: TestClient, accounts: Accounts) -> None:
        assert closed.get("/labels/log-in").status_code == 200
        closed.post("/labels/log-in", data={"key": accounts.operators.add("maria")})
        assert closed.get("/runs").status_code == 200
        assert post(closed, VERSION).status_code == 200
        with closed.websocket_connect(SOCKET):
            pass

    def test_a_published_name_is_answered(
        self, browse: Callable[..., TestClient], accounts: Accounts
    ) -> None:
        published = browse("https://dagster.example.com", origins="https://dagster.example.com")
        answer = published.post("/labels/log-in", data={"key": accounts.operators.add("maria")})
        assert "Secure" in answer.headers["set-cookie"]
        assert post(published, VERSION).status_code == 200
        foreign = {"origin": "http://dagster.example.com"}
        assert published.post("/graphql", json={"query": VERSION}, headers=foreign).status_code == 403
