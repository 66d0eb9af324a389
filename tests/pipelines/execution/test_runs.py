"""The dealings of runs with the Dagster instance."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from pipelines.execution.runs import ensure_partition
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
