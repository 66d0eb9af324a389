"""The storage's disk is full or read-only: a job either fails with a clear error or completes as usual."""

import random
from collections.abc import Iterator, Mapping
from typing import Any

import psutil
import pytest

from exports.jobs.manifest import CHUNK_ROWS
from pipelines.execution.runs import PARALLEL_FROM
from tests.faults import (
    FULL,
    MARKS,
    MOMENT_SECONDS,
    Disk,
    Stage,
    children_of,
    kill,
    run_workers,
    serials_of,
    small_disk,
    until,
    until_it_has_reached,
)
from tests.service import EXPORTS

GTIN, PARALLEL_GTIN, SMALL_GTIN = "09506000134352", "10614141000415", "00012345678905"
#: Some megabytes of symbols in several chunks, drawn in one process and in one for each step; a job that is done inside
#: its request.
ENTITIES = {GTIN: 30_000, PARALLEL_GTIN: PARALLEL_FROM + 1, SMALL_GTIN: 500}
CHUNKS = -(-ENTITIES[GTIN] // CHUNK_ROWS)
JOB, PARALLEL_JOB, SMALL_JOB = (serials_of(gtin) for gtin in ENTITIES)

ROOM = 256 << 20
#: Enough for what a job notes of itself, and too little for its symbols.
LITTLE = 2 << 20

OTHER_MARKS = [mark for mark in MARKS if mark != "a part"]

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Disk]]:
    folder = tmp_path_factory.mktemp("storage")
    with small_disk(folder / "home" / "storage", ROOM) as disk:
        stage = Stage(folder, ENTITIES)
        yield stage, disk
        stage.close()


@pytest.fixture
def stage(made: tuple[Stage, Disk]) -> Stage:
    return made[0]


@pytest.fixture
def disk(made: tuple[Stage, Disk]) -> Iterator[Disk]:
    yield made[1]
    made[1].take_writes()
    made[1].leave(ROOM)


@pytest.fixture(scope="module")
def undisturbed(made: tuple[Stage, Disk]) -> str:
    return made[0].undisturbed(JOB)


@pytest.mark.parametrize("gtin", [GTIN, pytest.param(PARALLEL_GTIN, marks=FULL)])
def test_a_job_for_which_the_disk_is_too_small_gives_its_space_back(
    stage: Stage, disk: Disk, gtin: str
) -> None:
    undisturbed = stage.undisturbed(serials_of(gtin))
    used = disk.used_bytes
    disk.leave(LITTLE)
    with stage.client() as client:
        receipt = client.submit(serials_of(gtin))
        _assert_failed(stage, client.finish(receipt), "No space left on device")
        assert disk.used_bytes - used < LITTLE // 4
        disk.leave(ROOM)
        stage.assert_ends_as_ever(client.submit(serials_of(gtin)), undisturbed, ENTITIES[gtin])


@FULL
def test_a_step_killed_while_it_is_tried_again_changes_nothing(stage: Stage, disk: Disk) -> None:
    undisturbed = stage.undisturbed(PARALLEL_JOB)
    once = 1 + -(-ENTITIES[PARALLEL_GTIN] // CHUNK_ROWS)  # a process for the manifest, and one for each chunk
    disk.leave(LITTLE)
    steps: dict[int, psutil.Process] = {}
    with stage.client() as client:
        receipt = client.submit(PARALLEL_JOB)

        def are_tried_again() -> bool:
            steps.update((step.pid, step) for step in children_of(run_workers(stage.home)))
            return len(steps) > once

        until(are_tried_again, "a step is tried again", pause_seconds=MOMENT_SECONDS)
        kill(list(steps.values()))
        disk.leave(ROOM)
        stage.assert_ends_as_ever(receipt, undisturbed, ENTITIES[PARALLEL_GTIN])


def test_a_submission_to_a_full_disk_is_asked_to_come_again(stage: Stage, disk: Disk) -> None:
    with stage.client() as client:
        jobs = client.http.get(EXPORTS).json()["pagination"]["total_count"]
        folders = set((stage.storage / "exports").iterdir())
        disk.leave(0)
        headers = {"Idempotency-Key": "the same"}
        for body in (JOB, SMALL_JOB):
            answer = client.send("POST", EXPORTS, json=body, headers=headers)
            problem = answer.json()
            assert (answer.status_code, problem["error_code"], problem["retryable"]) == (
                503,
                "unavailable",
                True,
            )
            assert int(answer.headers["Retry-After"]) > 0
            assert "No space left on device" in problem["detail"]
            assert str(stage.home) not in answer.text
        assert client.http.get("/healthz").status_code == 200
        assert client.http.get(EXPORTS).json()["pagination"]["total_count"] == jobs
        made = set((stage.storage / "exports").iterdir()) - folders
        assert [path for folder in made for path in folder.iterdir()] == []
        disk.leave(ROOM)
        answer = client.send("POST", EXPORTS, json=SMALL_JOB, headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (202, "completed")
        assert len(stage.printed(answer.json())) == ENTITIES[SMALL_GTIN]


@pytest.mark.parametrize(
    ("mark", "lasting"),
    [
        ("a part", False),
        ("a part", True),
        *(pytest.param(mark, bool(number % 2), marks=FULL) for number, mark in enumerate(OTHER_MARKS)),
    ],
)
def test_a_disk_that_takes_no_writes(
    stage: Stage, disk: Disk, undisturbed: str, mark: str, lasting: bool
) -> None:
    with stage.client() as client:
        receipt = client.submit(JOB)
        until_it_has_reached(mark, stage.folder(receipt), CHUNKS)
        disk.refuse_writes()
        if lasting:
            client.finish(receipt)
        for _ in range(random.randint(0, 300)):
            client.poll(receipt)
        disk.take_writes()
        status = client.finish(receipt)
        if status["status"] == "completed":
            stage.assert_ends_as_ever(receipt, undisturbed, ENTITIES[GTIN])
        else:
            _assert_failed(stage, status, "Read-only file system")


def _assert_failed(stage: Stage, status: Mapping[str, Any], words: str) -> None:
    assert (status["status"], status["error_code"]) == ("failed", "storage_failed"), status
    assert words in status["error"]
    assert str(stage.home) not in status["error"]
    assert status["download_url"] is None
    assert stage.printed(status) == {}
