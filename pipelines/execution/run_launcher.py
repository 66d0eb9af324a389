"""The run launcher: forks a worker for each queued run, reports dead workers, and starts new ones to resume runs.

Every process that opens the instance imports this module, so the workers' imports are inside functions.
"""

import logging
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import dagster as dg
import psutil

from exports.artefacts import ArtefactStore
from exports.jobs.job_id import job_id_for
from pipelines import tags
from pipelines.execution import forks, liveness, worker
from pipelines.execution.dagster_runs import (
    CheckRunHealthResult,
    ConfigurableClass,
    ConfigurableClassData,
    InstanceRef,
    LaunchRunContext,
    ResumeRunContext,
    RunLauncher,
    WorkerStatus,
)
from pipelines.export import mirror
from pipelines.storage import instance, renamed_sensors

if TYPE_CHECKING:
    from accounts.store import Accounts


def run_daemon() -> None:
    """Run Dagster's daemon. Wait while another machine runs one."""
    forks.server()
    from exports import probe  # noqa: PLC0415
    from pipelines.execution.dagster_daemon import main  # noqa: PLC0415

    try:
        probe.require_fit(ArtefactStore(os.environ["LABELS_STORAGE_URL"], patient=False))
    except probe.UnfitStorage as error:
        sys.exit(f"error: {error}")
    with liveness.leading("daemon"):
        with instance.load(Path(os.environ["LABELS_HOME"])) as dagster:
            renamed_sensors.take_over(dagster)
            instance.queue_interrupted_launches(dagster)
        main()


class ForkedRunLauncher(RunLauncher[dg.DagsterInstance], ConfigurableClass):
    """Starts run workers from a fork server, and checks whether they are alive.

    If a daemon is killed, its workers survive. If a daemon is stopped, it kills its workers, and the run monitoring of
    the next daemon resumes their runs.
    """

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__()
        self._inst_data = inst_data
        self._workers: list[psutil.Process] = []

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Self:
        del config_value
        return cls(inst_data)

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    @property
    def supports_resume_run(self) -> bool:
        return True

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the run's worker and report the run as started.

        Run monitoring resumes started runs only. So the run is reported as started before the worker does anything;
        then a worker that dies at once is noticed too.
        """
        run = context.dagster_run
        with self._worker_of(run) as gate:
            started = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_START.value, job_name=run.job_name)
            self._instance.report_dagster_event(started, run_id=run.run_id)
            gate.send(run.run_id)

    def resume_run(self, context: ResumeRunContext) -> None:
        """Start another worker for a run whose worker died. Its steps reuse what was stored before.

        A run whose workers died too often fails instead.
        """
        from pipelines.execution import failures  # noqa: PLC0415

        run = context.dagster_run
        error = failures.died_too_often(self._instance, run, context.resume_attempt_number or 0)
        if error is not None:
            failures.give_up(self._instance, run, error, _artefacts(), _accounts())
            return
        with self._worker_of(run) as gate:
            gate.send(run.run_id)

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        return CheckRunHealthResult(WorkerStatus.RUNNING if worker.is_alive(run) else WorkerStatus.NOT_FOUND)

    def terminate(self, run_id: str) -> bool:
        """Cancel the run: an export by its decision, which its worker reads between two batches; other runs at once."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        if tags.ORGANISATION in run.tags:
            return mirror.cancel(self._instance, run_id, _artefacts())
        self._instance.report_run_canceling(run)
        if not worker.is_alive(run):
            return False
        pid = worker.pid_of(run)
        if pid is None:
            worker.end_elsewhere(run)
        else:
            os.kill(pid, signal.SIGINT)
        return True

    def dispose(self) -> None:
        for each in self._workers:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(self._workers)

    def _worker_of(self, run: dg.DagsterRun) -> Connection:
        """Start a worker and tag the run with it. The worker waits until the returned connection sends the run's id."""
        theirs, ours = multiprocessing.Pipe(duplex=False)
        started = forks.server().fork("run-worker", _work, theirs, self._instance.get_ref())
        theirs.close()
        self._workers = [old for old in self._workers if forks.is_alive(old)] + [started]
        worker.sign(self._instance, run.run_id, started.pid)
        return ours


def _work(gate: Connection, ref: InstanceRef) -> None:
    """Execute the run whose id the gate sends. Do nothing if the gate closes without an id."""
    try:
        run_id = str(gate.recv())
    except EOFError:
        return
    from pipelines.execution.dagster_workers import (  # noqa: PLC0415
        capture_interrupts,
        core_execute_run,
        recon_job_from_origin,
    )

    with (
        dg.DagsterInstance.from_ref(ref) as dagster,
        capture_interrupts(),
        liveness.executing(run_id),
    ):
        run = dagster.get_run_by_id(run_id)
        if run is None or run.job_code_origin is None:
            return
        events = core_execute_run(
            recon_job_from_origin(run.job_code_origin),
            run,
            dagster,
            inject_env_vars=True,
            resume_from_failure=True,
        )
        deque(events, maxlen=0)
        # An interrupted run has not ended and will be resumed.
        ended = dagster.get_run_by_id(run_id)
        if tags.ORGANISATION in run.tags and ended and ended.is_failure_or_canceled:
            _give_back(run_id)


def _give_back(run_id: str) -> None:
    """Release the lease and remove the parts of a failed job, also the parts of killed steps."""
    from pipelines.export import steps  # noqa: PLC0415

    steps.give_back(job_id_for(run_id), _artefacts(), _accounts(), logging.getLogger(__name__))


def _accounts() -> "Accounts":
    from pipelines import resources  # noqa: PLC0415

    return resources.accounts()


def _artefacts() -> ArtefactStore:
    return ArtefactStore(os.environ["LABELS_STORAGE_URL"])
