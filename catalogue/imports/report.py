"""What an import reports, and the files with the rows that were not imported."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import duckdb
import polars as pl
import xlsxwriter

from catalogue import duck
from catalogue.imports.columns import PROBLEMS
from catalogue.imports.reading.dialect import SEPARATORS
from catalogue.imports.reading.opened import Opened

# A sheet has this many rows, its header included.
_SHEET_ROWS = 1_048_576


@dataclass(frozen=True, slots=True)
class TableReport:
    """The result for one table's rows of a file.

    `held` rows need the caller's decision. `version` is the table's Delta version, None if nothing changed.
    """

    table: str
    read: int
    added: int
    updated: int
    unchanged: int
    rejected: int
    rejects_file: Path | None
    version: int | None
    held: int = 0


@dataclass(frozen=True, slots=True)
class FileReport:
    """How a file was understood, and how many of its rows were held and refused.

    `form` is its format, encoding, separator or sheet. `columns` is the header's name of each used column.
    `held_file` and `refused_file` have the file's own columns and two more: the row's number in the file and its
    problems. They can be corrected and imported again. `first_rows` are rows as they are imported.
    """

    name: str
    form: str
    tables: tuple[str, ...]
    columns: Mapping[str, str]
    ignored_columns: tuple[str, ...]
    other_sheets: tuple[str, ...]
    rows: int
    blank_rows: int
    held: int
    refused: int
    held_file: Path | None
    refused_file: Path | None
    first_rows: tuple[Mapping[str, str | None], ...]

    @property
    def imported(self) -> int:
        """Rows that were neither held nor refused."""
        return self.rows - self.held - self.refused


@dataclass(frozen=True, slots=True)
class ImportReport:
    """One report per imported table, in the order of import, and one per file."""

    tables: tuple[TableReport, ...]
    files: tuple[FileReport, ...] = ()


@dataclass(frozen=True, slots=True)
class ProblemRows:
    """How many rows have problems of one class, and the file with them."""

    rows: int
    file: Path | None


class _Writer(Protocol):
    def write(self, rows: pl.DataFrame) -> None: ...

    def close(self) -> None: ...


def write_problem_rows(
    workshop: duckdb.DuckDBPyConnection, opened: Opened, problems: str, stem: Path
) -> dict[str, ProblemRows]:
    """Write the file's rows that have problems, with all of their cells as they came; return them by class.

    `problems` is a query of `row`, `class` (held or refused), `column` and `reason`. A row with problems of both
    classes is refused. A line that is no row is in the first cell of its row. A workbook's rows are written as a
    workbook of text cells, others as CSV.
    """
    workshop.execute(
        f"""CREATE OR REPLACE TABLE problem_rows AS
        SELECT row, max(class) AS class,
            array_to_string(list_sort(list(DISTINCT concat_ws(': ', "column", reason))), '; ') AS problems
        FROM ({problems}) GROUP BY row ORDER BY row"""  # noqa: S608 - our own names
    )
    counts = dict(workshop.execute("SELECT class, count(*) FROM problem_rows GROUP BY class").fetchall())
    written: dict[str, ProblemRows] = {}
    for kind in ("held", "refused"):
        rows = int(counts.get(kind, 0))
        path = None
        if rows:
            stem.parent.mkdir(parents=True, exist_ok=True)
            is_sheet = bool(opened.sheets) and rows < _SHEET_ROWS
            path = stem.with_name(f"{stem.name}-{kind}{'.xlsx' if is_sheet else '.csv'}")
            with closing(_Sheet(path, opened) if is_sheet else _Csv(path, opened)) as writer:
                _copy(workshop, opened, kind, writer)
        written[kind] = ProblemRows(rows, path)
    workshop.execute("DROP TABLE problem_rows")
    return written


def _copy(workshop: duckdb.DuckDBPyConnection, opened: Opened, kind: str, writer: _Writer) -> None:
    for batch in _all_rows(opened):
        if batch.is_empty():
            continue
        bounds = {"kind": kind, "first": batch["row"].min(), "last": batch["row"].max()}
        query = "SELECT row, problems FROM problem_rows WHERE class = $kind AND row BETWEEN $first AND $last"
        found = duck.fetch(workshop, query, bounds)
        if not found.is_empty():
            writer.write(batch.join(found, on="row").select(*_kept(opened), "row", "problems"))


def _all_rows(opened: Opened) -> Iterator[pl.DataFrame]:
    yield from opened.batches()
    places = [pl.lit(None, pl.String).alias(str(place)) for place in range(1, len(opened.header))]
    yield from opened.broken.select("row", pl.col("value").alias("0"), *places).collect_batches()


def _kept(opened: Opened) -> list[str]:
    """Return the columns of the file, without those that an earlier report added."""
    return [str(place) for place, name in enumerate(opened.header) if name.strip() not in PROBLEMS]


def _header(opened: Opened) -> list[str]:
    return [*(opened.header[int(place)] for place in _kept(opened)), *PROBLEMS]


class _Csv:
    """A CSV file with the separator of the source, in UTF-8 with the mark that spreadsheets look for."""

    def __init__(self, path: Path, opened: Opened) -> None:
        self._separator = opened.separator
        self._stream = path.open("wb")
        header = pl.DataFrame([_header(opened)], orient="row")
        self._stream.write(b"\xef\xbb\xbf")
        if opened.separator not in SEPARATORS:
            self._stream.write(f"sep={opened.separator}\n".encode())
        self.write(header)

    def write(self, rows: pl.DataFrame) -> None:
        self._stream.write(rows.write_csv(include_header=False, separator=self._separator).encode())

    def close(self) -> None:
        self._stream.close()


class _Sheet:
    """A workbook of text cells, so that no spreadsheet reads a number or date into them."""

    def __init__(self, path: Path, opened: Opened) -> None:
        self._workbook = xlsxwriter.Workbook(path, {"constant_memory": True})
        self._text = self._workbook.add_format({"num_format": "@"})
        self._sheet = self._workbook.add_worksheet()
        self._row = 0
        self._write_row(_header(opened))

    def write(self, rows: pl.DataFrame) -> None:
        for row in rows.cast(pl.String).iter_rows():
            self._write_row(row)

    def _write_row(self, cells: list[str] | tuple[str | None, ...]) -> None:
        for column, cell in enumerate(cells):
            if cell:
                self._sheet.write_string(self._row, column, cell, self._text)
        self._row += 1

    def close(self) -> None:
        self._workbook.close()
