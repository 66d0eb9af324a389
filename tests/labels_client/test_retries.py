"""Which requests are sent again, how often, and after which time. The tests do not wait."""

import uuid

import httpx
import pytest

from labels_client.client import LabelsClient
from labels_client.errors import LabelsApiError
from labels_client.retries import Retries

JOB = "AbCdEfGhJkLmNoPqRsTuVw"
RECEIPT = {"job_id": JOB, "status": "pending", "poll_url": f"/products/api/v1/labels/export/{JOB}/"}
REQUEST = {"scope": "lots", "export_type": "datamatrix", "file_format": "svg"}
PROBLEM = {"title": "No", "detail": "no", "error_code": "x"}


class Script:
    """Answers with one thing after the other, the last one for ever; an exception is raised."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []

    def __call__(self, request):
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        return httpx.Response(status, json=RECEIPT if status == 202 else PROBLEM, headers=headers)

    def client(self, **options):
        retries = Retries(sleep=self.slept.append, **options)
        return LabelsClient("https://x.example", "k", retries=retries, transport=httpx.MockTransport(self))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param((429, {"Retry-After": "7"}), id="over the limit"),
        pytest.param((503, {"Retry-After": "7"}), id="not ready"),
        pytest.param((409, {"Retry-After": "7"}), id="its first attempt is still in flight"),
    ],
)
def test_the_service_says_how_long_to_wait(answer):
    script = Script(answer, answer, 202)
    with script.client() as client:
        assert client.submit(REQUEST).job_id == JOB
    assert script.slept == [7, 7]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(503, id="without Retry-After"),
        pytest.param(502, id="a proxy"),
        pytest.param(httpx.ConnectError("refused"), id="not running"),
        pytest.param(httpx.ReadError("reset"), id="reset while waiting"),
        pytest.param(httpx.RemoteProtocolError("closed"), id="closed without an answer"),
    ],
)
def test_a_submission_that_was_lost_is_the_same_submission(answer):
    script = Script(answer, answer, answer, 202)
    with script.client() as client:
        client.submit(REQUEST)
    first, second, third = script.slept
    assert first < second < third, "pauses grow"
    keys = [request.headers["idempotency-key"] for request in script.requests]
    assert len(keys) == 4
    assert len(set(keys)) == 1
    assert uuid.UUID(keys[0])


def test_each_submission_has_its_own_key_unless_it_is_given_one():
    script = Script(202)
    with script.client() as client:
        for key in (None, None, "order-7"):
            client.submit(REQUEST, idempotency_key=key)
    first, second, third = [request.headers["idempotency-key"] for request in script.requests]
    assert first != second
    assert third == "order-7"


def test_patience_ends():
    script = Script(httpx.ConnectError("refused"))
    with script.client(attempts=4) as client, pytest.raises(httpx.ConnectError):
        client.status(JOB)
    assert len(script.requests) == 4
    assert len(script.slept) == 3


def test_the_default_outlasts_a_restart_and_no_pause_is_long():
    pauses = list(Retries().pauses())
    assert 10 < sum(pauses) < 25
    assert max(pauses) <= 10


def test_who_asks_for_hours_is_not_waited_for():
    script = Script((429, {"Retry-After": "30000"}))
    with script.client() as client, pytest.raises(LabelsApiError) as caught:
        client.status(JOB)
    assert caught.value.problem.status == 429
    assert script.slept == []


@pytest.mark.parametrize(
    "status", [400, 401, 403, 404, pytest.param(409, id="without Retry-After"), 413, 422, 500]
)
def test_what_would_be_refused_again_is_not_sent_again(status):
    script = Script(status)
    with script.client() as client, pytest.raises(LabelsApiError):
        client.submit(REQUEST)
    assert len(script.requests) == 1


@pytest.mark.parametrize("answer", [httpx.ReadTimeout("late"), 429, 502, 503])
def test_a_reprint_is_sent_again_with_the_same_key(answer):
    script = Script(answer, 202)
    with script.client() as client:
        client.reprint(JOB, "torn")
    first, again = (request.headers["Idempotency-Key"] for request in script.requests)
    assert first == again


def test_an_address_without_scheme_is_no_lost_connection():
    script = Script(202)
    with (
        LabelsClient("labels.example", "k", retries=Retries(sleep=script.slept.append)) as client,
        pytest.raises(httpx.UnsupportedProtocol),
    ):
        client.status(JOB)
    assert script.slept == []
