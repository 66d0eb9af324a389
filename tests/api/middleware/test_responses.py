"""Headers of every response: rate limits, request id, security, compression, origins."""

import json

import pytest
from starlette.testclient import TestClient

from api.settings import ApiSettings
from exports.ports import JobStatus
from tests.api.conftest import facade
from tests.api.middleware.conftest import RATE_HEADERS
from tests.api.problem import is_problem

URL = "/products/api/v1/labels/export/"
UNKNOWN = "AbCdEfGhJkLmNoPqRsTuVw"
BASE = {"scope": "lots", "export_type": "datamatrix", "file_format": "svg"}

#: One of each kind of answer: method, path, whether with a key, status.
ANSWERS = [
    ("POST", URL, True, 202),
    ("GET", URL, True, 200),
    ("GET", URL + "?page=0", True, 422),
    ("GET", f"{URL}{UNKNOWN}/", True, 404),
    ("GET", f"{URL}{UNKNOWN}/download/", False, 403),
    ("GET", URL, False, 401),
    ("PUT", URL, True, 405),
    ("OPTIONS", URL, False, 204),
    ("HEAD", URL, True, 200),
    ("GET", "/nowhere", False, 404),
    ("GET", "/docs", False, 200),
    ("GET", "/openapi.json", False, 200),
    ("GET", "/healthz", False, 200),
    ("GET", "/readyz", False, 200),
    ("GET", "/metrics", False, 401),
]


def body_of(method):
    return BASE if method == "POST" else None


@pytest.mark.parametrize(("method", "path", "with_key", "status"), ANSWERS)
def test_on_every_response(client, editor, method, path, with_key, status):
    headers = editor if with_key else {}
    response = client.request(method, path, json=body_of(method), headers=headers)
    assert response.status_code == status
    for name in RATE_HEADERS:
        assert response.headers[name], name
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert len(response.headers["x-request-id"]) == 32
    assert "strict-transport-security" not in response.headers
    assert "set-cookie" not in response.headers
    assert "access-control-allow-origin" not in response.headers


def test_even_a_crash_has_them_all(client, editor, exports):
    exports.error = RuntimeError("password=hunter2")
    response = client.get(URL, headers={**editor, "X-Request-ID": "mine"})
    is_problem(response, 500, "internal_error")
    assert "hunter2" not in response.text
    assert response.headers["x-request-id"] == "mine"
    assert {*RATE_HEADERS, "x-content-type-options"} <= set(response.headers)


def test_transport_security_where_there_is_any(exports, accounts, settings):
    app = facade(exports, accounts, settings)
    with TestClient(app, base_url="https://testserver") as client:
        assert "max-age=" in client.get("/healthz").headers["strict-transport-security"]


@pytest.mark.parametrize(("given", "taken"), [
    ("a", True), ("A.b_c-9", True), ("a" * 64, True), ("a" * 65, False), ("", False), ("a b", False),
    ('{"a": 1}', False), ("é".encode("latin-1"), False), ("../x", False),
])  # fmt: skip
def test_request_ids(client, given, taken):
    response = client.get("/healthz", headers={"X-Request-ID": given})
    told = response.headers["x-request-id"]
    assert (told == given) if taken else (told != given and len(told) == 32)


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        (URL, "GET, HEAD, OPTIONS, POST"),
        (f"{URL}{UNKNOWN}/", "DELETE, GET, HEAD, OPTIONS"),
        ("/products/api/v1/session/", "DELETE, OPTIONS, POST"),
        ("/docs", "GET, HEAD, OPTIONS"),
    ],
)
def test_options(client, path, allow):
    response = client.options(path)
    assert (response.status_code, response.headers["allow"], response.content) == (204, allow, b"")


# --- other origins


def test_origins_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("LABELS_CORS_ORIGINS", "https://a.example, https://b.example")
    settings = ApiSettings(secret_key="a secret of the tests")
    assert settings.cors_origins == ("https://a.example", "https://b.example")


def test_no_other_origin_may_call(client, editor):
    response = client.get(URL, headers={**editor, "Origin": "https://shop.example"})
    assert "access-control-allow-origin" not in response.headers


def test_origins_that_may_call(limited, editor, exports):
    client = limited(cors_origins="https://shop.example, https://b.example", rate_per_minute=3)
    preflight = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-api-key, content-type, idempotency-key",
    }
    response = client.options(URL, headers=preflight)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://shop.example"
    assert "access-control-allow-credentials" not in response.headers
    assert "ratelimit-limit" in response.headers
    refused = client.options(URL, headers={**preflight, "Origin": "https://evil.example"})
    is_problem(refused, 400, "bad_request")
    for status in (200, 200, 200, 429):
        response = client.get(URL, headers={**editor, "Origin": "https://b.example"})
        assert response.status_code == status
        assert response.headers["access-control-allow-origin"] == "https://b.example"
        assert "RateLimit-Remaining" in response.headers["access-control-expose-headers"]
    response = client.get(URL, headers={**editor, "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in response.headers


# --- compression


def test_json_is_zipped_for_those_who_take_it(client, editor, exports):
    for _ in range(5):
        exports.add("acme", JobStatus.COMPLETED)
    zipped = client.get(URL, headers={**editor, "Accept-Encoding": "gzip"})
    plain = client.get(URL, headers={**editor, "Accept-Encoding": "identity"})
    assert zipped.headers["content-encoding"] == "gzip"
    assert int(zipped.headers["content-length"]) < len(plain.content)
    assert "content-encoding" not in plain.headers
    assert "Accept-Encoding" in zipped.headers["vary"]
    assert [j["job_id"] for j in zipped.json()["data"]] == [j["job_id"] for j in plain.json()["data"]]


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("suffix", ["zip", "pdf", "bin"])
def test_an_artefact_is_never_zipped(client, editor, exports, suffix, local):
    exports.local = local
    job = exports.add("acme", JobStatus.COMPLETED, output_filename=f"sheet.{suffix}")
    url = client.get(f"{URL}{job.job_id}/", headers=editor).json()["download_url"]
    whole = client.get(url, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in whole.headers
    assert int(whole.headers["content-length"]) == job.file_size_bytes == len(whole.content)
    if local:
        part = client.get(url, headers={"Accept-Encoding": "gzip", "Range": "bytes=0-4999"})
        assert (part.status_code, len(part.content)) == (206, 5000)
        assert "content-encoding" not in part.headers


def test_head_is_get_without_its_body(client, editor, exports):
    job = exports.add("acme", JobStatus.PENDING)
    for path in (URL, f"{URL}{job.job_id}/", "/openapi.json", "/docs"):
        got, head = client.get(path, headers=editor), client.head(path, headers=editor)
        assert head.status_code == 200
        for name in ("content-type", "content-length", "etag", "cache-control"):
            assert head.headers.get(name) == got.headers.get(name), (path, name)


def test_no_answer_is_kept_by_those_in_between(client, editor):
    response = client.post(
        URL, content=json.dumps(BASE), headers={**editor, "content-type": "application/json"}
    )
    assert response.headers["cache-control"] == "no-store"
