"""How an export's run comes into being: created with its own id, then queued."""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any, cast

import dagster as dg
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.errors import DagsterRunAlreadyExists
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.run_coordinator import SubmitRunContext
from dagster._core.storage.tags import PARTITION_NAME_TAG
from dagster._core.workspace.context import BaseWorkspaceRequestContext
from sqlalchemy.exc import IntegrityError

from exports import trace
from exports.jobs.job_id import run_id_for
from exports.jobs.plan import ExportPlan
from pipelines.definitions import LABEL_EXPORT_JOB, defs
from pipelines.export import tags
from pipelines.export.assets import ORGANISATIONS
from pipelines.storage.instance import LOCATION_NAME

#: The console tells warnings only, the event log has everything.
_LOGGERS = {"console": {"config": {"log_level": "WARNING"}}}

#: A small job's run: one process does everything.
IN_PROCESS: Mapping[str, Any] = {"execution": {"config": {"in_process": {}}}, "loggers": _LOGGERS}

#: Entities from which a process for each step pays: each costs a fork and some reading of the run's events.
PARALLEL_FROM = 50_000


def in_parallel(cores: int) -> Mapping[str, Any]:
    """Return a large job's run config: as many steps at once as there are cores, each in its own process."""
    return {"execution": {"config": {"forked": {"max_concurrent": cores}}}, "loggers": _LOGGERS}


class Runs:
    """Creates and queues runs on an instance whose code is served at a Unix socket."""

    def __init__(self, instance: dg.DagsterInstance, code_server_socket: str) -> None:
        self._instance = instance
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

    def create(self, export: ExportPlan, *, parallel: bool = False) -> bool:
        """Create the plan's run; False where it exists, which the database decides.

        A parallel run starts processes of its own, so no warm worker may execute it.
        """
        ensure_partition(self._instance, export.organisation)
        request = export.request.normalised()
        summary = json.dumps({key: request[key] for key in ("scope", "export_type", "file_format")})
        reprint = {} if export.reprint_of is None else {tags.REPRINT_OF: export.reprint_of}
        try:
            self._instance.create_run_for_job(
                job_def=self._job,
                run_id=run_id_for(export.job_id),
                run_config=in_parallel(len(os.sched_getaffinity(0))) if parallel else IN_PROCESS,
                tags={
                    PARTITION_NAME_TAG: export.organisation,
                    tags.ORGANISATION: export.organisation,
                    tags.REQUEST: summary,
                    **_trace_of(export),
                    **reprint,
                },
                remote_job_origin=self._remote_origin,
                job_code_origin=self._code_origin,
            )
        except DagsterRunAlreadyExists:
            return False
        return True

    def queue(self, run: dg.DagsterRun) -> None:
        """Hand the run to the daemon: the coordinator only writes an event, the daemon brings its own workspace."""
        no_workspace = cast("BaseWorkspaceRequestContext", None)
        self._instance.run_coordinator.submit_run(SubmitRunContext(run, workspace=no_workspace))


def _trace_of(export: ExportPlan) -> dict[str, str]:
    parent = trace.parse(export.traceparent)
    return {} if parent is None else {tags.TRACE_ID: parent.trace_id}


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
