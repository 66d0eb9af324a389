"""What an import takes from a file: the columns of each table, and the rows that are one table's."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from catalogue.attributes import LATER, later_columns
from catalogue.errors import ImportFileError
from catalogue.imports import dates
from catalogue.imports.columns import understood
from catalogue.imports.damage import Settled, read_cells
from catalogue.imports.options import ImportOptions
from catalogue.imports.reading.opened import Opened


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


_LATER = {table: later_columns(table) for table in ("products", "lots", "serials")}

FILES: dict[str, FileColumns] = {
    "products": FileColumns(
        ("gtin", "name"), ("id", "carrier", "active", "created_at", "quantity", *_LATER["products"]), "product",
        ("gtin14",), ("name", "carrier", "active", "created_at", "quantity", *_LATER["products"]),
    ),
    "lots": FileColumns(
        ("gtin", "lot_number"),
        ("id", "lot_run_id", "production_date", "expiration_date", "best_before_date", "active", "created_at",
         "quantity", *_LATER["lots"]),
        "lot", ("gtin14", "lot_number"),
        ("lot_run_id", "production_date", "expiration_date", "best_before_date", "active", "created_at", "quantity",
         *_LATER["lots"]),
    ),
    "serials": FileColumns(
        ("gtin", "serial_number"), ("id", "lot_number", "active", "created_at", "quantity", *_LATER["serials"]),
        "serial", ("gtin14", "serial_number"),
        ("lot_number", "active", "created_at", "quantity", *_LATER["serials"]),
    ),
    "lifecycle_events": FileColumns(
        ("entity_type", "event_type", "occurred_at"),
        ("entity_id", "gtin", "lot_number", "serial_number", "job_id"), "event", ("id",), (),
    ),
}  # fmt: skip

_ENTITIES = ("products", "lots", "serials")
# Columns that several kinds of entity have. In a file of several kinds they would be ambiguous.
_OF_ONE_KIND = ("id", "active", "created_at")
# In a file of several kinds, that of the last kind: a row with a lot tells how many labels the lot gets.
_OF_LAST_KIND = ("quantity", *(each.column for each in LATER if len(each.tables) > 1))


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The rows of a file that are one table's, with the place of each column that the table takes.

    `shared` are all tables of the file. A row belongs to each table that has a value in a column of its own; a row
    that belongs to none goes to the first table. `settled` says how doubtful values are read.
    """

    opened: Opened
    table: str
    places: Mapping[str, int]
    shared: tuple[str, ...]
    settled: Settled

    @property
    def name(self) -> str:
        return self.opened.name

    @property
    def columns(self) -> FileColumns:
        return FILES[self.table]

    @property
    def present(self) -> tuple[str, ...]:
        known = (*self.columns.required, *self.columns.optional)
        others = _OF_LAST_KIND if self.repeats else ()
        return tuple(column for column in known if column in self.places and column not in others)

    @property
    def is_first(self) -> bool:
        return self.table == self.shared[0]

    @property
    def repeats(self) -> bool:
        """Whether several rows may state the same entity, because each states another of a more special table."""
        return self.table != self.shared[-1]

    def batches(self) -> Iterator[tuple[pl.DataFrame, int, int]]:
        """Yield the table's rows in order, read as `read_cells` does, with the numbers of all rows and of blank ones.

        Blank rows are in neither the rows nor their number.
        """
        own = {table: self._own(table) for table in self.shared}
        fills = {
            table: pl.any_horizontal(pl.col(column).is_not_null() for column in columns)
            for table, columns in own.items()
        }
        mine = fills[self.table]
        if self.is_first:
            mine |= ~pl.any_horizontal(fills.values())
        wanted = dict.fromkeys((*self.present, *(column for columns in own.values() for column in columns)))
        for batch in self.opened.batches({column: self.places[column] for column in wanted}):
            blank = int(batch["blank"].sum())
            rows = batch.filter(~pl.col("blank")) if blank else batch
            height = rows.height
            if len(self.shared) > 1:
                rows = rows.filter(mine)
            yield read_cells(rows.select("row", *self.present), self.settled), height, blank

    def _own(self, table: str) -> list[str]:
        """Return the file's columns that are of this table and of no other one of the file."""
        others = {column for other in self.shared if other != table for column in _columns(other)}
        key = FILES[table].required[-1]
        return [column for column in self.places if column == key or column in {*_columns(table)} - others]


def sources_of(
    opened: Opened, kinds: Sequence[str], options: ImportOptions
) -> tuple[list[SourceFile], tuple[str, ...]]:
    """Return what each of the tables takes from the file, and the names of the columns that none takes.

    Without `kinds` the columns say which tables these are. Raises ImportFileError if a required column is missing.
    """
    known = _known(kinds or _kinds_by_header(opened, options))
    found = understood(opened.header, known, options.mapping, opened.name)
    tables = kinds or _kinds_of(found.used)
    for column in dict.fromkeys(
        column for table in tables or ["products"] for column in FILES[table].required
    ):
        if column not in found.used:
            raise ImportFileError(
                f"{opened.name}: the required column {column} is missing",
                value=[name for name in opened.header if name.strip()],
                expected=f"a column {column}, one of the usual other names, or --map {column}=NAME",
                field=column,
            )
    known = _known(tables)
    used = {column: place for column, place in found.used.items() if column in known}
    left = tuple(opened.header[place].strip() for column, place in found.used.items() if column not in known)
    dated = [column for column in dates.COLUMNS if column in used]
    places = {column: used[column] for column in dated}
    readings = dates.survey(opened.batches(places), dated, options.date_order) if dated else {}
    settled = Settled(options.accept_warnings, options.first_of_month, readings)
    sources = [SourceFile(opened, table, used, tuple(tables), settled) for table in tables]
    return sources, (*found.ignored, *left)


def _columns(table: str) -> tuple[str, ...]:
    return (*FILES[table].required, *FILES[table].optional)


def _known(tables: Sequence[str]) -> list[str]:
    listed = dict.fromkeys(column for table in tables for column in _columns(table))
    return [column for column in listed if len(tables) == 1 or column not in _OF_ONE_KIND]


def _kinds_by_header(opened: Opened, options: ImportOptions) -> Sequence[str]:
    """Return the tables whose columns the header may have: events have columns that nothing else has."""
    events = understood(opened.header, _known(["lifecycle_events"]), options.mapping, opened.name)
    if set(FILES["lifecycle_events"].required) <= set(events.used):
        return ["lifecycle_events"]
    return _ENTITIES


def _kinds_of(used: Mapping[str, int]) -> list[str]:
    """Return the tables whose required columns are there. Serials name their lots; a date or run also states them."""
    if set(FILES["lifecycle_events"].required) <= set(used):
        return ["lifecycle_events"]
    found = [table for table in _ENTITIES if set(FILES[table].required) <= set(used)]
    stated = set(FILES["lots"].attributes) - {*_OF_ONE_KIND, *_OF_LAST_KIND}
    if "serials" in found and not stated & set(used):
        found = [table for table in found if table != "lots"]
    return found
