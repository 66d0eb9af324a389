"""The form that tolerant readers give a file: Parquet with text columns and the row numbers of the spreadsheet.

This module loads no Polars: the process that reads workbooks has little memory.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

#: A spreadsheet has at most this many columns.
MOST_COLUMNS = 16_384

# Rows are written in batches of this many cells, about 50 MB.
_BATCH_CELLS = 500_000

# How much of a line that cannot be read is kept.
_KEPT_CHARACTERS = 10_000

_BROKEN = pa.schema([("row", pa.int64()), ("value", pa.string()), ("reason", pa.string())])


@dataclass(frozen=True, slots=True)
class Broken:
    """A line that is no row: its text, and why."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Converted:
    """The files with a table's rows and with its broken lines, and their numbers."""

    rows_file: Path
    broken_file: Path
    rows: int
    broken: int


def convert(records: Iterable[tuple[int, Sequence[str] | Broken]], columns: int, folder: Path) -> Converted:
    """Write numbered rows of `columns` cells each, and broken lines, to two Parquet files in the folder.

    The columns are named `0`, `1` and so on. Memory is bounded.
    """
    names = [str(place) for place in range(columns)]
    schema = pa.schema([("row", pa.int64()), *((name, pa.string()) for name in names)])
    batch_rows = max(1, _BATCH_CELLS // max(1, columns))
    result = Converted(folder / "rows.parquet", folder / "broken.parquet", 0, 0)
    counts = [0, 0]
    with (
        pq.ParquetWriter(result.rows_file, schema, compression="lz4", use_dictionary=False) as rows_out,
        pq.ParquetWriter(result.broken_file, _BROKEN, compression="lz4") as broken_out,
    ):
        numbers: list[int] = []
        rows: list[Sequence[str]] = []
        broken: list[dict[str, object]] = []

        def write() -> None:
            if rows:
                columnar = [pa.array(numbers, pa.int64())]
                columnar += [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
                rows_out.write_table(pa.Table.from_arrays(columnar, schema=schema))
            if broken:
                broken_out.write_table(pa.Table.from_pylist(broken, schema=_BROKEN))
            counts[0] += len(rows)
            counts[1] += len(broken)
            for kept in (numbers, rows, broken):
                kept.clear()

        for number, record in records:
            if isinstance(record, Broken):
                text = record.text[:_KEPT_CHARACTERS].encode(errors="backslashreplace").decode()
                broken.append({"row": number, "value": text, "reason": record.reason})
            else:
                numbers.append(number)
                rows.append(record)
            if len(rows) >= batch_rows or len(broken) >= 1_000:
                write()
        write()
    return Converted(result.rows_file, result.broken_file, *counts)
