"""The files an import reads: their columns, and their rows in batches of text."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from catalogue.errors import ImportFileError

# A batch and its checks take some tens of megabytes.
BATCH_ROWS = 100_000

_PARQUET = {".parquet", ".pq"}


@dataclass(frozen=True, slots=True)
class FileColumns:
    """The columns that a file must and may have, and their columns in the table."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    entity_type: str
    natural_key: tuple[str, ...]
    attributes: tuple[str, ...]

    @property
    def key_column(self) -> str:
        """The column to name when a natural key is refused."""
        return "gtin" if self.natural_key == ("gtin14",) else self.natural_key[-1]


FILES: dict[str, FileColumns] = {
    "products": FileColumns(
        ("gtin", "name"), ("id", "carrier", "active", "created_at"), "product", ("gtin14",),
        ("name", "carrier", "active", "created_at"),
    ),
    "lots": FileColumns(
        ("gtin", "lot_number"),
        ("id", "lot_run_id", "production_date", "expiration_date", "best_before_date", "active", "created_at"),
        "lot", ("gtin14", "lot_number"),
        ("lot_run_id", "production_date", "expiration_date", "best_before_date", "active", "created_at"),
    ),
    "serials": FileColumns(
        ("gtin", "serial_number"), ("id", "lot_number", "active", "created_at"), "serial",
        ("gtin14", "serial_number"), ("lot_number", "active", "created_at"),
    ),
    "lifecycle_events": FileColumns(
        ("entity_type", "event_type", "occurred_at"),
        ("entity_id", "gtin", "lot_number", "serial_number", "job_id"), "event", ("id",), (),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to be imported into one table; `present` are its columns, all of them known."""

    path: Path
    table: str
    present: tuple[str, ...]
    rows: pl.LazyFrame

    @property
    def columns(self) -> FileColumns:
        return FILES[self.table]

    def batches(self) -> Iterator[pl.DataFrame]:
        """Yield the rows in order, as text columns and `row`; at least one frame, which may be empty.

        `row` is the line number in a CSV file whose values have no line breaks. Raises ImportFileError if the
        file is malformed.
        """
        text = [_as_text(name, dtype) for name, dtype in self.rows.collect_schema().items()]
        # An empty cell means no value, in both formats and in every column.
        rows = self.rows.select(text).with_columns(pl.when(pl.all() != "").then(pl.all()))
        first = 2
        try:
            for batch in rows.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
                yield batch.with_row_index("row", offset=first).cast({"row": pl.Int64})
                first += batch.height
        except (pl.exceptions.PolarsError, OSError) as error:
            raise ImportFileError(
                f"{self.path.name} cannot be read: {error}",
                value=self.path.name,
                expected="values that are text, in every row as many as the header names",
            ) from error
        if first == 2:
            schema = {"row": pl.Int64, **dict.fromkeys(self.present, pl.String)}
            yield pl.DataFrame(schema=schema)

    def expected_rows(self) -> int:
        """Return the number of rows, or for CSV the number of lines after the header."""
        if self.path.suffix.lower() in _PARQUET:
            return int(self.rows.select(pl.len()).collect().item())
        with self.path.open("rb") as stream:
            return max(0, sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b"")) - 1)


def open_file(path: Path, table: str) -> SourceFile:
    """Return the CSV or Parquet file, with its header checked.

    Raises ImportFileError if it cannot be read, lacks a required column or has an unknown one.
    """
    columns = FILES[table]
    try:
        if path.suffix.lower() in _PARQUET:
            rows = pl.scan_parquet(path, glob=False)
        else:
            rows = pl.scan_csv(path, infer_schema=False, glob=False)
        present = tuple(rows.collect_schema().names())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ImportFileError(
            f"{path.name} cannot be read: {error}", value=path.name, expected="a CSV or Parquet file"
        ) from error
    for column in columns.required:
        if column not in present:
            raise ImportFileError(
                f"{path.name}: the required column {column} is missing",
                value=list(present),
                expected=", ".join(columns.required),
                field=column,
            )
    known = (*columns.required, *columns.optional)
    for column in present:
        if column not in known:
            raise ImportFileError(
                f"{path.name}: unknown column {column}",
                value=column,
                expected=", ".join(known),
                field=column,
            )
    return SourceFile(path, table, present, rows)


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return pl.col(name).dt.convert_time_zone("UTC").dt.to_string("%Y-%m-%dT%H:%M:%S%.6f%:z")
    return pl.col(name).cast(pl.String)
