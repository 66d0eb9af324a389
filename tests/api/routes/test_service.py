"""Health of the service."""

import threading

import pytest
from starlette.testclient import TestClient

from exports.ports import Degradation
from tests.api.conftest import facade
from tests.api.problem import is_problem


def test_health(client, exports):
    assert client.get("/healthz").status_code == 200
    exports.is_ready = False
    is_problem(client.get("/healthz"), 503, "unavailable")
    is_problem(client.get("/readyz"), 503, "unavailable")


def test_readiness(client):
    assert client.get("/readyz").json() == {"status": "ok", "degraded": []}


def test_what_is_degraded_takes_no_facade_out_of_service(client, exports):
    exports.lacking = frozenset({Degradation.QUEUE, Degradation.DAEMON})
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "degraded", "degraded": ["daemon", "queue"]}
    assert client.get("/healthz").json() == {"status": "ok"}


def test_a_flood_of_questions_is_one_check(client, exports, monkeypatch):
    monkeypatch.setattr("api.health._PAUSE_SECONDS", 3600)
    for _ in range(5):
        assert client.get("/readyz").status_code == 200
    assert exports.calls.count("degraded") == 1


def fail():
    raise OSError(28, "No space left on device", "/secret/path")


@pytest.mark.parametrize("what", ["database", "storage", "jobs"])
def test_a_facade_without_one_of_its_parts_is_not_ready(client, exports, accounts, monkeypatch, what):
    if what == "database":
        monkeypatch.setattr(accounts._database, "session", fail)
    elif what == "storage":
        exports.storage_check = fail
    else:
        exports.error = OSError(5, "Input/output error")
    problem = is_problem(client.get("/readyz"), 503, "unavailable")
    assert problem["detail"] == f"This façade cannot use its {what} just now."
    assert client.get("/healthz").status_code == 200


def test_a_part_that_hangs_is_one_that_fails(exports, accounts, settings, monkeypatch):
    release, entered = threading.Event(), []

    def hang():
        entered.append(threading.current_thread())
        release.wait(60)

    monkeypatch.setattr("api.health.CHECK_SECONDS", 0.05)
    monkeypatch.setattr("api.health._PAUSE_SECONDS", 0)
    exports.storage_check = hang
    with TestClient(facade(exports, accounts, settings)) as client:
        for _ in range(3):
            problem = is_problem(client.get("/readyz"), 503, "unavailable")
            assert "storage" in problem["detail"]
        assert len(entered) == 1, "a check that hangs holds one thread"
        release.set()
        entered[0].join()
        exports.storage_check = lambda: None
        monkeypatch.setattr("api.health.CHECK_SECONDS", 4.0)
        assert client.get("/readyz").status_code == 200
