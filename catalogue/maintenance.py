"""Upkeep of the data files during reads and writes: join small ones, remove those that are not needed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

from deltalake import DeltaTable

from catalogue import delta_log
from catalogue.delta_log import LEAST_RETENTION, LOG_RETENTION
from catalogue.errors import CatalogueError
from catalogue.imports.landing import (
    SMALL_FILES,
    SMALL_ROWS,
    is_small,
    list_files,
    rewrite_transaction,
    write_files,
)
from catalogue.imports.staging import workshop
from catalogue.schema import TABLES
from catalogue.tables import Catalogue, Commit, DataFile

# With this many small files of one organisation, compaction does not wait for the daily upkeep. Each makes
# its counts slower by about a quarter of a millisecond.
MANY_FILES = 48

Lock = Callable[[str], AbstractContextManager[bool]]
"""Try to take the lock of that name for the duration of the block; yield whether it was taken."""


@dataclass(frozen=True, slots=True)
class Compaction:
    """One organisation's small files of one table, joined: files before and after, and their rows."""

    table: str
    organisation: str
    files_before: int
    files_after: int
    rows: int


def compact(catalogue: Catalogue, lock: Lock, *, least_files: int = SMALL_FILES) -> Iterator[Compaction]:
    """Join each organisation's small files of a table if there are at least `least_files`; yield each result.

    Readers see either the old files or the new ones, and writers may append meanwhile. Of two compactions at
    once, one finds the lock taken and goes on to the next organisation. Without the lock, the later commit
    would conflict with the earlier one and find nothing left to do. Raises CommitContention if imports keep
    committing first.
    """
    for table, small in small_files(catalogue, least_files):
        for organisation in small:
            with lock(f"compact:{table}:{organisation}") as held:
                if held and (done := _compact_one(catalogue, table, organisation, least_files)):
                    yield done


def small_files(catalogue: Catalogue, least_files: int) -> Iterator[tuple[str, list[str]]]:
    """Yield each table with the organisations that have at least `least_files` small files in it."""
    for table in TABLES:
        counted = catalogue.small_files(table, SMALL_ROWS)
        yield table, sorted(organisation for organisation, files in counted.items() if files >= least_files)


def tidy_logs(catalogue: Catalogue, oldest_reader: timedelta) -> bool:
    """Shorten the tables' logs, unless the oldest reader may need a version that would be removed."""
    for table in TABLES:
        delta_log.configure(catalogue.table_uri(table))
    if oldest_reader >= LOG_RETENTION - timedelta(hours=1):
        return False
    for table in TABLES:
        delta_log.tidy(catalogue.table_uri(table))
    return True


def _compact_one(catalogue: Catalogue, table: str, organisation: str, least_files: int) -> Compaction | None:
    done: Compaction | None = None

    def decide(handle: DeltaTable) -> Commit | None:
        nonlocal done
        files = [file for file in catalogue.data_files(organisation, handle) if is_small(file)]
        if len(files) < least_files:
            done = None
            return None
        added = _join(catalogue, table, organisation, files, handle)
        done = Compaction(table, organisation, len(files), len(added), sum(file.rows for file in added))
        return Commit(added, files, rewrite_transaction(organisation, handle))

    catalogue.commit(table, organisation, decide)
    return done


def _join(
    catalogue: Catalogue, table: str, organisation: str, files: list[DataFile], handle: DeltaTable
) -> list[DataFile]:
    version = catalogue.version_with(table, handle)
    with (
        workshop(catalogue) as connection,
        catalogue.session(organisation, version, on=connection) as session,
    ):
        root = catalogue.table_uri(table)
        list_files(session, "removed", [f"{root}/{file.path}" for file in files])
        columns = ", ".join(TABLES[table])
        query = f"SELECT {columns} FROM {table} WHERE filename IN (SELECT filename FROM removed)"  # noqa: S608 - our own names
        added = write_files(catalogue, session, table, organisation, query)
    before, after = (sum(file.rows for file in some) for some in (files, added))
    if before != after:
        raise CatalogueError(
            f"{table}: joining files of {before} rows gave {after}", value=after, expected=str(before)
        )
    return added


def vacuum(catalogue: Catalogue, retention: timedelta = LEAST_RETENTION) -> dict[str, int]:
    """Remove files that no version of the last `retention` has; return their number by table.

    This includes files of killed writers. Raises CatalogueError if `retention` is below LEAST_RETENTION.
    """
    if retention < LEAST_RETENTION:
        raise CatalogueError(
            f"a retention of {retention} might remove files in use",
            value=str(retention),
            expected=f"at least {LEAST_RETENTION.days} days",
            field="retention",
        )
    hours = -(-retention // timedelta(hours=1))
    return {table: len(catalogue.vacuum(table, hours)) for table in TABLES}
