"""kill -9 of every kind of process while a job is at work: the same job ends, with the same bytes, printed once.

An ordinary run kills two kinds; LABELS_TEST_FULL=1 kills them all. The moment is random: a few polls into the
rendering.
"""

import contextlib
import hashlib
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from catalogue import lifecycle
from catalogue.tables import Catalogue
from pipelines.runs import PARALLEL_FROM
from tests.service import (
    Exports,
    Service,
    create_organisation,
    labels,
    processes_of,
    running_service,
    survivors,
)

LARGE = 30_000
SMALL = 2_000
GTIN, SMALL_GTIN = "09506000134352", "00012345678905"
JOB = {"scope": "serials", "export_type": "qr_codes", "file_format": "svg", "filters": {"gtins": [GTIN]}}
SMALL_JOB = JOB | {"filters": {"gtins": [SMALL_GTIN]}}

FULL = pytest.mark.skipif(not os.environ.get("LABELS_TEST_FULL"), reason="LABELS_TEST_FULL=1 kills these too")

pytestmark = pytest.mark.timeout(600)


class Stage:
    """A home with two products' serials, and its service, which starts again when it is gone."""

    def __init__(self, folder: Path, entities: Mapping[str, int]) -> None:
        self.home = folder / "home"
        self.key = create_organisation(self.home, "acme")
        _import_serials(self.home, folder, entities)
        self._stack = contextlib.ExitStack()
        self._service: Service | None = None

    def service(self) -> Service:
        if self._service is None or self._service.process.poll() is not None:
            self.close()
            settings = {
                "LABELS_SYNC_THRESHOLD": str(SMALL),
                "LABELS_WARM_WORKERS": "1",
                "LABELS_RATE_PER_MINUTE": "100000",
                "LABELS_RATE_PER_DAY": "1000000",
            }
            self._service = self._stack.enter_context(running_service(self.home, settings))
        return self._service

    def client(self) -> Exports:
        return self.service().client(self.key)

    def close(self) -> None:
        self._stack.close()

    def printed(self, *job_ids: str) -> Counter[str]:
        """Count the PRINTED events of these jobs by entity."""
        events, total = lifecycle.history(
            Catalogue(str(self.home / "storage" / "catalogue")), "acme", limit=10_000_000
        )
        assert events.height == total
        mine = events.filter(events["job_id"].is_in(job_ids))
        return Counter(mine["entity_id"].to_list())


def _import_serials(home: Path, folder: Path, entities: Mapping[str, int]) -> None:
    products, serials = folder / "products.csv", folder / "serials.csv"
    products.write_text("gtin,name\n" + "".join(f"{gtin},Some product\n" for gtin in entities))
    with serials.open("w") as stream:
        stream.write("gtin,serial_number\n")
        for gtin, count in entities.items():
            stream.writelines(f"{gtin},{number:07d}\n" for number in range(count))
    labels(home, "import", "--org", "acme", "--products", str(products), "--serials", str(serials))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("faults"), {GTIN: LARGE, SMALL_GTIN: SMALL})
    yield made
    made.close()


@pytest.fixture(scope="module")
def undisturbed(stage: Stage) -> str:
    return _sha256(stage, JOB)


def _sha256(stage: Stage, body: Mapping[str, Any]) -> str:
    with stage.client() as client:
        status = client.finish(client.submit(body), seconds=300)
        assert status["status"] == "completed", status
        return _digest(stage, status)


def _digest(stage: Stage, status: Mapping[str, Any]) -> str:
    with stage.client() as client:
        return hashlib.sha256(client.download(status)).hexdigest()


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return ""


def _main_process(home: Path, called: str) -> list[psutil.Process]:
    """Return the home's processes started to call this function."""
    return [process for process in processes_of(home) if f"{called}()" in _command(process)]


def _forked_by(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return the children of these processes' fork servers."""
    return [
        forked
        for server in _children(processes)
        if "forkserver" in _command(server)
        for forked in _children([server])
    ]


def _children(processes: list[psutil.Process]) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            found += process.children()
    return found


def _run_workers(home: Path) -> list[psutil.Process]:
    return _forked_by(_main_process(home, "run_daemon"))


KINDS: Mapping[str, Callable[[Path], list[psutil.Process]]] = {
    "run worker": _run_workers,
    "everything": processes_of,
    "daemon": lambda home: _main_process(home, "run_daemon"),
    "daemon and run worker": lambda home: _main_process(home, "run_daemon") + _run_workers(home),
    "façade": lambda home: _main_process(home, "cli.facade.main"),
    "code server": lambda home: _main_process(home, "dagster._cli.main"),
    "supervisor": lambda home: [p for p in processes_of(home) if " serve " in _command(p)],
}


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=() if kind in {"run worker", "everything"} else FULL, id=kind)
        for kind in KINDS
    ],
)
def test_a_killed_process_changes_nothing(stage: Stage, undisturbed: str, kind: str) -> None:
    with stage.client() as client:
        receipt = client.submit(JOB)
        _await_rendering(client, receipt)
        victims = KINDS[kind](stage.home)
        assert victims, f"no {kind} to kill"
        for victim in victims:
            _kill(victim)
    if kind in {"everything", "supervisor"}:
        stage.service().process.wait(30)
        assert survivors(stage.home) == []
    _assert_ends_as_ever(stage, receipt, undisturbed, LARGE)


@FULL
def test_a_stopped_service_goes_on_where_it_was(stage: Stage, undisturbed: str) -> None:
    with stage.client() as client:
        receipt = client.submit(JOB)
        _await_rendering(client, receipt)
    assert stage.service().stop() == 0
    assert survivors(stage.home) == []
    _assert_ends_as_ever(stage, receipt, undisturbed, LARGE)


@FULL
def test_a_killed_step_process_changes_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path, {GTIN: PARALLEL_FROM})
    with contextlib.closing(stage):
        undisturbed = _sha256(stage, JOB)
        with stage.client() as client:
            receipt = client.submit(JOB)
            _until(lambda: client.poll(receipt)["processed_items"] > 0, "symbols are drawn")
            steps = _forked_by(_run_workers(stage.home))
            assert steps, "the run has no process for each step: is it parallel?"
            # The youngest: Dagster fails a run whose step is killed after it reported its end, which one about
            # to exit would be.
            _kill(max(steps, key=psutil.Process.create_time))
        _assert_ends_as_ever(stage, receipt, undisturbed, PARALLEL_FROM)


@FULL
@pytest.mark.parametrize("attempt", range(5))
def test_a_killed_warm_worker_changes_nothing(stage: Stage, attempt: int) -> None:
    undisturbed = _sha256(stage, SMALL_JOB)
    with stage.client() as client, ThreadPoolExecutor(1) as pool:
        submission = pool.submit(client.submit, SMALL_JOB)
        for _ in range(random.randint(1, 30)):
            client.http.get("/healthz")
        for process in _forked_by(_main_process(stage.home, "cli.facade.main")):
            _kill(process)
        receipt = submission.result(120)
    _assert_ends_as_ever(stage, receipt, undisturbed, SMALL)


def test_a_cancelled_job_leaves_nothing_and_stays_cancelled(stage: Stage) -> None:
    """Two run at once: one is cancelled at work, one before it began, and the third in the queue."""
    with stage.client() as client:
        receipts = [client.submit(JOB) for _ in range(3)]
        _cancel(client, receipts[2])
        _await_rendering(client, receipts[0])
        for receipt in receipts[:2]:
            _cancel(client, receipt)
        _until(lambda: not _run_workers(stage.home), "the run workers end")
        after = client.finish(client.submit(SMALL_JOB))
        assert after["status"] == "completed"
        for receipt in receipts:
            status = client.poll(receipt)
            assert (status["status"], status["error_code"]) == ("failed", "cancelled")
            folder = stage.home / "storage" / "exports" / receipt["job_id"]
            left = {path.name for path in folder.rglob("*") if path.is_file()}
            assert left <= {"request.json", "decision.json", "manifest.json", "unmatched.json"}
    assert stage.printed(*(receipt["job_id"] for receipt in receipts)) == Counter()


def _cancel(client: Exports, receipt: Mapping[str, Any]) -> None:
    answer = client.send("DELETE", receipt["poll_url"])
    assert answer.status_code == 202, answer.text


def _await_rendering(client: Exports, receipt: Mapping[str, Any]) -> None:
    """Poll until the job's entities are counted, and some random times more."""
    while not (status := client.poll(receipt))["total_items"]:
        assert status["status"] in {"pending", "processing"}, status
    for _ in range(random.randint(0, 20)):
        status = client.poll(receipt)
    assert status["status"] == "processing", status


def _kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()


def _until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"


def _assert_ends_as_ever(stage: Stage, receipt: Mapping[str, Any], undisturbed: str, entities: int) -> None:
    with stage.client() as client:
        _until(lambda: _answers(client), "the façade answers again")
        status = client.finish(receipt, seconds=300)
    assert status["status"] == "completed", status
    assert _digest(stage, status) == undisturbed
    printed = stage.printed(receipt["job_id"])
    assert len(printed) == entities
    assert set(printed.values()) == {1}


def _answers(client: Exports) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return client.http.get("/healthz").status_code == 200
    return False
