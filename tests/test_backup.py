"""A backup that is made while exports run is restored elsewhere: its jobs and downloads are there, and work goes on."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from catalogue import lifecycle
from catalogue.tables import Catalogue
from exports.jobs.manifest import CHUNK_ROWS
from tests.faults import FULL, Stage, digest, serials_of, until_it_has_reached
from tests.service import EXPORTS, Exports, labels, processes_of, running_service

GTIN, SMALL_GTIN = "09506000134352", "00012345678905"
ENTITIES = {GTIN: 30_000, SMALL_GTIN: 500}
JOB, SMALL_JOB = (serials_of(gtin) for gtin in ENTITIES)

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(tmp_path_factory.mktemp("backup"), ENTITIES)
    yield made
    made.close()


@pytest.fixture(scope="module")
def undisturbed(stage: Stage) -> str:
    return stage.undisturbed(JOB | {"asset_config": {"record_printed": False}})


def _printed(home: Path) -> dict[str, Counter[str]]:
    """Count the PRINTED events of each job by entity."""
    events, total = lifecycle.history(
        Catalogue(str(home / "storage" / "catalogue")), "acme", limit=10_000_000
    )
    assert events.height == total
    return {job: Counter(mine["entity_id"].to_list()) for (job,), mine in events.group_by("job_id")}


def _keep_exporting(client: Exports, stop: Event) -> list[dict[str, Any]]:
    receipts: list[dict[str, Any]] = []
    while not stop.is_set():
        receipts.append(client.submit(SMALL_JOB))
    return receipts


@pytest.mark.parametrize(
    "mark", ["a part", *(pytest.param(mark, marks=FULL) for mark in ("assembled", "decided"))]
)
def test_a_backup_during_exports_goes_on_elsewhere(
    stage: Stage, undisturbed: str, tmp_path: Path, mark: str
) -> None:
    """One job is done, one at work whose stage is `mark`, and small ones come all the time."""
    saved, home = tmp_path / "saved.tar", tmp_path / "restored"
    stop = Event()
    with stage.client() as client, ThreadPoolExecutor(1) as pool:
        done = client.submit(SMALL_JOB)
        receipt = client.submit(JOB)
        try:
            small = pool.submit(_keep_exporting, client, stop)
            chunks = -(-ENTITIES[GTIN] // CHUNK_ROWS)
            until_it_has_reached(mark, stage.folder(receipt), chunks)
            labels(stage.home, "backup", str(saved))
        finally:
            stop.set()
        assert small.result(120)
        expected = digest(client, client.finish(done))
        client.finish(receipt, 300)
    stage.close()
    assert processes_of(stage.home) == []

    labels(home, "restore", str(saved))
    with running_service(home) as service, service.client(stage.key) as client:
        assert digest(client, client.poll(done)) == expected
        status = client.finish(receipt, 300)
        assert status["status"] == "completed", status
        assert digest(client, status) == undisturbed
        again = client.finish(client.submit(SMALL_JOB))
        assert digest(client, again) == expected
        for job in client.http.get(EXPORTS, params={"page_size": 100}).json()["data"]:
            ended = client.finish({**job, "poll_url": f"{EXPORTS}{job['job_id']}/"}, 300)
            # One that was being submitted at that moment, and that nobody there was told of, is cancelled.
            assert ended["status"] == "completed" or ended["cancelled"], ended
    printed = _printed(home)
    assert all(set(entities.values()) == {1} for entities in printed.values())
    assert printed[receipt["job_id"]].total() == ENTITIES[GTIN]
    assert printed[again["job_id"]].total() == ENTITIES[SMALL_GTIN]


@FULL
def test_without_artefacts_the_jobs_are_known_and_can_be_made_again(stage: Stage, tmp_path: Path) -> None:
    saved, home = tmp_path / "saved.tar", tmp_path / "restored"
    with stage.client() as client:
        done = client.submit(SMALL_JOB)
        client.finish(done)
        labels(stage.home, "backup", "--without-artefacts", str(saved))
    stage.close()
    assert saved.stat().st_size < sum(path.stat().st_size for path in stage.home.rglob("artefact"))
    labels(home, "restore", str(saved))
    with running_service(home) as service, service.client(stage.key) as client:
        known = client.poll(done)
        assert known["status"] == "completed"
        answer = client.http.get(known["download_url"])
        assert (answer.status_code, answer.json()["error_code"]) == (404, "not_found")
        receipt = client.send("POST", f"{done['poll_url']}reprint/", json={"reason": "restored"}).json()
        assert client.finish(receipt)["processed_items"] == ENTITIES[SMALL_GTIN]
