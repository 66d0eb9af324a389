"""Steps on two machines with Celery workers, while processes are killed, paused or emptied.

In each test the job ends by itself with the same bytes, and each entity is printed once.
"""

import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis as redis_client

from catalogue import lifecycle
from catalogue.tables import Catalogue, catalogue_url
from exports.artefacts import ArtefactStore
from exports.jobs.job_id import folder_of, run_id_for
from tests.distributed.machines import Machine, machines
from tests.distributed.stores import Shared
from tests.faults import digest, kill, run_workers, serials_of, until
from tests.service import Exports

GTIN, ENTITIES = "09506000134352", 60_000
JOB = serials_of(GTIN)

#: The lease time of a step, and the time after which an unstarted step is sent again.
LEASE_SECONDS, RESEND_SECONDS = 5, 5

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]


class Stage:
    """A machine with the whole service except the steps of large exports, which two other machines execute."""

    def __init__(self, shared: Shared, control: Machine, workers: list[Machine]) -> None:
        self.settings = control.settings
        self.control, self.workers, self._shared = control, workers, shared
        control.labels("org", "create", "acme")
        self._key = control.labels("keys", "create", "--org", "acme").splitlines()[-1]
        _import(control, control.folder)
        control.serve()
        self.start_workers()
        with self.client() as client:
            status = client.finish(client.submit(JOB), seconds=300)
            assert status["status"] == "completed", (status["error_code"], status["error"])
            self.undisturbed = digest(client, status)

    def start_workers(self) -> None:
        """Start the workers that are not running."""
        for machine in self.workers:
            running = machine.running.get("worker")
            if running is None or running.process.poll() is not None:
                machine.start("worker")

    def client(self) -> Exports:
        return self.control.client(self._key, "serve")

    @property
    def store(self) -> ArtefactStore:
        return ArtefactStore(self.settings["LABELS_STORAGE_URL"])

    def has_begun_to_draw(self, client: Exports, receipt: Mapping[str, Any]) -> bool:
        return client.poll(receipt)["processed_items"] > 0

    def has_assembled(self, receipt: Mapping[str, Any]) -> bool:
        folder = folder_of(receipt["job_id"])
        return any(self.store.exists(f"{folder}/{name}") for name in ("findings.json", "decision.json"))

    def ends_of_steps(self, receipt: Mapping[str, Any]) -> Counter[str]:
        """Count the successes that each step reported."""
        with psycopg.connect(self.settings["LABELS_DAGSTER_URL"]) as connection:
            found = connection.execute(
                "SELECT step_key FROM event_logs WHERE run_id = %s AND dagster_event_type = 'STEP_SUCCESS'",
                [run_id_for(receipt["job_id"])],
            )
            return Counter(str(key) for (key,) in found)

    def assert_ends_as_ever(self, client: Exports, receipt: Mapping[str, Any]) -> None:
        status = client.finish(receipt, seconds=300)
        assert status["status"] == "completed", (status["error_code"], status["error"])
        assert digest(client, status) == self.undisturbed
        self.assert_printed_once(receipt)

    def assert_printed_once(self, receipt: Mapping[str, Any]) -> None:
        catalogue = Catalogue(catalogue_url(self.settings["LABELS_STORAGE_URL"]))
        events, total = lifecycle.history(catalogue, "acme", limit=10_000_000)
        assert events.height == total
        printed = Counter(events.filter(events["job_id"] == receipt["job_id"])["entity_id"].to_list())
        assert len(printed) == ENTITIES
        assert set(printed.values()) == {1}


def _import(machine: Machine, folder: Path) -> None:
    products, serials = folder / "products.csv", folder / "serials.csv"
    products.write_text(f"gtin,name\n{GTIN},Some product\n")
    rows = "".join(f"{GTIN},{number:07d}\n" for number in range(ENTITIES))
    serials.write_text(f"gtin,serial_number\n{rows}")
    machine.labels("import", "--org", "acme", "--products", str(products), "--serials", str(serials))


@pytest.fixture(scope="module")
def stage(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    settings = shared.settings() | {
        "LABELS_EXECUTOR": "celery",
        "LABELS_LEASE_SECONDS": str(LEASE_SECONDS),
        "LABELS_RESEND_SECONDS": str(RESEND_SECONDS),
        "LABELS_RATE_PER_MINUTE": "100000",
        "LABELS_RATE_PER_DAY": "1000000",
    }
    folder = tmp_path_factory.mktemp("celery")
    with pytest.MonkeyPatch.context() as patch, machines(folder, settings, "control", "one", "two") as made:
        for name, value in shared.object_store.environment().items():
            patch.setenv(name, value)
        control, *workers = made
        yield Stage(shared, control, workers)


@pytest.fixture(autouse=True)
def _all_workers(stage: Stage) -> Iterator[None]:
    stage.start_workers()
    yield
    stage.start_workers()


@contextmanager
def _drawing(stage: Stage) -> Iterator[tuple[Exports, dict[str, Any]]]:
    """Yield a job whose symbols are being drawn. After the block, assert that it ends like all others."""
    with stage.client() as client:
        receipt = client.submit(JOB)
        until(lambda: stage.has_begun_to_draw(client, receipt), "symbols are drawn")
        yield client, receipt
        stage.assert_ends_as_ever(client, receipt)


def _children(machine: Machine) -> list[psutil.Process]:
    return machine.processes("worker")[1:]


def test_both_machines_execute_steps_and_each_step_once(stage: Stage) -> None:
    with _drawing(stage) as (_, receipt):
        pass
    ends = stage.ends_of_steps(receipt)
    assert set(ends.values()) == {1}
    assert sum("render_chunk" in step for step in ends) == 6
    for machine in stage.workers:
        assert receipt["job_id"] in machine.running["worker"].log_tail(100_000)


def test_a_killed_child_changes_nothing(stage: Stage) -> None:
    with _drawing(stage):
        kill(_children(stage.workers[0]))


def test_a_killed_worker_changes_nothing(stage: Stage) -> None:
    with _drawing(stage):
        stage.workers[0].kill("worker")


def test_all_workers_killed_and_started_later(stage: Stage) -> None:
    with _drawing(stage):
        for machine in stage.workers:
            machine.kill("worker")
        stage.start_workers()


def test_a_stopped_worker_ends_its_steps_first(stage: Stage) -> None:
    with _drawing(stage) as (_, receipt):
        first = stage.workers[0].running["worker"].process
        first.send_signal(signal.SIGTERM)
        assert first.wait(60) == 0
    assert set(stage.ends_of_steps(receipt).values()) == {1}


def test_a_killed_run_worker_changes_nothing(stage: Stage) -> None:
    """The executing steps go on, and the next run worker monitors them."""
    with _drawing(stage) as (_, receipt):
        workers = run_workers(stage.control.home)
        assert len(workers) == 1
        kill(workers)
    assert set(stage.ends_of_steps(receipt).values()) == {1}


@pytest.mark.parametrize(("before", "after"), [("local", "celery"), ("celery", "local")])
def test_a_run_is_resumed_under_another_setting(stage: Stage, before: str, after: str) -> None:
    """The service is killed with the steps that it forked. Steps on the other machines go on."""
    control = stage.control
    try:
        _restart(control, before)
        with stage.client() as client:
            receipt = client.submit(JOB)
            until(lambda: stage.has_begun_to_draw(client, receipt), "symbols are drawn")
        _restart(control, after)
        with stage.client() as client:
            stage.assert_ends_as_ever(client, receipt)
    finally:
        _restart(control, "celery")


def _restart(control: Machine, executor: str) -> None:
    control.kill("serve")
    control.settings = {**control.settings, "LABELS_EXECUTOR": executor}
    control.serve()


def test_a_restarted_broker_changes_nothing(stage: Stage) -> None:
    with _drawing(stage):
        stage._shared.redis.restart()


def test_a_broker_that_lost_everything_gets_the_steps_again(stage: Stage) -> None:
    """No worker runs when the first step is sent, so its message is lost too."""
    for machine in stage.workers:
        machine.kill("worker")
    with stage.client() as client, redis_client.Redis.from_url(stage.settings["LABELS_BROKER_URL"]) as broker:
        receipt = client.submit(JOB)
        until(
            lambda: any(key.startswith(b"labels.") for key in broker.scan_iter()), "the first step was sent"
        )
        stage._shared.redis.empty()
        stage.start_workers()
        stage.assert_ends_as_ever(client, receipt)


@pytest.mark.parametrize("moment", ["drawing", "assembled"])
def test_a_worker_that_sleeps_longer_than_its_lease_publishes_nothing_more(stage: Stage, moment: str) -> None:
    """The other machine finishes the job meanwhile. Processes that continue have lost their steps."""
    first, second = stage.workers
    if moment == "assembled":
        second.kill("worker")
    with stage.client() as client:
        receipt = client.submit(JOB)
        if moment == "drawing":
            until(lambda: stage.has_begun_to_draw(client, receipt), "symbols are drawn")
        else:
            until(lambda: stage.has_assembled(receipt), "the artefact is verified")
        asleep = first.processes("worker")
        for process in asleep:
            process.suspend()
        stage.start_workers()
        status = client.finish(receipt, seconds=300)
        for process in asleep:
            process.resume()
        assert status["status"] == "completed", (status["error_code"], status["error"])
        stage.assert_printed_once(receipt)
        # All leases of the first machine are lost or released when it answers again.
        again = client.submit(JOB)
        stage.assert_ends_as_ever(client, again)
        assert digest(client, client.poll(receipt)) == stage.undisturbed
        stage.assert_printed_once(receipt)


def test_a_step_past_its_time_limit_is_killed_and_sent_again(stage: Stage) -> None:
    """One machine gives a step one second, in which two cores draw none of six chunks at once."""
    first, second = stage.workers
    for machine in stage.workers:
        machine.kill("worker")
    hurried = Machine("hurried", first.folder, {**stage.settings, "LABELS_STEP_SECONDS": "1"})
    with hurried, stage.client() as client:
        log = hurried.start("worker", "--concurrency", "6").log
        receipt = client.submit(JOB)
        until(lambda: "Hard time limit (1s) exceeded" in log.read_text(), "a step is killed", 120)
        hurried.kill("worker")
        second.start("worker")
        stage.assert_ends_as_ever(client, receipt)
