"""The files and commits of many small jobs do not slow down later jobs."""

import os
import tempfile
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from catalogue import delta_log, lifecycle, scratch
from catalogue.delta_log import LOG_RETENTION, MARKER_RETENTION
from catalogue.imports.ingest import import_files
from catalogue.lifecycle import Printing, is_recorded, record_printed
from catalogue.maintenance import MANY_FILES, compact, small_files, tidy_logs
from catalogue.queries.selected import count, resolve
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue
from tests.catalogue.stock import CONTEXT, GTIN

JOBS = 600 if os.environ.get("LABELS_TEST_FULL") else 60
NOW = datetime.now(UTC)
NEVER_PRINTED = Selection("acme", Scope.PRODUCTS, never_printed=True)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    made = Catalogue(str(tmp_path / "catalogue"))
    products = tmp_path / "products.csv"
    products.write_text(f"gtin,name\n{GTIN},Tea\n")
    for organisation in ("acme", "other"):
        import_files(made, organisation, products=products, rejects_dir=tmp_path)
    return made


def record(catalogue: Catalogue, organisation: str, job_id: str, at: datetime = NOW) -> int | None:
    rows = resolve(catalogue, Selection(organisation, Scope.PRODUCTS))
    return record_printed(catalogue, organisation, Printing(job_id, at), rows)


def log_of(catalogue: Catalogue, table: str) -> Path:
    return Path(catalogue.table_uri(table)) / "_delta_log"


def age(log: Path, by: timedelta) -> None:
    for path in log.iterdir():
        moment = (NOW - by).timestamp()
        os.utime(path, (moment, moment))


def test_files_and_log_are_as_short_after_many_jobs_as_after_few(catalogue: Catalogue) -> None:
    record(catalogue, "other", "theirs")
    for number in range(JOBS):
        record(catalogue, "acme", f"job-{number}")
    log = log_of(catalogue, "lifecycle_events")
    checkpoints = sorted(int(path.name.split(".")[0]) for path in log.glob("*.checkpoint.parquet"))
    assert checkpoints, "the log is summed up as it grows"
    assert JOBS + 1 - checkpoints[-1] < 20
    crowded = dict(small_files(catalogue, MANY_FILES))
    assert crowded == {"products": [], "lots": [], "serials": [], "lifecycle_events": ["acme"]}
    age(log, LOG_RETENTION + timedelta(hours=1))

    (done,) = compact(catalogue, lambda _: nullcontext(True))
    assert tidy_logs(catalogue, timedelta(minutes=5))

    assert (done.organisation, done.files_before, done.files_after) == ("acme", JOBS, 1)
    assert len(list(log.glob("*.json"))) <= 20 + 3
    again = Catalogue(str(log.parent.parent))
    assert [len(again.files(org)["lifecycle_events"]) for org in ("acme", "other")] == [1, 1]
    assert [lifecycle.history(again, org)[1] for org in ("acme", "other")] == [JOBS, 1]
    assert count(again, NEVER_PRINTED) == 0


def test_the_log_stays_while_somebody_may_read_an_old_version(catalogue: Catalogue) -> None:
    pinned = catalogue.version()
    for number in range(25):
        record(catalogue, "acme", f"job-{number}")
    for table in ("products", "lifecycle_events"):
        age(log_of(catalogue, table), LOG_RETENTION + timedelta(hours=1))

    assert not tidy_logs(catalogue, LOG_RETENTION)
    assert count(Catalogue(str(log_of(catalogue, "products").parents[1])), NEVER_PRINTED, version=pinned) == 1
    assert tidy_logs(catalogue, timedelta(0))
    with pytest.raises(TableNotFoundError):
        count(Catalogue(str(log_of(catalogue, "products").parents[1])), NEVER_PRINTED, version=pinned)


def test_a_table_of_an_earlier_release_gets_its_checkpoints_too(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del catalogue
    with monkeypatch.context() as earlier:
        earlier.setattr(delta_log, "PROPERTIES", {})
        old = Catalogue(str(tmp_path / "old"))
        old.version()
    assert DeltaTable(old.table_uri("lots")).metadata().configuration == {}
    tidy_logs(old, timedelta(0))
    version = old.version()
    configuration = DeltaTable(old.table_uri("lots")).metadata().configuration
    assert configuration["delta.checkpointInterval"] == "20"
    tidy_logs(old, timedelta(0))
    assert old.version() == version, "it is done once"


def test_a_job_whose_marker_is_forgotten_is_not_recorded_twice(catalogue: Catalogue) -> None:
    long_ago = NOW - MARKER_RETENTION - timedelta(days=1)
    assert record(catalogue, "acme", "old", long_ago) == 1
    assert record(catalogue, "acme", "new") == 1
    log = log_of(catalogue, "lifecycle_events")
    forget(catalogue)
    assert transactions(log) == {"printed:new"}

    assert record(catalogue, "acme", "old", long_ago) is None
    assert is_recorded(catalogue, "acme", "new", NOW)
    assert not is_recorded(catalogue, "other", "old", long_ago), (
        "another organisation's events are not searched"
    )
    assert lifecycle.history(catalogue, "acme")[1] == 2


def forget(catalogue: Catalogue) -> None:
    """Date the marker of the job `old` as if it were written when the job ended, and sum the log up."""
    log = log_of(catalogue, "lifecycle_events")
    moment = int((NOW - MARKER_RETENTION - timedelta(days=1)).timestamp() * 1000)
    (path,) = (path for path in log.glob("*.json") if "printed:old" in path.read_text())
    lines = [
        f'{{"txn":{{"appId":"printed:old","version":1,"lastUpdated":{moment}}}}}' if '"txn"' in line else line
        for line in path.read_text().splitlines()
    ]
    path.write_text("\n".join(lines))
    DeltaTable(catalogue.table_uri("lifecycle_events")).create_checkpoint()


def transactions(log: Path) -> set[str]:
    newest = max(log.glob("*.checkpoint.parquet"))
    return set(pl.read_parquet(newest)["txn"].drop_nulls().struct.field("appId"))


def leave_a_spill(folder: str) -> None:
    tempfile.tempdir = folder
    tempfile.mkdtemp(prefix=scratch.prefix("import"))
    Path(folder, f"{scratch.prefix('duckdb')}spill").mkdir()


def test_spill_folders_of_dead_processes_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = CONTEXT.Process(target=leave_a_spill, args=(str(tmp_path),))
    dead.start()
    dead.join(60)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    leave_a_spill(str(tmp_path))
    strangers = tmp_path / "labels-duckdb-elsewhere-1-spill"
    strangers.mkdir()
    assert len(list(tmp_path.iterdir())) == 5

    assert scratch.remove_abandoned() == 2

    assert strangers.exists()
    assert len(list(tmp_path.glob(f"labels-*-{os.getpid()}-*"))) == 2
