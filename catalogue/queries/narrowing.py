"""The GTINs outside which a selection has no rows, found in small tables and by Bloom filters.

Data files are sorted by GTIN, so reads of serials and events skip the row groups of other GTINs.
"""

from collections.abc import Collection
from typing import NamedTuple, Protocol

import duckdb

from catalogue.duck import one

#: Ids that Bloom filters look for. Each may be in another row group, which is then read.
_MOST_IDS = 50

#: So few GTINs are not narrowed down further.
_ENOUGH_GTINS = 20

_OF_NAME = (
    "SELECT gtin14, true FROM products WHERE contains(lower(name), lower($text)) OR contains(gtin14, $text)"
)
_OF_LOT = "SELECT gtin14, false FROM lots WHERE starts_with(lot_number, $text)"
#: A number may be in use for each GTIN: with a limit, reading ends when there are enough.
_OF_SERIAL = "(SELECT gtin14, false FROM serials WHERE serial_number = $text ORDER BY gtin14 {limit})"

#: Which of the rows have the text, by the columns of their table. That of a product's name is in all its rows.
_HAS_TEXT = {
    "products": "by_name",
    "lots": "by_name OR starts_with(lot_number, $text)",
    "serials": "by_name OR starts_with(lot_number, $text) OR serial_number = $text",
}
_BEGINS_WITH_TEXT = (
    "coalesce(by_name, false) OR starts_with(lot_number, $text) OR starts_with(serial_number, $text)"
)


#: Row groups are skipped by the bounds: a join with many GTINs does not skip them.
_WITHIN = (
    "(SELECT {0}.* FROM {0} JOIN near_gtins ON gtin14 = value"
    " WHERE gtin14 BETWEEN $near_first AND $near_last AND ({1}))"
)


class Filters(Protocol):
    """The fields of a `Selection` that are read here."""

    @property
    def gtins(self) -> tuple[str, ...] | None: ...
    @property
    def product_id(self) -> str | None: ...
    @property
    def lot_ids(self) -> tuple[str, ...] | None: ...
    @property
    def lot_run_id(self) -> str | None: ...
    @property
    def serial_ids(self) -> tuple[str, ...] | None: ...
    @property
    def text(self) -> str | None: ...
    @property
    def beginning_of_serials(self) -> bool: ...


class Near(NamedTuple):
    """What stands in a FROM for the table of entities, and for any other: a form that takes the table's name.

    What belongs to an entity has its GTIN: product, lot, and events.
    """

    rows: str
    other: str = "{}"


def near(
    cursor: duckdb.DuckDBPyConnection,
    selection: Filters,
    table: str,
    tables: Collection[str],
    values: dict[str, object],
    first: int | None,
) -> Near:
    """Return the rows that have the selection's text and may match its other filters, and what belongs to such rows.

    `table` has the entities. `tables` are open on the cursor, and the selection's lists are in their temporary tables. The values of what is
    returned are added to `values`. If only the `first` rows in the order of GTINs are wanted, later ones may be missing.
    """
    bound: dict[str, object] = {}
    queries = _known(selection, tables, bound)
    if selection.text is not None:
        bound["text"] = selection.text
        if table != "products":  # Their names are searched here.
            values["text"] = selection.text
        queries.insert(0, _with_text(selection, tables, first))
    if not queries:
        return Near(table)
    others = "".join(f" AND value IN (SELECT gtin14 FROM ({query}))" for query in queries[1:])  # noqa: S608 - our own
    cursor.execute(
        "CREATE TEMP TABLE near_gtins AS SELECT value, bool_or(by_name) AS by_name"  # noqa: S608 - values are bound
        f" FROM ({queries[0]}) found(value, by_name) WHERE true{others} GROUP BY value",
        bound,
    )
    if selection.beginning_of_serials:
        found = f"LEFT JOIN near_gtins ON gtin14 = value WHERE {_BEGINS_WITH_TEXT}"
        return Near(f"(SELECT {table}.* FROM {table} {found})")  # noqa: S608 - values are bound
    values["near_first"], values["near_last"] = one(cursor, "SELECT min(value), max(value) FROM near_gtins")
    has_text = "true" if selection.text is None else _HAS_TEXT[table]
    return Near(_WITHIN.format(table, has_text), _WITHIN.format("{0}", "true"))


def _known(selection: Filters, tables: Collection[str], values: dict[str, object]) -> list[str]:
    """Return queries of GTINs, each of a filter whose GTINs are found quickly."""
    queries = list[str]()
    if selection.gtins is not None:
        queries.append("SELECT value AS gtin14, true FROM wanted_gtins")
        if len(selection.gtins) <= _ENOUGH_GTINS:
            return queries
    if selection.product_id is not None:
        queries.append("SELECT gtin14, true FROM products WHERE id = $product_id")
        values["product_id"] = selection.product_id
    if "lots" in tables and selection.lot_ids is not None:
        queries.append("SELECT gtin14, true FROM lots WHERE id IN (SELECT value FROM wanted_lots)")
    if "lots" in tables and selection.lot_run_id is not None:
        queries.append("SELECT gtin14, true FROM lots WHERE lot_run_id = $lot_run_id")
        values["lot_run_id"] = selection.lot_run_id
    ids = selection.serial_ids or ()
    if "serials" in tables and not queries and 0 < len(ids) <= _MOST_IDS:
        names = {f"id_{number}": value for number, value in enumerate(ids)}
        wanted = ", ".join(f"${name}" for name in names)
        queries.append(f"SELECT gtin14, true FROM serials WHERE id IN ({wanted})")  # noqa: S608 - values are bound
        values |= names
    return queries


def _with_text(selection: Filters, tables: Collection[str], first: int | None) -> str:
    queries = [_OF_NAME]
    if "lots" in tables:
        queries.append(_OF_LOT)
    if "serials" in tables and not selection.beginning_of_serials:
        queries.append(_OF_SERIAL.format(limit="" if first is None else f"LIMIT {first:d}"))
    return " UNION ALL ".join(queries)
