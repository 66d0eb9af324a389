"""A pool of warm processes for small jobs. Each executes one run at a time.

The façade cannot execute runs in threads: two runs in one process deadlock, because each resets the process's logging.
A new process would spend seconds on imports, so the workers are forked.
"""

import logging
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from concurrent import futures
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

from pipelines.execution import forks, liveness, worker
from pipelines.execution.shares import Shares
from pipelines.storage import instance

log = logging.getLogger(__name__)

READY = "ready"

#: A worker that does not start is retried after the first time. The wait doubles each time, up to the second.
_RETRY_SECONDS, _MOST_RETRY_SECONDS = 1.0, 60.0


@dataclass(slots=True)
class _Worker:
    process: psutil.Process
    pipe: Connection


class WarmWorkers:
    """A pool of `size` processes that execute created runs on the instance of `home`."""

    def __init__(self, home: Path, size: int) -> None:
        self._home = home
        self._idle: queue.Queue[_Worker] = queue.Queue()
        self._forks = forks.server()
        self._warm: dict[int, psutil.Process] = {}
        self._was_warm = threading.Event()
        self._closed = threading.Event()
        self._size = size
        self._shares = Shares(size)

    def start(self) -> None:
        """Start all processes and return at once. Each joins the pool when it is warm."""
        for _ in range(self._size):
            self._start_one()

    @property
    def ready(self) -> bool:
        """Return whether at least one worker has become warm."""
        return self._was_warm.is_set()

    @property
    def missing(self) -> int:
        """Return the number of workers that are dead or not warm yet."""
        return self._size - sum(map(forks.is_alive, list(self._warm.values())))

    def execute(
        self, run_id: str, organisation: str, wait_seconds: float, *, instead: Callable[[], None]
    ) -> None:
        """Execute the organisation's run. Return when it has ended, or after `wait_seconds` while it goes on.

        Call `instead` if no worker is free for the organisation within that time, or if the worker dies before the run
        begins. If the worker dies later, run monitoring resumes the run. A dead worker is replaced. Raises what
        `instead` raises, if that happens before this returns.
        """
        deadline = time.monotonic() + wait_seconds
        idle = self._free(organisation, deadline)
        if idle is None:
            instead()
            return
        ended = futures.Future[None]()

        def attend() -> None:
            try:
                begun = self._attend(idle, run_id, organisation)
                ended.set_result(None if begun else instead())
            except BaseException as error:
                log.exception("warm worker for run %s", run_id)
                ended.set_exception(error)

        threading.Thread(target=attend, daemon=True).start()
        futures.wait([ended], max(0.0, deadline - time.monotonic()))
        if ended.done():
            ended.result()

    def close(self) -> None:
        """End all idle processes. Busy ones end when the façade's pipes close."""
        self._closed.set()
        with suppress(queue.Empty):
            while True:
                idle = self._idle.get_nowait()
                idle.pipe.close()
                with suppress(psutil.TimeoutExpired):
                    idle.process.wait(timeout=5)

    def _free(self, organisation: str, deadline: float) -> _Worker | None:
        """Return an idle worker within the organisation's share, or None at the deadline."""
        if not self._shares.take(organisation, max(0.0, deadline - time.monotonic())):
            return None
        try:
            return self._idle.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            self._shares.give_back(organisation)
            return None

    def _attend(self, idle: _Worker, run_id: str, organisation: str) -> bool:
        """Wait until the run has ended or its worker has died. Return whether the run began."""
        try:
            idle.pipe.send(run_id)
            idle.pipe.recv()
            self._idle.put(idle)
        except (EOFError, OSError):
            self._replace(idle)
            return self._has_begun(run_id)
        finally:
            # After the worker is idle again, so that other organisations that wait get it first.
            self._shares.give_back(organisation)
        return True

    def _has_begun(self, run_id: str) -> bool:
        from dagster import DagsterRunStatus  # noqa: PLC0415

        with instance.load(self._home) as dagster:
            run = dagster.get_run_by_id(run_id)
        return run is not None and run.status is not DagsterRunStatus.NOT_STARTED

    def _replace(self, dead: _Worker) -> None:
        log.error("warm worker %s died", dead.process.pid)
        dead.pipe.close()
        self._warm.pop(dead.process.pid, None)
        if not self._closed.is_set():
            self._start_one()

    def _start_one(self) -> None:
        threading.Thread(target=self._admit_one, daemon=True).start()

    def _admit_one(self) -> None:
        """Add a new process to the pool when it is warm. Retry if it dies before."""
        pause = _RETRY_SECONDS
        while (new := self._warmed()) is None:
            if self._closed.wait(pause):
                return
            pause = min(2 * pause, _MOST_RETRY_SECONDS)
        self._warm[new.process.pid] = new.process
        self._was_warm.set()
        self._idle.put(new)

    def _warmed(self) -> _Worker | None:
        """Start a process. Return it when it is warm, or None if it dies before."""
        ours, theirs = multiprocessing.Pipe()
        try:
            process = self._forks.fork("warm-worker", _serve, theirs, str(self._home))
            theirs.close()
            ours.recv()
        except (EOFError, OSError, psutil.NoSuchProcess):
            log.exception("a warm worker did not start")
            return None
        return _Worker(process, ours)


def _serve(pipe: Connection, home: str) -> None:
    """Execute the runs whose ids arrive in the pipe, until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from dagster import DagsterRunStatus  # noqa: PLC0415 - the child's cost

    from pipelines.execution.dagster_workers import execute_run, recon_job_from_origin  # noqa: PLC0415

    dagster = instance.load(Path(home))
    pipe.send(READY)
    with suppress(EOFError):
        while True:
            run_id = pipe.recv()
            run = dagster.get_run_by_id(run_id)
            # Skip a run that was cancelled or queued meanwhile.
            if run is not None and run.status is DagsterRunStatus.NOT_STARTED and run.job_code_origin:
                # Take the lease before the run shows as started, because others then check the lease.
                with liveness.executing(run_id):
                    worker.sign(dagster, run_id, os.getpid())
                    execute_run(recon_job_from_origin(run.job_code_origin), run, dagster)
            pipe.send(run_id)
