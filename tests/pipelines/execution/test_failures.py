"""A run whose processes die repeatedly fails after five starts of a step, or five resumptions."""

import uuid

import dagster as dg
import pytest

from pipelines import tags
from pipelines.definitions import defs
from pipelines.execution import failures
from pipelines.execution.dagster_runs import ResumeRunContext
from pipelines.execution.run_launcher import ForkedRunLauncher
from pipelines.export.assets import LABEL_EXPORT_JOB

STEP = "label_export.render_chunk[0000002000]"


def begun(dagster: dg.DagsterInstance, step_starts: int, restarts: int = 0) -> dg.DagsterRun:
    """Return a run whose step was started so many times and has not ended."""
    job = defs.get_repository_def().get_job(LABEL_EXPORT_JOB)
    run_id = dagster.create_run_for_job(job, run_id=str(uuid.uuid4())).run_id
    kinds = [dg.DagsterEventType.PIPELINE_START, *[dg.DagsterEventType.STEP_START] * step_starts]
    for kind in kinds:
        step = STEP if kind is dg.DagsterEventType.STEP_START else None
        dagster.report_dagster_event(dg.DagsterEvent(kind.value, LABEL_EXPORT_JOB, step_key=step), run_id)
    dagster.add_run_tags(run_id, {tags.RESTARTS: str(restarts)})
    run = dagster.get_run_by_id(run_id)
    assert run is not None
    return run


@pytest.mark.parametrize(
    ("step_starts", "resumed", "restarts", "named"),
    [
        (4, 4, 0, None),
        (5, 5, 0, STEP),
        (5, 5, 1, None),
        (6, 6, 1, STEP),
        (0, 5, 0, None),
        (0, 6, 0, "between two steps"),
        (0, 6, 1, None),
        (1, 6, 0, STEP),
    ],
)
def test_when_a_run_is_given_up(
    dagster: dg.DagsterInstance, step_starts: int, resumed: int, restarts: int, named: str | None
) -> None:
    error = failures.died_too_often(dagster, begun(dagster, step_starts, restarts), resumed)
    assert (error and error.value) == named


def test_the_launcher_fails_a_run_instead_of_resuming_it(dagster: dg.DagsterInstance) -> None:
    run = begun(dagster, step_starts=5)
    launcher = dagster.run_launcher
    assert isinstance(launcher, ForkedRunLauncher)
    launcher.resume_run(ResumeRunContext(run, None, resume_attempt_number=5))
    ended = dagster.get_run_by_id(run.run_id)
    assert ended is not None
    assert ended.status is dg.DagsterRunStatus.FAILURE
    assert ended.tags[tags.ERROR_CODE] == "worker_died"
    assert STEP in ended.tags[tags.ERROR]
    assert tags.WORKER not in ended.tags
