"""What run workers and warm workers have in common: their imports, and the run tag that names a run's process."""

from contextlib import suppress

import dagster as dg
import psutil

from pipelines import tags

#: What a fork server imports before its first fork. It ignores silently what it cannot import.
PRELOAD = ["pipelines.preload"]

#: A reused pid belongs to a process with another start time. Smaller differences come from setting the clock.
_CLOCK_SECONDS = 5.0


def sign(instance: dg.DagsterInstance, run_id: str, pid: int) -> None:
    """Tag the run with the process that executes it."""
    began = psutil.Process(pid).create_time()
    instance.add_run_tags(run_id, {tags.WORKER: f"{pid} {began:.2f}"})


def is_alive(run: dg.DagsterRun) -> bool:
    """Return whether the process in the run's tag still lives. False if there is no tag."""
    pid, _, began = run.tags.get(tags.WORKER, "").partition(" ")
    if not pid:
        return False
    try:
        process = psutil.Process(int(pid))
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(process.create_time() - float(began)) < _CLOCK_SECONDS
    except psutil.NoSuchProcess:
        return False


def pid_of(run: dg.DagsterRun) -> int | None:
    """Return the pid of the process that executes the run, or None if none lives."""
    return int(run.tags[tags.WORKER].partition(" ")[0]) if is_alive(run) else None


def kill(run: dg.DagsterRun) -> None:
    """Kill the process that executes the run, and those it started: they may be too stuck to end with it."""
    pid = pid_of(run)
    if pid is None:
        return
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                each.kill()
