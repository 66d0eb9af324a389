"""Signing in and out: a new session each time, no way out to other sites, and an end."""

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from accounts.identity import Role
from web.routes.sessions import HOME


def signed_in(site, http, key, **fields):
    return http.post("/sign-in", data={"key": key, **fields})


def test_a_key_begins_a_session_that_a_sign_out_ends(site):
    http, key = site.visitor(), site.accounts.create_key("acme", Role.EDITOR)
    answer = signed_in(site, http, f"  {key}\n")
    assert (answer.status_code, answer.headers["location"]) == (303, HOME)
    for cookie in answer.headers.get_list("set-cookie"):
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Secure" not in cookie
    shown = http.get("/jobs")
    assert shown.status_code == 200
    old = http.cookies["sessionid"]
    token = shown.text.partition('name="csrf" value="')[2].partition('"')[0]
    assert http.post("/sign-out", data={"csrf": token}).headers["location"] == "/sign-in"
    assert "sessionid" not in http.cookies
    assert site.accounts.sessions.find(old) is None


def test_cookies_are_secure_where_the_service_is(site):
    key = site.accounts.create_key("acme", Role.EDITOR)
    http = TestClient(site.app, base_url="https://testserver", follow_redirects=False)
    assert all("Secure" in cookie for cookie in signed_in(site, http, key).headers.get_list("set-cookie"))


def test_a_session_that_was_there_before_is_not_taken_over(site):
    victim = site.visitor()
    victim.cookies.set("sessionid", "chosen by somebody else", domain="testserver.local")
    victim.cookies.set("csrftoken", "chosen too", domain="testserver.local")
    assert victim.get("/jobs").status_code == 303
    key = site.accounts.create_key("acme", Role.EDITOR)
    signed_in(site, victim, key)
    first = victim.cookies["sessionid"]
    assert first != "chosen by somebody else"
    assert site.accounts.sessions.find("chosen by somebody else") is None
    signed_in(site, victim, key)
    assert victim.cookies["sessionid"] != first
    assert site.accounts.sessions.find(first) is None


@pytest.mark.parametrize("key", ["", "csb_wrong", "x" * 5000, "ö", "csb_" + "A" * 32 + "_00000000"])
def test_a_wrong_key_begins_nothing(site, key):
    http = site.visitor()
    answer = signed_in(site, http, key, next="/catalogue/lots")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert 'role="alert"' in answer.text
    assert 'value="/catalogue/lots"' in answer.text
    assert key not in answer.text or not key


def test_a_revoked_key_begins_nothing_and_ends_its_sessions(site):
    http, key = site.visitor(), site.accounts.create_key("acme", Role.EDITOR)
    signed_in(site, http, key)
    site.accounts.revoke_key("acme", site.accounts.keys_of("acme")[-1].id)
    assert http.get("/jobs").headers["location"] == "/sign-in?next=%2Fjobs"
    assert signed_in(site, http, key).status_code == 401


@pytest.mark.parametrize(
    ("given", "led_to"),
    [
        ("/catalogue/lots?search=a&page=2", "/catalogue/lots?search=a&page=2"),
        ("", HOME),
        ("catalogue", HOME),
        ("//evil.example", HOME),
        ("/\\evil.example", HOME),
        ("https://evil.example/", HOME),
        ("javascript:alert(1)", HOME),
        ("/jobs\r\nset-cookie: a=b", HOME),
    ],
)
def test_signing_in_leads_only_to_pages_of_ours(site, given, led_to):
    key = site.accounts.create_key("acme", Role.EDITOR)
    http = site.visitor()
    assert (
        f'name="next" value="{led_to}"'.replace("&", "&amp;")
        in http.get("/sign-in", params={"next": given}).text
    )
    assert signed_in(site, http, key, next=given).headers["location"] == led_to


def test_an_expired_session_leads_to_the_sign_in_page_and_back(site):
    late = site.browser(ttl=timedelta(seconds=-1))
    answer = late.get("/catalogue/lots?search=a+b")
    assert answer.headers["location"] == "/sign-in?next=%2Fcatalogue%2Flots%3Fsearch%3Da%2Bb"
    assert late.get("/jobs", headers={"hx-request": "true"}).headers["hx-redirect"] == "/sign-in"
    assert late.post("/exports/new").headers["location"] == "/sign-in"


def test_a_token_of_another_session_does_not_make_one(site, manager):
    http = site.visitor()
    http.cookies.set("sessionid", manager.http.cookies["sessionid"], domain="testserver.local")
    http.cookies.set("csrftoken", "guessed", domain="testserver.local")
    assert http.get("/jobs").status_code == 303
