"""Creating runs on the Dagster instance, and the code that they name."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import dagster as dg

from pipelines.definitions import defs
from pipelines.execution.dagster_runs import JobPythonOrigin, ModuleCodePointer, RepositoryPythonOrigin
from pipelines.execution.dagster_workers import recon_job_from_origin
from pipelines.execution.runs import Runs, ensure_partition
from pipelines.export.assets import ORGANISATIONS
from pipelines.storage import instance

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


def test_the_code_that_a_run_names_is_there_for_the_next_release(dagster: dg.DagsterInstance) -> None:
    """The names are stored with every run: one that an earlier release queued is executed by this one."""
    pointer = ModuleCodePointer("pipelines.definitions", "defs", None)
    repository = RepositoryPythonOrigin(
        sys.executable, pointer, None, [sys.executable, "-m", "dagster"], None
    )
    stored = JobPythonOrigin("label_export_job", repository)
    assert Runs(dagster, defs.get_repository_def(), "unused.sock")._code_origin == stored
    assert recon_job_from_origin(stored).get_definition().name == "label_export_job"
