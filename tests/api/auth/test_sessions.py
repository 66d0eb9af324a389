"""Sessions: cookies in exchange for a key, writes that need a token, and the end of a session."""

from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.testclient import TestClient

from accounts.identity import Role
from accounts.store import Accounts
from api.auth.principals import Authenticator, require_writer
from api.auth.sessions import SessionRoutes
from api.auth.settings import AuthSettings
from api.problems import EXCEPTION_HANDLERS
from api.routes.resource import resource
from api.wire import paths


@pytest.fixture(scope="module")
def accounts(tmp_path_factory):
    store = Accounts(f"sqlite:///{tmp_path_factory.mktemp('sessions')}/accounts.db")
    store.create_organisation("acme")
    yield store
    store.close()


def service(accounts, public_url=None):
    settings = AuthSettings()
    authenticator = Authenticator(accounts, settings)
    sessions = SessionRoutes(accounts, settings, public_url=public_url)

    async def who(request):
        principal = await authenticator(request)
        if request.method != "GET":
            require_writer(principal)
        return JSONResponse({"id": principal.id, "limits": [principal.per_minute, principal.per_day]})

    return Starlette(
        routes=[
            resource("/", get=who, post=who, delete=who),
            resource(paths.SESSION, post=sessions.begin, delete=sessions.end),
        ],
        exception_handlers=dict(EXCEPTION_HANDLERS),
    )


@pytest.fixture
def client(accounts):
    with TestClient(service(accounts)) as http:
        yield http


@pytest.fixture
def key(accounts):
    return {"X-API-Key": accounts.create_key("acme", Role.EDITOR, per_minute=5)}


def begin(client, key):
    """Begin a session; return the header for its writes."""
    response = client.post(paths.SESSION, headers=key)
    assert response.status_code == 201
    return {"X-CSRF-Token": response.json()["csrf_token"]}


def cookies_of(response):
    """Return the cookies set, by name."""
    found = {}
    for header in response.headers.get_list("set-cookie"):
        found |= SimpleCookie(header)
    return found


def test_a_session_is_begun_with_a_key(client, accounts, key):
    response = client.post(paths.SESSION, headers=key)
    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    left = datetime.fromisoformat(body["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=11, minutes=59) < left <= timedelta(hours=12)
    made = cookies_of(response)
    assert set(made) == {"sessionid", "csrftoken"}
    assert made["csrftoken"].value == body["csrf_token"]
    assert made["sessionid"].value != body["csrf_token"]
    for cookie in made.values():
        assert (cookie["samesite"], cookie["path"], cookie["max-age"]) == ("strict", "/", "43200")
    assert made["sessionid"]["httponly"]
    assert not made["csrftoken"]["httponly"]
    assert client.get("/").json() == {
        "id": f"session:{accounts.authenticate(key['X-API-Key']).id}",
        "limits": [5, None],
    }


@pytest.mark.parametrize(
    ("base_url", "public_url", "secure"),
    [
        ("http://testserver", None, False),
        ("https://testserver", None, True),
        ("http://testserver", "https://labels.example", True),
    ],
)
def test_cookies_are_secure_where_the_service_is(accounts, key, base_url, public_url, secure):
    with TestClient(service(accounts, public_url), base_url=base_url) as http:
        made = cookies_of(http.post(paths.SESSION, headers=key))
    assert [bool(cookie["secure"]) for cookie in made.values()] == [secure, secure]


@pytest.mark.parametrize(
    "headers", [{}, {"X-API-Key": ""}, {"X-API-Key": "csb_x"}, {"Authorization": "Bearer x"}]
)
def test_without_a_good_key_no_session_begins(client, headers):
    response = client.post(paths.SESSION, headers=headers)
    assert response.status_code == 401
    assert "set-cookie" not in response.headers


def test_a_session_does_not_begin_another(client, key):
    token = begin(client, key)
    assert client.post(paths.SESSION, headers=token).status_code == 401


def test_a_write_needs_the_sessions_own_token(client, accounts, key):
    token = begin(client, key)
    with TestClient(client.app) as other:
        theirs = begin(other, key)
    good = token["X-CSRF-Token"]
    for method in ("POST", "DELETE"):
        for wrong in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": good[:-1]}, {"X-CSRF-Token": good + "A"}, theirs,
                      {"X-CSRF-Token": client.cookies["sessionid"]}, {b"X-CSRF-Token": b"\xe9"}):  # fmt: skip
            response = client.request(method, "/", headers=wrong)
            assert response.status_code == 403, wrong
            assert response.json()["error_code"] == "forbidden"
        assert client.request(method, "/", headers=token).status_code == 200
    assert client.get("/").status_code == 200


def test_the_cookie_alone_is_no_token(client, key):
    begin(client, key)
    assert client.cookies["csrftoken"]
    assert client.post("/").status_code == 403


def test_a_key_needs_no_token(client, key):
    begin(client, key)
    assert client.post("/", headers=key).status_code == 200


@pytest.mark.parametrize("tampered", ["", "x", "../../x", "%00", '"quoted"', "a" * 4000])
def test_a_tampered_cookie(client, tampered):
    assert client.get("/", headers={"Cookie": f"sessionid={tampered}"}).status_code == 401


def test_another_sessions_id_cannot_be_had_by_altering_ones_own(client, key):
    begin(client, key)
    own = client.cookies["sessionid"]
    client.cookies.clear()
    for altered in (own[:-1], own + "A", own.swapcase(), own[::-1]):
        assert client.get("/", headers={"Cookie": f"sessionid={altered}"}).status_code == 401
    assert client.get("/", headers={"Cookie": f"sessionid={own}"}).status_code == 200


def test_a_session_is_ended(client, key):
    token = begin(client, key)
    session_id = client.cookies["sessionid"]
    assert client.delete(paths.SESSION).status_code == 403
    assert client.get("/").status_code == 200
    response = client.delete(paths.SESSION, headers=token)
    assert (response.status_code, response.content) == (204, b"")
    assert {name: cookie["max-age"] for name, cookie in cookies_of(response).items()} == {
        "sessionid": "0",
        "csrftoken": "0",
    }
    assert "sessionid" not in client.cookies
    assert client.get("/", headers={"Cookie": f"sessionid={session_id}"}).status_code == 401
    assert client.delete(paths.SESSION, headers=token).status_code == 401


def test_a_session_ends_with_its_key(client, accounts, key):
    begin(client, key)
    accounts.revoke_key("acme", accounts.authenticate(key["X-API-Key"]).id)
    assert client.get("/").status_code == 401


def test_a_viewers_session_writes_nothing(client, accounts):
    token = begin(client, {"X-API-Key": accounts.create_key("acme", Role.VIEWER)})
    assert client.get("/").status_code == 200
    assert client.post("/", headers=token).status_code == 403


def test_the_session_endpoint_knows_two_methods(client, key):
    response = client.get(paths.SESSION, headers=key)
    assert response.status_code == 405
    assert {"POST", "DELETE"} <= set(response.headers["allow"].split(", "))
