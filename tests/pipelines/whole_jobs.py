"""Run jobs from submission to end in this process, as a warm worker does, so that tests can intervene."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from accounts.identity import Organisation
from accounts.store import Accounts
from catalogue import lifecycle
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.jobs.job_id import folder_of
from exports.jobs.plan import ExportPlan
from exports.ports import ExportJob, JobStatus
from exports.requests.request import parse_request
from pipelines.dagster_exports import DagsterExports
from pipelines.execution.dagster_workers import execute_run, recon_job_from_origin
from pipelines.execution.runs import Runs

ACME = Organisation("acme", "Acme")
JOB = {"scope": "lots", "export_type": "qr_codes", "file_format": "svg", "filters": {"never_printed": True}}

#: What a job that failed keeps: what was asked for, and what became of it.
DOCUMENTS = {"request.json", "manifest.json", "unmatched.json"}


class InFiveSteps(Runs):
    """Creates the runs of small jobs as those of large ones."""

    def create(self, export: ExportPlan, *, small: bool = False, parallel: bool = False) -> bool:
        del small
        return super().create(export, parallel=parallel)


class ThisProcess:
    """Executes small jobs' runs here."""

    ready = True

    def __init__(self, dagster: dg.DagsterInstance) -> None:
        self._dagster = dagster

    def execute(
        self, run_id: str, organisation: str, wait_seconds: float, *, instead: Callable[[], None]
    ) -> None:
        run = self._dagster.get_run_by_id(run_id)
        assert run is not None
        assert run.job_code_origin is not None
        execute_run(recon_job_from_origin(run.job_code_origin), run, self._dagster)


@dataclass(frozen=True)
class Stage:
    exports: DagsterExports
    store: ArtefactStore
    catalogue: Catalogue
    accounts: Accounts
    dagster: dg.DagsterInstance

    def submit(self, **changes: object) -> ExportJob:
        request = parse_request(json.dumps(JOB | changes).encode())
        return self.exports.submit(ACME, request, requested_by="key:1")

    def kept(self, job: ExportJob) -> set[str]:
        """Return the names of the job's objects, those of its parts included."""
        folder = Path(self.store.root_url) / folder_of(job.job_id)
        return {path.name for path in folder.rglob("*") if path.is_file()}

    def printed(self) -> list[str]:
        """Return for each PRINTED event the job it names."""
        events, _ = lifecycle.history(self.catalogue, "acme", limit=1_000)
        return events["job_id"].to_list()

    def require_free(self) -> None:
        """Assert that no job holds the organisation's stock."""
        name = "never-printed:acme"
        assert self.accounts.acquire_lease(name, "a test", 60)
        assert self.accounts.release_lease(name, "a test")

    def require_nothing_of(self, job: ExportJob) -> None:
        """Assert that the job failed, published and recorded nothing, and gave back its space and its lease."""
        assert job.status is JobStatus.FAILED
        assert self.kept(job) <= DOCUMENTS
        assert self.printed() == []
        self.require_free()
