"""Errors as pages: what browsers are told, what programs are told, and that neither sees the inside."""

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.auth.callers import known_session
from api.auth.settings import AuthSettings
from api.settings import ApiSettings
from exports.errors import AlreadyFinished, TooManyOpenJobs, Unavailable
from exports.ports import JobStatus
from pipelines.automation.schedules import CRON
from tests.web.conftest import LOTS_AS_QR, SECRET
from web.error_pages import error_page

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def failing(site):
    """Return a function that makes every call of the exports fail with an error, until the test ends."""

    def do(error):
        site.exports.error = error

    yield do
    site.exports.error = None


def is_page(answer):
    return answer.headers["content-type"].startswith("text/html") and "<h1>" in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "/nowhere", 404, "nothing at this address"),
        ("GET", "/static/nothing.js", 404, "nothing at this address"),
        ("GET", "/jobs/x/y/z", 404, "nothing at this address"),
        ("DELETE", "/jobs", 405, "only takes what a form sends"),
        ("GET", "/sign-out", 405, "only takes what a form sends"),
    ],
)
def test_a_browser_is_told_on_a_page_and_a_program_in_a_document(manager, method, path, status, told):
    page = manager.http.request(method, path, headers=BROWSER)
    assert page.status_code == status
    assert is_page(page)
    assert told in page.text
    assert 'href="/jobs"' in page.text  # the way on
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    document = manager.http.request(method, path, headers={"accept": "*/*"})
    assert (document.status_code, document.headers["content-type"]) == (status, "application/problem+json")
    assert page.headers.get("allow") == document.headers.get("allow")


def test_paths_of_the_api_answer_with_problem_documents_whoever_asks(manager):
    for path in ("/products/api/v1/nowhere/", "/products/api/v1/labels/export/AbCdEfGhJkLmNoPqRsTuVw/"):
        answer = manager.get(path, headers=BROWSER)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_who_is_not_signed_in_is_led_to_the_start(site):
    answer = site.visitor().get("/nowhere", headers=BROWSER)
    assert answer.status_code == 404
    assert 'href="/jobs"' not in answer.text
    assert 'href="/"' in answer.text


def test_head_is_answered_as_get_is_without_a_body(manager):
    for path, status in (("/nowhere", 404), ("/jobs", 200), ("/metrics", 404)):
        answer = manager.http.head(path, headers=BROWSER)
        assert (answer.status_code, answer.headers["content-type"][:9]) == (status, "text/html")


def test_a_crash_says_nothing_of_the_inside(manager, failing):
    failing(RuntimeError("password=hunter2 <at> /srv/labels"))
    answer = manager.get("/jobs?page=2", headers=BROWSER)
    assert answer.status_code == 500
    assert is_page(answer)
    assert "hunter2" not in answer.text
    assert "/srv" not in answer.text
    assert "RuntimeError" not in answer.text
    assert f"<code>{answer.headers['x-request-id']}</code>" in answer.text
    assert '<a class="button" href="/jobs?page=2">Try again</a>' in answer.text
    assert manager.get("/jobs").headers["content-type"] == "application/problem+json"


def test_a_failing_storage_is_told_with_the_time_to_wait(manager, failing):
    failing(ConnectionRefusedError(111, "Connection refused"))
    answer = manager.get("/jobs", headers=BROWSER)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert "Nothing is lost. Try again in 30 seconds." in answer.text


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (Unavailable("All workers are busy.", retry_after=7), 503, "All workers are busy. Try again in 7 seconds."),
        (TooManyOpenJobs(200), 429, "200"),
        (AlreadyFinished("AbCd", JobStatus.COMPLETED), 409, "completed"),
    ],
)  # fmt: skip
def test_errors_of_the_use_cases_have_their_status(manager, failing, error, status, told):
    failing(error)
    answer = manager.get("/jobs", headers=BROWSER)
    assert answer.status_code == status
    assert told in answer.text


def test_asked_for_by_htmx_it_is_the_message_alone(manager, failing):
    failing(RuntimeError("inside"))
    answer = manager.get("/jobs", headers={**BROWSER, "hx-request": "true"})
    assert answer.status_code == 500
    assert answer.text.strip().startswith('<p class="alert" role="alert">')
    assert "<html" not in answer.text


def test_the_rate_limit_is_told_on_a_page(site):
    app = create_app(
        exports=site.exports, reads=site.reads, imports=site.imports, catalogue=site.catalogue,
        accounts=site.accounts, settings=ApiSettings(secret_key=SECRET, rate_per_minute=1),
        auth_settings=AuthSettings(), cron=CRON, pages=site.routes, error_page=error_page(known_session),
    )  # fmt: skip
    http = replace(site, app=app).browser().http
    assert http.get("/jobs", headers=BROWSER).status_code == 200
    answer = http.get("/jobs", headers=BROWSER)
    assert answer.status_code == 429
    assert is_page(answer)
    assert f"Try again in {answer.headers['retry-after']} second" in answer.text
    assert "Sign out" in answer.text
    # Forms count for their session too, not for their network.
    assert http.post("/sign-out", headers=BROWSER).status_code == 429
    assert TestClient(app).get("/sign-in").status_code == 200


def test_a_session_is_looked_up_once(site, manager, monkeypatch):
    asked = []
    find = site.accounts.sessions.find
    monkeypatch.setattr(site.accounts.sessions, "find", lambda given: asked.append(given) or find(given))
    assert manager.get("/jobs").status_code == 200
    assert len(asked) == 1
    assert manager.post("/exports/new/preview", LOTS_AS_QR).status_code == 200
    assert len(asked) == 2
    assert manager.get("/nowhere", headers=BROWSER).status_code == 404
    assert len(asked) == 3


def test_a_broken_database_is_told_and_nobody_is_sent_to_sign_in(site, manager, monkeypatch):
    def find(given):
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(site.accounts.sessions, "find", find)
    for path in ("/jobs", "/nowhere"):
        answer = manager.get(path, headers=BROWSER)
        assert answer.status_code == 503
        assert is_page(answer)
