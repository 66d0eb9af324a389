"""The principal of a request: keys, and which of several credentials counts."""

from accounts import keys
from accounts.identity import Role
from api.auth.principals import WWW_AUTHENTICATE
from api.wire import paths
from tests.api.auth.issuer import (
    bearer,
    is_unauthorized,
    token,
)


def test_a_key_says_who_asks_and_at_what_rate(client, accounts, plain):
    key = accounts.authenticate(plain)
    assert client.get("/", headers={"X-API-Key": plain}).json() == {
        "organisation": "acme",
        "role": "editor",
        "id": f"key:{key.id}",
        "limits": [5, 50],
    }


def test_a_401_tells_every_way(client):
    response = client.get("/")
    assert is_unauthorized(response)
    for way in ("ApiKey ", "Bearer ", "Cookie "):
        assert way in WWW_AUTHENTICATE


def test_two_keys_are_one_too_many(client, plain):
    assert is_unauthorized(client.get("/", headers=[("X-API-Key", plain), ("X-API-Key", plain)]))


def test_the_first_credential_present_decides(client, plain):
    bad_key, bad_bearer = {"X-API-Key": keys.new_key()}, bearer("x.y.z")
    good_key, good_bearer = {"X-API-Key": plain}, bearer(token())
    assert is_unauthorized(client.get("/", headers={**bad_key, **good_bearer}))
    assert is_unauthorized(client.get("/", headers={"X-API-Key": "", **good_bearer}))
    assert client.get("/", headers={**good_key, **bad_bearer}).json()["id"].startswith("key:")
    client.post(paths.SESSION, headers=good_key)
    assert client.get("/").json()["id"].startswith("session:")
    assert is_unauthorized(client.get("/", headers=bad_key))
    assert is_unauthorized(client.get("/", headers=bad_bearer))
    assert client.get("/", headers=good_bearer).json()["id"] == "oauth:user-42"


def test_a_viewer_writes_nothing(client, accounts):
    viewer = {"X-API-Key": accounts.create_key("acme", Role.VIEWER)}
    assert client.get("/", headers=viewer).status_code == 200
    assert client.post("/", headers=viewer).status_code == 403
    assert client.post("/", headers=bearer(token(role="viewer"))).status_code == 403
    assert client.post("/", headers=bearer(token(role="manager"))).status_code == 200


def test_a_suspended_organisation_is_let_in_by_no_way(client, accounts, plain):
    accounts.create_organisation("suspended")
    suspended = {"X-API-Key": accounts.create_key("suspended", Role.EDITOR)}
    of_token = bearer(token(org="suspended"))
    client.post(paths.SESSION, headers=suspended)
    session = {"Cookie": f"sessionid={client.cookies['sessionid']}"}
    client.cookies.clear()
    ways = (suspended, of_token, session)
    assert [client.get("/", headers=way).status_code for way in ways] == [200, 200, 200]
    accounts.suspend("suspended")
    for way in ways:
        assert is_unauthorized(client.get("/", headers=way))
    assert client.post(paths.SESSION, headers=suspended).status_code == 401
    assert client.get("/", headers={"X-API-Key": plain}).status_code == 200
    accounts.resume("suspended")
    assert [client.get("/", headers=way).status_code for way in ways] == [200, 200, 200]
