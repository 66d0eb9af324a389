"""The processes that execute runs: what they find imported, and how a run tells which of them has it."""

import dagster as dg
import psutil

from pipelines import tags

#: What a fork server imports before its first fork; it ignores in silence what it cannot import.
PRELOAD = ["pipelines.preload"]

#: A pid that is used again belongs to a process that began at another time. The clock may be set meanwhile.
_CLOCK_SECONDS = 5.0


def sign(instance: dg.DagsterInstance, run_id: str, pid: int) -> None:
    """Record that the process executes the run."""
    began = psutil.Process(pid).create_time()
    instance.add_run_tags(run_id, {tags.WORKER: f"{pid} {began:.2f}"})


def is_alive(run: dg.DagsterRun) -> bool:
    """Whether the process that signed the run last still lives; False where none did."""
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
    """Return the living process that executes the run, or None."""
    return int(run.tags[tags.WORKER].partition(" ")[0]) if is_alive(run) else None
