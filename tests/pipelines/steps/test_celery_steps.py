"""Steps sent to workers: what nobody begins or whose process dies is sent again, and nothing else is."""

import uuid
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from kombu.exceptions import OperationalError

from accounts.store import Accounts
from pipelines import tags
from pipelines.definitions import defs
from pipelines.execution import liveness
from pipelines.export.assets import LABEL_EXPORT_JOB
from pipelines.steps.celery_steps import CelerySteps

STEP = "label_export.resolve"


@dataclass
class Stage:
    """A run with one step, a clock, and what was sent at which time."""

    dagster: dg.DagsterInstance
    accounts: Accounts
    now: float = 0.0
    sent: list[float] = field(default_factory=list)
    broker_is_away: bool = False

    def __post_init__(self) -> None:
        job = defs.get_repository_def().get_job(LABEL_EXPORT_JOB)
        self.run_id = self.dagster.create_run_for_job(job, run_id=str(uuid.uuid4())).run_id
        self.dagster.add_run_tags(self.run_id, {tags.ORGANISATION: "acme"})
        self.steps = self.new_run_worker()

    def new_run_worker(self) -> CelerySteps:
        return CelerySteps(self.accounts, 30.0, self._send, lambda: self.now)

    def _send(self, arguments: Any, organisation: str) -> None:
        assert organisation == "acme"
        if self.broker_is_away:
            raise OperationalError("refused")
        self.sent.append(self.now)

    @property
    def context(self) -> Any:
        arguments = SimpleNamespace(
            run_id=self.run_id, step_keys_to_execute=[STEP], known_state=None, instance_ref=None
        )
        return SimpleNamespace(
            instance=self.dagster,
            dagster_run=self.dagster.get_run_by_id(self.run_id),
            execute_step_args=arguments,
        )

    def launch(self) -> None:
        assert list(self.steps.launch_step(self.context)) == []

    def is_healthy_at(self, now: float) -> bool:
        self.now = now
        return self.steps.check_step_health(self.context).is_healthy

    def take_lease(self) -> None:
        assert self.accounts.acquire_lease(liveness.step_lease(self.run_id, STEP), "a worker", 3600)

    def lose_lease(self) -> None:
        assert self.accounts.release_lease(liveness.step_lease(self.run_id, STEP), "a worker")

    def report(self, kind: dg.DagsterEventType) -> None:
        self.dagster.report_dagster_event(
            dg.DagsterEvent(kind.value, LABEL_EXPORT_JOB, step_key=STEP), self.run_id
        )


@pytest.fixture
def stage(dagster: dg.DagsterInstance, accounts: Accounts) -> Stage:
    return Stage(dagster, accounts)


def test_what_nobody_begins_is_sent_again_after_twice_as_long_each_time(stage: Stage) -> None:
    stage.launch()
    assert all(stage.is_healthy_at(float(now)) for now in range(0, 1000, 5))
    assert stage.sent == [0.0, 30.0, 90.0, 210.0, 450.0, 930.0]


def test_what_is_at_work_or_has_ended_is_not_sent_again(stage: Stage) -> None:
    stage.launch()
    stage.take_lease()
    assert stage.is_healthy_at(100)
    stage.report(dg.DagsterEventType.STEP_START)
    stage.report(dg.DagsterEventType.STEP_SKIPPED)
    stage.lose_lease()
    assert stage.is_healthy_at(200)
    assert stage.sent == [0.0]


def test_a_step_whose_process_died_is_sent_again_at_once(stage: Stage) -> None:
    stage.launch()
    stage.take_lease()
    assert stage.is_healthy_at(5)
    stage.lose_lease()
    assert stage.is_healthy_at(10)
    assert stage.sent == [0.0, 10.0]
    assert stage.is_healthy_at(15), "it waits for a worker"
    assert stage.sent == [0.0, 10.0]


@pytest.mark.parametrize("starts", [0, 5], ids=["before it told its start", "after it told its start"])
def test_a_step_whose_processes_died_five_times_fails_its_job(stage: Stage, starts: int) -> None:
    stage.launch()
    health: list[bool] = []
    for death in range(5):
        stage.take_lease()
        health.append(stage.is_healthy_at(20 * death + 5))
        if death < starts:
            stage.report(dg.DagsterEventType.STEP_START)
        stage.lose_lease()
        health.append(stage.is_healthy_at(20 * death + 10))
    assert health == [True] * 9 + [False]
    run = stage.dagster.get_run_by_id(stage.run_id)
    assert run is not None
    assert run.tags[tags.ERROR_CODE] == "worker_died"
    assert len(stage.sent) == 5


def test_a_resumed_run_sends_what_was_not_sent_before(stage: Stage) -> None:
    """Dagster asks about the first step of a new run, too."""
    stage.launch()
    stage.steps = stage.new_run_worker()
    assert not stage.is_healthy_at(1)
    stage.launch()
    assert stage.is_healthy_at(6)
    assert stage.sent == [0.0, 1.0]


def test_a_resumed_run_watches_what_is_at_work(stage: Stage) -> None:
    stage.launch()
    stage.take_lease()
    stage.steps = stage.new_run_worker()
    assert stage.is_healthy_at(1)
    stage.lose_lease()
    assert stage.is_healthy_at(6)
    assert stage.sent == [0.0, 6.0]


def test_a_resumed_run_hears_of_what_ended_meanwhile(stage: Stage) -> None:
    stage.report(dg.DagsterEventType.STEP_START)
    stage.report(dg.DagsterEventType.STEP_SKIPPED)
    assert stage.is_healthy_at(1)
    assert stage.sent == []


def test_a_broker_that_is_away_delays_a_step(stage: Stage) -> None:
    stage.broker_is_away = True
    stage.launch()
    assert stage.is_healthy_at(29)
    stage.broker_is_away = False
    assert stage.is_healthy_at(31)
    assert stage.sent == [31.0]


def test_a_retried_step_waits_anew(stage: Stage) -> None:
    """Its lease was lost because its first attempt ended."""
    stage.launch()
    stage.take_lease()
    assert stage.is_healthy_at(5)
    stage.lose_lease()
    stage.now = 8
    stage.launch()
    assert stage.is_healthy_at(10)
    assert stage.sent == [0.0, 8.0]
