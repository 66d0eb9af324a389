"""The checks of every submission, from a client of the façade or from Dagster's UI."""

from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from accounts.errors import UnusableResolver
from accounts.identity import Organisation
from accounts.store import Accounts
from catalogue.queries.selected import Size
from catalogue.tables import Catalogue
from exports.admission import require_within, size_of_allowed
from exports.artefacts import ArtefactStore
from exports.designs.chosen import chosen
from exports.errors import NotReprintable, UnreadableDocument
from exports.jobs import manifest, plan
from exports.jobs.job_id import job_id_for
from exports.jobs.plan import ExportPlan
from exports.limits import Limits
from exports.ports import ExportJob, JobStatus
from exports.printers.trays import Trays
from exports.requests.request import ExportRequest
from exports.requests.row_ranges import RowRanges, count_within
from exports.sheets.templates import templates_in
from exports.symbols.links import require_links_possible
from pipelines.export.job_state import job_of, run_of
from pipelines.export.progress import ProgressReader
from pipelines.storage.totals import require_room
from pipelines.submission import open_jobs
from renderers.engine import Engine


@dataclass(slots=True)
class Submissions:
    """Makes plans of new jobs and checks them against the service's limits. It stores nothing."""

    instance: dg.DagsterInstance
    catalogue: Catalogue
    artefacts: ArtefactStore
    accounts: Accounts
    limits: Limits
    engine: Engine
    progress: ProgressReader

    @property
    def trays(self) -> Trays:
        """The printers, and the sheets in their trays."""
        return Trays(self.accounts.printers, templates_in(self.artefacts), self.job)

    def plan_of(
        self, run_id: str, organisation: Organisation, request: ExportRequest, requested_by: str
    ) -> ExportPlan:
        """Return the plan of a new export.

        Raises InvalidRequest if there is no design or printer of the name it asks for, TrayTaken.
        """
        job_id = job_id_for(run_id)
        return ExportPlan(
            job_id=job_id,
            organisation=organisation.slug,
            resolver=organisation.resolver,
            requested_by=requested_by,
            submitted_at=datetime.now(UTC),
            request=request,
            engine=self.engine,
            design=chosen(request, organisation.slug, self.accounts.designs),
            from_printer=self.trays.filled(request, organisation.slug, job_id),
        )

    def reprint_of(
        self,
        run_id: str,
        organisation: Organisation,
        job_id: str,
        *,
        requested_by: str,
        reason: str,
        rows: RowRanges | None = None,
    ) -> ExportPlan:
        """Return the plan of a job with the frozen rows of a completed one.

        Raises ExportNotFound, NotReprintable, TrayTaken.
        """
        original = self._reprintable(organisation.slug, job_id)
        made = job_id_for(run_id)
        return ExportPlan(
            job_id=made,
            organisation=organisation.slug,
            resolver=original.resolver,
            requested_by=requested_by,
            submitted_at=datetime.now(UTC),
            request=original.request,
            engine=original.engine,
            design=original.design,
            from_printer=self.trays.filled_again(original, made),
            reprint_of=job_id,
            reason=reason,
            rows=rows,
        )

    def size_of_allowed(self, wanted: ExportPlan) -> Size:
        """Return the number of entities and labels of the job, after all checks that are possible before it exists.

        Raises StorageIsFull, UnusableResolver, and InvalidRequest, also if the job to reprint lacks the rows.
        """
        require_room(self.instance, wanted.organisation, self.limits)
        if wanted.reprint_of is None:
            return size_of_allowed(wanted, self.catalogue, self.artefacts, self.limits)
        size = self._size_of_reprint(wanted, wanted.reprint_of)
        require_within(self.limits, wanted, size, self.artefacts, loc=["path", "job_id"])
        return size

    def _size_of_reprint(self, wanted: ExportPlan, reprint_of: str) -> Size:
        job = self.job(wanted.organisation, reprint_of)
        count = job.total_items if wanted.rows is None else count_within(wanted.rows, job.total_items)
        if not wanted.counts_each:
            return Size(count, count * (wanted.config.copies or 1))
        original = plan.load(reprint_of, self.artefacts)
        if wanted.rows is None:
            return Size(count, manifest.label_count(original, manifest.load(original, self.artefacts)))
        return Size(count, manifest.labels_within(original, wanted.rows, self.artefacts))

    def require_few_open(self, organisation: str, *, besides: int = 0) -> None:
        """Raise TooManyOpenJobs at the organisation's limit. `besides` is its number of runs that are not jobs yet."""
        open_jobs.require_few_open(self.instance, organisation, self.limits.max_open_jobs, besides=besides)

    def job(self, organisation: str, job_id: str) -> ExportJob:
        """Return the job's state. Raises ExportNotFound, also for another organisation's job."""
        run = run_of(self.instance, organisation, job_id)
        return job_of(run, self.progress, self.artefacts, self.catalogue)

    def _reprintable(self, organisation: str, job_id: str) -> ExportPlan:
        """Return the plan of a job that can be reprinted. Raises ExportNotFound, NotReprintable."""
        job = self.job(organisation, job_id)
        if job.status is not JobStatus.COMPLETED:
            raise NotReprintable(job_id, f"it is {job.status}, not completed")
        try:
            original = plan.load(job_id, self.artefacts)
        except UnreadableDocument as error:
            raise NotReprintable(
                job_id, "its settings are no longer accepted: submit a new export"
            ) from error
        if not manifest.is_frozen(original, self.artefacts):
            raise NotReprintable(job_id, "its manifest has expired")
        try:
            require_links_possible(original)
        except UnusableResolver as error:
            raise NotReprintable(job_id, "parsers would misread its links: submit a new export") from error
        return original
