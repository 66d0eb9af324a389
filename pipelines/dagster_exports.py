"""The `Exports` port on Dagster: submit, cancel and read exports as runs of an instance."""

import threading
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import dagster as dg
from pydantic import ValidationError

from accounts.errors import UnusableResolver
from accounts.identity import Organisation
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.errors import (
    AlreadyFinished,
    ExportNotFound,
    KeyReused,
    NotReprintable,
    StillInFlight,
)
from exports.jobs import manifest, plan
from exports.jobs.job_id import job_id_for, run_id_for
from exports.jobs.plan import ExportPlan
from exports.limits import Limits, count_of_allowed, require_within
from exports.ports import ExportJob, Gauges, JobPage, JobPosition, JobStatus, Page
from exports.requests.request import ExportRequest
from exports.requests.row_ranges import RowRanges, count_within
from exports.symbols.links import require_links_possible
from pipelines import tags
from pipelines.execution.runs import PARALLEL_FROM, Runs
from pipelines.execution.warm_workers import WarmWorkers
from pipelines.export import mirror
from pipelines.export.job_state import job_of
from pipelines.export.progress import ProgressReader
from pipelines.storage import job_index
from renderers.engine import Engine

#: A small job waits this long for a warm worker; then it is queued like a large one.
WARM_WAIT_SECONDS = 20.0

#: A run older than this that nobody started waits for no warm worker any more.
_LEFT_OVER_AFTER = timedelta(seconds=WARM_WAIT_SECONDS + 10)

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
        sync_threshold: int,
        limits: Limits,
        engine: Engine = Engine.BATCH,
    ) -> None:
        self._instance = instance
        self._progress = ProgressReader(instance)
        self._runs = runs
        self._workers = workers
        self._catalogue = catalogue
        self._artefacts = artefacts
        self._sync_threshold = sync_threshold
        self._limits = limits
        self._engine = engine
        self._in_flight: set[str] = set()
        self._in_flight_lock = threading.Lock()

    def ready(self) -> bool:
        return self._workers.ready

    def submit(
        self,
        organisation: Organisation,
        request: ExportRequest,
        *,
        requested_by: str,
        idempotency_key: str | None = None,
    ) -> ExportJob:
        """Create the run. A warm worker executes a small one before this returns; a large one is queued.

        The run is stored before anything starts it, so a crash in between loses nothing. An idempotency key
        determines the run's id, and the first request to store its plan makes the job.
        """
        if idempotency_key is None:
            wanted = self._plan(str(uuid.uuid4()), organisation, request, requested_by)
            return self._start(wanted, self._count_of_allowed(wanted))
        wanted = self._plan(_keyed_run_id(organisation, idempotency_key), organisation, request, requested_by)
        with self._answering(wanted.job_id, idempotency_key):
            return self._submit_keyed(wanted, idempotency_key)

    def _submit_keyed(self, wanted: ExportPlan, key: str) -> ExportJob:
        stored = plan.find(wanted.job_id, self._artefacts)
        if stored is None:
            # A refused request is not stored, so its key can be used again.
            count = self._count_of_allowed(wanted)
            if plan.save(wanted, self._artefacts):
                return self._start(wanted, count)
            stored = plan.load(wanted.job_id, self._artefacts)
        if stored.request.normalised() != wanted.request.normalised():
            raise KeyReused(key)
        record = self._instance.get_run_record_by_id(run_id_for(stored.job_id))
        if record is None:
            # The first attempt stored its plan and died before it created the run.
            return self._start(stored, self._count_of_allowed(stored))
        self._submit_if_left_over(record, key)
        return self.job(stored.organisation, stored.job_id)

    def reprint(
        self,
        organisation: Organisation,
        job_id: str,
        *,
        requested_by: str,
        reason: str,
        rows: RowRanges | None = None,
    ) -> ExportJob:
        """Start a new job with the frozen rows of a completed one."""
        job = self.job(organisation.slug, job_id)
        if job.status is not JobStatus.COMPLETED:
            raise NotReprintable(job_id, f"it is {job.status}, not completed")
        try:
            original = plan.load(job_id, self._artefacts)
        except ValidationError as error:
            raise NotReprintable(job_id, "its settings are no longer accepted, so export anew") from error
        if not manifest.is_frozen(original, self._artefacts):
            raise NotReprintable(job_id, "its manifest has expired")
        count = job.total_items if rows is None else count_within(rows, job.total_items)
        try:
            require_links_possible(original)
        except UnusableResolver as error:
            raise NotReprintable(job_id, "its links would mislead parsers, so export anew") from error
        again = ExportPlan(
            job_id=job_id_for(uuid.uuid4()),
            organisation=organisation.slug,
            resolver=original.resolver,
            requested_by=requested_by,
            submitted_at=datetime.now(UTC),
            request=original.request,
            engine=original.engine,
            reprint_of=job_id,
            reason=reason,
            rows=rows,
        )
        require_within(self._limits, again, count, self._artefacts, loc=["path", "job_id"])
        return self._start(again, count)

    def cancel(self, organisation: str, job_id: str) -> ExportJob:
        """Decide that the job is cancelled. A run at work reads the decision between two batches."""
        record = self._record(organisation, job_id)
        job = self._job_of(record)
        if job.status.is_terminal and job.error_code != "cancelled":
            raise AlreadyFinished(job_id, job.status)
        run = record.dagster_run
        if not mirror.cancel(self._instance, run.run_id, self._artefacts):
            raise AlreadyFinished(job_id, "being published")
        if run.status is dg.DagsterRunStatus.QUEUED:
            self._instance.run_coordinator.cancel_run(run.run_id)
        elif run.status is dg.DagsterRunStatus.NOT_STARTED:
            self._instance.report_run_canceled(run)
        return self.job(organisation, job_id)

    def job(self, organisation: str, job_id: str) -> ExportJob:
        """Return the job's state. Raises ExportNotFound, also for another organisation's job."""
        return self._job_of(self._record(organisation, job_id))

    def jobs(
        self,
        organisation: str,
        page: Page,
        status: JobStatus | None = None,
        after: JobPosition | None = None,
    ) -> JobPage:
        self._settle(organisation)
        runs = job_index.of(self._instance)
        # One snapshot, so that a job on a page of one status has that status, and the total counts it.
        with runs.snapshot() as connection:
            found = job_index.page(
                connection, organisation, status, after=after, offset=page.offset, limit=page.size + 1
            )
            total = job_index.count(connection, organisation, status)
            records = self._records(found[: page.size])
        return JobPage([self._job_of(record) for record in records], total, len(found) > page.size)

    def gauges(self) -> Gauges:
        self._settle()
        with job_index.of(self._instance).snapshot() as connection:
            totals = job_index.totals(connection)
        age = 0.0
        if totals.oldest_pending is not None:
            age = (datetime.now(UTC) - totals.oldest_pending.replace(tzinfo=UTC)).total_seconds()
        return Gauges(totals.jobs, max(0.0, age), totals.entities)

    def submit_left_over(self) -> Sequence[str]:
        """Queue the runs that were created and never started, as after a crash. Return their ids."""
        runs = self._instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.NOT_STARTED]))
        for run in runs:
            self._runs.queue(run)
        return [run.run_id for run in runs]

    def _plan(
        self, run_id: str, organisation: Organisation, request: ExportRequest, requested_by: str
    ) -> ExportPlan:
        return ExportPlan(
            job_id=job_id_for(run_id),
            organisation=organisation.slug,
            resolver=organisation.resolver,
            requested_by=requested_by,
            submitted_at=datetime.now(UTC),
            request=request,
            engine=self._engine,
        )

    def _count_of_allowed(self, wanted: ExportPlan) -> int:
        return count_of_allowed(wanted, self._catalogue, self._artefacts, self._limits)

    def _start(self, wanted: ExportPlan, count: int) -> ExportJob:
        plan.save(wanted, self._artefacts)
        run_id = run_id_for(wanted.job_id)
        # Each copy is drawn, so copies count.
        small = count * (wanted.config.copies or 1) <= self._sync_threshold
        created = self._runs.create(wanted, parallel=not small and count >= PARALLEL_FROM)
        if created and not (small and self._workers.execute(run_id, WARM_WAIT_SECONDS)):
            self._queue(run_id)
        return self.job(wanted.organisation, wanted.job_id)

    def _queue(self, run_id: str) -> None:
        run = self._instance.get_run_by_id(run_id)
        # The run may have been cancelled while it waited for a worker.
        if run is not None and not run.is_finished:
            self._runs.queue(run)

    def _submit_if_left_over(self, record: dg.RunRecord, key: str) -> None:
        """Queue a run whose façade died before starting it. Raises StillInFlight if the run is young."""
        run = record.dagster_run
        if run.status is not dg.DagsterRunStatus.NOT_STARTED:
            return
        age = datetime.now(UTC) - record.create_timestamp.replace(tzinfo=UTC)
        if age < _LEFT_OVER_AFTER:
            raise StillInFlight(key)
        self._runs.queue(run)

    def _settle(self, organisation: str | None = None) -> None:
        """Ask the catalogue about jobs that failed after publishing, which nobody has asked about yet."""
        with job_index.of(self._instance).snapshot() as connection:
            run_ids = job_index.unsettled(connection, organisation)
        for record in self._records(run_ids):
            mirror.settle(self._instance, record.dagster_run, self._catalogue)

    def _records(self, run_ids: Sequence[str]) -> Sequence[dg.RunRecord]:
        """Return the records of the runs in this order, without those that have been removed."""
        if not run_ids:
            return []
        records = self._instance.get_run_records(dg.RunsFilter(run_ids=run_ids))
        by_id = {record.dagster_run.run_id: record for record in records}
        return [by_id[run_id] for run_id in run_ids if run_id in by_id]

    def _job_of(self, record: dg.RunRecord) -> ExportJob:
        return job_of(record, self._progress, self._artefacts, self._catalogue)

    def _record(self, organisation: str, job_id: str) -> dg.RunRecord:
        record = self._instance.get_run_record_by_id(run_id_for(job_id))
        if record is None or record.dagster_run.tags.get(tags.ORGANISATION) != organisation:
            raise ExportNotFound(job_id)
        return record

    @contextmanager
    def _answering(self, job_id: str, key: str) -> Generator[None]:
        """Mark the job as being answered. Raises StillInFlight if another request with the key is at it."""
        with self._in_flight_lock:
            if job_id in self._in_flight:
                raise StillInFlight(key)
            self._in_flight.add(job_id)
        try:
            yield
        finally:
            with self._in_flight_lock:
                self._in_flight.discard(job_id)


def _keyed_run_id(organisation: Organisation, key: str) -> str:
    # A slug holds no line feed, so different pairs have different names.
    return str(uuid.uuid5(_KEYED_RUNS, f"{organisation.slug}\n{key}"))
