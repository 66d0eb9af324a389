"""Many processes on one catalogue, some of them killed: no row is lost or duplicated, and no reader fails."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from catalogue.errors import CommitContention
from catalogue.imports.ingest import import_files
from catalogue.imports.options import Progress, Stage
from catalogue.lifecycle import Printing, record_printed
from catalogue.maintenance import compact
from catalogue.queries.selected import count, resolve
from catalogue.tables import Catalogue
from tests.catalogue.stock import CONTEXT, GTIN, NOW, ORG, SERIALS, digest, serials_file, stocked

FULL = bool(os.environ.get("LABELS_TEST_FULL"))


def start(work: Callable[..., None], *arguments: object) -> BaseProcess:
    process = CONTEXT.Process(target=work, args=arguments)
    process.start()
    return process


def finished(*processes: BaseProcess, status: int = 0) -> None:
    for process in processes:
        process.join(120)
        assert process.exitcode == status


def events(catalogue: Catalogue) -> tuple[int, int]:
    """How many events there are, and how many distinct ones, read from the data."""
    with catalogue.session(ORG) as cursor:
        return cursor.execute("SELECT count(*), count(DISTINCT id) FROM lifecycle_events").fetchall()[0]


def record_jobs(root: str, name: str, jobs: int) -> None:
    catalogue = Catalogue(root)
    for number in range(jobs):
        rows = resolve(catalogue, SERIALS)
        assert record_printed(catalogue, ORG, Printing(f"{name}-{number}", NOW), rows) is not None


def test_concurrent_commits_are_all_there(tmp_path: Path) -> None:
    jobs, serials = (50, 20) if FULL else (8, 20)
    catalogue = stocked(tmp_path, serials)
    root = str(tmp_path / "catalogue")
    finished(start(record_jobs, root, "a", jobs), start(record_jobs, root, "b", jobs))
    assert events(catalogue) == (2 * jobs * serials, 2 * jobs * serials)


def compact_often(root: str, times: int) -> None:
    """Without a lock, so that only the tables' own commits keep two of these apart."""
    catalogue = Catalogue(root)
    for _ in range(times):
        try:
            list(compact(catalogue, lambda _: nullcontext(True), least_files=2))
        except CommitContention:
            continue


def test_two_compactors_and_an_appender(tmp_path: Path) -> None:
    jobs, serials = (50, 20) if FULL else (8, 20)
    catalogue = stocked(tmp_path, serials)
    root = str(tmp_path / "catalogue")
    record_jobs(root, "before", 4)
    finished(
        start(compact_often, root, jobs // 2),
        start(compact_often, root, jobs // 2),
        start(record_jobs, root, "meanwhile", jobs),
    )
    compact_often(root, 1)
    assert events(catalogue) == ((jobs + 4) * serials, (jobs + 4) * serials)
    assert len(catalogue.files(ORG)["lifecycle_events"]) == 1


def test_a_taken_lock_leaves_the_files_alone(tmp_path: Path) -> None:
    catalogue = stocked(tmp_path, 3)
    record_jobs(str(tmp_path / "catalogue"), "a", 3)
    asked: list[str] = []

    @contextmanager
    def taken(name: str) -> Iterator[bool]:
        asked.append(name)
        yield False

    assert list(compact(catalogue, taken, least_files=2)) == []
    assert f"compact:lifecycle_events:{ORG}" in asked
    (done,) = compact(catalogue, lambda _: nullcontext(True), least_files=2)
    assert (done.table, done.files_before, done.files_after, done.rows) == ("lifecycle_events", 3, 1, 9)


def import_and_die(root: str, path: str, stage: Stage, rows: int) -> None:
    def die(progress: Progress) -> None:
        if progress.table == "serials" and progress.stage is stage and progress.rows >= rows:
            os.kill(os.getpid(), signal.SIGKILL)

    import_files(
        Catalogue(root), ORG, serials=Path(path), rejects_dir=Path(path).parent, now=NOW, on_progress=die
    )


@contextmanager
def counting(root: str) -> Iterator[set[int]]:
    """Count all the time in a thread; a count that fails, fails the test."""
    counted: set[int] = set()
    failures: list[BaseException] = []
    stop = threading.Event()

    def read() -> None:
        catalogue = Catalogue(root)
        try:
            while not stop.is_set():
                counted.add(count(catalogue, SERIALS))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test tells it
            failures.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield counted
    finally:
        stop.set()
        thread.join()
    assert failures == []


# Case table: when the import is killed, and whether its rows have landed by then.
@pytest.mark.parametrize(
    ("stage", "rows", "landed"),
    [
        pytest.param(Stage.CHECKING, 1, False, id="while reading"),
        pytest.param(Stage.LANDING, 1, False, id="between the data file and the commit"),
        pytest.param(Stage.DONE, 0, True, id="after the commit"),
    ],
)
def test_a_killed_import_is_whole_or_not_there(tmp_path: Path, stage: Stage, rows: int, landed: bool) -> None:
    before, added = 50, 3_000
    stocked(tmp_path, before)
    root = str(tmp_path / "catalogue")
    path = serials_file(tmp_path / "more.csv", range(before, before + added))
    with counting(root) as counted:
        finished(start(import_and_die, root, str(path), stage, rows), status=-signal.SIGKILL)
        catalogue = Catalogue(root)
        assert count(catalogue, SERIALS) == before + (added if landed else 0)
        report = import_files(catalogue, ORG, serials=path, rejects_dir=tmp_path, now=NOW).tables[0]
        assert (report.added, report.unchanged) == ((0, added) if landed else (added, 0))
        assert count(catalogue, SERIALS) == before + added
    assert counted <= {before, before + added}


def test_an_import_killed_while_it_copies(tmp_path: Path) -> None:
    before, added = 50, 400_000 if FULL else 100_000
    stocked(tmp_path, before)
    root = str(tmp_path / "catalogue")
    path = serials_file(tmp_path / "more.csv", range(before, before + added))
    folder = tmp_path / "catalogue" / "serials" / f"org={ORG}"
    known = set(folder.glob("*.parquet"))
    with counting(root) as counted:
        process = start(import_and_die, root, str(path), Stage.DONE, 0)
        while process.is_alive() and not set(folder.glob("*.parquet")) - known:
            pass
        process.kill()
        finished(process, status=-signal.SIGKILL)
        catalogue = Catalogue(root)
        assert count(catalogue, SERIALS) == before
        report = import_files(catalogue, ORG, serials=path, rejects_dir=tmp_path, now=NOW).tables[0]
        assert (report.added, report.updated, report.unchanged) == (added, 0, 0)
    assert counted <= {before, before + added}
    assert set(folder.glob("*.parquet")) - known, "the torn file lies there, and nobody reads it"


def change_often(root: str, folder: str, times: int) -> None:
    catalogue = Catalogue(root)
    for number in range(times):
        path = serials_file(
            Path(folder) / "changing.csv", range(0, 400, number + 2), active=str(number % 2 == 1)
        )
        import_files(catalogue, ORG, serials=path, rejects_dir=Path(folder), now=NOW + timedelta(days=number))
        compact_often(root, 1)


def test_a_pinned_manifest_has_the_same_hash_while_imports_run(tmp_path: Path) -> None:
    catalogue = stocked(tmp_path, 400)
    version = catalogue.version()
    expected = digest(catalogue, version)
    process = start(change_often, str(tmp_path / "catalogue"), str(tmp_path), 12 if FULL else 4)
    while process.is_alive():
        assert digest(catalogue, version) == expected
    finished(process)
    assert digest(catalogue, version) == expected
    assert digest(catalogue) != expected


@pytest.mark.skipif(not FULL, reason="two million rows: LABELS_TEST_FULL=1")
def test_two_million_rows_in_bounded_memory(tmp_path: Path) -> None:
    process = start(import_two_million, str(tmp_path))
    finished(process)


def import_two_million(folder: str) -> None:
    import resource

    catalogue = stocked(Path(folder), 2_000_000)
    assert sum(frame.height for frame in resolve(catalogue, SERIALS)) == 2_000_000
    (first,) = {row for frame in resolve(catalogue, SERIALS, limit=1) for row in frame["gtin14"]}
    assert first == GTIN
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 2_000_000
