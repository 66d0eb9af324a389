"""Rate limits: who is counted as what, and what a caller over the limit is told."""

import io
import time

import anyio
import pytest
from limits.errors import StorageError
from starlette.requests import Request

from api.middleware import logs
from api.middleware.rate_limit import RateLimits, address_of
from exports.ports import JobStatus
from tests.api.middleware.conftest import RATE_HEADERS
from tests.api.problem import is_problem

URL = "/products/api/v1/labels/export/"
UNKNOWN = "AbCdEfGhJkLmNoPqRsTuVw"
BASE = {"scope": "lots", "export_type": "datamatrix", "file_format": "svg"}


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
