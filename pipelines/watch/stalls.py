"""Restart the worker of an export that makes no progress. Fail the export at the third stall."""

from collections.abc import Mapping, Sequence

import dagster as dg

from accounts.store import Accounts
from exports.artefacts import ArtefactStore
from exports.errors import Stalled
from pipelines import tags
from pipelines.execution import failures, worker
from pipelines.watch.sightings import Sightings

#: An export logs its progress every few seconds. Its longest steps without a log line take some minutes.
_EXPORT_SECONDS = 900.0

#: Imports and upkeep log nothing before they end, so this limits the duration of their steps.
_SECONDS: Mapping[str, float] = {tags.IMPORT: 3_600.0, tags.UPKEEP: 3 * 3_600.0}

_STALLS_AT_MOST = 3


def restart_stalled(
    instance: dg.DagsterInstance,
    artefacts: ArtefactStore,
    accounts: Accounts,
    seen: Sightings[tuple[str, int]],
) -> Sequence[str]:
    """Kill the workers of runs that have logged no event for too long. Return a line of text for each.

    Run monitoring resumes the run of a dead worker. An export that stalls for the third time fails, and any other run
    fails at once. `seen` remembers the newest events of earlier calls by a monotonic clock, because the wall clock can
    be set.
    """
    runs = {
        (run.run_id, _newest_event(instance, run)): run
        for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    }
    silent = seen.seconds(runs)
    return [
        _restart(instance, run, silent[key], artefacts, accounts)
        for key, run in runs.items()
        if silent[key] >= _SECONDS.get(run.tags.get(tags.KIND, ""), _EXPORT_SECONDS)
    ]


def _restart(
    instance: dg.DagsterInstance,
    run: dg.DagsterRun,
    seconds: float,
    artefacts: ArtefactStore,
    accounts: Accounts,
) -> str:
    stalls = int(run.tags.get(tags.STALLS, 0)) + 1
    instance.add_run_tags(run.run_id, {tags.STALLS: str(stalls)})
    step = next(iter(failures.at_work(instance, run.run_id)), "between two steps")
    stalled = f"run {run.run_id} made no progress for {seconds / 60:.0f} minutes in {step}"
    fails = stalls >= _STALLS_AT_MOST or tags.ORGANISATION not in run.tags
    if fails:
        # Before the kill, so that run monitoring does not resume the run.
        failures.give_up(instance, run, Stalled(step, stalls, seconds), artefacts, accounts)
    worker.kill(run)
    return f"{stalled}: {'failed' if fails else 'its worker was killed'}"


def _newest_event(instance: dg.DagsterInstance, run: dg.DagsterRun) -> int:
    page = instance.get_records_for_run(run.run_id, limit=1, ascending=False)
    return page.records[0].storage_id if page.records else 0
