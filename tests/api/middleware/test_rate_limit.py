"""Rate limits: how callers are counted, and the response to a caller over the limit."""

import io
import time

import anyio
import pytest
from limits.errors import StorageError
from pydantic import ValidationError
from starlette.requests import Request
from starlette.testclient import TestClient

from accounts import keys
from api.errors import RateLimited
from api.middleware.addresses import address_of
from api.middleware.rate_limit import RateLimits
from api.settings import ApiSettings
from exports import logs
from exports.ports import JobStatus, Report
from tests.api.conftest import METRICS_KEY, facade
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


def test_a_flood_of_wrong_keys_costs_no_look_up(limited, editor, viewer, accounts, monkeypatch):
    client = limited(rate_per_minute=2)
    assert client.get(URL, headers=editor).status_code == 200
    looked_up = []
    monkeypatch.setattr(accounts, "authenticate", looked_up.append)
    for status in (401, 401, 429, 429):
        answer = client.get(URL, headers={"X-API-Key": keys.new_key()})
        assert answer.status_code == status
    assert len(looked_up) == 2
    assert 0 < int(answer.headers["retry-after"]) <= 60
    monkeypatch.undo()
    # Who authenticated before is not affected by a neighbour's flood. Others of the address have to wait.
    assert client.get(URL, headers=editor).status_code == 200
    assert client.get(URL, headers=viewer).status_code == 429


def test_a_revoked_key_is_a_wrong_key(limited, accounts, monkeypatch):
    client = limited(rate_per_minute=2)
    headers = {"X-API-Key": accounts.create_key("acme", "viewer", per_minute=100)}
    assert client.get(URL, headers=headers).status_code == 200
    accounts.revoke_key("acme", accounts.authenticate(headers["X-API-Key"]).id)
    looked_up = []
    monkeypatch.setattr(accounts, "authenticate", looked_up.append)
    assert [client.get(URL, headers=headers).status_code for _ in range(4)] == [401, 401, 429, 429]
    assert len(looked_up) == 2


def test_attempts_under_way_count_as_failures(settings):
    limits = RateLimits(settings.model_copy(update={"rate_per_minute": 2}), logs.logger(io.StringIO()))
    request = Request({"type": "http", "headers": [], "client": ("192.0.2.7", 1)})
    elsewhere = Request({"type": "http", "headers": [], "client": ("192.0.2.8", 1)})

    async def three_at_once():
        async with limits.attempt(request), limits.attempt(request), limits.attempt(elsewhere):
            with pytest.raises(RateLimited):
                async with limits.attempt(request):
                    pass
        async with limits.attempt(request):
            pass

    anyio.run(three_at_once)


@pytest.mark.parametrize("file", ["download", "errors"])
def test_downloads_count_for_their_job(limited, editor, exports, file):
    client = limited(rate_per_minute=3)
    links = []
    for _ in range(2):
        job = exports.add("acme", JobStatus.COMPLETED, reports=frozenset({Report.ERRORS}))
        polled = client.get(f"{URL}{job.job_id}/", headers=editor).json()
        links.append(polled[f"{file}_url"])
    for url in links:
        assert [client.get(url).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert client.get(URL, headers=editor).status_code == 200
    # A link that is none counts against the address.
    assert [client.get(links[0] + "x").status_code for _ in range(4)] == [403, 403, 403, 429]


@pytest.mark.parametrize(
    ("trusted", "peer", "statuses"),
    [
        ("", "127.0.0.1", [401, 429, 429]),  # nobody is believed, not even this machine
        ("10.0.0.0/8", "192.0.2.1", [401, 429, 429]),
        ("10.0.0.0/8, 2001:db8::/32", "10.1.2.3", [401, 401, 401]),
    ],
)
def test_an_address_comes_from_a_trusted_proxy_only(exports, accounts, trusted, peer, statuses):
    settings = ApiSettings(secret_key="a secret of the tests", rate_per_minute=1, trusted_proxies=trusted)
    with TestClient(facade(exports, accounts, settings), client=(peer, 1)) as client:
        answers = [client.get(URL, headers={"X-Forwarded-For": f"198.51.100.{n}"}) for n in range(3)]
    assert [answer.status_code for answer in answers] == statuses


def test_an_invented_address_before_a_proxys_changes_nothing(exports, accounts):
    settings = ApiSettings(
        secret_key="a secret of the tests", rate_per_minute=1, trusted_proxies="10.0.0.0/8"
    )
    with TestClient(facade(exports, accounts, settings), client=("10.0.0.1", 1)) as client:
        answers = [
            client.get(URL, headers={"X-Forwarded-For": f"203.0.113.{n}, 198.51.100.7, 10.0.0.2"})
            for n in range(2)
        ]
    assert [answer.status_code for answer in answers] == [401, 429]


@pytest.mark.parametrize("trusted", ["*", "10.0.0.1/8", "proxy.example", "10.0.0.0/8;::1"])
def test_trusted_proxies_are_networks(monkeypatch, trusted):
    monkeypatch.setenv("LABELS_TRUSTED_PROXIES", trusted)
    with pytest.raises(ValidationError, match="trusted_proxies"):
        ApiSettings(secret_key="a secret of the tests")


def test_watching_is_not_limited(limited):
    client = limited(rate_per_minute=1, metrics_key=METRICS_KEY["Authorization"].removeprefix("Bearer "))
    for path in ("/healthz", "/readyz", "/metrics") * 2:
        assert client.get(path, headers=METRICS_KEY).status_code == 200


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
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
        (None, "unknown"),
    ],
)
def test_addresses(host, counted):
    client = None if host is None else (host, 1)
    assert address_of(Request({"type": "http", "headers": [], "client": client})) == counted
