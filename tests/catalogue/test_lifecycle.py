"""PRINTED events are recorded exactly once per job, also if several processes try."""

import errno
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.queues import Queue
from pathlib import Path

import polars as pl
import pytest

from catalogue.ids import derived_id
from catalogue.imports.ingest import import_files
from catalogue.lifecycle import REPRINTED, Printing, history, last_printed, record_printed
from catalogue.queries.selected import count, resolve
from catalogue.schema import MANIFEST
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue
from tests.catalogue.stock import CONTEXT

NOW = datetime(2026, 6, 1, tzinfo=UTC)
GTIN = "09506000134352"
SERIALS = 25


def stocked(folder: Path) -> Catalogue:
    catalogue = Catalogue(str(folder / "catalogue"))
    products, serials = folder / "products.csv", folder / "serials.csv"
    products.write_text(f"gtin,name\n{GTIN},Tea\n")
    serials.write_text("gtin,serial_number\n" + "".join(f"{GTIN},S{n}\n" for n in range(SERIALS)))
    import_files(catalogue, "acme", products=products, serials=serials, rejects_dir=folder, now=NOW)
    return catalogue


def events(catalogue: Catalogue) -> pl.DataFrame:
    with catalogue.session("acme") as cursor:
        return cursor.sql("FROM lifecycle_events").pl()


ALL = Selection("acme", Scope.SERIALS)


def record(root: str, job_id: str, results: "Queue[int | None]") -> None:
    catalogue = Catalogue(root)
    results.put(record_printed(catalogue, "acme", Printing(job_id, NOW), resolve(catalogue, ALL)))


def test_once_in_one_process(tmp_path: Path) -> None:
    catalogue = stocked(tmp_path)
    assert record_printed(catalogue, "acme", Printing("job", NOW), resolve(catalogue, ALL)) == SERIALS
    version = catalogue.version()
    assert record_printed(catalogue, "acme", Printing("job", NOW), resolve(catalogue, ALL)) is None
    assert catalogue.version() == version
    assert count(catalogue, Selection("acme", Scope.SERIALS, never_printed=True)) == 0
    assert record_printed(catalogue, "acme", Printing("other", NOW), resolve(catalogue, ALL)) == SERIALS
    found = events(catalogue)
    assert found["id"].n_unique() == found.height == 2 * SERIALS
    assert set(found["occurred_at"].to_list()) == {NOW}


def test_rows_that_cannot_be_read_record_nothing(tmp_path: Path) -> None:
    catalogue = stocked(tmp_path)

    def broken() -> Iterator[pl.DataFrame]:
        yield from resolve(catalogue, ALL)
        raise OSError(errno.EIO, "the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        record_printed(catalogue, "acme", Printing("job", NOW), broken())
    assert events(catalogue).is_empty()
    assert record_printed(catalogue, "acme", Printing("job", NOW), resolve(catalogue, ALL)) == SERIALS


def test_nothing_to_record_is_no_commit(tmp_path: Path) -> None:
    catalogue = stocked(tmp_path)
    version = catalogue.version()
    assert record_printed(catalogue, "acme", Printing("job", NOW), [MANIFEST.to_frame()]) == 0
    assert catalogue.version() == version


@pytest.mark.parametrize("jobs", [("job", "job", "job"), ("one", "two", "three")])
def test_processes_at_once(tmp_path: Path, jobs: tuple[str, ...]) -> None:
    catalogue = stocked(tmp_path)
    results = CONTEXT.Queue()
    processes = [
        CONTEXT.Process(target=record, args=(str(tmp_path / "catalogue"), job, results)) for job in jobs
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    answers = [results.get(timeout=5) for _ in jobs]
    expected = len(set(jobs))
    assert answers.count(SERIALS) == expected
    assert answers.count(None) == len(jobs) - expected
    found = events(catalogue)
    assert found["id"].n_unique() == found.height == expected * SERIALS
    assert set(found["entity_id"]) == {derived_id("acme", "serial", GTIN, f"S{n}") for n in range(SERIALS)}


def test_a_reprint_says_who_and_why_and_comes_first(tmp_path: Path) -> None:
    catalogue = stocked(tmp_path)
    record_printed(catalogue, "acme", Printing("first", NOW), resolve(catalogue, ALL))
    one = resolve(
        catalogue, Selection("acme", Scope.SERIALS, serial_ids=(derived_id("acme", "serial", GTIN, "S3"),))
    )
    again = Printing("second", NOW + timedelta(days=1), REPRINTED, "key:7", "torn label")
    assert record_printed(catalogue, "acme", again, one) == 1
    newest, total = history(catalogue, "acme", gtin14=GTIN, serial="S3")
    assert total == 2
    assert newest["event_type"].to_list() == ["REPRINTED", "PRINTED"]
    assert newest.row(0, named=True)["actor"] == "key:7"
    assert newest.row(0, named=True)["reason"] == "torn label"
    page, total = history(catalogue, "acme", offset=20, limit=10)
    assert (page.height, total) == (SERIALS + 1 - 20, SERIALS + 1)
    assert history(catalogue, "other", gtin14=GTIN)[1] == 0


def test_the_last_printing_of_each_entity_is_told(tmp_path: Path) -> None:
    catalogue = stocked(tmp_path)
    once, twice, never = (derived_id("acme", "serial", GTIN, f"S{n}") for n in range(3))
    later = NOW + timedelta(days=1)
    for printing, ids in (
        (Printing("first", NOW), (once, twice)),
        (Printing("second", later, REPRINTED, "key:7", "jam"), (twice,)),
    ):
        selected = resolve(catalogue, Selection("acme", Scope.SERIALS, serial_ids=ids))
        record_printed(catalogue, "acme", printing, selected)
    asked = [(GTIN, once), (GTIN, twice), (GTIN, never)]
    assert last_printed(catalogue, "acme", "serial", asked) == {once: NOW, twice: later}
    # Labels of the product are others, and so are those of another organisation.
    assert last_printed(catalogue, "acme", "product", asked) == {}
    assert last_printed(catalogue, "other", "serial", asked) == {}
    assert last_printed(catalogue, "acme", "serial", []) == {}


def test_pages_of_the_history_have_every_event_once(tmp_path: Path) -> None:
    """Newest first, and within a job by what is on the label, whichever job a page ends in."""
    catalogue = stocked(tmp_path)
    for job, hours in (("first", 0), ("second", 2), ("third", 1), ("as early as the third", 1)):
        record_printed(
            catalogue, "acme", Printing(job, NOW + timedelta(hours=hours)), resolve(catalogue, ALL)
        )
    whole, total = history(catalogue, "acme", limit=1_000)
    assert (whole.height, total) == (4 * SERIALS, 4 * SERIALS)
    assert whole["occurred_at"].is_sorted(descending=True)
    assert whole[:SERIALS]["job_id"].unique().to_list() == ["second"]
    assert whole[:SERIALS]["serial_number"].is_sorted()
    pages = [history(catalogue, "acme", offset=offset, limit=7)[0] for offset in range(0, total, 7)]
    assert pl.concat(pages).equals(whole)
    assert history(catalogue, "acme", offset=total, limit=7)[0].is_empty()
