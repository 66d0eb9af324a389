"""An operator logs in with a key, is known by a cookie that scripts and other sites cannot use, and logs out."""

import re
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from accounts.store import Accounts

LOG_IN, LOG_OUT = "/labels/log-in", "/labels/log-out"


def test_log_in_and_log_out(client: TestClient, accounts: Accounts) -> None:
    key = accounts.operators.add("maria")
    begun = client.post(LOG_IN, data={"key": f" {key}\n", "next": "/runs?a=b"})
    assert (begun.status_code, begun.headers["location"]) == (303, "/runs?a=b")
    cookie = begun.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    session_id = re.search(r"labels_operator=([^;]+)", cookie)[1]
    assert accounts.operators.of_session(session_id) == "maria"
    assert "<strong>maria</strong>" in client.get(LOG_IN).text
    ended = client.post(LOG_OUT)
    assert (ended.status_code, ended.headers["location"]) == (303, LOG_IN)
    assert accounts.operators.of_session(session_id) is None
    assert client.cookies.get("labels_operator") is None
    assert client.post(LOG_OUT).status_code == 303


@pytest.mark.parametrize("text", ["", "csb_nonsense", "\x00", "é"])
def test_another_text_is_refused(client: TestClient, text: str) -> None:
    refused = client.post(LOG_IN, data={"key": text})
    assert refused.status_code == 403
    assert 'role="alert"' in refused.text
    assert "set-cookie" not in refused.headers


def test_an_api_key_is_refused(client: TestClient, accounts: Accounts) -> None:
    assert client.post(LOG_IN, data={"key": accounts.create_key("acme", "manager")}).status_code == 403
    assert client.post(LOG_IN).status_code == 403


def test_attempts_are_limited_by_address(
    client: TestClient, browse: Callable[..., TestClient], accounts: Accounts
) -> None:
    statuses = [client.post(LOG_IN, data={"key": "wrong"}).status_code for _ in range(11)]
    assert statuses == [403] * 10 + [429]
    assert client.post(LOG_IN, data={"key": accounts.operators.add("maria")}).status_code == 429
    assert client.get(LOG_IN).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "evil",
        "",
        "/\r\nX: 1",
    ],
)
def test_it_leads_to_no_other_server(client: TestClient, accounts: Accounts, path: str) -> None:
    assert 'value="/"' in client.get(LOG_IN, params={"next": path}).text
    begun = client.post(LOG_IN, data={"key": accounts.operators.add("maria"), "next": path})
    assert begun.headers["location"] == "/"


def test_the_page_runs_no_script_and_shows_text_as_text(client: TestClient) -> None:
    page = client.get(LOG_IN, params={"next": '/"><script>alert(1)</script>'})
    assert "<script" not in page.text
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert page.headers["cache-control"] == "no-store"


def test_a_removed_operator_is_logged_out(operator: TestClient, accounts: Accounts) -> None:
    accounts.operators.remove("maria")
    assert 'name="key"' in operator.get(LOG_IN).text
    assert operator.post("/report_asset_materialization/x").status_code == 401
