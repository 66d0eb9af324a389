"""POST …/labels/export/: receipts, idempotency, and reasons to refuse a valid request."""

import errno
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import anyio
import pytest

from accounts.errors import UnusableResolver
from api.routes.label_exports import SUBMITTING_ORGANISATIONS
from api.settings import ApiSettings
from exports.errors import StillInFlight, TooManyOpenJobs, Unavailable
from exports.ports import JobStatus
from gs1.errors import InvalidResolver
from tests.api.conftest import facade
from tests.api.description import published
from tests.api.problem import is_problem

URL = "/products/api/v1/labels/export/"
BASE = {"scope": "lots", "export_type": "datamatrix", "file_format": "svg"}


@pytest.mark.parametrize("body", published.EXAMPLES)
def test_a_published_example_is_accepted(client, editor, body):
    assert client.post(URL, json=body, headers=editor).status_code == 202


def test_a_queued_job(client, editor, exports):
    response = client.post(URL, json=BASE, headers=editor)
    receipt = response.json()
    assert response.status_code == 202
    assert set(receipt) == {"job_id", "status", "poll_url"}
    assert receipt["status"] == "pending"
    assert receipt["poll_url"] == f"{URL}{receipt['job_id']}/" == response.headers["location"]
    assert int(response.headers["retry-after"]) > 0
    [(organisation, request, requested_by)] = exports.submitted
    assert (organisation.slug, request.normalised()) == ("acme", BASE)
    assert requested_by.startswith("key:")


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
def test_a_job_that_already_ran(client, editor, exports, status):
    exports.status = status
    response = client.post(URL, json=BASE, headers=editor)
    assert (response.status_code, response.json()["status"]) == (202, status)
    assert "retry-after" not in response.headers


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'],
)
def test_json_with_a_charset(client, editor, content_type):
    headers = {**editor, "content-type": content_type, "content-encoding": "identity"}
    assert client.post(URL, content=json.dumps(BASE).encode(), headers=headers).status_code == 202


def test_a_body_of_just_the_limit(client, editor):
    data = json.dumps(BASE).encode()
    response = client.post(
        URL, content=data.ljust(1_048_576), headers={**editor, "content-type": "application/json"}
    )
    assert response.status_code == 202


def test_a_service_that_takes_nothing_just_now(client, editor, exports):
    exports.error = Unavailable(retry_after=7)
    response = client.post(URL, json=BASE, headers=editor)
    problem = is_problem(response, 503, "unavailable")
    assert (problem["retryable"], problem["retry_after"], response.headers["retry-after"]) == (True, 7, "7")


def test_an_organisation_with_too_many_open_jobs(client, editor, exports):
    exports.error = TooManyOpenJobs(200, retry_after=10)
    response = client.post(URL, json=BASE, headers=editor)
    problem = is_problem(response, 429, "rate_limited")
    assert (problem["retryable"], problem["retry_after"], response.headers["retry-after"]) == (True, 10, "10")
    assert "200 open label exports" in problem["detail"]


def test_one_organisations_submissions_leave_threads_to_another(client, editor, stranger, exports, settings):
    each = settings.submissions_each
    everyone = SUBMITTING_ORGANISATIONS * each
    released, begun, submit = threading.Event(), threading.Semaphore(0), exports.submit

    def blocked(organisation, *arguments, **named):
        if organisation.slug == "acme":
            begun.release()
            assert released.wait(60)
        return submit(organisation, *arguments, **named)

    exports.submit = blocked
    with ThreadPoolExecutor(everyone + 1) as threads:
        flood = [threads.submit(client.post, URL, json=BASE, headers=editor) for _ in range(everyone)]
        for _ in range(each):
            assert begun.acquire(timeout=60)
        other = threads.submit(client.post, URL, json=BASE, headers=stranger)
        try:
            assert other.result(30).status_code == 202
        finally:
            released.set()
        assert {answered.result(60).status_code for answered in flood} == {202}


@pytest.mark.parametrize("chained", [False, True])
def test_a_storage_that_takes_nothing_just_now(client, editor, exports, chained):
    exports.error = OSError(errno.ENOSPC, "No space left on device", "/srv/labels/storage")
    if chained:
        exports.error, exports.error.__cause__ = RuntimeError("/srv/labels/dagster"), exports.error
    response = client.post(URL, json=BASE, headers=editor)
    problem = is_problem(response, 503, "unavailable")
    assert (problem["retryable"], problem["retry_after"], response.headers["retry-after"]) == (True, 30, "30")
    assert "No space left on device" in problem["detail"]
    assert "/srv" not in response.text
    assert exports.store == {}
    exports.error = None
    assert client.post(URL, json=BASE, headers=editor).status_code == 202


def test_a_crash_tells_nothing(client, editor, exports):
    exports.error = RuntimeError("password=hunter2")
    response = client.post(URL, json=BASE, headers=editor)
    is_problem(response, 500, "internal_error")
    assert "hunter2" not in response.text


@pytest.mark.parametrize("key", ["8e03978e-40d5", '"8e03978e-40d5"'])
def test_a_key_seen_before_answers_with_the_first_job(client, editor, exports, key):
    headers = {**editor, "Idempotency-Key": key}
    first = client.post(URL, json=BASE, headers=headers)
    job = exports.store[first.json()["job_id"]]
    exports.store[job.job_id] = replace(job, status=JobStatus.COMPLETED)
    # The same request in other words: what leaving a key out says, said.
    body = {**BASE, "filters": {"never_printed": False}, "asset_config": None}
    again = client.post(URL, json=body, headers={**editor, "Idempotency-Key": key.strip('"')})
    assert again.status_code == 202
    assert again.json() == {**first.json(), "status": "completed"}
    assert len(exports.submitted) == 1


def test_a_quoted_key_is_unescaped(client, editor, exports):
    client.post(URL, json=BASE, headers={**editor, "Idempotency-Key": r'"a \"b\" \\"'})
    assert ("acme", 'a "b" \\') in exports.keys


def test_a_key_with_another_request(client, editor, exports):
    headers = {**editor, "Idempotency-Key": "k"}
    client.post(URL, json=BASE, headers=headers)
    response = client.post(URL, json={**BASE, "scope": "serials"}, headers=headers)
    problem = is_problem(response, 422, "validation_error")
    assert problem["details"][0]["loc"] == ["header", "Idempotency-Key"]
    assert problem["details"][0]["type"] == "idempotency_key_reused"


def test_a_key_is_an_organisations_own(client, editor, stranger, exports):
    for who in (editor, stranger):
        assert client.post(URL, json=BASE, headers={**who, "Idempotency-Key": "k"}).status_code == 202
    assert len(exports.submitted) == 2


def test_a_key_whose_first_request_is_not_answered_yet(client, editor, exports):
    exports.error = StillInFlight("k", retry_after=3)
    response = client.post(URL, json=BASE, headers={**editor, "Idempotency-Key": "k"})
    problem = is_problem(response, 409, "conflict")
    assert (problem["retryable"], problem["retry_after"], response.headers["retry-after"]) == (True, 3, "3")


def test_a_slow_body_is_not_waited_for(exports, accounts, editor):
    settings = ApiSettings(secret_key="a secret of the tests", body_timeout_seconds=0.05)
    app = facade(exports, accounts, settings)
    headers = {**editor, "Content-Type": "application/json"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": URL,
        "query_string": b"",
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
    }
    sent = []

    async def receive():
        if not sent:
            await anyio.sleep_forever()

    async def send(message):
        sent.append(message)

    anyio.run(app, scope, receive, send)
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["error_code"] == "request_timeout"
    assert (b"connection", b"close") in sent[0]["headers"]
    assert not exports.submitted


@pytest.mark.parametrize("path", ["", "preview/"])
def test_an_unusable_resolver_is_a_conflict(client, editor, exports, path):
    reason = InvalidResolver("'https://x.example/lot' is no resolver", value="https://x.example/lot")
    exports.error = UnusableResolver("acme", reason)
    body = is_problem(client.post(f"{URL}{path}", json=BASE, headers=editor), 409, "conflict")
    assert "'https://x.example/lot' is no resolver" in body["detail"]
    assert "labels org resolver acme URL" in body["detail"]
    assert not body["retryable"]
