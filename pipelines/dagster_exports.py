"""The `Exports` port on Dagster: submit, cancel and read exports as runs of an instance."""

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

import dagster as dg

from accounts.identity import Organisation
from accounts.store import Accounts
from catalogue.queries.selected import Size
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.errors import (
    AlreadyFinished,
    ExportNotFound,
    KeyReused,
)
from exports.jobs import leases, plan
from exports.jobs.job_id import job_id_for, run_id_for
from exports.jobs.plan import ExportPlan
from exports.limits import Limits
from exports.ports import (
    ANSWER_SECONDS,
    Degradation,
    ExportJob,
    Gauges,
    JobPage,
    JobPosition,
    JobStatus,
    Page,
    Stage,
)
from exports.requests.request import ExportRequest
from exports.requests.row_ranges import RowRanges
from pipelines.execution.runs import Runs, parallel_from
from pipelines.execution.warm_workers import WarmWorkers
from pipelines.export import mirror, stage_times
from pipelines.export.job_state import job_of, run_of
from pipelines.export.progress import ProgressReader
from pipelines.storage import job_index, job_runs
from pipelines.storage.job_runs import JobRun
from pipelines.submission.claims import answering, run_id_of
from pipelines.submission.submissions import Submissions
from pipelines.watch import left_over
from pipelines.watch.service_state import ServiceState
from renderers.engine import Engine

log = logging.getLogger(__name__)

#: Namespace of the run ids made from an organisation and its idempotency key. Never change it.
_KEYED_RUNS = uuid.UUID("5f0c8a52-6a55-5d6e-8f43-0a4b6b1f2d90")


class DagsterExports:
    """Implements `Exports` on a Dagster instance. A job is a run, and its id is the run's id in short form."""

    def __init__(
        self,
        *,
        instance: dg.DagsterInstance,
        runs: Runs,
        workers: WarmWorkers,
        catalogue: Catalogue,
        artefacts: ArtefactStore,
        accounts: Accounts,
        sync_threshold: int,
        limits: Limits,
        engine: Engine = Engine.BATCH,
    ) -> None:
        self._instance = instance
        self._progress = ProgressReader(instance)
        self._runs = runs
        self._workers = workers
        self._state = ServiceState(instance, workers)
        self._catalogue = catalogue
        self._artefacts = artefacts
        self._sync_threshold = sync_threshold
        self._accounts = accounts
        self._submissions = Submissions(
            instance, catalogue, artefacts, accounts, limits, engine, self._progress
        )

    def ready(self) -> bool:
        return self._workers.ready

    def submit(
        self,
        organisation: Organisation,
        request: ExportRequest,
        *,
        requested_by: str,
        idempotency_key: str | None = None,
        wait_seconds: float = ANSWER_SECONDS,
    ) -> ExportJob:
        """Create the run. A warm worker executes a small one if it can start in time; every other run is queued.

        The run is stored before anything starts it. If the façade dies in between, nothing is printed until the client
        repeats the request with its idempotency key, which determines the run's id.
        """

        def plan_of(run_id: str) -> ExportPlan:
            return self._submissions.plan_of(run_id, organisation, request, requested_by)

        def is_same(stored: ExportPlan) -> bool:
            return stored.reprint_of is None and stored.request.normalised() == request.normalised()

        answer_by = time.monotonic() + wait_seconds
        return self._once(organisation, idempotency_key, plan_of, is_same, answer_by)

    def reprint(
        self,
        organisation: Organisation,
        job_id: str,
        *,
        requested_by: str,
        reason: str,
        rows: RowRanges | None = None,
        idempotency_key: str | None = None,
        wait_seconds: float = ANSWER_SECONDS,
    ) -> ExportJob:
        """Start a new job with the frozen rows of a completed one."""

        def plan_of(run_id: str) -> ExportPlan:
            return self._submissions.reprint_of(
                run_id, organisation, job_id, requested_by=requested_by, reason=reason, rows=rows
            )

        def is_same(stored: ExportPlan) -> bool:
            return (stored.reprint_of, stored.reason, stored.rows) == (job_id, reason, rows)

        answer_by = time.monotonic() + wait_seconds
        return self._once(organisation, idempotency_key, plan_of, is_same, answer_by)

    def cancel(self, organisation: str, job_id: str) -> ExportJob:
        """Decide that the job is cancelled. A running worker reads the decision between two batches."""
        job = self.job(organisation, job_id)
        run = self._instance.get_run_by_id(run_id_for(job_id))
        if run is None:
            raise ExportNotFound(job_id)
        if job.status.is_terminal and job.error_code != "cancelled":
            raise AlreadyFinished(job_id, job.status)
        if not left_over.cancel(run, self._instance, self._artefacts, self._accounts):
            raise AlreadyFinished(job_id, "being published")
        return self.job(organisation, job_id)

    def job(self, organisation: str, job_id: str) -> ExportJob:
        """Return the job's state. Raises ExportNotFound, also for another organisation's job."""
        return self._job_of(run_of(self._instance, organisation, job_id))

    def stages(self, organisation: str, job_id: str) -> Mapping[Stage, datetime]:
        run = run_of(self._instance, organisation, job_id)
        return stage_times.of(run, self._job_of(run), self._instance, self._artefacts)

    def jobs(
        self,
        organisation: str,
        page: Page,
        status: JobStatus | None = None,
        after: JobPosition | None = None,
    ) -> JobPage:
        self._settle(organisation)
        # One snapshot, so that every job on the page has the requested status and the total counts it.
        with job_index.of(self._instance).snapshot() as connection:
            found = job_index.page(
                connection, organisation, status, after=after, offset=page.offset, limit=page.size + 1
            )
            total = job_index.count(connection, organisation, status)
            runs = job_runs.of_ids(connection, found[: page.size])
        return JobPage([self._job_of(run) for run in runs], total, len(found) > page.size)

    def gauges(self) -> Gauges:
        self._settle()
        return self._state.gauges()

    def degraded(self) -> frozenset[Degradation]:
        return self._state.degraded()

    def _once(
        self,
        organisation: Organisation,
        key: str | None,
        plan_of: Callable[[str], ExportPlan],
        is_same: Callable[[ExportPlan], bool],
        answer_by: float,
    ) -> ExportJob:
        """Create the job, or return the job that was created earlier with the same idempotency key.

        The key determines the run id. If a submission fails, its run is cancelled when it has no key; with a key, the
        run stays for the client's retry.
        """
        if key is None:
            self._submissions.require_few_open(organisation.slug)
            wanted = plan_of(str(uuid.uuid4()))
            size = self._submissions.size_of_allowed(wanted)
            try:
                return self._start(wanted, size, answer_by)
            except BaseException:
                self._abandon(wanted)
                raise
        run_id = run_id_of(_KEYED_RUNS, organisation.slug, key)
        with answering(self._accounts, run_id, key):
            stored = plan.find(job_id_for(run_id), self._artefacts)
            size: Size | None = None
            if stored is None:
                self._submissions.require_few_open(organisation.slug)
                stored = plan_of(run_id)
                # A refused request is not stored, so its key can be used again.
                size = self._submissions.size_of_allowed(stored)
            elif not is_same(stored):
                raise KeyReused(key)
            run = self._instance.get_run_by_id(run_id)
            if run is None or run.status is dg.DagsterRunStatus.NOT_STARTED:
                if size is None:
                    size = self._submissions.size_of_allowed(stored)
                return self._start(stored, size, answer_by)
            return self.job(stored.organisation, stored.job_id)

    def _start(self, wanted: ExportPlan, size: Size, answer_by: float) -> ExportJob:
        trays = self._submissions.trays
        trays.take(wanted)
        plan.save(wanted, self._artefacts)
        # Each copy is drawn, so copies count.
        small = size.labels <= self._sync_threshold
        self._runs.create(wanted, small=small, parallel=not small and size.entities >= parallel_from())
        trays.hold(wanted)
        receipt = self.job(wanted.organisation, wanted.job_id)
        self._execute_or_queue(wanted, small, answer_by)
        try:
            return self.job(wanted.organisation, wanted.job_id)
        except Exception:
            # The job has started, so the answer must not be an error.
            log.exception("job %s has started, but its state cannot be read", wanted.job_id)
            return receipt

    def _execute_or_queue(self, wanted: ExportPlan, small: bool, answer_by: float) -> None:
        """Execute a small job in a warm worker, or queue it. A job whose stock lease is taken is queued."""
        if not (small and leases.try_acquire(wanted, self._accounts, self._artefacts)):
            self._queue(wanted)
            return
        wait_seconds = max(0.0, answer_by - time.monotonic())
        self._workers.execute(
            run_id_for(wanted.job_id), wanted.organisation, wait_seconds, instead=partial(self._queue, wanted)
        )

    def _queue(self, wanted: ExportPlan) -> None:
        """Release the stock lease and queue the run, unless it was cancelled while it waited for a worker."""
        leases.release(wanted, self._accounts)
        run = self._instance.get_run_by_id(run_id_for(wanted.job_id))
        if run is not None and run.status is dg.DagsterRunStatus.NOT_STARTED:
            self._runs.queue(run)

    def _abandon(self, wanted: ExportPlan) -> None:
        """Cancel the run of a failed submission, if it exists. If this fails, a later sweep cancels it."""
        try:
            run = self._instance.get_run_by_id(run_id_for(wanted.job_id))
            if run is not None:
                left_over.cancel(run, self._instance, self._artefacts, self._accounts)
        except Exception:
            log.exception("job %s was answered with an error and cannot be cancelled now", wanted.job_id)

    def _settle(self, organisation: str | None = None) -> None:
        """Ask the catalogue, once for each job that failed after publishing, whether its labels are recorded."""
        with job_index.of(self._instance).snapshot() as connection:
            runs = job_runs.of_ids(connection, job_index.unsettled(connection, organisation))
        for run in runs:
            mirror.settle(self._instance, run, self._catalogue, self._artefacts)

    def _job_of(self, run: JobRun) -> ExportJob:
        return job_of(run, self._progress, self._artefacts, self._catalogue)
