"""A few warm processes for small jobs: one run at a time in each, never in the façade.

Two runs in threads of one process deadlock (each resets the process's logging), and a cold process
costs seconds of imports.
"""

import logging
import multiprocessing
import queue
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

log = logging.getLogger(__name__)

READY = "ready"


class WorkerDied(RuntimeError):
    """The worker's process ended while it had a run."""


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection


class WarmWorkers:
    """A pool of `size` processes that execute created runs on the instance of `home`."""

    def __init__(self, home: Path, size: int) -> None:
        self._home = home
        self._idle: queue.Queue[_Worker] = queue.Queue()
        self._context = multiprocessing.get_context("spawn")
        self._workers: set[int] = set()
        self._closed = threading.Event()
        self._size = size

    def start(self) -> None:
        """Start all processes at once and return; each joins the pool when it is warm."""
        for _ in range(self._size):
            self._start_one()

    @property
    def ready(self) -> bool:
        """Whether at least one worker has been warm."""
        return bool(self._workers)

    def execute(self, run_id: str, wait_seconds: float) -> bool:
        """Execute the run to its end; False where no worker was free in `wait_seconds`.

        Raises WorkerDied where the process ended under the run; another takes its place.
        """
        try:
            worker = self._idle.get(timeout=wait_seconds)
        except queue.Empty:
            return False
        try:
            worker.pipe.send(run_id)
            worker.pipe.recv()
        except (EOFError, OSError) as error:
            self._replace(worker)
            raise WorkerDied(run_id) from error
        self._idle.put(worker)
        return True

    def close(self) -> None:
        """End all idle processes; those at work end with the façade's pipes."""
        self._closed.set()
        with suppress(queue.Empty):
            while True:
                worker = self._idle.get_nowait()
                worker.pipe.close()
                worker.process.join(timeout=5)

    def _replace(self, worker: _Worker) -> None:
        log.error("warm worker %s died", worker.process.pid)
        worker.pipe.close()
        if not self._closed.is_set():
            self._start_one()

    def _start_one(self) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_serve, args=(theirs, str(self._home)), name="labels-warm-worker", daemon=True
        )
        process.start()
        theirs.close()
        threading.Thread(target=self._admit, args=(_Worker(process, ours),), daemon=True).start()

    def _admit(self, worker: _Worker) -> None:
        try:
            worker.pipe.recv()
        except EOFError:
            log.exception("warm worker %s did not start", worker.process.pid)
            return
        self._workers.add(worker.process.pid or 0)
        self._idle.put(worker)


def _serve(pipe: Connection, home: str) -> None:
    """Execute the runs whose ids come through the pipe, until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from dagster._core.definitions.job_base import InMemoryJob  # noqa: PLC0415 - the child's cost
    from dagster._core.execution.api import execute_run  # noqa: PLC0415
    from dagster._core.storage.dagster_run import DagsterRunStatus  # noqa: PLC0415

    from pipelines import instance  # noqa: PLC0415
    from pipelines.definitions import LABEL_EXPORT_JOB, defs  # noqa: PLC0415

    dagster = instance.load(Path(home))
    job = InMemoryJob(defs.resolve_job_def(LABEL_EXPORT_JOB))
    pipe.send(READY)
    with suppress(EOFError):
        while True:
            run_id = pipe.recv()
            run = dagster.get_run_by_id(run_id)
            # One that was cancelled or queued while it waited is no longer ours.
            if run is not None and run.status is DagsterRunStatus.NOT_STARTED:
                execute_run(job, run, dagster)
            pipe.send(run_id)
