"""The façade's one way into Dagster: creates runs, starts them, reads their state."""

import json
import sys
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import dagster as dg
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.run_coordinator import SubmitRunContext
from dagster._core.storage.dagster_run import DagsterRunStatus, RunRecord
from dagster._core.storage.tags import PARTITION_NAME_TAG
from sqlalchemy.exc import IntegrityError

from accounts.identity import Organisation
from catalogue import selection
from catalogue.tables import Catalogue
from exports import assemble, plan
from exports.artefacts import ArtefactStore
from exports.errors import ExportNotFound
from exports.job_id import job_id_for, run_id_for
from exports.plan import ExportPlan
from exports.ports import ExportJob, JobStatus
from exports.request import ExportRequest
from pipelines import tags
from pipelines.assets import ORGANISATIONS
from pipelines.definitions import LABEL_EXPORT_JOB, defs
from pipelines.instance import LOCATION_NAME
from pipelines.warm_workers import WarmWorkers, WorkerDied

STATUS_OF = {
    DagsterRunStatus.NOT_STARTED: JobStatus.PENDING,
    DagsterRunStatus.QUEUED: JobStatus.PENDING,
    DagsterRunStatus.STARTING: JobStatus.PENDING,
    DagsterRunStatus.MANAGED: JobStatus.PENDING,
    DagsterRunStatus.STARTED: JobStatus.PROCESSING,
    DagsterRunStatus.CANCELING: JobStatus.PROCESSING,
    DagsterRunStatus.SUCCESS: JobStatus.COMPLETED,
    DagsterRunStatus.FAILURE: JobStatus.FAILED,
    DagsterRunStatus.CANCELED: JobStatus.FAILED,
}

#: How long a small job waits for a warm worker before it queues like a large one.
WARM_WAIT_SECONDS = 20.0

#: One process does a run; its console tells warnings only, the event log has everything.
RUN_CONFIG = {
    "execution": {"config": {"in_process": {}}},
    "loggers": {"console": {"config": {"log_level": "WARNING"}}},
}


class DagsterExports:
    """The `Exports` port on a Dagster instance: a job is a run, its id the run's."""

    def __init__(
        self,
        *,
        instance: dg.DagsterInstance,
        code_server_socket: str,
        workers: WarmWorkers,
        catalogue: Catalogue,
        artefacts: ArtefactStore,
        sync_threshold: int,
    ) -> None:
        self._instance = instance
        self._workers = workers
        self._catalogue = catalogue
        self._artefacts = artefacts
        self._sync_threshold = sync_threshold
        self._job = defs.resolve_job_def(LABEL_EXPORT_JOB)
        repository = defs.get_repository_def()
        location = GrpcServerCodeLocationOrigin(
            host="localhost", socket=code_server_socket, location_name=LOCATION_NAME
        )
        self._remote_origin = RemoteJobOrigin(
            RemoteRepositoryOrigin(location, repository.name), LABEL_EXPORT_JOB
        )
        pointer = ModuleCodePointer("pipelines.definitions", "defs", working_directory=None)
        self._code_origin = JobPythonOrigin(
            LABEL_EXPORT_JOB,
            RepositoryPythonOrigin(
                sys.executable,
                pointer,
                container_image=None,
                entry_point=[sys.executable, "-m", "dagster"],
                container_context=None,
            ),
        )

    def ready(self) -> bool:
        return self._workers.ready

    def submit(self, organisation: Organisation, request: ExportRequest, *, requested_by: str) -> ExportJob:
        """Create the run, then have a warm worker execute it, or queue it where it is large.

        The run exists before anything starts it, so a crash in between loses nothing.
        """
        run_id = str(uuid.uuid4())
        export = ExportPlan(
            job_id=job_id_for(run_id),
            organisation=organisation.slug,
            resolver=organisation.resolver,
            requested_by=requested_by,
            submitted_at=datetime.now(UTC),
            request=request,
        )
        count = selection.count(self._catalogue, export.selection, limit=self._sync_threshold + 1)
        plan.save(export, self._artefacts)
        self._create_run(run_id, export)
        if count > self._sync_threshold or not self._executed_warm(run_id):
            self._queue(run_id)
        return self.job(organisation.slug, export.job_id)

    def _create_run(self, run_id: str, export: ExportPlan) -> None:
        ensure_partition(self._instance, export.organisation)
        request = export.request.normalised()
        summary = json.dumps({key: request[key] for key in ("scope", "export_type", "file_format")})
        self._instance.create_run_for_job(
            job_def=self._job,
            run_id=run_id,
            run_config=RUN_CONFIG,
            tags={
                PARTITION_NAME_TAG: export.organisation,
                tags.ORGANISATION: export.organisation,
                tags.REQUEST: summary,
            },
            remote_job_origin=self._remote_origin,
            job_code_origin=self._code_origin,
            asset_selection=set(self._job.asset_layer.selected_asset_keys),
        )

    def _executed_warm(self, run_id: str) -> bool:
        try:
            return self._workers.execute(run_id, WARM_WAIT_SECONDS)
        except WorkerDied:
            run = self._instance.get_run_by_id(run_id)
            if run is None or run.status == DagsterRunStatus.NOT_STARTED:
                return False
            if not run.is_finished:
                self._instance.report_run_failed(run, "The warm worker's process died.")
            return True

    def _queue(self, run_id: str) -> None:
        run = self._instance.get_run_by_id(run_id)
        if run is None:
            raise ExportNotFound(job_id_for(run_id))
        # The coordinator only writes the queue event; the daemon brings its own workspace.
        self._instance.run_coordinator.submit_run(SubmitRunContext(run, workspace=None))  # type: ignore[arg-type]

    def job(self, organisation: str, job_id: str) -> ExportJob:
        """Return the job's state. Raises ExportNotFound for an unknown job and another organisation's."""
        record = self._instance.get_run_record_by_id(run_id_for(job_id))
        if record is None or record.dagster_run.tags.get(tags.ORGANISATION) != organisation:
            raise ExportNotFound(job_id)
        return self._state(job_id, organisation, record)

    def _state(self, job_id: str, organisation: str, record: RunRecord) -> ExportJob:
        run = record.dagster_run
        status = STATUS_OF[run.status]
        artifact = assemble.published(job_id, self._artefacts) if status is JobStatus.COMPLETED else None
        processed, failed = (artifact.processed, artifact.failed) if artifact else self._progress(run.run_id)
        return ExportJob(
            job_id=job_id,
            organisation=organisation,
            status=status,
            total_items=int(run.tags.get(tags.TOTAL_ITEMS, 0)),
            processed_items=processed,
            failed_items=failed,
            unmatched=int(run.tags.get(tags.UNMATCHED, 0)),
            error=self._error(run) if status is JobStatus.FAILED else None,
            error_code=run.tags.get(tags.ERROR_CODE, "internal_error")
            if status is JobStatus.FAILED
            else None,
            output_filename=artifact.filename if artifact else None,
            file_size_bytes=artifact.size_bytes if artifact else None,
            sha256=artifact.sha256 if artifact else None,
            created_at=record.create_timestamp.replace(tzinfo=UTC),
            started_at=_time(record.start_time),
            finished_at=_time(record.end_time),
        )

    def _progress(self, run_id: str) -> tuple[int, int]:
        """Return the entities drawn and failed so far; a chunk counts once, however often it was tried."""
        observations = self._instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_OBSERVATION)
        chunks: dict[int, tuple[int, int]] = {}
        for entry in observations:
            if entry.dagster_event and (observed := entry.dagster_event.asset_observation_data):
                values = {key: value.value for key, value in observed.asset_observation.metadata.items()}
                chunks[int(values["chunk"])] = (int(values["processed"]), int(values["failed"]))  # type: ignore[arg-type]
        return sum(p for p, _ in chunks.values()), sum(f for _, f in chunks.values())

    def _error(self, run: dg.DagsterRun) -> str:
        return run.tags.get(
            tags.ERROR, "The export failed for a reason that lies not in its data; the log has it."
        )

    def artifact_path(self, job: ExportJob) -> Path | None:
        artifact = assemble.published(job.job_id, self._artefacts)
        return self._artefacts.local_path(artifact.key) if artifact else None

    def open_artifact(self, job: ExportJob) -> BinaryIO:
        """Open the published artefact. Raises ExportNotFound where there is none."""
        artifact = assemble.published(job.job_id, self._artefacts)
        if artifact is None:
            raise ExportNotFound(job.job_id)
        return self._artefacts.open(artifact.key)

    def submit_left_over(self) -> Sequence[str]:
        """Queue the runs that were created and never started, as after a crash; return their ids."""
        runs = self._instance.get_runs(dg.RunsFilter(statuses=[DagsterRunStatus.NOT_STARTED]))
        for run in runs:
            self._queue(run.run_id)
        return [run.run_id for run in runs]


def ensure_partition(instance: dg.DagsterInstance, organisation: str) -> None:
    """Make the organisation's partition, which the last step of a run materializes and fails without.

    Dagster looks for the key and then inserts it, so of two first submissions of an organisation one may
    meet the database's constraint: the key is there then, which is all that was wanted.
    """
    name = str(ORGANISATIONS.name)
    if instance.has_dynamic_partition(name, organisation):
        return
    try:
        instance.add_dynamic_partitions(name, [organisation])
    except IntegrityError:
        if not instance.has_dynamic_partition(name, organisation):
            raise


def _time(timestamp: float | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
