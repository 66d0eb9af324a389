"""Steps in forked processes: a killed step starts again, unless it reported its end or was killed too often."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from pipelines import tags
from tests.pipelines.execution.forked_jobs import LOG, executions


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
    command = [sys.executable, "-m", "tests.pipelines.execution.forked_jobs", str(home), name]
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
