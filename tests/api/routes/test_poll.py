"""Polling a job, and the links in its state."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from accounts import keys
from accounts.store import Accounts
from api.settings import ApiSettings
from exports.ports import JobStatus
from tests.api.conftest import ARTEFACT, facade, link
from tests.api.problem import is_problem

URL = "/products/api/v1/labels/export/"
UNKNOWN = "AbCdEfGhJkLmNoPqRsTuVw"


def test_a_pending_job(client, editor, exports):
    job = exports.add("acme", JobStatus.PENDING)
    response = client.get(f"{URL}{job.job_id}/", headers=editor)
    assert response.status_code == 200
    assert int(response.headers["retry-after"]) > 0
    body = response.json()
    assert body["status"] == "pending"
    assert (body["total_items"], body["progress_percent"]) == (0, 0)
    for name in ("download_url", "expires_at", "output_filename", "file_size_bytes", "error", "finished_at"):
        assert body[name] is None


def test_a_running_job(client, viewer, exports):
    job = exports.add("acme", JobStatus.PROCESSING, processed_items=20, failed_items=1)
    body = client.get(f"{URL}{job.job_id}/", headers=viewer).json()
    assert (body["progress_percent"], body["processed_items"], body["failed_items"]) == (50, 20, 1)
    assert body["download_url"] is None


def test_all_rendered_is_not_yet_completed(exports):
    assert exports.add("acme", JobStatus.PROCESSING, processed_items=42).progress_percent == 99


def test_a_failed_job(client, editor, exports):
    job = exports.add("acme", JobStatus.FAILED)
    response = client.get(f"{URL}{job.job_id}/", headers=editor)
    assert "retry-after" not in response.headers
    body = response.json()
    assert (body["status"], body["error"], body["error_code"], body["cancelled"]) == (
        "failed", "cancelled", "cancelled", True,
    )  # fmt: skip
    assert body["download_url"] is None


def test_a_completed_job_and_its_artefact(client, editor, exports):
    job = exports.add("acme", JobStatus.COMPLETED)
    body = client.get(f"{URL}{job.job_id}/", headers=editor).json()
    assert (body["status"], body["progress_percent"], body["unmatched"]) == ("completed", 100, 1)
    assert body["output_filename"] == f"datamatrix-lots-{job.job_id[:4]}-42.zip"
    assert body["download_url"].startswith("http://testserver/")
    left = datetime.fromisoformat(body["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    response = client.get(link(client, editor, job))  # without a key
    assert response.status_code == 200
    assert response.content == ARTEFACT
    assert response.headers["content-type"] == "application/zip"
    assert body["output_filename"] in response.headers["content-disposition"]
    assert response.headers["etag"] == f'"{hashlib.sha256(ARTEFACT).hexdigest()}"'
    assert response.headers["accept-ranges"] == "bytes"


def test_the_digest_of_an_artefact_that_nobody_has_read_whole(client, editor, exports):
    whole = exports.add("acme", JobStatus.COMPLETED)
    body = client.get(f"{URL}{whole.job_id}/", headers=editor).json()
    assert body["digest"] == {"algorithm": "sha-256", "value": whole.sha256, "piece_bytes": []}
    joined = exports.add(
        "acme", JobStatus.COMPLETED, sha256=None, composite_sha256="ab" * 32, piece_bytes=(3, 4)
    )
    body = client.get(f"{URL}{joined.job_id}/", headers=editor).json()
    assert body["digest"] == {"algorithm": "sha-256-of-pieces", "value": "ab" * 32, "piece_bytes": [3, 4]}
    # No client takes it for the SHA-256 of the bytes.
    assert client.get(link(client, editor, joined)).headers["etag"] == f'"pieces-{"ab" * 32}"'


def test_the_public_url_is_used(exports, accounts, editor):
    settings = ApiSettings(secret_key="a secret of the tests", public_url="https://labels.example/base/")
    job = exports.add("acme", JobStatus.COMPLETED)
    with TestClient(facade(exports, accounts, settings)) as http:
        url = http.get(f"{URL}{job.job_id}/", headers=editor).json()["download_url"]
    assert url.startswith(f"https://labels.example/base{URL}")


def test_an_unchanged_state_is_not_sent_again(client, editor, exports):
    job = exports.add("acme", JobStatus.PROCESSING)
    url = f"{URL}{job.job_id}/"
    first = client.get(url, headers=editor)
    etag = first.headers["etag"]
    assert etag.startswith('W/"')
    for header in (etag, etag.removeprefix("W/"), f'"x", {etag}', "*"):
        same = client.get(url, headers={**editor, "If-None-Match": header})
        assert (same.status_code, same.content) == (304, b"")
        assert (same.headers["etag"], same.headers["retry-after"]) == (etag, first.headers["retry-after"])
    assert client.get(url, headers={**editor, "If-None-Match": '"other"'}).status_code == 200
    exports.store[job.job_id] = replace(job, processed_items=1)
    assert client.get(url, headers={**editor, "If-None-Match": etag}).status_code == 200


def test_links_are_renewed_before_they_end(client, editor, exports, monkeypatch):
    job = exports.add("acme", JobStatus.COMPLETED)
    url = f"{URL}{job.job_id}/"
    now = 1_790_000_000.0 // 60 * 60
    monkeypatch.setattr("api.routes.label_exports.time.time", lambda: now)
    etag = client.get(url, headers=editor).headers["etag"]
    assert client.get(url, headers={**editor, "If-None-Match": etag}).status_code == 304
    now += 60
    assert client.get(url, headers={**editor, "If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize(
    "key", [None, "", "nonsense", "csb_" + "a" * 32 + "_00000000", pytest.param(keys.new_key(), id="unknown")]
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", URL), ("GET", f"{URL}{UNKNOWN}/"), ("GET", f"{URL}a/")]
)
def test_without_a_good_key(client, key, method, path):
    headers = {} if key is None else {"X-API-Key": key}
    response = client.request(method, path, headers=headers)
    is_problem(response, 401, "unauthorized")
    assert response.headers["www-authenticate"]


def test_a_viewer_submits_nothing(client, viewer, exports):
    body = {"scope": "lots", "export_type": "datamatrix", "file_format": "svg"}
    is_problem(client.post(URL, json=body, headers=viewer), 403, "forbidden")
    assert not exports.submitted


def test_a_poll_needs_no_writes(exports, settings, tmp_path):
    file = tmp_path / "accounts.sqlite"
    writable = Accounts(f"sqlite:///{file}")
    writable.create_organisation("acme")
    key = {"X-API-Key": writable.create_key("acme", "editor")}
    read_only = Accounts(f"sqlite:///file:{file}?mode=ro&uri=true")
    job = exports.add("acme", JobStatus.PENDING)
    with TestClient(facade(exports, read_only, settings)) as client:
        begun = client.post("/products/api/v1/session/", headers=key)
        assert begun.status_code == 503
        for _ in range(2):
            assert client.get(f"{URL}{job.job_id}/", headers=key).status_code == 200
    read_only.close()
    writable.close()
