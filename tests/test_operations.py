"""The running service for operators: health, metrics, traces in the log, and addresses in rate limits."""

import contextlib
import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.conftest import SYNC_THRESHOLD, Shop, open_shop
from tests.faults import FULL, Disk, kill, small_disk, titled, until
from tests.service import EXPORTS, Exports, Service, free_ports, running_service

pytestmark = pytest.mark.service

ROOM = 256 << 20
KEY = "a key for the metrics"
TRACE = "0af7651916cd43dd8448eb211c80319c"
SMALL = {"scope": "lots", "export_type": "qr_codes", "file_format": "svg"}
LARGE = {"scope": "serials", "export_type": "qr_codes", "file_format": "svg"}


@dataclass(frozen=True)
class Stage:
    service: Service
    shop: Shop
    disk: Disk | None
    metrics_port: int

    def client(self) -> Exports:
        return self.service.client(self.shop.key)

    def ready(self) -> httpx.Response:
        return httpx.get(f"{self.service.url}/readyz", timeout=10)

    def degraded(self) -> list[str]:
        """Return what is degraded. The façade is in service all the same."""
        return self.ready().raise_for_status().json()["degraded"]

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of the log that tell of this event in our trace."""
        text = self.service.log.read_text(errors="replace").splitlines()
        found = [json.loads(line) for line in text if line.startswith("{")]
        return [line for line in found if line["event"] == event and line.get("trace_id") == TRACE]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("operations")
    home = folder / "home"
    (metrics_port,) = free_ports(1)
    settings = {
        "LABELS_SYNC_THRESHOLD": str(SYNC_THRESHOLD),
        "LABELS_METRICS_KEY": KEY,
        "LABELS_METRICS_PORT": str(metrics_port),
    }
    with contextlib.ExitStack() as stack:
        disk = None
        with contextlib.suppress(pytest.skip.Exception):
            disk = stack.enter_context(small_disk(home, ROOM))
        shop = open_shop(home, "acme", folder)
        service = stack.enter_context(running_service(home, settings))
        stage = Stage(service, shop, disk, metrics_port)
        until(lambda: stage.degraded() == [], "the daemon and all warm workers have started", 120)
        yield stage


def test_polls_survive_a_full_disk_and_readiness_tells_of_it(stage: Stage) -> None:
    if stage.disk is None:
        pytest.skip("no disk can be mounted here")
    with stage.client() as client:
        receipt = client.submit(SMALL)
        stage.disk.leave(0)
        try:
            for _ in range(3):
                assert client.poll(receipt)["status"] == "completed"
            assert client.http.get(EXPORTS).status_code == 200
            # Checks within a second share their result, so the first may be from before.
            until(lambda: stage.ready().status_code == 503, "the façade tells that its storage is full")
            refused = stage.ready().json()
            assert refused["error_code"] == "unavailable"
            assert "storage" in refused["detail"]
            assert httpx.get(f"{stage.service.url}/healthz").status_code == 200
        finally:
            stage.disk.leave(ROOM)
        until(lambda: stage.ready().status_code == 200, "the façade is ready again")


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["in a warm worker", "from the queue"])
def test_the_log_follows_a_request_to_its_steps(stage: Stage, body: dict[str, Any]) -> None:
    with stage.client() as client:
        client.http.headers["traceparent"] = f"00-{TRACE}-b7ad6b7169203331-01"
        receipt = client.submit(body)
        assert client.finish(receipt)["status"] == "completed"
    job_id = receipt["job_id"]
    [request] = [
        line for line in stage.lines("request") if (line.get("job_id"), line["method"]) == (job_id, "POST")
    ]
    assert (request["path"], request["status"]) == (EXPORTS, 202)
    steps = {line["step"] for line in stage.lines("step") if line["job_id"] == job_id}
    assert steps == {"resolve", "render_chunk", "assemble_parts", "publish", "record_printed"}


def test_an_invented_address_has_no_limit_of_its_own(stage: Stage) -> None:
    left = [
        int(
            httpx.get(
                f"{stage.service.url}{EXPORTS}", headers={"X-Forwarded-For": f"198.51.100.{n}"}
            ).headers["RateLimit-Remaining"]
        )
        for n in range(3)
    ]
    assert left == [left[0], left[0] - 1, left[0] - 2]


def test_metrics_are_the_operators(stage: Stage) -> None:
    url = f"{stage.service.url}/metrics"
    assert httpx.get(url).status_code == 401
    keyed = httpx.get(url, headers={"Authorization": f"Bearer {KEY}"})
    local = httpx.get(f"http://127.0.0.1:{stage.metrics_port}/metrics")
    for answer in (keyed, local):
        assert 'labels_degraded{what="daemon"} 0.0' in answer.text


def test_a_killed_warm_worker_is_missed(stage: Stage) -> None:
    kill(titled(stage.service.home, "labels warm-worker")[:1])
    until(lambda: stage.degraded() == ["warm_workers"], "the worker is missed")
    with stage.client() as client:
        for _ in range(3):  # whoever meets the dead worker has it replaced
            client.finish(client.submit(SMALL))
    until(lambda: stage.degraded() == [], "another worker is warm")


@FULL
def test_a_stopped_daemon_is_noticed_within_90_seconds(stage: Stage) -> None:
    [daemon] = titled(stage.service.home, "labels daemon")
    daemon.send_signal(signal.SIGSTOP)
    try:
        until(lambda: stage.degraded() == ["daemon"], "the daemon is missed", 90)
        text = httpx.get(f"http://127.0.0.1:{stage.metrics_port}/metrics").text
        assert 'labels_degraded{what="daemon"} 1.0' in text
    finally:
        daemon.send_signal(signal.SIGCONT)
    until(lambda: stage.degraded() == [], "the daemon is back")
