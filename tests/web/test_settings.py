"""What managers decide: keys that are shown once, and webhooks."""

import re

import pytest


@pytest.fixture
def manager(site):
    """A manager of an organisation of the test's own."""
    slug = f"org-{len(site.accounts.organisations())}"
    site.accounts.create_organisation(slug)
    return site.browser(slug), slug


def test_a_new_key_is_shown_once_and_works_until_it_is_revoked(site, manager):
    browser, slug = manager
    text = browser.post("/settings/keys", {"name": "Line 2", "role": "viewer"}).text
    [plain] = re.findall(r"csb_\w{32}_\w{8}", text)
    assert site.accounts.authenticate(plain).role == "viewer"
    again = browser.get("/settings").text
    assert plain not in again
    assert "Line 2" in again
    made = site.accounts.keys_of(slug)[-1]
    assert browser.post(f"/settings/keys/{made.id}/revoke").headers["location"] == "/settings"
    assert site.accounts.authenticate(plain) is None
    assert "does not work any more" in browser.get("/settings").text


def test_a_key_may_have_a_last_day(site, manager):
    browser, slug = manager
    fields = {"name": "Summer", "role": "viewer"}
    assert "Summer" in browser.post("/settings/keys", {**fields, "expires_at": "2099-08-31"}).text
    assert site.accounts.keys_of(slug)[-1].expires_at.isoformat()[:19] == "2099-08-31T23:59:59"
    assert 'datetime="2099-08-31T23:59:59+00:00"' in browser.get("/settings").text
    for day in ("2020-01-01", "soon", "2099-02-30"):
        answer = browser.post("/settings/keys", {**fields, "expires_at": day})
        assert answer.status_code == 422
        assert 'id="expires_at-fault"' in answer.text
        assert f'value="{day}"' in answer.text
    assert len(site.accounts.keys_of(slug)) == 2


def test_many_keys_come_a_page_at_a_time_those_that_work_first(site, manager, monkeypatch):
    monkeypatch.setattr("web.routes.settings._KEYS_PER_PAGE", 2)
    browser, slug = manager
    for name in ("old", "revoked", "new"):
        site.accounts.create_key(slug, "viewer", name=name)
    site.accounts.revoke_key(slug, site.accounts.keys_of(slug)[2].id)
    first, second = browser.get("/settings").text, browser.get("/settings?page=2").text
    assert first.index(">new<") < first.index(">old<")
    assert ">revoked<" in second
    assert ">new<" not in second


def test_ones_own_key_is_not_offered_to_be_revoked(site, manager):
    browser, slug = manager
    [own] = site.accounts.keys_of(slug)
    text = browser.get("/settings").text
    assert "you signed in with it" in text
    assert f"/settings/keys/{own.id}/revoke" not in text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": "", "role": "viewer"}, "name-fault"),
        ({"name": "a" * 65, "role": "viewer"}, "1–64 printable characters"),
        ({"name": "Line", "role": "owner"}, "manager or editor or viewer"),
    ],
)
def test_a_key_that_cannot_be_is_refused(site, manager, fields, told):
    browser, slug = manager
    answer = browser.post("/settings/keys", fields)
    assert answer.status_code == 422
    assert told in answer.text
    assert len(site.accounts.keys_of(slug)) == 1


def test_a_webhook_is_added_with_a_secret_shown_once_and_removed(site, manager):
    browser, slug = manager
    text = browser.post("/settings/webhooks", {"url": "https://example.com/hook"}).text
    [secret] = re.findall(r"whsec_[\w+/=]+", text)
    [hook] = site.accounts.webhooks.list(slug)
    assert hook.secret == secret
    assert secret not in browser.get("/settings").text
    browser.post(f"/settings/webhooks/{hook.id}/remove")
    assert site.accounts.webhooks.list(slug) == []


@pytest.mark.parametrize(
    "url", ["", "http://example.com/", "javascript:alert(1)", "https://a:b@example.com/"]
)
def test_a_webhook_goes_to_https_addresses(site, manager, url):
    browser, slug = manager
    answer = browser.post("/settings/webhooks", {"url": url})
    assert answer.status_code == 422
    assert "https URL" in answer.text
    assert site.accounts.webhooks.list(slug) == []
