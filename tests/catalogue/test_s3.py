"""The catalogue in an object store: only the root URL differs. A server process speaks S3."""

import multiprocessing
import os
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import fsspec
import pytest

from catalogue.imports.inbox import Inbox
from catalogue.imports.ingest import import_files
from catalogue.inspection import verify
from catalogue.lifecycle import Printing, record_printed
from catalogue.maintenance import compact, tidy_logs, vacuum
from catalogue.queries.selected import count, resolve
from catalogue.tables import Catalogue
from tests.catalogue.stock import GTIN, NOW, ORG, SERIALS, digest, serials_file, stocked

FULL = bool(os.environ.get("LABELS_TEST_FULL"))


@pytest.fixture
def root(s3_bucket: str) -> str:
    return f"{s3_bucket}/catalogue"


def events(catalogue: Catalogue) -> tuple[int, int]:
    with catalogue.session(ORG) as cursor:
        return cursor.execute("SELECT count(*), count(DISTINCT id) FROM lifecycle_events").fetchall()[0]


def record(root: str, job: str) -> None:
    catalogue = Catalogue(root)
    record_printed(catalogue, ORG, Printing(job, NOW), resolve(catalogue, SERIALS))


def test_import_count_resolve_record_compact(root: str, tmp_path: Path) -> None:
    catalogue = stocked(tmp_path, 300, root)
    assert count(catalogue, SERIALS) == 300
    assert digest(catalogue) == digest(stocked(tmp_path, 300)), "the same rows as on a disk"

    path = serials_file(tmp_path / "off.csv", range(10), active="no")
    (report,) = import_files(catalogue, ORG, serials=path, rejects_dir=tmp_path, now=NOW).tables
    assert (report.added, report.updated, count(catalogue, SERIALS)) == (0, 10, 290)
    for job in ("one", "one", "two"):
        record(root, job)
    assert events(catalogue) == (580, 580)

    (done,) = compact(catalogue, lambda _: nullcontext(True), least_files=2)
    assert (done.files_before, done.files_after, done.rows) == (2, 1, 580)
    assert sum(vacuum(catalogue).values()) == 0
    assert tidy_logs(catalogue, timedelta(0))
    assert events(Catalogue(root)) == (580, 580)
    assert [check for check in verify(catalogue, ORG) if check.violations] == []


def test_an_inbox(s3_bucket: str, root: str) -> None:
    store = fsspec.filesystem("s3")
    folder = f"{s3_bucket}/inbox/{ORG}"
    store.pipe({f"{folder}/Products.CSV": f"gtin,name\n{GTIN},Tea\n".encode(), f"{folder}/notes.txt": b"no"})
    inbox, catalogue = Inbox(f"{s3_bucket}/inbox"), Catalogue(root)
    assert inbox.organisations() == [ORG]
    seen = [arrival.fingerprint for arrival in inbox.arrivals(ORG)]
    store.pipe(f"{folder}/notes.txt", b"changed")
    (products,) = inbox.take(ORG, seen, catalogue)
    assert products.report is not None
    assert products.report.tables[0].added == 1
    again = [arrival.fingerprint for arrival in inbox.arrivals(ORG)]
    (notes,) = inbox.take(ORG, again, catalogue)
    left = {path.rpartition(f"inbox/{ORG}/")[2] for path in store.find(folder)}
    moved = [taken.moved_to.removeprefix(f"{ORG}/") for taken in (products, notes)]
    assert left == {*moved, f"{moved[1]}.reason.txt"}


@pytest.mark.skipif(not FULL, reason="processes against a server: LABELS_TEST_FULL=1")
def test_processes_at_once(root: str, tmp_path: Path) -> None:
    catalogue = stocked(tmp_path, 20, root)
    jobs = ("one", "one", "one", "two", "three")
    # Not forked from a server that was started with another environment.
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=record, args=(root, job)) for job in jobs]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    assert events(catalogue) == (60, 60)
