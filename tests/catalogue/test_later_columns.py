"""Rows of releases that did not have the later columns stay readable together with newer ones."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, Transaction

from catalogue import maintenance
from catalogue.imports.ingest import import_files
from catalogue.lifecycle import Printing, carried, history, lines, record_printed
from catalogue.queries.selected import PrintCounts, count, print_counts, resolve, size
from catalogue.schema import GENERATIONS, LIFECYCLE_EVENTS, TABLES, later_than_first
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue, Commit
from tests.catalogue.stock import GTIN, NOW, ORG, SERIALS, serials_file, stocked

EVENTS = "lifecycle_events"
LATER = later_than_first(EVENTS)
ROWS = 5


@contextmanager
def release_of(generation: int, *tables: str) -> Iterator[None]:
    """What a release does that knows only so many generations of later columns in these tables."""
    with pytest.MonkeyPatch.context() as patch:
        for table in tables:
            later = {column for _, columns in GENERATIONS[table][generation:] for column in columns}
            known = {name: dtype for name, dtype in TABLES[table].items() if name not in later}
            patch.setitem(TABLES, table, pl.Schema(known))
            patch.setitem(GENERATIONS, table, GENERATIONS[table][:generation])
        yield


def older_release() -> AbstractContextManager[None]:
    """What a release does that knows none of the later columns of events."""
    return release_of(0, EVENTS)


def record(catalogue: Catalogue, job_id: str, days: int, *, selected: Selection = SERIALS) -> None:
    rows = (
        rows.with_columns(lines=pl.lit("Tea\nS"), carried_lot=pl.lit("L1"))
        for rows in resolve(catalogue, selected)
    )
    printing = Printing(job_id, NOW + timedelta(days=days), symbols="qr", resolver="https://id.gs1.org")
    record_printed(catalogue, ORG, printing, rows)


@pytest.fixture
def older(tmp_path: Path) -> Catalogue:
    """A catalogue in which an older release recorded one job."""
    with older_release():
        catalogue = stocked(tmp_path, ROWS)
        record(catalogue, "older", 0)
    root = tmp_path / "catalogue" / EVENTS
    assert not set(LATER) & {field.name for field in DeltaTable(root).schema().fields}
    [file] = root.glob("org=acme/*.parquet")
    assert not set(LATER) & set(pl.read_parquet_schema(file))
    return Catalogue(str(tmp_path / "catalogue"))


def test_older_events_tell_what_they_can(older: Catalogue) -> None:
    events, total = history(older, ORG)
    assert total == ROWS
    assert {(str(carried(event)), str(lines(event))) for event in events.iter_rows(named=True)} == {
        ("None", "None")
    }
    assert print_counts(older, SERIALS) == PrintCounts(never_printed=0, changed=0, unknown=ROWS)
    assert count(older, Selection(ORG, SERIALS.scope, never_printed=True)) == 0


def test_the_table_gets_the_columns_once(older: Catalogue) -> None:
    older.version()
    table = DeltaTable(older.table_uri(EVENTS))
    assert [field.name for field in table.schema().fields] == ["org", *LIFECYCLE_EVENTS]
    again = Catalogue(older.table_uri("").rstrip("/"))
    assert again.version() == older.version()


def test_newer_events_stand_beside_them(older: Catalogue) -> None:
    before = older.version()
    record(older, "newer", 1)
    newest, total = history(older, ORG, serial="S0000003")
    assert total == 2
    first, second = newest.iter_rows(named=True)
    assert carried(first) == {"01": GTIN, "10": "L1", "21": "S0000003"}
    assert (lines(first), first["resolver"], first["job_id"]) == (["Tea", "S"], "https://id.gs1.org", "newer")
    assert (carried(second), lines(second), second["job_id"]) == (None, None, "older")
    assert print_counts(older, SERIALS).unknown == 0
    assert print_counts(older, SERIALS, version=before).unknown == ROWS
    with older_release():
        still = Catalogue(older.table_uri("").rstrip("/"))
        with still.session(ORG) as cursor:
            assert cursor.sql("SELECT count(*), count(DISTINCT job_id) FROM lifecycle_events").fetchall() == [
                (2 * ROWS, 2)
            ]
        record(still, "older too", 2)
    assert history(older, ORG)[1] == 3 * ROWS


#: A product and a serial, as a release without quantities has stored them.
OLDER_ROWS = {
    "products": f"SELECT 'p' AS id, key_of('p') AS id_key, '{GTIN}' AS gtin14, 'Tea' AS name, NULL::VARCHAR AS carrier",
    "serials": f"""SELECT 's' AS id, key_of('s') AS id_key, '{GTIN}' AS gtin14, 'p' AS product_id, NULL::VARCHAR AS lot_id,
        NULL::VARCHAR AS lot_number, 'S0000000' AS serial_number""",
}


def test_quantities_stand_beside_rows_without_them(tmp_path: Path) -> None:
    with release_of(0, "products", "lots", "serials"):
        older = Catalogue(str(tmp_path / "catalogue"))
        for table, row in OLDER_ROWS.items():
            query = f"{row}, true AS active, now() AS created_at"
            file = older.write_file(older.connect(":memory:"), table, ORG, query)
            commit = Commit([file], (), Transaction("older", 1))
            older.commit(table, ORG, lambda _, commit=commit: commit)
    newer = Catalogue(str(tmp_path / "catalogue"))
    by_quantity = replace(SERIALS, copies_from_quantity=True)
    assert size(newer, by_quantity) == (1, 1)
    more = serials_file(tmp_path / "more.csv", range(1, 3), quantity="7")
    import_files(newer, ORG, serials=more, rejects_dir=tmp_path, now=NOW)
    assert size(newer, by_quantity) == (3, 15)
    same = serials_file(tmp_path / "same.csv", range(1), quantity="5")
    import_files(newer, ORG, serials=same, rejects_dir=tmp_path, now=NOW)
    assert size(newer, by_quantity) == (3, 19)


def test_compaction_and_imports_keep_both(older: Catalogue, tmp_path: Path) -> None:
    record(older, "newer", 1)
    events = tmp_path / "events.csv"
    events.write_text(
        f"entity_type,gtin,serial_number,event_type,occurred_at\nserial,{GTIN},S0000001,PRINTED,2026-07-01T00:00:00Z\n"
    )
    report = import_files(older, ORG, events=events, rejects_dir=tmp_path, now=NOW)
    assert [table.rejected for table in report.tables] == [0]
    before, _ = history(older, ORG)
    assert [
        done.files_before for done in maintenance.compact(older, lambda _: nullcontext(True), least_files=2)
    ] == [3]
    after, _ = history(older, ORG)
    assert after.equals(before)
    assert print_counts(older, SERIALS).unknown == 1
    [file] = older.files(ORG)[EVENTS]
    assert set(LATER) <= set(pl.read_parquet_schema(file))


def imported(catalogue: Catalogue, folder: Path, **texts: str) -> None:
    files = {table: folder / f"{table}.csv" for table in texts}
    for table, file in files.items():
        file.write_text(texts[table])
    report = import_files(catalogue, ORG, rejects_dir=folder, now=NOW, **files)
    assert not any(table.rejected for table in report.tables)


def test_attributes_stand_beside_rows_without_them(tmp_path: Path) -> None:
    """Two releases at work on one catalogue, of which only one knows attributes; the first release is there too."""
    lots = Selection(ORG, Scope.LOTS, attributes=("310n", "7003"))
    every = ("products", "lots", "serials")
    with release_of(0, *every):
        older = Catalogue(str(tmp_path / "catalogue"))
        query = f"{OLDER_ROWS['products']}, true AS active, now() AS created_at"
        file = older.write_file(older.connect(":memory:"), "products", ORG, query)
        older.commit("products", ORG, lambda _: Commit([file], (), Transaction("older", 1)))
    with release_of(1, *every):
        before = Catalogue(str(tmp_path / "catalogue"))
        before.version()
    newer = Catalogue(str(tmp_path / "catalogue"))
    imported(
        newer,
        tmp_path,
        lots="gtin,lot_number,quantity,net_weight_kg,expiration_time\n"
        f"{GTIN},A,7,1.250,2027-03-31 14:30\n{GTIN},B,2,,\n",
    )
    with release_of(1, "lots"), before.session(ORG) as cursor:
        # The release before reads what it knows of newer files.
        assert cursor.sql("SELECT lot_number, quantity FROM lots ORDER BY 1").fetchall() == [
            ("A", 7),
            ("B", 2),
        ]
    [found] = resolve(newer, lots)
    assert found.select("lot_number", "net_weight_kg", "expiration_time").rows() == [
        ("A", "1.250", "2027-03-31T14:30"),
        ("B", None, None),
    ]
    # A file without a column leaves it as it is.
    imported(newer, tmp_path, lots=f"gtin,lot_number,quantity\n{GTIN},A,1\n")
    [found] = resolve(newer, lots)
    assert found["net_weight_kg"].to_list() == ["1.250", None]
