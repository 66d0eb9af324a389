"""Write imported rows to data files: divided by GTIN, sorted, in place of the files that had them before."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import duckdb
import polars as pl
from deltalake import DeltaTable, Transaction

from catalogue.delta_log import transaction
from catalogue.schema import TABLES
from catalogue.tables import Catalogue, Commit, DataFile

# One data file has about this many rows of neighbouring GTINs. They are sorted in some hundred megabytes, and
# all are written again when one entity is corrected.
FILE_ROWS = 1_000_000

# Files of fewer rows are small. An import or a compaction joins them when there are SMALL_FILES.
SMALL_ROWS = FILE_ROWS // 2
SMALL_FILES = 16


@dataclass(frozen=True, slots=True)
class _GtinRange:
    """GTINs from first to last, both included, and how many rows they have."""

    first: str
    last: str
    rows: int


def is_small(file: DataFile) -> bool:
    return file.rows < SMALL_ROWS


def rewrite_transaction(organisation: str, handle: DeltaTable) -> Transaction:
    """Return the app transaction of imports and compactions.

    Of two commits with the same base, one conflicts and starts over, so nothing is imported or removed twice.
    """
    application = f"import:{organisation}"
    return transaction(application, (handle.transaction_version(application) or 0) + 1)


def land(
    catalogue: Catalogue,
    session: duckdb.DuckDBPyConnection,
    table: str,
    organisation: str,
    handle: DeltaTable,
    merged: str,
    on_rows: Callable[[int], None],
) -> Commit:
    """Write the changed rows of `merged`, and the other rows of the files that have their old form.

    Small files are joined as well if there are many. `on_rows` is called with the rows written so far.
    """
    root = f"{catalogue.table_uri(table)}/"
    files = catalogue.data_files(organisation, handle)
    touched: set[str] = set()
    if table != "lifecycle_events":  # Events never change.
        old = session.execute(f"SELECT DISTINCT old_file FROM {merged} WHERE changed AND old_id IS NOT NULL")  # noqa: S608 - our own names
        touched = {str(name).removeprefix(root) for (name,) in old.fetchall()}
    small = [file for file in files if is_small(file)]
    joined = small if len(small) >= SMALL_FILES else []
    removed = [file for file in files if file in joined or file.path in touched]
    columns = ", ".join(TABLES[table])
    query = f"SELECT {columns} FROM {merged} WHERE changed"  # noqa: S608 - our own names
    if removed:
        query += f" UNION ALL SELECT {columns} FROM {table} WHERE filename IN (SELECT filename FROM removed)"  # noqa: S608
        list_files(session, "removed", [root + file.path for file in removed])
        if touched:
            query += (
                f" AND id_key::UUID NOT IN (SELECT id_key::UUID FROM {merged}"  # noqa: S608 - our own names
                " WHERE changed AND old_id IS NOT NULL)"
            )
    added = write_files(catalogue, session, table, organisation, query, on_rows)
    return Commit(added, removed, rewrite_transaction(organisation, handle))


def write_files(
    catalogue: Catalogue,
    session: duckdb.DuckDBPyConnection,
    table: str,
    organisation: str,
    query: str,
    on_rows: Callable[[int], None] = lambda _: None,
) -> list[DataFile]:
    """Write the query's rows to new data files of about FILE_ROWS, each sorted; no two share a GTIN."""
    files: list[DataFile] = []
    written = 0
    ranges = list(_gtin_ranges(session, query))
    for part in ranges:
        within = query
        if len(ranges) > 1:
            within = (
                f"FROM ({query}) WHERE gtin14 BETWEEN '{part.first}' AND '{part.last}'"  # GTINs are digits.
            )
        file = catalogue.write_file(session, table, organisation, within)
        files.append(file)
        written += file.rows
        on_rows(written)
    return files


def list_files(session: duckdb.DuckDBPyConnection, name: str, uris: Sequence[str]) -> None:
    """Create a view of the data files' names, in the form of the tables' `filename`."""
    session.register(name, pl.DataFrame({"filename": list(uris)}, schema={"filename": pl.String}))


def _gtin_ranges(session: duckdb.DuckDBPyConnection, query: str) -> Iterator[_GtinRange]:
    """Yield ranges that cover every row once; the rows of one GTIN are never divided."""
    counted = session.execute(f"SELECT gtin14, count(*) FROM ({query}) GROUP BY gtin14 ORDER BY gtin14")  # noqa: S608
    current: _GtinRange | None = None
    for gtin14, rows in counted.fetchall():
        if current is not None and current.rows + rows > FILE_ROWS:
            yield current
            current = None
        first, before = (gtin14, 0) if current is None else (current.first, current.rows)
        current = _GtinRange(first, gtin14, before + rows)
    if current is not None:
        yield current
