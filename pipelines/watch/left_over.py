"""Cancel exports whose submission failed or was never answered, so that they print nothing later."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from accounts.store import Accounts
from exports.artefacts import ArtefactStore
from exports.jobs import decision, leases, plan
from exports.jobs.job_id import job_id_for, run_id_for
from exports.ports import ANSWER_SECONDS
from pipelines.export import mirror
from pipelines.submission.run_coordinator import exports_labels
from pipelines.watch.sightings import Sightings

#: A run that has not started after this time has lost its submission.
_ABANDONED_AFTER_SECONDS = 3 * ANSWER_SECONDS

#: A run whose id is derived from an idempotency key or a schedule's tick waits this long for a retry of its submission.
_REPEATED_WITHIN = timedelta(days=1)

#: One sweeper at a time, over all machines.
_CLAIM, _CLAIM_SECONDS = "left-over-runs", 300.0


def cancel(
    run: dg.DagsterRun, instance: dg.DagsterInstance, artefacts: ArtefactStore, accounts: Accounts
) -> bool:
    """Decide that the run's job is cancelled. Return False if it is committed.

    A running worker reads the decision between two batches.
    """
    job_id = job_id_for(run.run_id)
    if not mirror.cancel(instance, run.run_id, artefacts):
        return False
    if run.status is dg.DagsterRunStatus.QUEUED:
        instance.run_coordinator.cancel_run(run.run_id)
    elif run.status is dg.DagsterRunStatus.NOT_STARTED:
        instance.report_run_canceled(run)
        # The run may hold the stock lease while it waits for a warm worker. A run made in Dagster's UI has no plan yet.
        if (export := plan.find(job_id, artefacts)) is not None:
            leases.release(export, accounts)
    return True


def sweep(
    instance: dg.DagsterInstance,
    artefacts: ArtefactStore,
    accounts: Accounts,
    seen: Sightings[str],
    now: datetime,
) -> Sequence[str]:
    """Cancel exports that were created, never started, and will not be submitted again. Return the runs' ids.

    Also release the stock leases of ended runs. Return nothing while another sweeper runs.

    `seen` remembers the runs of this sweeper's earlier calls by a monotonic clock, because the wall clock can be set.
    `now` is aware.
    """
    holder = str(uuid.uuid4())
    if not accounts.acquire_lease(_CLAIM, holder, _CLAIM_SECONDS):
        return []
    try:
        waiting = instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.NOT_STARTED]))
        records = {
            record.dagster_run.run_id: record for record in waiting if exports_labels(record.dagster_run)
        }
        ages = seen.seconds(records)
        left = [
            record.dagster_run
            for run_id, record in records.items()
            if ages[run_id] >= _ABANDONED_AFTER_SECONDS and not _may_be_repeated(record, now)
        ]
        for run in left:
            cancel(run, instance, artefacts, accounts)
        _free_stock(instance, artefacts, accounts)
    finally:
        accounts.release_lease(_CLAIM, holder)
    return [run.run_id for run in left]


def _free_stock(instance: dg.DagsterInstance, artefacts: ArtefactStore, accounts: Accounts) -> None:
    """Free the expired stock leases of runs that ended or were removed without releasing them."""
    for name, holder in accounts.expired_leases(leases.PREFIX).items():
        run = instance.get_run_by_id(run_id_for(holder))
        if run is None or run.is_finished:
            # A process of such a run may be paused. The cancellation prevents it from publishing later.
            decision.cancel(holder, artefacts, datetime.now(UTC))
            accounts.release_lease(name, holder)


def _may_be_repeated(record: dg.RunRecord, now: datetime) -> bool:
    # Ids of version 5 are derived from a key or a tick. All others are random.
    age = now - record.create_timestamp.replace(tzinfo=UTC)
    return uuid.UUID(record.dagster_run.run_id).version == 5 and age < _REPEATED_WITHIN
