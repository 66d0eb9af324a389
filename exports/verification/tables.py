"""Read `manifest.csv` and `errors.csv` back: the number of rows, and the rows of the sampled entities."""

import os
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from exports.artefacts import ArtefactStore
from exports.errors import SymbolDoesNotDecode
from exports.jobs.manifest import Row
from exports.ports import Report
from exports.reports import files as reports
from exports.reports.rows import ERROR_COLUMNS, MANIFEST_COLUMNS
from exports.verification.carried import Carried
from exports.verification.findings import CountsDisagree

_LEFT_OUT, _WITHOUT_VALUE = "not carried: ", "no value: "

_BLOCK_BYTES = 1 << 20

_COLUMNS = {Report.MANIFEST: MANIFEST_COLUMNS, Report.ERRORS: ERROR_COLUMNS}

#: Columns of both tables that identify an entity -> columns of the frozen manifest.
_IDENTITY = {"entity_id": "entity_id", "gtin": "gtin14", "lot": "lot_number", "serial": "serial_number"}


class Entities(NamedTuple):
    """The numbers of a job's drawn entities, failed entities, and listed keys that matched nothing."""

    processed: int
    failed: int
    unmatched: int

    @property
    def total(self) -> int:
        return self.processed + self.failed


@dataclass(slots=True)
class Tables:
    """The content of the reports. Entities are numbered from 1, as in the reports.

    `drawn` and `failed` have the rows of the sampled entities only. `failed_rows` has the numbers of all failed
    entities.
    """

    symbols: int = 0
    errors: int = 0
    drawn: dict[int, list[Mapping[str, str]]] = field(default_factory=dict[int, list[Mapping[str, str]]])
    failed: dict[int, Mapping[str, str]] = field(default_factory=dict[int, Mapping[str, str]])
    failed_rows: "array[int]" = field(default_factory=lambda: array("q"))


def read(job_id: str, store: ArtefactStore, sampled: Collection[int], symbols_each: int) -> Tables:
    """Return the content of the job's reports for the sampled entities, numbered from 1.

    Raises CountsDisagree unless each entity has `symbols_each` consecutive rows, in the order of the entities. Memory
    does not grow with the rows.
    """
    return _read(partial(reports.key, job_id), store, sampled, symbols_each, has_head=True)


def read_part(key: str, store: ArtefactStore, sampled: Collection[int], symbols_each: int) -> Tables:
    """Return the same for the part with this key."""
    return _read(lambda report: f"{key}.{report}.csv", store, sampled, symbols_each, has_head=False)


def _read(
    key_of: Callable[[Report], str],
    store: ArtefactStore,
    sampled: Collection[int],
    symbols_each: int,
    *,
    has_head: bool,
) -> Tables:
    found = Tables()
    wanted = pl.Series(sampled, dtype=pl.Int64).implode()
    last = 0
    for rows in _rows_of(Report.MANIFEST, key_of, store, has_head=has_head):
        numbers = rows["row"].fill_null(0).to_numpy()
        before = np.concatenate(([last], numbers[:-1]))
        # The first row of an entity has a greater number than the row before. Its other rows repeat the number.
        is_first = (found.symbols + np.arange(len(numbers))) % symbols_each == 0
        _require_order(
            Report.MANIFEST, numbers, before, np.where(is_first, numbers > before, numbers == before)
        )
        last = int(numbers[-1])
        found.symbols += len(numbers)
        for cells in _cells(rows.filter(pl.col("row").is_in(wanted))):
            found.drawn.setdefault(int(cells["row"]), []).append(cells)
    last = 0
    for rows in _rows_of(Report.ERRORS, key_of, store, has_head=has_head):
        found.errors += rows.height
        # The other rows are listed keys that matched nothing.
        failed = rows.filter(pl.col("row").is_not_null())
        numbers = failed["row"].to_numpy()
        before = np.concatenate(([last], numbers[:-1]))
        _require_order(Report.ERRORS, numbers, before, numbers > before[: len(numbers)])
        last = int(numbers[-1]) if len(numbers) else last
        found.failed_rows.extend(numbers.tolist())
        for cells in _cells(failed.filter(pl.col("row").is_in(wanted))):
            found.failed[int(cells["row"])] = cells
    return found


def _rows_of(
    report: Report, key_of: Callable[[Report], str], store: ArtefactStore, *, has_head: bool
) -> Iterator[pl.DataFrame]:
    """Yield the rows of a report in blocks. Yield nothing if it does not exist or is empty."""
    key = key_of(report)
    if report is Report.ERRORS and not store.exists(key):
        return
    with store.open(key) as stream:
        if stream.seek(0, os.SEEK_END):
            stream.seek(0)
            yield from _frames(stream, _COLUMNS[report], has_head=has_head)


def _frames(stream: BinaryIO, columns: tuple[str, ...], *, has_head: bool) -> Iterator[pl.DataFrame]:
    """Yield the rows of a report in blocks: `row` as a number, null if it is empty, and everything else as text."""
    reader = pa_csv.open_csv(
        stream,
        read_options=pa_csv.ReadOptions(
            block_size=_BLOCK_BYTES, column_names=None if has_head else list(columns)
        ),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types={name: pa.int64() if name == "row" else pa.large_string() for name in columns},
            null_values=[""],
        ),
    )
    if tuple(reader.schema.names) != columns:
        raise SymbolDoesNotDecode(
            "The table has not its columns", value=reader.schema.names, expected=", ".join(columns)
        )
    for batch in reader:
        frame = pl.from_arrow(batch)
        if isinstance(frame, pl.DataFrame) and frame.height:
            yield frame


def _require_order(
    report: Report, numbers: NDArray[np.int64], before: NDArray[np.int64], in_order: NDArray[np.bool_]
) -> None:
    if not in_order.all():
        at = int(np.argmin(in_order))
        raise CountsDisagree(f"rows of {report}.csv out of order", int(numbers[at]), int(before[at]))


def _cells(rows: pl.DataFrame) -> Iterator[Mapping[str, str]]:
    """Yield the rows, each as its cells by column."""
    return rows.with_columns(pl.col("row").cast(pl.String)).iter_rows(named=True)


def require_counts(tables: Tables, symbols: int, errors: int) -> None:
    """Raise CountsDisagree unless the reports have these numbers of rows."""
    for report, found, expected in (
        ("manifest.csv", tables.symbols, symbols),
        ("errors.csv", tables.errors, errors),
    ):
        if found != expected:
            raise CountsDisagree(f"rows of {report}", found, expected)


def has_failed(tables: Tables, row: Row) -> bool:
    """Return whether the sampled entity is in `errors.csv` and not in `manifest.csv`.

    Raises SymbolDoesNotDecode if it is in neither or both, or its error names another entity.
    """
    number = row["row"] + 1
    failed = tables.failed.get(number)
    if (failed is None) == (number not in tables.drawn):
        raise SymbolDoesNotDecode(f"Row {number} is not in one of the reports alone", value=number)
    if failed is not None:
        require_row(Report.ERRORS, failed, row)
    return failed is not None


def require_row(table: Report, told: Mapping[str, str], row: Row, **cells: str) -> None:
    """Raise SymbolDoesNotDecode unless the report's row has the frozen row's identity and these cells.

    A cell may have an apostrophe in front, which `csv_rows` adds for spreadsheets.
    """
    expected = {name: row[column] or "" for name, column in _IDENTITY.items()} | cells
    wrong = [name for name, value in expected.items() if told[name] not in (value, f"'{value}")]
    if wrong:
        column = wrong[0]
        raise SymbolDoesNotDecode(
            f"{table}.csv, row {told['row']}: {column} is {told[column]!r}, not {expected[column]!r}",
            value=told[column],
            expected=expected[column],
        )


def require_note(name: str, told: Mapping[str, str], carried: Carried) -> None:
    """Raise SymbolDoesNotDecode unless the note names exactly what the symbol leaves out and what has no value.

    Other notes are not compared.
    """
    for opening, expected in ((_LEFT_OUT, carried.left_out), (_WITHOUT_VALUE, carried.without_value)):
        noted = [part.removeprefix(opening) for part in told["note"].split("; ") if part.startswith(opening)]
        if [name for part in noted for name in part.split(", ")] != list(expected):
            raise SymbolDoesNotDecode(
                f"{name} has the note {told['note']!r}", value=told["note"], expected=", ".join(expected)
            )
