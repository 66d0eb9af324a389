"""What a message says, to whom it goes, and when a worker does nothing with it."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from accounts.store import Accounts
from pipelines.definitions import defs
from pipelines.execution import dagster_workers, liveness
from pipelines.export.assets import LABEL_EXPORT_JOB
from pipelines.steps import celery_app
from pipelines.steps.dagster_steps import ExecuteStepArgs, RetryMode
from tests.pipelines.steps.forked_jobs import LOG, executions

STEP = "label_export.resolve"


@pytest.fixture(autouse=True)
def _in_memory(dagster: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LABELS_HOME", str(Path(dagster.root_directory).parent))
    monkeypatch.setenv("LABELS_EXECUTOR", "celery")
    monkeypatch.setenv("LABELS_BROKER_URL", "memory://")
    celery_app.app.cache_clear()
    yield
    celery_app.app.cache_clear()


@pytest.fixture
def arguments(dagster: dg.DagsterInstance) -> ExecuteStepArgs:
    job = defs.get_repository_def().get_job(LABEL_EXPORT_JOB)
    run = dagster.create_run_for_job(job, run_id=str(uuid.uuid4()))
    origin = dg.reconstructable(_job).get_python_origin()
    return ExecuteStepArgs(origin, run.run_id, [STEP], dagster.get_ref(), RetryMode.ENABLED)


@dg.job
def _job() -> None:
    pass


def _waiting(lane: int) -> list[str]:
    """Take the messages of a lane, and return the argument of each."""
    found: list[str] = []
    with celery_app.app().connection_for_read() as connection:
        queue = connection.SimpleQueue(f"labels.{lane}")
        while queue.qsize():
            message = queue.get(block=False)
            assert message.content_type == "application/json"
            found.append(message.payload[0][0])
            message.ack()
        queue.close()
    return found


def test_a_message_has_no_reference_to_the_instance(arguments: ExecuteStepArgs) -> None:
    """That has the passwords of the databases."""
    assert arguments.instance_ref is not None
    celery_app.send(arguments, "acme")
    (message,) = [message for lane in range(celery_app.LANES) for message in _waiting(lane)]
    assert arguments.run_id in message
    assert json.loads(message)["instance_ref"] is None
    assert "RunStorage" not in message


def test_the_steps_of_an_organisation_share_a_lane(arguments: ExecuteStepArgs) -> None:
    for organisation in ("acme", "globex", "acme"):
        celery_app.send(arguments, organisation)
    counts = [len(_waiting(lane)) for lane in range(celery_app.LANES)]
    assert sorted(count for count in counts if count) == [1, 2]


@pytest.mark.parametrize("reason", ["held", "ended", "run ended", "no run", None])
def test_when_a_worker_does_nothing(
    dagster: dg.DagsterInstance,
    accounts: Accounts,
    arguments: ExecuteStepArgs,
    monkeypatch: pytest.MonkeyPatch,
    reason: str | None,
) -> None:
    lease = liveness.step_lease(arguments.run_id, STEP)
    executed: list[str] = []
    monkeypatch.setattr(
        dagster_workers,
        "execute_step_body",
        lambda _args, _instance, run: iter([executed.append(run.run_id), _is_held(accounts, lease)]),
    )
    match reason:
        case "held":
            accounts.acquire_lease(lease, "another machine", 3600)
        case "ended":
            end = dg.DagsterEvent(dg.DagsterEventType.STEP_SKIPPED.value, LABEL_EXPORT_JOB, step_key=STEP)
            dagster.report_dagster_event(end, arguments.run_id)
        case "run ended":
            run = dagster.get_run_by_id(arguments.run_id)
            assert run is not None
            dagster.report_run_failed(run)
        case "no run":
            dagster.delete_run(arguments.run_id)
        case _:
            pass
    celery_app.send(arguments, "acme")
    (message,) = [message for lane in range(celery_app.LANES) for message in _waiting(lane)]
    celery_app.execute(message)
    assert executed == ([] if reason else [arguments.run_id])
    assert (accounts.lease_holder(lease) is not None) is (reason == "held")


def _is_held(accounts: Accounts, lease: str) -> None:
    assert accounts.lease_holder(lease)


def test_the_environment_says_where_the_steps_of_a_run_execute(
    dagster: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The config of the run is the one of forked steps."""
    monkeypatch.setenv(LOG, str(tmp_path / "log"))
    home = Path(dagster.root_directory).parent
    command = [sys.executable, "-m", "tests.pipelines.steps.forked_jobs", str(home), "ordinary", "eager"]
    subprocess.run(command, check=True, timeout=120, capture_output=True, env=dict(os.environ))
    (run,) = dagster.get_runs()
    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert executions() == ["begin", "end"]
    events = dagster.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT).records
    assert any("step handler CelerySteps" in event.event_log_entry.message for event in events)
