"""Jobs whose steps are killed, and a new process to execute one, because steps are forked from it."""

import os
import signal
import sys
from multiprocessing import util
from pathlib import Path

import dagster as dg

from pipelines.execution.runs import in_parallel
from pipelines.steps.executor import in_process_or_delegated
from pipelines.storage import instance

#: Each line is one execution of a step.
LOG = "FORKED_JOBS_LOG"


def executions() -> list[str]:
    path = Path(os.environ[LOG])
    return path.read_text().split() if path.exists() else []


def _log(name: str) -> None:
    with Path(os.environ[LOG]).open("a") as stream:
        stream.write(f"{name}\n")


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dg.op
def begin() -> int:
    _log("begin")
    return os.getpid()


@dg.op
def is_killed_once(before: int) -> int:
    _log("killed")
    if executions().count("killed") == 1:
        _die()
    return before


@dg.op
def is_always_killed(before: int) -> int:
    _log("killed")
    _die()
    return before


@dg.op
def is_killed_on_its_way_out(before: int) -> int:
    _log("killed")
    util.Finalize(None, _die, exitpriority=1)
    return before


@dg.op(retry_policy=dg.RetryPolicy(max_retries=1))
def fails_and_is_killed(before: int) -> int:
    _log("killed")
    if executions().count("killed") == 1:
        raise OSError("the first attempt")
    if executions().count("killed") == 2:
        _die()
    return before


@dg.op
def end_anywhere(before: int) -> None:
    del before
    _log("end")


@dg.op
def end(first: int) -> None:
    _log("end")
    assert first != os.getpid()


@dg.job(executor_def=in_process_or_delegated)
def ordinary() -> None:
    end_anywhere(begin())


@dg.job(executor_def=in_process_or_delegated)
def killed_once() -> None:
    end(is_killed_once(begin()))


@dg.job(executor_def=in_process_or_delegated)
def always_killed() -> None:
    end(is_always_killed(begin()))


@dg.job(executor_def=in_process_or_delegated)
def killed_on_its_way_out() -> None:
    end(is_killed_on_its_way_out(begin()))


@dg.job(executor_def=in_process_or_delegated)
def killed_when_tried_again() -> None:
    end(fails_and_is_killed(begin()))


if __name__ == "__main__":
    from tests.pipelines.steps import forked_jobs

    if sys.argv[3:] == ["eager"]:
        from pipelines.steps.celery_app import app

        app().conf.task_always_eager = True
    with instance.load(Path(sys.argv[1])) as dagster:
        job = getattr(forked_jobs, sys.argv[2])
        dg.execute_job(dg.reconstructable(job), dagster, run_config=in_parallel(2), raise_on_error=False)
