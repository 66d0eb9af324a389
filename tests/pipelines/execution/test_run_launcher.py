"""Run workers: forked from a server with all imports, checked for life, and resumed when dead."""

import multiprocessing
import os
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime
from multiprocessing.connection import Connection

import dagster as dg
import psutil
import pytest

from accounts.store import Accounts
from exports.jobs.job_id import job_id_for, run_id_for
from exports.jobs.plan import ExportPlan
from exports.requests.request import parse_request
from pipelines import tags
from pipelines.definitions import defs
from pipelines.execution import liveness, worker
from pipelines.execution.dagster_runs import WorkerStatus
from pipelines.execution.forks import ForkServer
from pipelines.execution.run_launcher import ForkedRunLauncher, _work
from pipelines.execution.runs import Runs
from pipelines.export.assets import LABEL_EXPORT_JOB
from pipelines.preload import MODULES
from pipelines.storage import instance

REQUEST = parse_request(b'{"scope":"lots","export_type":"qr_codes","file_format":"svg"}')


def _made(dagster: dg.DagsterInstance) -> dg.DagsterRun:
    export = ExportPlan(job_id_for(uuid.uuid4()), "acme", None, "key:1", datetime.now(UTC), REQUEST)
    assert Runs(dagster, defs.get_repository_def(), "unused.sock").create(export)
    run = dagster.get_run_by_id(run_id_for(export.job_id))
    assert run is not None
    return run


def _reloaded(dagster: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRun:
    found = dagster.get_run_by_id(run.run_id)
    assert found is not None
    return found


def _tell(pipe: Connection) -> None:
    # What is imported before this function's own module: it imports all of them itself.
    preload = sys.modules.get("pipelines.preload")
    pipe.send((os.getpid(), getattr(preload, "LOADED_IN", None), [m for m in MODULES if m in sys.modules]))


def test_a_forked_process_finds_everything_imported() -> None:
    ours, theirs = multiprocessing.Pipe()
    process = ForkServer().fork("test", _tell, theirs)
    theirs.close()
    pid, loaded_in, modules = ours.recv()
    assert pid == process.pid
    assert loaded_in != pid, "imported by the child, not by its fork server"
    assert modules == list(MODULES)


def test_a_killed_fork_server_is_replaced() -> None:
    forks = ForkServer()
    for kill in (True, False):
        ours, theirs = multiprocessing.Pipe()
        process = forks.fork("test", _tell, theirs)
        theirs.close()
        assert ours.recv()[0] == process.pid
        if kill:
            psutil.Process(process.ppid()).kill()


def test_a_process_ends_with_its_fork_server() -> None:
    code = (
        "from pipelines import preload\n"
        "from pipelines.execution import forks\n"
        "print(forks.server().fork('test', print).ppid())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0].isdecimal(), done
    assert not psutil.pid_exists(int(done.stdout.split()[0]))


def test_a_fork_server_ends_in_silence() -> None:
    """DuckDB's bindings print whatever of theirs the collector did not get to see."""
    done = subprocess.run(
        [sys.executable, "-c", "import pipelines.preload"], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_the_instance_uses_the_launcher_and_resumes(dagster: dg.DagsterInstance) -> None:
    assert isinstance(dagster.run_launcher, ForkedRunLauncher)
    assert dagster.run_monitoring_enabled
    assert dagster.run_monitoring_max_resume_run_attempts > 5, "the launcher counts itself"


def test_a_run_that_nobody_signed_has_no_worker(dagster: dg.DagsterInstance) -> None:
    assert _health(dagster, _made(dagster)) is WorkerStatus.NOT_FOUND


def test_a_signed_run_has_a_worker_while_its_process_lives(dagster: dg.DagsterInstance) -> None:
    run = _made(dagster)
    process = multiprocessing.get_context("spawn").Process(target=input)
    process.start()
    worker.sign(dagster, run.run_id, process.pid or 0)
    alive = _health(dagster, _reloaded(dagster, run))
    process.kill()
    process.join()
    assert alive is WorkerStatus.RUNNING
    assert _health(dagster, _reloaded(dagster, run)) is WorkerStatus.NOT_FOUND


def test_a_pid_that_is_used_again_is_no_worker(dagster: dg.DagsterInstance) -> None:
    run = _made(dagster)
    worker.sign(dagster, run.run_id, os.getpid())
    pid, boot_id, ticks, host, namespace = _reloaded(dagster, run).tags[tags.WORKER].split()
    for tag, alive in (
        (f"{pid} {boot_id} {ticks} {host} {namespace}", True),
        (f"{pid} {boot_id} {int(ticks) + 1} {host} {namespace}", False),
        (f"{pid} {uuid.uuid4()} {ticks} {host} {namespace}", False),
        # As earlier releases signed.
        (f"{pid} {boot_id} {ticks}", True),
        (f"{pid} {boot_id} {int(ticks) + 1}", False),
        (f"{pid} {uuid.uuid4()} {ticks}", False),
        (f"{pid} {psutil.Process().create_time():.2f}", True),
        (f"{pid} 1000000.00", False),
    ):
        dagster.add_run_tags(run.run_id, {tags.WORKER: tag})
        assert worker.is_alive(_reloaded(dagster, run)) is alive, tag


def test_a_worker_of_another_machine_lives_while_the_lease_is_held(
    dagster: dg.DagsterInstance, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _made(dagster)
    lease = liveness.run_lease(run.run_id)
    monkeypatch.setenv("LABELS_HOST_NAME", "another-host")
    worker.sign(dagster, run.run_id, os.getpid())
    assert accounts.acquire_lease(lease, "a process there", 60)
    monkeypatch.delenv("LABELS_HOST_NAME")
    signed = _reloaded(dagster, run)
    assert _health(dagster, signed) is WorkerStatus.RUNNING
    assert worker.pid_of(signed) is None, "its pid means nothing here"
    assert accounts.renew_lease(lease, "a process there", -1)
    assert _health(dagster, signed) is WorkerStatus.NOT_FOUND


@pytest.mark.parametrize("end", ["kill", "terminate"])
def test_a_worker_of_another_machine_loses_its_lease_and_no_process_here_is_touched(
    dagster: dg.DagsterInstance, accounts: Accounts, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    run = dagster.create_run_for_job(defs.get_repository_def().get_job("housekeeping"))
    started = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_START.value, job_name=run.job_name)
    dagster.report_dagster_event(started, run.run_id)
    lease = liveness.run_lease(run.run_id)
    assert accounts.acquire_lease(lease, "a process there", 60)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        monkeypatch.setenv("LABELS_HOST_NAME", "another-host")
        worker.sign(dagster, run.run_id, process.pid)
        monkeypatch.delenv("LABELS_HOST_NAME")
        if end == "kill":
            worker.kill(_reloaded(dagster, run))
        else:
            assert dagster.run_launcher.terminate(run.run_id)
            assert _reloaded(dagster, run).status is dg.DagsterRunStatus.CANCELING
        assert process.poll() is None
        process.communicate(b"\n")
    assert process.returncode == 0
    assert not liveness.is_held(accounts, lease)


def test_a_worker_outlives_a_stepped_clock(
    dagster: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _made(dagster)
    worker.sign(dagster, run.run_id, os.getpid())
    # What psutil makes of the kernel's ticks once somebody has set the clock.
    monkeypatch.setattr(psutil.Process, "create_time", lambda _: time.time() + 3600)
    assert worker.is_alive(_reloaded(dagster, run))


def test_a_zombie_and_an_ended_process_are_no_workers(dagster: dg.DagsterInstance) -> None:
    run = _made(dagster)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        worker.sign(dagster, run.run_id, process.pid)
        assert worker.is_alive(_reloaded(dagster, run))
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE
        assert not worker.is_alive(_reloaded(dagster, run))
    with pytest.raises(ProcessLookupError):
        worker.sign(dagster, run.run_id, process.pid)


def test_a_worker_whose_gate_closes_does_nothing(dagster: dg.DagsterInstance) -> None:
    theirs, ours = multiprocessing.Pipe(duplex=False)
    ours.close()
    _work(theirs, dagster.get_ref())
    theirs.close()


def test_interrupted_launches_are_queued_again(dagster: dg.DagsterInstance) -> None:
    launching, waiting = _made(dagster), _made(dagster)
    starting = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_STARTING.value, LABEL_EXPORT_JOB)
    dagster.report_dagster_event(starting, launching.run_id)
    instance.queue_interrupted_launches(dagster)
    assert _reloaded(dagster, launching).status is dg.DagsterRunStatus.QUEUED
    # A small job waits for a warm worker; the façade knows.
    assert _reloaded(dagster, waiting).status is dg.DagsterRunStatus.NOT_STARTED


def _health(dagster: dg.DagsterInstance, run: dg.DagsterRun) -> WorkerStatus:
    return dagster.run_launcher.check_run_worker_health(run).status
