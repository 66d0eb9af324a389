"""Façades and daemons on machines of their own: they share the stores alone, and one goes on where another died."""

import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from catalogue import lifecycle
from catalogue.tables import Catalogue
from exports.jobs.job_id import folder_of, run_id_for
from tests.distributed.machines import Machine, machines
from tests.distributed.stores import Shared
from tests.faults import digest, has_reached, serials_of, titled, until
from tests.service import EXPORTS, Exports, processes_of

GTIN, SMALL_GTIN = "09506000134352", "10614141000415"
ENTITIES = {GTIN: 30_000, SMALL_GTIN: 5}
#: The first two are warm workers' jobs, the third is the daemon's.
JOB, SMALL_JOB = serials_of(GTIN), serials_of(SMALL_GTIN)
BOTH = JOB | {"filters": {"gtins": [GTIN, SMALL_GTIN]}}

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]


class Stage:
    """Two façades, a code server, and two machines for daemons, the second of which stands by."""

    def __init__(self, folder: Path, settings: Mapping[str, str], *made: Machine) -> None:
        self.settings = settings
        self.facades, self.code, self.daemons = made[:2], made[2], made[3:]
        self.storage = Path(settings["LABELS_STORAGE_URL"])
        self.code.labels("org", "create", "acme")
        self.key = self.code.labels("keys", "create", "--org", "acme").splitlines()[-1]
        products, serials = folder / "products.csv", folder / "serials.csv"
        products.write_text("gtin,name\n" + "".join(f"{gtin},Some product\n" for gtin in ENTITIES))
        lines = (f"{gtin},{number:07d}\n" for gtin, count in ENTITIES.items() for number in range(count))
        serials.write_text("gtin,serial_number\n" + "".join(lines))
        self.code.labels("import", "--org", "acme", "--products", str(products), "--serials", str(serials))

    def client(self, facade: int) -> Exports:
        return self.facades[facade].client(self.key)

    def assert_printed_once(self, receipt: Mapping[str, Any], entities: int) -> None:
        events, _ = lifecycle.history(Catalogue(str(self.storage / "catalogue")), "acme", limit=10_000_000)
        mine = events.filter(events["job_id"] == receipt["job_id"])["entity_id"]
        assert (len(mine), mine.n_unique()) == (entities, entities)

    def at_work(self, client: Exports) -> dict[str, Any]:
        """Return the newest job, as the client lists it, once it has a part."""

        def newest() -> dict[str, Any]:
            return client.http.get(EXPORTS).json()["data"][0]

        until(
            lambda: has_reached("resolved", self.storage / folder_of(newest()["job_id"])), "a job is at work"
        )
        return newest()

    def resumptions(self, receipt: Mapping[str, Any]) -> int:
        """Return how many times a daemon has resumed the job's run."""
        run_id = run_id_for(str(receipt["job_id"]))
        with psycopg.connect(self.settings["LABELS_DAGSTER_URL"]) as connection:
            told = connection.execute(
                "SELECT count(*) FROM event_logs WHERE run_id = %s AND event LIKE %s",
                (run_id, "%Launching a new run worker to resume run%"),
            ).fetchone()
        return int(told[0]) if told else 0


@pytest.fixture(scope="module")
def stage(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("machines")
    settings = shared.settings() | {
        "LABELS_STORAGE_URL": str(folder / "shared"),
        # The larger job is a warm worker's too.
        "LABELS_SYNC_THRESHOLD": str(ENTITIES[GTIN]),
        "LABELS_WARM_WORKERS": "1",
        "LABELS_LEASE_SECONDS": "5",
        "LABELS_RATE_PER_MINUTE": "100000",
    }
    with machines(folder, settings, "facade-1", "facade-2", "code", "daemon-1", "daemon-2") as made:
        staged = Stage(folder, settings, *made)
        code = staged.code.start("code-server")
        settings["LABELS_CODE_SERVER"] = f"127.0.0.1:{code.ports[0]}"
        for facade in staged.facades:
            facade.start("facade")
        staged.daemons[0].start("daemon")
        for facade in staged.facades:
            facade.await_health(facade.running["facade"])
        yield staged


@pytest.fixture(scope="module")
def undisturbed(stage: Stage) -> str:
    with stage.client(0) as client:
        return digest(client, client.finish(client.submit(JOB), seconds=120))


def test_any_facade_answers_for_a_job_of_another(stage: Stage) -> None:
    with stage.client(0) as first, stage.client(1) as second:
        receipt = first.submit(SMALL_JOB)
        status = second.finish(receipt)
        assert status["status"] == "completed", status
        assert digest(first, status) == digest(second, status) == digest(first, first.poll(receipt))
    stage.assert_printed_once(receipt, ENTITIES[SMALL_GTIN])


def test_one_key_sent_to_both_facades_at_once_makes_one_job(stage: Stage) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    with stage.client(0) as first, stage.client(1) as second, ThreadPoolExecutor(6) as pool:

        def submit(client: Exports) -> httpx.Response:
            return client.http.post(EXPORTS, json=SMALL_JOB, headers=key)

        answers = list(pool.map(submit, [first, second] * 3))
        assert {answer.status_code for answer in answers} <= {202, 409}
        jobs = {answer.json()["job_id"] for answer in answers if answer.status_code == 202}
        assert len(jobs) == 1
        receipt = submit(second).json()
        assert {receipt["job_id"]} == jobs
        assert first.finish(receipt)["status"] == "completed"
    stage.assert_printed_once(receipt, ENTITIES[SMALL_GTIN])


def test_a_request_counts_at_all_facades(stage: Stage) -> None:
    with stage.client(0) as first, stage.client(1) as second:
        left = [
            int(client.http.get(EXPORTS).headers["RateLimit-Remaining"]) for client in (first, second) * 2
        ]
    assert left == list(range(left[0], left[0] - 4, -1))


def test_the_daemon_resumes_the_warm_run_of_a_facade_that_was_killed(stage: Stage, undisturbed: str) -> None:
    with stage.client(0) as first, stage.client(1) as second, ThreadPoolExecutor(1) as pool:
        key = {"Idempotency-Key": str(uuid.uuid4())}
        answer = pool.submit(first.http.post, EXPORTS, json=JOB, headers=key)
        receipt = stage.at_work(second)
        stage.facades[0].kill()
        with pytest.raises(httpx.TransportError):
            answer.result()
        assert second.http.post(EXPORTS, json=JOB, headers=key).json()["job_id"] == receipt["job_id"]
        status = second.finish(receipt, seconds=120)
        assert status["status"] == "completed", status
        assert digest(second, status) == undisturbed
    stage.assert_printed_once(receipt, ENTITIES[GTIN])
    assert stage.resumptions(receipt) == 1
    stage.facades[0].await_health(stage.facades[0].start("facade"))


def test_a_healthy_warm_run_is_left_alone(stage: Stage, undisturbed: str) -> None:
    """Its pid means nothing on the daemon's machine."""
    with stage.client(0) as client:
        receipt = client.submit(JOB)
        assert digest(client, client.finish(receipt, seconds=120)) == undisturbed
    assert stage.resumptions(receipt) == 0


def test_another_machine_goes_on_where_a_daemon_was_killed(stage: Stage) -> None:
    standby = stage.daemons[1].start("daemon")
    until(lambda: '"standing by"' in standby.log_tail(), "the second daemon stands by")
    with stage.client(1) as client:
        receipt = client.submit(BOTH)
        assert stage.at_work(client)["job_id"] == receipt["job_id"]
        assert titled(stage.daemons[0].home, "labels run-worker")
        assert not titled(stage.daemons[1].home, "labels run-worker")
        stage.daemons[0].kill()
        status = client.finish(receipt, seconds=120)
        assert status["status"] == "completed", status
    stage.assert_printed_once(receipt, sum(ENTITIES.values()))
    assert stage.resumptions(receipt) == 1
    assert '"leading"' in standby.log_tail()


def test_a_stopped_machine_leaves_no_process_and_its_lease_at_once(stage: Stage) -> None:
    daemon = stage.daemons[1].running["daemon"]
    daemon.process.terminate()
    assert daemon.process.wait(30) == 0
    assert processes_of(stage.daemons[1].home) == []
    successor = stage.daemons[0].start("daemon")
    until(lambda: '"leading"' in successor.log_tail(), "the first machine leads again")
    with stage.client(0) as client:
        status = client.finish(client.submit(BOTH), seconds=120)
        assert status["status"] == "completed", status
