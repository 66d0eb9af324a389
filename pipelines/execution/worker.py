"""The run tag that names the process that executes a run: write it, check the process, kill the process."""

from contextlib import suppress

import dagster as dg
import psutil

from pipelines import tags
from pipelines.execution import liveness

#: Tolerance for earlier releases' tags, which have the start time of the process by a clock that may be adjusted.
_CLOCK_SECONDS = 5.0


def sign(instance: dg.DagsterInstance, run_id: str, pid: int) -> None:
    """Tag the run with the process of this machine that executes it."""
    name = liveness.process(pid)
    if name is None:
        raise ProcessLookupError(f"run {run_id} cannot be signed: process {pid} has ended")
    instance.add_run_tags(run_id, {tags.WORKER: name})


def is_alive(run: dg.DagsterRun) -> bool:
    """Return whether the process in the run's tag is alive. False if there is no tag.

    A process of another machine counts as alive while the run's lease is renewed.
    """
    known = _lives_here(run)
    if known is not None:
        return known
    from pipelines import resources  # noqa: PLC0415 - every process that opens the instance imports this module

    return liveness.is_held(resources.accounts(), liveness.run_lease(run.run_id))


def pid_of(run: dg.DagsterRun) -> int | None:
    """Return the pid of the run's process, or None if it is not alive on this machine."""
    return int(run.tags[tags.WORKER].partition(" ")[0]) if _lives_here(run) else None


def kill(run: dg.DagsterRun) -> None:
    """Kill the process that executes the run and its child processes, which may be stuck.

    On another machine, take the run's lease away instead; the process exits when it next renews the lease.
    """
    if _lives_here(run) is None:
        end_elsewhere(run)
        return
    pid = pid_of(run)
    if pid is None:
        return
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                each.kill()


def end_elsewhere(run: dg.DagsterRun) -> None:
    """Make the process on another machine that executes the run exit, by taking its lease away."""
    from pipelines import resources  # noqa: PLC0415

    liveness.take_away(resources.accounts(), liveness.run_lease(run.run_id))


def _lives_here(run: dg.DagsterRun) -> bool | None:
    """Return whether the process in the run's tag is alive here. None if it is on another machine."""
    name = run.tags.get(tags.WORKER, "")
    match name.split():
        case []:
            return False
        case [pid, began]:
            return _is_alive_since(int(pid), float(began))
        case [_, _, _]:
            # From an earlier release, which supported one machine only.
            return liveness.lives(f"{name} {liveness.place()}")
        case _:
            return liveness.lives(name)


def _is_alive_since(pid: int, began: float) -> bool:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(process.create_time() - began) < _CLOCK_SECONDS
    except psutil.NoSuchProcess:
        return False
