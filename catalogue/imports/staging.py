"""An import's workshop: a DuckDB database on disk with a file's checked rows and its rejects."""

import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from catalogue import scratch
from catalogue.duck import one
from catalogue.ids import canonical_id
from catalogue.imports import rules
from catalogue.imports.rules import Rule
from catalogue.imports.source import SourceFile
from catalogue.tables import Catalogue

# What DuckDB may hold in memory before it spills. Sorting, Parquet and Polars come on top: an import of any
# size stays below 1.5 GB.
MEMORY_LIMIT = "700MB"

_REJECTS = '(file VARCHAR, row BIGINT, "column" VARCHAR, value VARCHAR, reason VARCHAR)'

REJECTS = pl.Schema(
    {
        "file": pl.String(),
        "row": pl.Int64(),
        "column": pl.String(),
        "value": pl.String(),
        "reason": pl.String(),
    }
)


@dataclass(frozen=True, slots=True)
class Staged:
    """One file's rows: those that the rules of its format accept are in `rows`, the others in `rejects`.

    Both are tables of `workshop`. Each merge fills `refused` again.
    """

    source: SourceFile
    workshop: duckdb.DuckDBPyConnection
    read: int

    @property
    def rows(self) -> str:
        return f"staged_{self.source.table}"

    @property
    def rejects(self) -> str:
        return f"rejects_{self.source.table}"

    @property
    def refused(self) -> str:
        return f"refused_{self.source.table}"

    def refuse(
        self, cursor: duckdb.DuckDBPyConnection, rows: str, column: str, condition: str, reason: str
    ) -> None:
        """Add to `refused` those of `rows` for which the condition holds. `rows` is a query or table."""
        cursor.execute(
            f'INSERT INTO {self.refused} SELECT $file, row, $column, "{column}", $reason'  # noqa: S608 - our own names
            f" FROM {rows} WHERE {condition}",
            {"file": self.source.path.name, "column": column, "reason": reason},
        )

    def clear_refused(self) -> None:
        self.workshop.execute(f"CREATE OR REPLACE TABLE {self.refused} {_REJECTS}")

    def write_rejects(self, folder: Path) -> tuple[int, Path | None]:
        """Write all rejects, ordered by row, to a CSV file; return the number of rejected rows, and the file."""
        both = f"(FROM {self.rejects} UNION ALL FROM {self.refused})"
        (rejected,) = one(self.workshop, f"SELECT count(DISTINCT row) FROM {both}")  # noqa: S608 - our own names
        if not rejected:
            return 0, None
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.source.table}-rejects.csv"
        listed = self.workshop.sql(f'FROM {both} ORDER BY row, "column", reason')
        with path.open("wb") as stream:
            stream.write((",".join(REJECTS) + "\n").encode())
            for batch in listed.to_arrow_reader(100_000):
                stream.write(pl.DataFrame(batch).write_csv(include_header=False).encode())
        return int(rejected), path


@contextmanager
def workshop(catalogue: Catalogue) -> Generator[duckdb.DuckDBPyConnection]:
    """Yield a separate DuckDB database that spills to a temporary folder. Both are removed afterwards."""
    with tempfile.TemporaryDirectory(prefix=scratch.prefix("import")) as folder:
        connection = catalogue.connect(
            f"{folder}/workshop.duckdb", memory_limit=MEMORY_LIMIT, temp_directory=f"{folder}/spill"
        )
        with connection:
            yield connection


def stage(
    connection: duckdb.DuckDBPyConnection,
    source: SourceFile,
    now: datetime,
    on_rows: Callable[[int], None],
) -> Staged:
    """Read and check the whole file; `on_rows` is called with the number of rows read so far.

    Raises ImportFileError if the file cannot be read to its end.
    """
    events = source.table == "lifecycle_events"
    checks = rules.event_rules() if events else rules.entity_rules(source.table, list(source.present), now)
    shape = _events if events else _entities
    connection.execute(f"CREATE OR REPLACE TABLE rejects_{source.table} {_REJECTS}")
    read = 0
    for batch in source.batches():
        frame = _with_all_columns(batch, source)
        good, rejects = _check(frame, checks, source.path)
        connection.register("batch", shape(good, source))
        if read == 0:
            connection.execute(f"CREATE OR REPLACE TABLE staged_{source.table} AS FROM batch")
        else:
            connection.execute(f"INSERT INTO staged_{source.table} FROM batch")
        if not rejects.is_empty():
            connection.register("batch", rejects)
            connection.execute(f"INSERT INTO rejects_{source.table} FROM batch")
        connection.unregister("batch")
        read += batch.height
        on_rows(read)
    staged = Staged(source, connection, read)
    staged.clear_refused()
    if not events:
        _refuse_repeated(staged)
    return staged


def _check(frame: pl.DataFrame, checks: list[Rule], path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that no rule refuses, and the rejects for the others."""
    flags = frame.select(rule.refused.fill_null(value=False).alias(str(n)) for n, rule in enumerate(checks))
    rejects = [REJECTS.to_frame()]
    for n, rule in enumerate(checks):
        if flags[str(n)].any():
            rejects.append(_rejects(frame.filter(flags[str(n)]), rule, path))
    bad = flags.select(pl.any_horizontal(pl.all()).alias("bad"))["bad"]
    return frame.filter(~bad) if bad.any() else frame, pl.concat(rejects)


def _rejects(rows: pl.DataFrame, rule: Rule, path: Path) -> pl.DataFrame:
    return rows.select(
        pl.lit(path.name).alias("file"),
        "row",
        pl.lit(rule.column).alias("column"),
        pl.col(rule.column).alias("value"),
        rule.reason.alias("reason"),
    ).match_to_schema(REJECTS)


def _with_all_columns(frame: pl.DataFrame, source: SourceFile) -> pl.DataFrame:
    missing = [name for name in source.columns.optional if name not in source.present]
    return frame.with_columns(pl.lit(None, pl.String).alias(name) for name in missing)


def _entities(frame: pl.DataFrame, source: SourceFile) -> pl.DataFrame:
    """Return checked text as the table's types. The `gtin` of the file is kept for the rejects."""
    active = rules.boolean(pl.col("active"))
    if "active" in source.present:
        active = active.fill_null(value=True)
    conversions = [
        rules.gtin14(pl.col("gtin")).alias("gtin14"),
        rules.canonical(pl.col("id"), canonical_id).alias("id"),
        active.alias("active"),
        rules.timestamp(pl.col("created_at")).alias("created_at"),
    ]
    if source.table == "products":
        conversions.append(pl.col("carrier").str.to_lowercase())
    columns = dict.fromkeys(("row", "gtin", "id", *source.columns.natural_key, *source.columns.attributes))
    return frame.with_columns(conversions).select(list(columns))


def _events(frame: pl.DataFrame, source: SourceFile) -> pl.DataFrame:
    del source
    return frame.with_columns(
        rules.gtin14(pl.col("gtin")).alias("gtin14"),
        rules.timestamp(pl.col("occurred_at")).alias("occurred_at"),
        rules.canonical(pl.col("entity_id"), canonical_id).alias("entity_id"),
        pl.col("entity_type").str.to_lowercase().str.strip_suffix("s"),
    )


def _refuse_repeated(staged: Staged) -> None:
    """Move rows that repeat the natural key or the id of an earlier row to the rejects."""
    columns = staged.source.columns
    keys = [(columns.key_column, ", ".join(columns.natural_key), "an earlier row has the same natural key")]
    if "id" in staged.source.present:
        keys.append(("id", "id", "an earlier row has the same id"))
    for column, key, reason in keys:
        # Comparing hashes takes a third of the memory. Only keys with equal hashes are compared by value.
        shared = f"(SELECT hash({key}) FROM {staged.rows} GROUP BY 1 HAVING count(*) > 1)"  # noqa: S608 - our own names
        ranked = (
            f"(SELECT *, row_number() OVER (PARTITION BY {key} ORDER BY row) AS rank FROM {staged.rows}"  # noqa: S608
            f" WHERE {column} IS NOT NULL AND hash({key}) IN {shared})"
        )
        staged.refuse(staged.workshop, ranked, column, "rank > 1", reason)
    staged.workshop.execute(f"DELETE FROM {staged.rows} WHERE row IN (SELECT row FROM {staged.refused})")  # noqa: S608
    staged.workshop.execute(f"INSERT INTO {staged.rejects} FROM {staged.refused}")
    staged.clear_refused()
