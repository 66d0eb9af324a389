"""Orderly stops of the service, which are not to count as crashes of the runs at work."""

from pathlib import Path

import dagster as dg

from pipelines import tags
from pipelines.execution import worker
from pipelines.storage import instance


def count_stop(home: Path) -> None:
    """Count on each run that a process of this machine executes that the process is about to be stopped."""
    with instance.load(home) as dagster:
        count(dagster)


def count(dagster: dg.DagsterInstance) -> None:
    for run in dagster.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        if worker.pid_of(run) is not None:
            restarts = int(run.tags.get(tags.RESTARTS, 0)) + 1
            dagster.add_run_tags(run.run_id, {tags.RESTARTS: str(restarts)})
