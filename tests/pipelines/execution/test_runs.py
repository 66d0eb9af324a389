"""Creating runs on the Dagster instance, and the code that they name."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import dagster as dg
import pytest

from exports.jobs.job_id import run_id_for
from pipelines.definitions import defs
from pipelines.execution.dagster_runs import JobPythonOrigin, ModuleCodePointer, RepositoryPythonOrigin
from pipelines.execution.dagster_workers import recon_job_from_origin
from pipelines.execution.runs import Runs, ensure_partition
from pipelines.export.assets import ORGANISATIONS
from pipelines.storage import instance
from tests.exports.conftest import plan_for

THREADS = 8
ROUNDS = 12


def test_first_submissions_of_an_organisation_may_coincide(tmp_path: Path) -> None:
    instance.prepare(tmp_path, str(tmp_path / "unused.sock"))
    with instance.load(tmp_path) as dagster, ThreadPoolExecutor(THREADS) as pool:
        for number in range(ROUNDS):
            together = Barrier(THREADS)

            def submit(name: str, together: Barrier = together) -> None:
                together.wait(timeout=30)
                ensure_partition(dagster, name)

            list(pool.map(submit, [f"shop-{number}"] * THREADS))
        found = dagster.get_dynamic_partitions(str(ORGANISATIONS.name))
    assert sorted(found) == sorted(f"shop-{number}" for number in range(ROUNDS))


@pytest.mark.parametrize(("small", "name"), [(False, "label_export_job"), (True, "label_export_small_job")])
def test_the_code_that_a_run_names_is_there_for_the_next_release(
    dagster: dg.DagsterInstance, small: bool, name: str
) -> None:
    """The names are stored with every run: one that an earlier release queued is executed by this one."""
    pointer = ModuleCodePointer("pipelines.definitions", "defs", None)
    repository = RepositoryPythonOrigin(
        sys.executable, pointer, None, [sys.executable, "-m", "dagster"], None
    )
    stored = JobPythonOrigin(name, repository)
    export = plan_for()
    assert Runs(dagster, defs.get_repository_def(), "unused.sock").create(export, small=small)
    run = dagster.get_run_by_id(run_id_for(export.job_id))
    assert run is not None
    assert (run.job_name, run.job_code_origin) == (name, stored)
    assert run.remote_job_origin is not None
    assert run.remote_job_origin.job_name == name
    assert recon_job_from_origin(stored).get_definition().name == name
