"""kill -9 of every kind of process during a job: the same job completes, with the same bytes, printed once.

A DELETE at any moment: either the job is cancelled and leaves nothing, or it is published and fully recorded.

LABELS_TEST_FULL=1 kills every kind, not only some, and a run's processes at the end of every stage.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from exports.jobs.manifest import CHUNK_ROWS
from pipelines.execution.runs import PARALLEL_FROM
from tests.faults import (
    FULL,
    IS_FULL,
    MARKS,
    MOMENT_SECONDS,
    THRESHOLD,
    Stage,
    children_of,
    digest,
    kill,
    run_workers,
    serials_of,
    titled,
    until,
    until_it_has_reached,
)
from tests.service import EXPORTS, Exports, processes_of, survivors

GTIN, PARALLEL_GTIN = "09506000134352", "10614141000415"
SMALL_GTIN, QUEUED_GTIN = "00012345678905", "04006381333931"
ENTITIES = {
    GTIN: 30_000,
    PARALLEL_GTIN: PARALLEL_FROM + 1,
    SMALL_GTIN: THRESHOLD,
    QUEUED_GTIN: THRESHOLD + 1,
}
#: Two queued jobs of several chunks, drawn in one process and in one for each step; one done inside its request, and
#: the smallest that is not.
JOB, PARALLEL_JOB, SMALL_JOB, QUEUED_JOB = (serials_of(gtin) for gtin in ENTITIES)

#: What a job that was cancelled keeps.
DOCUMENTS = {"request.json", "decision.json", "manifest.json", "unmatched.json"}

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("faults"), ENTITIES)
    yield made
    made.close()


@pytest.fixture(scope="module")
def undisturbed(stage: Stage) -> str:
    return stage.undisturbed(JOB)


@pytest.fixture(scope="module")
def undisturbed_parallel(stage: Stage) -> str:
    return stage.undisturbed(PARALLEL_JOB)


KINDS: Mapping[str, Callable[[Path], list[psutil.Process]]] = {
    "run worker": run_workers,
    "everything": processes_of,
    "daemon": lambda home: titled(home, "labels daemon"),
    "daemon and run worker": lambda home: titled(home, "labels daemon") + run_workers(home),
    "façade": lambda home: titled(home, "labels facade"),
    "code server": lambda home: titled(home, "labels code-server"),
    "fork servers": lambda home: titled(home, "fork"),
    "supervisor": lambda home: titled(home, " serve "),
}


def _ordinary(names: Mapping[str, Any], *ordinary: str) -> list[Any]:
    """Return the names as parameters, of which an ordinary run takes only some."""
    return [pytest.param(name, marks=() if name in ordinary else FULL, id=name) for name in names]


@pytest.mark.parametrize("kind", _ordinary(KINDS, "run worker", "everything"))
def test_a_killed_process_changes_nothing(stage: Stage, undisturbed: str, kind: str) -> None:
    """The moment is random: a few polls into the rendering."""
    service = stage.service()
    with stage.client() as client:
        receipt = client.submit(JOB)
        _await_rendering(client, receipt)
        victims = KINDS[kind](stage.home)
        assert victims, f"no {kind} to kill"
        kill(victims)
    if kind in {"everything", "supervisor"}:
        service.process.wait(30)
        assert survivors(stage.home) == []
    stage.assert_ends_as_ever(receipt, undisturbed, ENTITIES[GTIN])


@pytest.mark.parametrize("mark", _ordinary(MARKS, "decided"))
def test_a_run_worker_killed_between_two_stages_changes_nothing(
    stage: Stage, undisturbed: str, mark: str
) -> None:
    receipt = _kill_the_run_at(mark, stage, JOB, ENTITIES[GTIN])
    stage.assert_ends_as_ever(receipt, undisturbed, ENTITIES[GTIN])


@FULL
@pytest.mark.parametrize("mark", MARKS)
def test_a_parallel_run_killed_between_two_stages_changes_nothing(
    stage: Stage, undisturbed_parallel: str, mark: str
) -> None:
    entities = ENTITIES[PARALLEL_GTIN]
    receipt = _kill_the_run_at(mark, stage, PARALLEL_JOB, entities)
    stage.assert_ends_as_ever(receipt, undisturbed_parallel, entities)


def _kill_the_run_at(mark: str, stage: Stage, body: Mapping[str, Any], entities: int) -> dict[str, Any]:
    """Submit the request, kill its run worker with all its children as soon as the mark shows; return the receipt."""
    chunks = -(-entities // CHUNK_ROWS)
    until(lambda: not run_workers(stage.home), "the run workers of earlier jobs end")
    with stage.client() as client:
        receipt = client.submit(body)
        workers: list[psutil.Process] = []
        until(lambda: workers.extend(run_workers(stage.home)) or workers, "the run has a worker")
        until_it_has_reached(mark, stage.folder(receipt), chunks)
        kill([*workers, *children_of(workers)])
    return receipt


@FULL
def test_a_stopped_service_goes_on_where_it_was(stage: Stage, undisturbed: str) -> None:
    with stage.client() as client:
        receipt = client.submit(JOB)
        _await_rendering(client, receipt)
    assert stage.service().stop() == 0
    assert survivors(stage.home) == []
    stage.assert_ends_as_ever(receipt, undisturbed, ENTITIES[GTIN])


@FULL
def test_a_killed_step_process_changes_nothing(stage: Stage, undisturbed_parallel: str) -> None:
    with stage.client() as client:
        receipt = client.submit(PARALLEL_JOB)
        until(lambda: client.poll(receipt)["processed_items"] > 0, "symbols are drawn")
        steps = children_of(run_workers(stage.home))
        assert steps, "the run has no process for each step: is it parallel?"
        kill(steps)
    stage.assert_ends_as_ever(receipt, undisturbed_parallel, ENTITIES[PARALLEL_GTIN])


@FULL
@pytest.mark.parametrize("attempt", range(5))
def test_a_killed_warm_worker_changes_nothing(stage: Stage, attempt: int) -> None:
    undisturbed = stage.undisturbed(SMALL_JOB)
    with stage.client() as client, ThreadPoolExecutor(1) as pool:
        submission = pool.submit(client.submit, SMALL_JOB)
        for _ in range(random.randint(1, 30)):
            client.http.get("/healthz")
        kill(titled(stage.home, "labels warm-worker"))
        receipt = submission.result(120)
    stage.assert_ends_as_ever(receipt, undisturbed, ENTITIES[SMALL_GTIN])


def test_a_cancelled_job_leaves_nothing_and_stays_cancelled(stage: Stage) -> None:
    """Two run at once: one is cancelled at work, one before it began, and the third in the queue."""
    with stage.client() as client:
        receipts = [client.submit(JOB) for _ in range(3)]
        _cancel(client, receipts[2])
        _await_rendering(client, receipts[0])
        for receipt in receipts[:2]:
            _cancel(client, receipt)
        until(lambda: not run_workers(stage.home), "the run workers end")
        after = client.finish(client.submit(SMALL_JOB))
        assert after["status"] == "completed"
        for receipt in receipts:
            status = client.poll(receipt)
            assert (status["status"], status["error_code"]) == ("failed", "cancelled")
            assert stage.kept(receipt) <= DOCUMENTS
    assert stage.printed(*receipts) == Counter()


@pytest.mark.parametrize("gtin", [QUEUED_GTIN, SMALL_GTIN], ids=["queued", "done inside its request"])
def test_a_delete_races_the_commit(stage: Stage, gtin: str) -> None:
    """Two clients delete the same job, at a random moment after it began."""
    least, most = (12, 120) if IS_FULL else (4, 60)
    undisturbed = stage.undisturbed(serials_of(gtin))
    cancelled: list[dict[str, Any]] = []
    published: list[dict[str, Any]] = []
    with stage.client() as client, ThreadPoolExecutor(3) as pool:
        while len(cancelled) + len(published) < least or not (cancelled and published):
            assert len(cancelled) + len(published) < most, "one side always won"
            receipt, answers = _deleted_at_random(stage, client, pool, serials_of(gtin))
            (status,) = set(answers)
            assert status in {202, 409}
            (cancelled if status == 202 else published).append(receipt)
        until(lambda: not run_workers(stage.home), "the run workers end")
        for receipt in cancelled:
            status = client.finish(receipt)
            assert (status["status"], status["error_code"]) == ("failed", "cancelled")
            assert status["download_url"] is None
            assert stage.kept(receipt) <= DOCUMENTS
        for receipt in published:
            status = client.finish(receipt)
            assert status["status"] == "completed"
            assert digest(client, status) == undisturbed
    assert stage.printed(*cancelled) == Counter()
    printed = stage.printed(*published)
    assert len(printed) == ENTITIES[gtin]
    assert set(printed.values()) == {len(published)}


def _deleted_at_random(
    stage: Stage, client: Exports, pool: ThreadPoolExecutor, body: Mapping[str, Any]
) -> tuple[dict[str, Any], list[int]]:
    """Return the receipt of a new job, and the statuses of the two answers."""
    folders = stage.storage / "exports"
    before = set(folders.iterdir())
    submission = pool.submit(client.submit, body)
    until(lambda: set(folders.iterdir()) - before, "the job is accepted", pause_seconds=MOMENT_SECONDS)
    (folder,) = set(folders.iterdir()) - before
    mark = random.choice(list(MARKS)[1:])
    until_it_has_reached(mark, folder)
    for _ in range(random.randint(0, 5)):
        client.http.get("/healthz")
    url = f"{EXPORTS}{folder.name}/"
    deletes = [pool.submit(client.send, "DELETE", url) for _ in range(2)]
    return submission.result(120), [delete.result(60).status_code for delete in deletes]


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
