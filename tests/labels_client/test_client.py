"""The client with a fake service in memory."""

import httpx
import pytest

from labels_client.client import LabelsClient
from labels_client.errors import (
    IncompleteDownload,
    LabelExportFailed,
    LabelExportTimeout,
    LabelsApiError,
)
from labels_client.retries import Retries

ROOT = "/products/api/v1/labels/export/"
JOB = "AbCdEfGhJkLmNoPqRsTuVw"
ARTEFACT = b"PK" * 5000
AT_ONCE = Retries(sleep=lambda seconds: None)
REQUEST = {"scope": "lots", "export_type": "datamatrix", "file_format": "svg"}


class Service:
    """Answers as the service does; each poll takes the next of `statuses`, the last one for ever."""

    def __init__(self):
        self.statuses = ["pending", "processing", "completed"]
        self.filename = "datamatrix-lots-AbCd-2.zip"
        self.size = len(ARTEFACT)
        self.keys: dict[str, str | None] = {}
        self.download = httpx.Response(200, stream=httpx.ByteStream(ARTEFACT))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.keys[request.url.path] = request.headers.get("x-api-key")
        if request.method == "POST":
            return httpx.Response(202, json={"job_id": JOB, "status": "pending", "poll_url": f"{ROOT}{JOB}/"})
        if request.url.host == "files.example":
            return self.download
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        done = status == "completed"
        body = {
            "job_id": JOB,
            "status": status,
            "total_items": 2,
            "processed_items": 2 if done else 0,
            "progress_percent": 100 if done else 0,
            "download_url": "https://files.example/artefact?token=t" if done else None,
            "expires_at": "2026-03-31T12:15:00+00:00" if done else None,
            "output_filename": self.filename if done else None,
            "file_size_bytes": self.size if done else None,
            "error": "cancelled" if status == "failed" else None,
        }
        return httpx.Response(200, json=body, headers={} if done else {"Retry-After": "2"})


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def client(service):
    transport = httpx.MockTransport(service)
    with LabelsClient("https://labels.example", "key", retries=AT_ONCE, transport=transport) as made:
        yield made


def test_an_export_from_submission_to_file(client, service, tmp_path):
    seen = []
    path = client.export(REQUEST, tmp_path / "new", timeout=10, on_progress=seen.append)
    assert path == tmp_path / "new" / service.filename
    assert path.read_bytes() == ARTEFACT
    assert [status.status for status in seen] == ["pending", "processing", "completed"]
    assert seen[0].retry_after_seconds == 2
    assert seen[-1].expires_at.tzinfo is not None
    assert service.keys == {ROOT: "key", f"{ROOT}{JOB}/": "key", "/artefact": None}, (
        "the key goes to the service alone"
    )


def test_a_failed_export(client, service, tmp_path):
    service.statuses = ["failed"]
    with pytest.raises(LabelExportFailed, match="cancelled") as caught:
        client.export(REQUEST, tmp_path)
    assert caught.value.job.job_id == JOB
    with pytest.raises(ValueError, match="not completed"):
        client.download(caught.value.job, tmp_path)


def test_an_export_that_takes_too_long(client, service):
    service.statuses = ["processing"]
    with pytest.raises(LabelExportTimeout):
        client.wait(JOB, 0)


def test_missing_bytes_leave_nothing_behind(client, service, tmp_path):
    service.size += 1
    with pytest.raises(IncompleteDownload):
        client.export(REQUEST, tmp_path, timeout=10)
    assert list(tmp_path.iterdir()) == []


def test_an_expired_link(client, service, tmp_path):
    problem = {"status": 403, "title": "Forbidden", "detail": "expired", "error_code": "forbidden"}
    service.download = httpx.Response(403, json=problem)
    with pytest.raises(LabelsApiError) as caught:
        client.export(REQUEST, tmp_path, timeout=10)
    assert caught.value.problem.error_code == "forbidden"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("filename", ["../../evil.zip", "/tmp/evil.zip", "..\\evil.zip"])
def test_a_file_name_is_no_path(client, service, tmp_path, filename):
    service.filename = filename
    assert client.export(REQUEST, tmp_path, timeout=10) == tmp_path / "evil.zip"


def test_a_problem_keeps_its_details():
    problem = {
        "status": 422,
        "title": "Validation Error",
        "detail": "Not valid.",
        "error_code": "validation_error",
        "details": [{"loc": ["body", "filters", "gtins", 0], "msg": "wrong check digit", "type": "x"}],
    }
    transport = httpx.MockTransport(lambda _: httpx.Response(422, json=problem))
    with (
        LabelsClient("https://x.example", "k", retries=AT_ONCE, transport=transport) as client,
        pytest.raises(LabelsApiError, match=r"body\.filters\.gtins\.0: wrong check digit") as caught,
    ):
        client.submit(REQUEST)
    assert caught.value.problem.status == 422


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, text="<html>Bad gateway</html>"),
        httpx.Response(500, json=["no", "problem"]),
        httpx.Response(200, text="<html>Welcome</html>"),
        httpx.Response(200, json=[]),
        httpx.Response(307, headers={"location": "https://elsewhere.example/"}),
    ],
)
def test_an_answer_that_is_not_the_services(answer):
    transport = httpx.MockTransport(lambda _: answer)
    with (
        LabelsClient("https://x.example", "k", retries=AT_ONCE, transport=transport) as client,
        pytest.raises(LabelsApiError) as caught,
    ):
        client.submit(REQUEST)
    assert caught.value.problem.error_code == "unexpected_answer"
