"""Logs and metrics: what they must contain, and what they must not."""

import io
import json
import sys

import httpx
import pytest
from prometheus_client import start_http_server
from prometheus_client.parser import text_string_to_metric_families

from exports.ports import Degradation, JobStatus
from tests.api.conftest import METRICS_KEY, facade
from tests.api.problem import is_problem

URL = "/products/api/v1/labels/export/"
BASE = {"scope": "lots", "export_type": "datamatrix", "file_format": "svg"}


@pytest.fixture
def log(monkeypatch):
    """Take the place of standard error. Asked for before the client, whose log keeps the stream it finds."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def lines(log):
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_one_line_for_each_request(log, client, editor):
    receipt = client.post(URL, json=BASE, headers={**editor, "X-Request-ID": "r-1"}).json()
    [line] = lines(log)
    assert (line["event"], line["level"], line["request_id"]) == ("request", "info", "r-1")
    assert (line["method"], line["path"], line["status"]) == ("POST", URL, 202)
    assert (line["organisation"], line["job_id"]) == ("acme", receipt["job_id"])
    assert line["principal"].startswith("key:")
    assert line["duration_ms"] >= 0
    assert line["timestamp"].endswith("Z")


def test_a_submission_belongs_to_the_trace_of_its_request(log, client, editor, exports):
    given = "0af7651916cd43dd8448eb211c80319c"
    traced = {**editor, "traceparent": f"00-{given}-b7ad6b7169203331-01"}
    client.post(URL, json=BASE, headers=traced)
    client.post(URL, json=BASE, headers={**editor, "traceparent": "00-nonsense-01"})
    first, second = lines(log)
    assert first["trace_id"] == given
    assert len(second["trace_id"]) == 32
    assert [here.trace_id for here in exports.traces] == [given, second["trace_id"]]
    assert exports.traces[0].span_id != "b7ad6b7169203331"


def test_paths_are_told_as_templates(log, client, editor, exports):
    job = exports.add("acme", JobStatus.PENDING)
    client.get(f"{URL}{job.job_id}/", headers=editor)
    client.get("/no/such/path")
    polled, unknown = lines(log)
    assert (polled["path"], polled["job_id"]) == (URL + "{job_id}/", job.job_id)
    assert (unknown["path"], unknown["status"]) == ("unknown", 404)
    assert "job_id" not in unknown
    assert "organisation" not in unknown


def test_no_secret_is_logged(log, client, editor, stranger, exports):
    job = exports.add("acme", JobStatus.COMPLETED)
    url = client.get(f"{URL}{job.job_id}/", headers=editor).json()["download_url"]
    token = url.partition("token=")[2]
    secrets = [editor["X-API-Key"], stranger["X-API-Key"], token, "eyJ.bearer", "cookie-value", "idem-key"]
    client.get(url)
    client.get(url + "x")
    client.get(URL, headers={"X-API-Key": stranger["X-API-Key"] + "x"})
    client.get(URL, headers={"Authorization": "Bearer eyJ.bearer"})
    client.get(URL, headers={"Cookie": "sessionid=cookie-value"})
    client.get(f"{URL}?token={token}", headers=editor)
    client.post(URL, json=BASE, headers={**editor, "Idempotency-Key": "idem-key"})
    exports.error = RuntimeError("broken")
    client.get(URL, headers={**editor, "Idempotency-Key": "idem-key"})
    text = log.getvalue()
    assert text.count('"event": "request"') == 9
    assert "RuntimeError: broken" in text  # a crash is loud in the log
    for secret in secrets:
        assert secret not in text


def test_a_line_cannot_be_forged(log, client):
    client.get("/x%0A%7B%22event%22%3A%22forged%22%7D", headers={"X-Request-ID": '","event":"forged'})
    [line] = lines(log)
    assert line["event"] == "request"


def metrics(client):
    response = client.get("/metrics", headers=METRICS_KEY)
    assert response.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_metrics(client, editor, exports):
    exports.add("acme", JobStatus.PENDING)
    job = exports.add("other", JobStatus.PENDING)
    for _ in range(3):
        client.get(f"{URL}{job.job_id}/", headers=editor)
    client.request("BREW", URL)
    found = metrics(client)
    assert found["labels_http_requests_total", *sorted([URL + "{job_id}/", "404", "GET"])] == 3
    assert found["labels_http_requests_total", *sorted([URL, "405", "other"])] == 1
    assert found["labels_http_request_duration_seconds_count", *sorted([URL + "{job_id}/", "GET"])] == 3
    assert found["labels_jobs", "pending"] == 2
    assert found["labels_jobs", "completed"] == 0
    assert found["labels_queue_age_seconds",] == 12.5
    assert found["labels_degraded", "daemon"] == 0
    exports.lacking = frozenset({Degradation.DAEMON})
    assert metrics(client)["labels_degraded", "daemon"] == 1
    assert metrics(client)["labels_degraded", "queue"] == 0
    assert metrics(client)["labels_http_requests_total", *sorted(["/metrics", "200", "GET"])] == 3


def test_metrics_need_the_operators_key(client, limited, editor):
    for headers in ({}, editor, {"Authorization": "Bearer another"}, {"Authorization": "Bearer é".encode()}):
        response = client.get("/metrics", headers=headers)
        is_problem(response, 401, "unauthorized")
        assert response.headers["www-authenticate"] == 'Bearer realm="metrics"'
    is_problem(limited().get("/metrics", headers=METRICS_KEY), 404, "not_found")


def test_metrics_can_be_served_at_a_port_of_their_own(exports, accounts, settings):
    app = facade(exports, accounts, settings)
    server, thread = start_http_server(0, "127.0.0.1", app.state.metrics)
    try:
        text = httpx.get(f"http://127.0.0.1:{server.server_port}/metrics").text
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert 'labels_jobs{status="pending"} 0.0' in text
