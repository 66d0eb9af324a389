"""What every response carries: limits, request id, security, compression, origins."""

import io
import json
import time

import anyio
import pytest
from limits.errors import StorageError
from starlette.requests import Request
from starlette.testclient import TestClient

from api.middleware import logs
from api.middleware.rate_limit import RateLimits, address_of
from api.settings import ApiSettings
from exports.ports import JobStatus
from tests.api.conftest import facade
from tests.api.problem import is_problem

URL = "/products/api/v1/labels/export/"
UNKNOWN = "AbCdEfGhJkLmNoPqRsTuVw"
BASE = {"scope": "lots", "export_type": "datamatrix", "file_format": "svg"}
RATE_HEADERS = [
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
]

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
    ("GET", "/metrics", False, 200),
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


# --- rate limits


@pytest.fixture
def limited(exports, accounts):
    def client(**changes):
        settings = ApiSettings(secret_key="a secret of the tests", **changes)
        return TestClient(facade(exports, accounts, settings))

    return client


def test_the_published_limits(limited, editor):
    response = limited().get(URL, headers=editor)
    assert response.headers["ratelimit-policy"] == "300;w=60, 10000;w=86400"
    assert response.headers["ratelimit-limit"] == response.headers["x-ratelimit-limit"] == "300"
    assert response.headers["ratelimit-remaining"] == response.headers["x-ratelimit-remaining"] == "299"
    assert 0 < int(response.headers["ratelimit-reset"]) <= 60
    assert 0 < int(response.headers["x-ratelimit-reset"]) - time.time() < 62


def test_over_the_limit(limited, editor, exports):
    client = limited(rate_per_minute=2)
    left = [client.get(URL, headers=editor).headers["ratelimit-remaining"] for _ in range(2)]
    assert left == ["1", "0"]
    exports.calls.clear()
    response = client.get(URL, headers=editor)
    problem = is_problem(response, 429, "rate_limited")
    assert problem["retryable"]
    assert problem["retry_after"] == problem["retry_after_seconds"] == int(response.headers["retry-after"])
    assert 0 < problem["retry_after"] <= 60
    assert {*RATE_HEADERS} <= set(response.headers)
    assert not exports.calls
    is_problem(client.get("/nowhere", headers=editor), 429, "rate_limited")


def test_the_tightest_window_is_told(limited, editor):
    client = limited(rate_per_minute=5, rate_per_day=3)
    for _ in range(3):
        assert client.get(URL, headers=editor).headers["ratelimit-limit"] == "3"
    response = client.get(URL, headers=editor)
    assert is_problem(response, 429, "rate_limited")["retry_after"] > 86_000
    assert response.headers["ratelimit-policy"] == "5;w=60, 3;w=86400"


def test_a_refused_request_is_not_counted_for_the_day(limited, editor):
    client = limited(rate_per_minute=1, rate_per_day=2)
    client.get(URL, headers=editor)
    for _ in range(3):
        response = client.get(URL, headers=editor)
        assert response.status_code == 429
        assert int(response.headers["retry-after"]) <= 60


def test_callers_are_counted_apart(limited, editor, viewer):
    client = limited(rate_per_minute=1)
    for headers in (editor, viewer, {}):
        assert client.get(URL, headers=headers).status_code in {200, 401}
        assert client.get(URL, headers=headers).status_code == 429


def test_a_wrong_key_counts_against_the_address(limited, editor):
    client = limited(rate_per_minute=2)
    bad = {"X-API-Key": "csb_" + "a" * 32 + "_00000000"}
    assert [client.get(URL, headers=bad).status_code for _ in range(3)] == [401, 401, 429]
    assert client.get(URL, headers=editor).status_code == 200


def test_downloads_count_against_the_address(limited, editor, exports):
    client = limited(rate_per_minute=2)
    job = exports.add("acme", JobStatus.COMPLETED)
    url = client.get(f"{URL}{job.job_id}/", headers=editor).json()["download_url"]
    assert [client.get(url).status_code for _ in range(3)] == [200, 200, 429]


def test_watching_is_not_limited(limited):
    client = limited(rate_per_minute=1)
    for path in ("/healthz", "/readyz", "/metrics") * 2:
        assert client.get(path).status_code == 200


def test_counts_that_cannot_be_reached_refuse_nobody(settings):
    log = io.StringIO()

    class Unreachable:
        async def hit(self, *args):
            raise StorageError(ConnectionError("redis"))

        get_window_stats = hit

    limits = RateLimits(settings, logs.logger(log))
    limits._windows = Unreachable()
    for verdict in (anyio.run(limits.hit, "key:1"), anyio.run(limits.look, "key:1")):
        assert verdict.allowed
        assert verdict.headers()["ratelimit-policy"] == "100000;w=60, 1000000;w=86400"
    assert "rate limits cannot be counted" in log.getvalue()


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        (None, "unknown"),
    ],
)
def test_addresses(host, counted):
    client = None if host is None else (host, 1)
    assert address_of(Request({"type": "http", "headers": [], "client": client})) == counted


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
