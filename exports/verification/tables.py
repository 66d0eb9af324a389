"""Reads `manifest.csv` and `errors.csv` again: how many rows they have, and those of the sampled entities."""

import csv
import io
from array import array
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple, cast

from exports.artefacts import ArtefactStore
from exports.errors import SymbolDoesNotDecode
from exports.jobs.manifest import Row
from exports.ports import Report
from exports.reports import files as reports
from exports.reports.rows import ERROR_COLUMNS, MANIFEST_COLUMNS
from exports.verification.carried import CARRIED_COLUMNS, Carried
from exports.verification.findings import CountsDisagree

_LEFT_OUT = "not carried: "

#: How both tables name what the frozen manifest says of an entity.
_IDENTITY = {"entity_id": "entity_id", "gtin": "gtin14", "lot": "lot_number", "serial": "serial_number"}


class Entities(NamedTuple):
    """How many entities of a job were drawn and failed, and how many listed keys matched nothing."""

    processed: int
    failed: int
    unmatched: int

    @property
    def total(self) -> int:
        return self.processed + self.failed


@dataclass(slots=True)
class Tables:
    """What the reports say. Entities are numbered from 1, as there.

    `drawn` and `failed` hold the rows of the sampled entities only, `failed_rows` the numbers of all that failed.
    """

    symbols: int = 0
    errors: int = 0
    drawn: dict[int, list[Mapping[str, str]]] = field(default_factory=dict[int, list[Mapping[str, str]]])
    failed: dict[int, Mapping[str, str]] = field(default_factory=dict[int, Mapping[str, str]])
    failed_rows: "array[int]" = field(default_factory=lambda: array("q"))


def read(job_id: str, store: ArtefactStore, sampled: Collection[int], symbols_each: int) -> Tables:
    """Return what the job's reports say of it and of the sampled entities, numbered from 1.

    Raises CountsDisagree where an entity has not its `symbols_each` rows one below the other, in the order of the
    entities. Memory does not grow with the rows.
    """
    found = Tables()
    wanted = frozenset(sampled)
    last = 0
    with store.open(reports.key(job_id, Report.MANIFEST)) as stream:
        for cells in _rows(stream, MANIFEST_COLUMNS):
            number = int(cells[0])
            # The first row of an entity comes after the one before, the others repeat its number.
            if number <= last if found.symbols % symbols_each == 0 else number != last:
                raise CountsDisagree("rows of manifest.csv out of order", number, last)
            last = number
            found.symbols += 1
            if number in wanted:
                cell_of = dict(zip(MANIFEST_COLUMNS, cells, strict=True))
                found.drawn.setdefault(number, []).append(cell_of)
    last = 0
    if store.exists(reports.key(job_id, Report.ERRORS)):
        with store.open(reports.key(job_id, Report.ERRORS)) as stream:
            for cells in _rows(stream, ERROR_COLUMNS):
                found.errors += 1
                if not cells[0]:
                    continue  # a listed key that matched nothing
                number = int(cells[0])
                if number <= last:
                    raise CountsDisagree("rows of errors.csv out of order", number, last)
                last = number
                found.failed_rows.append(number)
                if number in wanted:
                    found.failed[number] = dict(zip(ERROR_COLUMNS, cells, strict=True))
    return found


def _rows(stream: BinaryIO, columns: tuple[str, ...]) -> Iterator[list[str]]:
    with io.TextIOWrapper(cast("io.BufferedReader", stream), "utf-8-sig", newline="") as text:
        lines = csv.reader(text, strict=True)
        head = next(lines, [])
        if tuple(head) != columns:
            raise SymbolDoesNotDecode(
                "The table has not its columns", value=head, expected=", ".join(columns)
            )
        yield from lines


def require_counts(tables: Tables, symbols: int, errors: int) -> None:
    """Raise CountsDisagree unless the reports have so many rows."""
    for report, found, expected in (
        ("manifest.csv", tables.symbols, symbols),
        ("errors.csv", tables.errors, errors),
    ):
        if found != expected:
            raise CountsDisagree(f"rows of {report}", found, expected)


def has_failed(tables: Tables, row: Row) -> bool:
    """Return whether the sampled entity is in `errors.csv`, and not in `manifest.csv`.

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
    """Raise SymbolDoesNotDecode unless the report's row tells the frozen row's identity and these cells.

    A cell may have an apostrophe in front, which spreadsheets need before what looks like a formula.
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
    """Raise SymbolDoesNotDecode unless the note names the columns that the symbol does not carry, and no other.

    Other notes, and columns that no symbol ever carries, are not compared.
    """
    noted = [part.removeprefix(_LEFT_OUT) for part in told["note"].split("; ") if part.startswith(_LEFT_OUT)]
    columns = [column for part in noted for column in part.split(", ") if column in CARRIED_COLUMNS]
    if columns != list(carried.left_out):
        raise SymbolDoesNotDecode(
            f"{name} has the note {told['note']!r}", value=told["note"], expected=", ".join(carried.left_out)
        )
