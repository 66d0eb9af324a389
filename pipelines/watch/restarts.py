"""Count orderly stops of the service, so that they do not count as crashes of the runs."""

from pathlib import Path

import dagster as dg

from pipelines import tags
from pipelines.execution import worker
from pipelines.storage import instance


def count_stop(home: Path) -> None:
    """Tag each run that this machine executes with one more orderly stop."""
    with instance.load(home) as dagster:
        count(dagster)


def count(dagster: dg.DagsterInstance) -> None:
    for run in dagster.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        if worker.pid_of(run) is not None:
            restarts = int(run.tags.get(tags.RESTARTS, 0)) + 1
            dagster.add_run_tags(run.run_id, {tags.RESTARTS: str(restarts)})
