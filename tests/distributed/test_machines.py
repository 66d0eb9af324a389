"""Façades and daemons on separate machines: they share only the stores, and take over when another dies."""

import signal
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from catalogue import lifecycle
from catalogue.tables import Catalogue
from exports.jobs.job_id import folder_of, run_id_for
from pipelines.execution.runs import PARALLEL_FROM
from tests.distributed.machines import Machine, machines
from tests.distributed.stores import Shared
from tests.faults import digest, has_reached, serials_of, titled, until
from tests.service import EXPORTS, Exports, processes_of

GTIN, SMALL_GTIN, OTHER_GTIN, STOCK_GTIN = (
    "09506000134352",
    "10614141000415",
    "00012345678905",
    "04006381333931",
)
ENTITIES = {GTIN: 30_000, SMALL_GTIN: 5, OTHER_GTIN: PARALLEL_FROM - 30_000, STOCK_GTIN: 7}
#: Warm workers execute the first two, the daemon the third, with a process for each step.
JOB, SMALL_JOB = serials_of(GTIN), serials_of(SMALL_GTIN)
LARGE = sum(ENTITIES[gtin] for gtin in (GTIN, SMALL_GTIN, OTHER_GTIN))
LARGE_JOB = JOB | {"filters": {"gtins": [GTIN, SMALL_GTIN, OTHER_GTIN]}}

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]


class Stage:
    """Two façades, a code server, and two machines for daemons, the second of which is on standby."""

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

    def assert_printed_once(self, receipts: Sequence[Mapping[str, Any]], entities: int) -> None:
        """Assert that these jobs together have printed `entities` entities, each once."""
        events, _ = lifecycle.history(Catalogue(str(self.storage / "catalogue")), "acme", limit=10_000_000)
        mine = events.filter(events["job_id"].is_in([receipt["job_id"] for receipt in receipts]))["entity_id"]
        assert (len(mine), mine.n_unique()) == (entities, entities)

    def at_work(self, client: Exports) -> dict[str, Any]:
        """Return the organisation's newest job when it is running and has its manifest."""
        found: list[dict[str, Any]] = []

        def is_at_work() -> bool:
            job = client.http.get(EXPORTS).json()["data"][0]
            found[:] = [{**job, "poll_url": f"{EXPORTS}{job['job_id']}/"}]
            return job["status"] == "processing" and has_reached(
                "resolved", self.storage / folder_of(job["job_id"])
            )

        until(is_at_work, "a job is running")
        return found[0]

    def leases(self, *more: str) -> list[str]:
        """Return the names of the leases of runs, and those in `more` that exist."""
        with psycopg.connect(self.settings["LABELS_DATABASE_URL"]) as connection:
            found = connection.execute(
                "SELECT name FROM leases WHERE name LIKE 'run:%%' OR name = ANY(%s)", (list(more),)
            )
            return [str(name) for (name,) in found.fetchall()]

    def resumptions(self, receipt: Mapping[str, Any]) -> int:
        """Return the number of resumptions of the job's run by daemons."""
        run_id = run_id_for(str(receipt["job_id"]))
        with psycopg.connect(self.settings["LABELS_DAGSTER_URL"]) as connection:
            resumed = connection.execute(
                "SELECT count(*) FROM event_logs WHERE run_id = %s AND event LIKE %s",
                (run_id, "%Launching a new run worker to resume run%"),
            ).fetchone()
        return int(resumed[0]) if resumed else 0


@pytest.fixture(scope="module")
def stage(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("machines")
    settings = shared.settings() | {
        "LABELS_STORAGE_URL": str(folder / "shared"),
        # So a warm worker executes the larger job too.
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
    stage.assert_printed_once([receipt], ENTITIES[SMALL_GTIN])


def test_the_daemon_has_its_sensors_evaluated_by_the_code_server(stage: Stage) -> None:
    log = stage.daemons[0].running["daemon"].log
    until(
        lambda: "Sensor export_schedules skipped: no tick is due" in log.read_text(), "a sensor is evaluated"
    )
    assert "Traceback" not in log.read_text()


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
    stage.assert_printed_once([receipt], ENTITIES[SMALL_GTIN])


def test_two_facades_print_stock_once(stage: Stage) -> None:
    body = {**JOB, "filters": {"gtins": [STOCK_GTIN], "never_printed": True}}
    with stage.client(0) as first, stage.client(1) as second, ThreadPoolExecutor(4) as pool:
        receipts = list(pool.map(lambda client: client.submit(body), [first, second] * 2))
        assert all(first.finish(receipt)["status"] in {"completed", "failed"} for receipt in receipts)
    stage.assert_printed_once(receipts, ENTITIES[STOCK_GTIN])


def test_a_request_counts_at_all_facades(stage: Stage) -> None:
    with stage.client(0) as first, stage.client(1) as second:
        left = [
            int(client.http.get(EXPORTS).headers["RateLimit-Remaining"]) for client in (first, second) * 2
        ]
    assert left == list(range(left[0], left[0] - 4, -1))


def test_the_daemon_resumes_the_warm_run_of_a_facade_that_was_killed(stage: Stage, undisturbed: str) -> None:
    with stage.client(0) as first, stage.client(1) as second, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(first.http.post, EXPORTS, json=JOB)
        receipt = stage.at_work(second)
        stage.facades[0].kill()
        with pytest.raises(httpx.TransportError):
            answer.result()
        status = second.finish(receipt, seconds=120)
        assert status["status"] == "completed", status
        assert digest(second, status) == undisturbed
    stage.assert_printed_once([receipt], ENTITIES[GTIN])
    assert stage.resumptions(receipt) == 1
    stage.facades[0].await_health(stage.facades[0].start("facade"))


def test_a_machine_that_was_paused_past_its_lease_publishes_nothing_more(
    stage: Stage, undisturbed: str
) -> None:
    machine = stage.facades[0]
    with stage.client(0) as first, stage.client(1) as second, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(first.http.post, EXPORTS, json=JOB)
        receipt = stage.at_work(second)
        (worker,) = titled(machine.home, "labels warm-worker")
        paused = processes_of(machine.home)
        for process in paused:
            process.suspend()
        status = second.finish(receipt, seconds=120)
        for process in paused:
            process.resume()
        assert answer.result().json()["job_id"] == receipt["job_id"]
        assert worker.wait(30) is None, "a child of somebody else"
        until(lambda: titled(machine.home, "labels warm-worker"), "another worker takes its place")
        assert status["status"] == "completed", status
        assert digest(first, first.poll(receipt)) == undisturbed
    assert '"lease lost"' in machine.running["facade"].log.read_text()
    stage.assert_printed_once([receipt], ENTITIES[GTIN])


def test_a_job_is_cancelled_from_another_machine(stage: Stage) -> None:
    with stage.client(0) as first, stage.client(1) as second, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(first.http.post, EXPORTS, json=JOB)
        receipt = stage.at_work(second)
        cancelled = second.http.delete(receipt["poll_url"])
        assert cancelled.status_code in {202, 409}, cancelled.text
        assert answer.result().status_code == 202
        status = first.finish(receipt)
        assert (status["status"], status["error_code"]) == ("failed", "cancelled"), status
        until(lambda: not stage.leases(), "the worker has ended the run")
    stage.assert_printed_once([receipt], 0)


def test_a_healthy_warm_run_is_left_alone(stage: Stage, undisturbed: str) -> None:
    """The run's pid is on another machine, so the daemon cannot check it."""
    with stage.client(0) as client:
        receipt = client.submit(JOB)
        assert digest(client, client.finish(receipt, seconds=120)) == undisturbed
    assert stage.resumptions(receipt) == 0


def test_another_machine_goes_on_where_a_daemon_was_killed(stage: Stage) -> None:
    standby = stage.daemons[1].start("daemon")
    until(lambda: '"standing by"' in standby.log.read_text(), "the second daemon stands by")
    with stage.client(1) as client:
        receipt = client.submit(LARGE_JOB)
        assert stage.at_work(client)["job_id"] == receipt["job_id"]
        assert titled(stage.daemons[0].home, "labels run-worker")
        assert not titled(stage.daemons[1].home, "labels run-worker")
        stage.daemons[0].kill()
        status = client.finish(receipt, seconds=120)
        assert status["status"] == "completed", status
    stage.assert_printed_once([receipt], LARGE)
    assert stage.resumptions(receipt) == 1
    assert '"leading"' in standby.log.read_text()


def test_a_stopped_machine_leaves_no_process_and_no_lease(stage: Stage) -> None:
    daemon = stage.daemons[1].running["daemon"]
    daemon.process.terminate()
    assert daemon.process.wait(30) == 0
    assert processes_of(stage.daemons[1].home) == []
    with psycopg.connect(stage.settings["LABELS_DATABASE_URL"]) as connection:
        left = connection.execute(
            "SELECT name FROM leases WHERE name = 'daemon' OR name LIKE 'run:%'"
        ).fetchall()
    assert left == []
    successor = stage.daemons[0].start("daemon")
    until(lambda: '"leading"' in successor.log.read_text(), "the first machine leads again")
    with stage.client(0) as client:
        status = client.finish(client.submit(LARGE_JOB), seconds=120)
        assert status["status"] == "completed", status


def test_an_upload_to_a_facade_is_imported_on_the_daemons_machine(stage: Stage, tmp_path: Path) -> None:
    products = tmp_path / "products.csv"
    products.write_text("gtin,name\n04006381333931,From afar\n")
    facade = stage.facades[0]
    there = ("--url", facade.running["facade"].url, "--key", stage.key)
    assert "products: 1 read, 0 added, 1 updated" in facade.labels("import", *there, str(products))


def test_stores_that_are_away_for_longer_than_a_lease_change_nothing(
    stage: Stage, shared: Shared, undisturbed: str
) -> None:
    """The processes of runs and the daemon exit, and others go on when the database is back."""
    with stage.client(0) as first, stage.client(1) as second, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(first.http.post, EXPORTS, json=JOB)
        receipt = stage.at_work(second)
        shared.postgres.stop(signal.SIGQUIT)
        until(lambda: _is_unready(second), "the façade says that it is not ready")
        until(
            lambda: '"lease lost"' in stage.facades[0].running["facade"].log.read_text(), "the lease is lost"
        )
        shared.postgres.start()
        answer.result()
        until(lambda: second.http.get("/readyz").status_code == 200, "the façade is ready again")
        status = second.finish(receipt, seconds=180)
        assert status["status"] == "completed", status
        assert digest(second, status) == undisturbed
    stage.assert_printed_once([receipt], ENTITIES[GTIN])


def _is_unready(client: Exports) -> bool:
    answer = client.http.get("/readyz")
    if answer.status_code == 200:
        return False
    assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True)
    assert "Traceback" not in answer.text
    return True
