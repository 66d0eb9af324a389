"""Create the run of an export under the job's id, and queue it."""

import sys
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, cast

import dagster as dg
from sqlalchemy.exc import IntegrityError

from exports import trace
from exports.jobs.job_id import run_id_for
from exports.jobs.plan import ExportPlan
from pipelines import tags
from pipelines.execution.dagster_runs import (
    PARTITION_NAME_TAG,
    DagsterRunAlreadyExists,
    GrpcServerCodeLocationOrigin,
    JobPythonOrigin,
    ModuleCodePointer,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
    RepositoryPythonOrigin,
)
from pipelines.export.assets import LABEL_EXPORT_JOB, LABEL_EXPORT_SMALL_JOB, ORGANISATIONS
from pipelines.settings import Executor, ExecutorSettings
from pipelines.storage import job_index
from pipelines.storage.instance import LOCATION_NAME, server_at

#: Where a worker imports the code of a run. Stored with each run, so it must not change.
DEFINITIONS_MODULE, DEFINITIONS_NAME = "pipelines.definitions", "defs"

#: The console shows warnings only; the event log has everything.
_LOGGERS = {"console": {"config": {"log_level": "WARNING"}}}

#: A small job's run: one process does everything.
IN_PROCESS: Mapping[str, Any] = {"execution": {"config": {"in_process": {}}}, "loggers": _LOGGERS}

#: The job that imports uploaded files. Stored with each of its runs.
IMPORT_JOB, IMPORT_OP = "catalogue_import", "import_upload"

#: Number of entities from which one process per step is faster. Each process costs a fork and reads of events.
PARALLEL_FROM = 50_000

#: Number of entities from which the steps are sent to Celery workers. The daemon's machine executes smaller queued
#: jobs.
_PARALLEL_FROM_ON_CELERY = 5_000


def parallel_from() -> int:
    """Return the number of entities from which each step of a job has its own process."""
    return _PARALLEL_FROM_ON_CELERY if ExecutorSettings().executor is Executor.CELERY else PARALLEL_FROM


def in_parallel(at_once: int) -> Mapping[str, Any]:
    """Return a large job's run config: `at_once` steps at once, each in its own process."""
    return {"execution": {"config": {"forked": {"max_concurrent": at_once}}}, "loggers": _LOGGERS}


class Runs:
    """Creates and queues export runs on an instance.

    `repository` has the export jobs. `served_at` is the code server's address (a Unix socket or `host:port`) or origin.
    """

    def __init__(
        self,
        instance: dg.DagsterInstance,
        repository: dg.RepositoryDefinition,
        served_at: str | RemoteRepositoryOrigin,
    ) -> None:
        self._instance = instance
        self._repository = repository
        if isinstance(served_at, str):
            server: dict[str, Any] = {"host": "localhost", **server_at(served_at)}
            location = GrpcServerCodeLocationOrigin(**server, location_name=LOCATION_NAME)
            served_at = RemoteRepositoryOrigin(location, repository.name)
        self._remote_origin = served_at
        pointer = ModuleCodePointer(DEFINITIONS_MODULE, DEFINITIONS_NAME, working_directory=None)
        self._code_origin = RepositoryPythonOrigin(
            sys.executable,
            pointer,
            container_image=None,
            entry_point=[sys.executable, "-m", "dagster"],
            container_context=None,
        )

    def create(
        self,
        export: ExportPlan,
        *,
        small: bool = False,
        parallel: bool = False,
        more_config: Mapping[str, Any] = MappingProxyType({}),
        more_tags: Mapping[str, str] = MappingProxyType({}),
        root_run_id: str | None = None,
        parent_run_id: str | None = None,
    ) -> bool:
        """Create the plan's run. Return False if the database already has a run of that id.

        A `small` run has a single step. A `parallel` run has a process for each step, so no warm worker may execute it.
        """
        ensure_partition(self._instance, export.organisation)
        name = LABEL_EXPORT_SMALL_JOB if small else LABEL_EXPORT_JOB
        reprint = {tags.REPRINT_OF: export.reprint_of, tags.REASON: export.reason}
        try:
            self._instance.create_run_for_job(
                job_def=self._repository.get_job(name),
                run_id=run_id_for(export.job_id),
                run_config={
                    **(in_parallel(ExecutorSettings().steps) if parallel else IN_PROCESS),
                    **more_config,
                },
                tags={
                    tags.ACTOR: export.requested_by,
                    **more_tags,
                    PARTITION_NAME_TAG: export.organisation,
                    tags.ORGANISATION: export.organisation,
                    **({tags.STOCK: export.organisation} if export.holds_lease else {}),
                    tags.REQUEST: export.words,
                    **_trace_of(export),
                    **{key: value for key, value in reprint.items() if value is not None},
                },
                remote_job_origin=RemoteJobOrigin(self._remote_origin, name),
                job_code_origin=JobPythonOrigin(name, self._code_origin),
                root_run_id=root_run_id,
                parent_run_id=parent_run_id,
            )
        except DagsterRunAlreadyExists:
            return False
        return True

    def create_import(self, job_id: str, organisation: str) -> None:
        """Create the run of an import. No error if it exists."""
        with suppress(DagsterRunAlreadyExists):
            self._instance.create_run_for_job(
                job_def=self._repository.get_job(IMPORT_JOB),
                run_id=run_id_for(job_id),
                run_config={"ops": {IMPORT_OP: {"config": {"job_id": job_id}}}, "loggers": _LOGGERS},
                tags={tags.IMPORT_OF: organisation},
                remote_job_origin=RemoteJobOrigin(self._remote_origin, IMPORT_JOB),
                job_code_origin=JobPythonOrigin(IMPORT_JOB, self._code_origin),
            )

    def replace(
        self,
        run: dg.DagsterRun,
        export: ExportPlan,
        *,
        parallel: bool,
        more_config: Mapping[str, Any],
        more_tags: Mapping[str, str],
    ) -> None:
        """Replace a run that has not been queued by one that `create` makes under the same id, with all steps."""
        with job_index.of(self._instance).transaction(run.run_id):
            self._instance.delete_run(run.run_id)
            self.create(
                export,
                parallel=parallel,
                more_config=more_config,
                more_tags=more_tags,
                root_run_id=run.root_run_id,
                parent_run_id=run.parent_run_id,
            )

    def queue(self, run: dg.DagsterRun, kind: str = tags.EXPORT) -> None:
        """Put the run into the daemon's queue, under the limit of its kind."""
        self._instance.add_run_tags(run.run_id, {tags.KIND: kind})
        # The queue only stores an event. The daemon has its own workspace.
        no_workspace = cast("Any", None)
        self._instance.run_coordinator.submit_run(dg.SubmitRunContext(run, workspace=no_workspace))


def _trace_of(export: ExportPlan) -> dict[str, str]:
    parent = trace.parse(export.traceparent)
    return {} if parent is None else {tags.TRACE_ID: parent.trace_id}


def ensure_partition(instance: dg.DagsterInstance, organisation: str) -> None:
    """Add the organisation's partition unless it exists. Without it the last step of a run fails.

    Dagster looks for the key and then inserts it. If an organisation submits its first two exports at once, one insert
    may violate the database's constraint. The key exists then, so this is not an error.
    """
    name = str(ORGANISATIONS.name)
    if instance.has_dynamic_partition(name, organisation):
        return
    try:
        instance.add_dynamic_partitions(name, [organisation])
    except IntegrityError:
        if not instance.has_dynamic_partition(name, organisation):
            raise
