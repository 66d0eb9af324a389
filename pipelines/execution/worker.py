"""What run workers and warm workers have in common: their imports, and the run tag that names a run's process."""

from contextlib import suppress
from pathlib import Path

import dagster as dg
import psutil

from pipelines import tags

#: Earlier releases tagged a run with the second in which its process began, which setting the clock changes a little.
_CLOCK_SECONDS = 5.0


def sign(instance: dg.DagsterInstance, run_id: str, pid: int) -> None:
    """Tag the run with the process that executes it."""
    began = _ticks_at_start(pid)
    if began is None:
        raise ProcessLookupError(f"run {run_id} cannot be signed: process {pid} has ended")
    instance.add_run_tags(run_id, {tags.WORKER: f"{pid} {_boot_id()} {began}"})


def is_alive(run: dg.DagsterRun) -> bool:
    """Return whether the process in the run's tag still lives. False if there is no tag.

    No clock is read: a reused pid belongs to a process of another boot, or one that began at another tick of it.
    """
    match run.tags.get(tags.WORKER, "").split():
        case [pid, boot_id, ticks]:
            return boot_id == _boot_id() and int(ticks) == _ticks_at_start(int(pid))
        case [pid, began]:
            return _is_alive_since(int(pid), float(began))
        case _:
            return False


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _ticks_at_start(pid: int) -> int | None:
    """Return when the process began, in clock ticks since the boot. None if it has ended, or is a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the name in parentheses, which may hold spaces and parentheses itself. See proc_pid_stat(5).
    state, *fields = stat.rpartition(b")")[2].split()
    return None if state in {b"Z", b"X"} else int(fields[18])


def _is_alive_since(pid: int, began: float) -> bool:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(process.create_time() - began) < _CLOCK_SECONDS
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
