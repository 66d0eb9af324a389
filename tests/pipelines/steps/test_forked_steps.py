"""Steps in forked processes: a killed step starts again, unless it reported its end or was killed too often."""

import os
import subprocess
import sys
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from accounts.store import Accounts
from pipelines import tags
from pipelines.execution import liveness
from pipelines.steps import forked_steps
from pipelines.steps.forked_steps import ForkedSteps
from tests.pipelines.steps.forked_jobs import LOG, executions


@pytest.mark.parametrize(
    ("name", "status", "log"),
    [
        ("killed_once", dg.DagsterRunStatus.SUCCESS, ["begin", "killed", "killed", "end"]),
        ("killed_on_its_way_out", dg.DagsterRunStatus.SUCCESS, ["begin", "killed", "end"]),
        ("killed_when_tried_again", dg.DagsterRunStatus.SUCCESS, ["begin", *["killed"] * 3, "end"]),
        ("always_killed", dg.DagsterRunStatus.FAILURE, ["begin", *["killed"] * 5]),
    ],
)
def test_a_killed_step(
    dagster: dg.DagsterInstance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    status: dg.DagsterRunStatus,
    log: list[str],
) -> None:
    monkeypatch.setenv(LOG, str(tmp_path / "log"))
    home = Path(dagster.root_directory).parent
    command = [sys.executable, "-m", "tests.pipelines.steps.forked_jobs", str(home), name]
    subprocess.run(command, check=True, timeout=120, capture_output=True, env=dict(os.environ))
    (run,) = dagster.get_runs()
    assert run.job_name == name
    assert run.status is status
    assert executions() == log
    if status is dg.DagsterRunStatus.FAILURE:
        assert run.tags[tags.ERROR_CODE] == "worker_died"
        assert "5 times in the step is_always_killed" in run.tags[tags.ERROR]
        (failed,) = dagster.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
        error = failed.event_log_entry.dagster_event.step_failure_data.error
        assert "ended 5 times without a result, now with exit code -9" in error.message


def test_a_step_at_work_on_another_machine_is_watched(
    dagster: dg.DagsterInstance, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that began on Celery is resumed with forked steps while one of its steps is still at work."""
    monkeypatch.setenv("LABELS_DAGSTER_URL", "postgresql://any/database")
    run_id = str(uuid.uuid4())
    arguments = SimpleNamespace(run_id=run_id, step_keys_to_execute=["a"], known_state=None)
    context: Any = SimpleNamespace(instance=dagster, execute_step_args=arguments)
    steps = ForkedSteps()
    lease = liveness.step_lease(run_id, "a")
    assert not steps.check_step_health(context).is_healthy, "nobody is at it"
    assert accounts.acquire_lease(lease, "another machine", 3600)
    assert steps.check_step_health(context).is_healthy
    started: list[object] = []
    monkeypatch.setattr(steps, "_start", started.append)
    monkeypatch.setattr(forked_steps, "given_up", lambda *_: None)
    assert accounts.release_lease(lease, "another machine")
    assert steps.check_step_health(context).is_healthy
    assert started == [context]
