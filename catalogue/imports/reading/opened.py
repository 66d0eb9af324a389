"""Any file that is imported, as one table of text: CSV, Parquet or one sheet of a workbook."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from catalogue.errors import ImportFileError
from catalogue.imports.reading import workbook
from catalogue.imports.reading.converted import Converted, convert
from catalogue.imports.reading.dialect import LINE_CHARACTERS, Dialect, dialect_of
from catalogue.imports.reading.lines import records

#: Rows of a batch. With its checks it takes some tens of megabytes.
BATCH_ROWS = 100_000
_BATCH_CELLS = 2_000_000

#: What an import's file is named. The content decides between text and workbook.
SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".ods", ".parquet", ".pq")
_PARQUET = {".parquet", ".pq"}
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"

# The largest whole number up to which a float is exact.
_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class Opened:
    """A file's rows as text. `form` says how it is written; `expected_rows` is an estimate.

    `rows` has the columns `0`, `1`, … in the header's order, and `row` if the rows are not numbered from 2 on.
    `broken` are the lines that are no rows, with `row`, `value` and `reason`. `separator` is a CSV file's,
    `sheet` and `sheets` a workbook's.
    """

    name: str
    form: str
    header: tuple[str, ...]
    rows: pl.LazyFrame
    broken: pl.LazyFrame
    expected_rows: int
    separator: str = ","
    sheet: str | None = None
    sheets: tuple[str, ...] = ()

    def batches(self, columns: dict[str, int] | None = None) -> Iterator[pl.DataFrame]:
        """Yield `row`, the columns (by new name; default all), and `blank`: whether the row has no value at all.

        Yields at least one frame, which may be empty. An empty cell is null. Raises ImportFileError if the file
        cannot be read to its end.
        """
        places = range(len(self.header))
        wanted = columns if columns is not None else {str(place): place for place in places}
        numbered = "row" in self.rows.collect_schema().names()
        empty = pl.all_horizontal(
            (pl.col(str(place)).is_null() | (pl.col(str(place)) == "")) for place in places
        )
        cells = [
            pl.when(pl.col(str(place)) != "").then(pl.col(str(place))).alias(name)
            for name, place in wanted.items()
        ]
        chosen = self.rows.select(*(["row"] if numbered else []), *cells, empty.alias("blank"))
        size = max(1, min(BATCH_ROWS, _BATCH_CELLS // max(1, len(wanted))))
        first = 2
        try:
            for batch in chosen.collect_batches(chunk_size=size, maintain_order=True):
                yield (
                    batch if numbered else batch.with_row_index("row", offset=first).cast({"row": pl.Int64})
                )
                first += batch.height
        except (pl.exceptions.PolarsError, OSError) as error:
            raise _unreadable(self.name, error) from error
        if first == 2:
            yield pl.DataFrame(
                schema={"row": pl.Int64, **dict.fromkeys(wanted, pl.String), "blank": pl.Boolean}
            )


def open_path(
    path: Path,
    folder: Path,
    is_known: Callable[[str], bool],
    *,
    sheet: str | None = None,
    name: str | None = None,
    line_characters: int = LINE_CHARACTERS,
) -> Opened:
    """Return the file's table. What cannot be read as it is, is converted in the folder first.

    `is_known` tells whether a column's name is one that an import knows; `name` is what reports call the file.
    Raises ImportFileError if there is no table in it.
    """
    shown = name or path.name
    try:
        if path.suffix.lower() in _PARQUET:
            return _parquet(path, shown)
        with path.open("rb") as stream:
            magic = stream.read(4)
        if magic == _OLE:
            raise ImportFileError(
                f"{shown} is an old or password-protected workbook",
                value=shown,
                expected="XLSX without a password",
            )
        if magic == _ZIP:
            found = workbook.read_sheet(path, sheet, folder, name=shown)
            rows, broken = _converted(found.rows)
            form = f"workbook, sheet {found.name}"
            return Opened(
                shown, form, found.header, rows, broken, found.rows.rows, sheet=found.name, sheets=found.names
            )
        if sheet is not None:
            raise ImportFileError(
                f"{shown} has no sheets", value=sheet, expected="a workbook, or no sheet named"
            )
        return _csv(path, shown, dialect_of(path, is_known), folder, line_characters)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(shown, error) from error


def _csv(path: Path, name: str, dialect: Dialect, folder: Path, line_characters: int) -> Opened:
    if dialect.regular:
        schema = {str(place): pl.String for place in range(len(dialect.header))}
        rows = pl.scan_csv(
            path,
            separator=dialect.separator,
            has_header=False,
            skip_lines=dialect.start + 1,
            schema=schema,
            glob=False,
        )
        broken, expected = _nothing_broken(), dialect.lines
    else:
        written = convert(records(path, dialect, line_characters), len(dialect.header), folder)
        rows, broken = _converted(written)
        expected = written.rows
    return Opened(name, str(dialect), dialect.header, rows, broken, expected, dialect.separator)


def _parquet(path: Path, name: str) -> Opened:
    found = pl.scan_parquet(path, glob=False)
    schema = found.collect_schema()
    rows = found.select(
        _as_text(column, dtype).alias(str(n)) for n, (column, dtype) in enumerate(schema.items())
    )
    expected = int(found.select(pl.len()).collect().item())
    return Opened(name, "Parquet", tuple(schema), rows, _nothing_broken(), expected)


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is not None:
            return column.dt.convert_time_zone("UTC").dt.to_string("%Y-%m-%dT%H:%M:%S%.6f%:z")
        midnight = column.dt.time() == pl.time(0, 0, 0)
        return (
            pl.when(midnight).then(column.dt.to_string("%Y-%m-%d %H:%M:%S")).otherwise(column.cast(pl.String))
        )
    if dtype.is_float():
        whole = (column == column.round()) & (column.abs() < _EXACT)
        return (
            pl.when(whole)
            .then(column.cast(pl.Int64, strict=False).cast(pl.String))
            .otherwise(column.cast(pl.String))
        )
    return column.cast(pl.String)


def _converted(files: Converted) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    return pl.scan_parquet(files.rows_file, glob=False), pl.scan_parquet(files.broken_file, glob=False)


def _nothing_broken() -> pl.LazyFrame:
    return pl.LazyFrame(schema={"row": pl.Int64, "value": pl.String, "reason": pl.String})


def _unreadable(name: str, error: Exception) -> ImportFileError:
    return ImportFileError(
        f"{name} cannot be read: {error}",
        value=name,
        expected="a CSV, XLSX, ODS or Parquet file with values that are text, numbers, dates or true and false",
    )
