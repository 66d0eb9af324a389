"""An import's workshop: a DuckDB database on disk with a file's checked rows and its rejects."""

import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from catalogue import scratch
from catalogue.duck import one
from catalogue.ids import canonical_id
from catalogue.imports import attribute_values, damage, rules
from catalogue.imports.rules import Rule
from catalogue.imports.source import SourceFile
from catalogue.tables import Catalogue

# What DuckDB may hold in memory before it spills. Sorting, Parquet and Polars come on top: an import of any
# size stays below 1.5 GB.
MEMORY_LIMIT = "700MB"

_REJECTS = '(file VARCHAR, row BIGINT, "column" VARCHAR, value VARCHAR, reason VARCHAR)'

#: How many rows a report shows as they were understood.
FIRST_ROWS = 3

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
    """One table's rows of a file. `rows` are the accepted ones.

    `holds` are the problems of rows that need the caller's decision, `rejects` those of refused rows, `refused`
    those that the last merge found. All four are tables of `workshop`. `read` counts the table's rows and broken lines,
    `file_rows` those of the whole file, `blank` rows without any value, which are not read. `first_rows` are the first accepted ones.
    """

    source: SourceFile
    workshop: duckdb.DuckDBPyConnection
    read: int
    file_rows: int
    blank: int
    first_rows: pl.DataFrame

    @property
    def rows(self) -> str:
        return f"staged_{self.source.table}"

    @property
    def rejects(self) -> str:
        return f"rejects_{self.source.table}"

    @property
    def holds(self) -> str:
        return f"holds_{self.source.table}"

    @property
    def refused(self) -> str:
        return f"refused_{self.source.table}"

    @property
    def problems(self) -> str:
        """A query of all problems, with the class of each: refused or held. It is complete after the merge."""
        classes = ((self.rejects, "refused"), (self.refused, "refused"), (self.holds, "held"))
        return " UNION ALL ".join(
            f"SELECT row, '{name}' AS class, \"column\", reason FROM {table}"  # noqa: S608 - our own names
            for table, name in classes
        )

    def held(self) -> int:
        (rows,) = one(self.workshop, f"SELECT count(DISTINCT row) FROM {self.holds}")  # noqa: S608 - our own names
        return int(rows)

    def refuse(
        self, cursor: duckdb.DuckDBPyConnection, rows: str, column: str, condition: str, reason: str
    ) -> None:
        """Add to `refused` those of `rows` for which the condition holds. `rows` is a query or table.

        `reason` is an SQL expression.
        """
        cursor.execute(
            f'INSERT INTO {self.refused} SELECT $file, row, $column, "{column}", {reason}'  # noqa: S608 - our own names
            f" FROM {rows} WHERE {condition}",
            {"file": self.source.name, "column": column},
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
    checks += [rule for rule in attribute_values.rules(now) if rule.column in source.present]
    checks += damage.refusals(list(source.present))
    holds = damage.holds(list(source.present), source.settled)
    shape = _events if events else _entities
    for table in ("rejects", "holds"):
        connection.execute(f"CREATE OR REPLACE TABLE {table}_{source.table} {_REJECTS}")
    read = file_rows = _stage_broken(connection, source)
    blank_rows, first_rows = 0, pl.DataFrame()
    for batch, rows_of_file, blank in source.batches():
        frame = rules.with_gtin14(_with_all_columns(batch, source))
        good, rejects, held = _check(frame, checks, holds, source.name)
        shaped = shape(good, source)
        connection.register("batch", shaped)
        if first_rows.is_empty():
            connection.execute(f"CREATE OR REPLACE TABLE staged_{source.table} AS FROM batch")
            first_rows = good.select(source.present).head(FIRST_ROWS)
        else:
            connection.execute(f"INSERT INTO staged_{source.table} FROM batch")
        for table, rows in (("rejects", rejects), ("holds", held)):
            if not rows.is_empty():
                connection.register("batch", rows)
                connection.execute(f"INSERT INTO {table}_{source.table} FROM batch")
        connection.unregister("batch")
        read += batch.height
        file_rows += rows_of_file
        blank_rows += blank
        on_rows(read)
    staged = Staged(source, connection, read, file_rows, blank_rows, first_rows)
    staged.clear_refused()
    return staged


def settle(tables: Sequence[Staged]) -> None:
    """Hold a file's row for all tables if it is held for one of them; then refuse or drop rows that repeat others."""
    workshop = tables[0].workshop
    if len(tables) > 1:
        held = " UNION ALL ".join(f"FROM {staged.holds}" for staged in tables)
        workshop.execute(f"CREATE OR REPLACE TABLE held AS {held}")
        for staged in tables:
            workshop.execute(
                f"INSERT INTO {staged.holds} FROM held WHERE row IN (SELECT row FROM {staged.rows})"  # noqa: S608 - our own names
            )
            workshop.execute(f"DELETE FROM {staged.rows} WHERE row IN (SELECT row FROM held)")  # noqa: S608
    for staged in tables:
        if staged.source.table != "lifecycle_events":
            if staged.source.repeats:
                _drop_repeats(staged)
            _refuse_repeated(staged)


def _stage_broken(connection: duckdb.DuckDBPyConnection, source: SourceFile) -> int:
    """Add the file's broken lines to the rejects of its first table; return their number."""
    broken = 0
    if source.is_first:
        for batch in source.opened.broken.collect_batches():
            rows = batch.select(
                pl.lit(source.name).alias("file"),
                "row",
                pl.lit(None, pl.String).alias("column"),
                "value",
                "reason",
            )
            connection.register("batch", rows)
            connection.execute(f"INSERT INTO rejects_{source.table} FROM batch")
            connection.unregister("batch")
            broken += batch.height
    return broken


def _check(
    frame: pl.DataFrame, checks: list[Rule], holds: list[Rule], file: str
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return the rows that no rule refuses or holds, the rejects, and the holds of rows that are not refused."""
    flags = frame.select(
        rule.refused.fill_null(value=False).alias(str(n)) for n, rule in enumerate((*checks, *holds))
    )
    refused, held = (
        [str(n) for n in numbers] for numbers in (range(len(checks)), range(len(checks), flags.width))
    )
    bad = flags.select(pl.any_horizontal(refused).alias("bad"))["bad"]
    doubtful = flags.select(pl.any_horizontal(held).alias("held"))["held"] if held else bad.clear(len(bad))
    rejects, waiting = [REJECTS.to_frame()], [REJECTS.to_frame()]
    for n, rule in enumerate(checks):
        if flags[str(n)].any():
            rejects.append(_rejects(frame.filter(flags[str(n)]), rule, file))
    for n, rule in enumerate(holds, len(checks)):
        if flags[str(n)].any():
            waiting.append(_rejects(frame.filter(flags[str(n)] & ~bad), rule, file))
    wrong = bad | doubtful.fill_null(value=False)
    return frame.filter(~wrong) if wrong.any() else frame, pl.concat(rejects), pl.concat(waiting)


def _rejects(rows: pl.DataFrame, rule: Rule, file: str) -> pl.DataFrame:
    value = damage.said(rule.column) if f"{damage.SAID}{rule.column}" in rows.columns else pl.col(rule.column)
    return rows.select(
        pl.lit(file).alias("file"),
        "row",
        pl.lit(rule.column).alias("column"),
        value.alias("value"),
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
        rules.canonical(pl.col("id"), canonical_id).alias("id"),
        active.alias("active"),
        rules.timestamp(pl.col("created_at")).alias("created_at"),
        pl.col("quantity").cast(pl.Int64),
    ]
    if source.table == "products":
        conversions.append(pl.col("carrier").str.to_lowercase())
    columns = dict.fromkeys(("row", "gtin", "id", *source.columns.natural_key, *source.columns.attributes))
    return frame.with_columns(conversions).select(list(columns))


def _events(frame: pl.DataFrame, source: SourceFile) -> pl.DataFrame:
    del source
    return frame.with_columns(
        rules.timestamp(pl.col("occurred_at")).alias("occurred_at"),
        rules.canonical(pl.col("entity_id"), canonical_id).alias("entity_id"),
        pl.col("entity_type").str.to_lowercase().str.strip_suffix("s"),
    )


def _drop_repeats(staged: Staged) -> None:
    """Remove rows that say the same as the first one with their natural key."""
    columns = ", ".join((*staged.source.columns.natural_key, *staged.source.columns.attributes))
    staged.workshop.execute(
        f"DELETE FROM {staged.rows} WHERE row NOT IN (SELECT min(row) FROM {staged.rows} GROUP BY {columns})"  # noqa: S608
    )


def _refuse_repeated(staged: Staged) -> None:
    """Move rows that repeat the natural key or the id of an earlier row to the rejects."""
    columns = staged.source.columns
    keys = [(columns.key_column, ", ".join(columns.natural_key), "the same natural key")]
    if "id" in staged.source.present:
        keys.append(("id", "id", "the same id"))
    for column, key, what in keys:
        # Comparing hashes takes a third of the memory. Only keys with equal hashes are compared by value.
        shared = f"(SELECT hash({key}) FROM {staged.rows} GROUP BY 1 HAVING count(*) > 1)"  # noqa: S608 - our own names
        ranked = (
            f"(SELECT *, min(row) OVER (PARTITION BY {key}) AS first FROM {staged.rows}"  # noqa: S608
            f" WHERE {column} IS NOT NULL AND hash({key}) IN {shared})"
        )
        staged.refuse(staged.workshop, ranked, column, "row > first", f"'row ' || first || ' has {what}'")
    staged.workshop.execute(f"DELETE FROM {staged.rows} WHERE row IN (SELECT row FROM {staged.refused})")  # noqa: S608
    staged.workshop.execute(f"INSERT INTO {staged.rejects} FROM {staged.refused}")
    staged.clear_refused()
