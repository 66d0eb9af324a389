"""The catalogue's products, lots and serials as rows that import again: every one of them comes out unchanged."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

import duckdb
import polars as pl

from catalogue.attributes import later_columns
from catalogue.duck import fetch, one
from catalogue.selection import FRAME_ROWS, Scope, Selection, entities_of
from catalogue.tables import Catalogue

#: The columns of each table as an import takes them, and what they are in a selection's entities.
COLUMNS: dict[Scope, dict[str, str]] = {
    Scope.PRODUCTS: {"gtin": "gtin14", "name": "product_name", "carrier": "carrier"},
    Scope.LOTS: {
        "gtin": "gtin14",
        "lot_number": "lot_number",
        "production_date": "production_date",
        "expiration_date": "expiration_date",
        "best_before_date": "best_before_date",
        "lot_run_id": "lot_run_id",
    },
    Scope.SERIALS: {"gtin": "gtin14", "serial_number": "serial_number", "lot_number": "lot_number"},
}
for _scope, _columns in COLUMNS.items():
    _columns |= {
        "active": "own_active",
        "created_at": "created_at",
        "id": "entity_id",
        "quantity": "quantity",
        **{column: f"own_{column}" for column in later_columns(_scope)},
    }

#: GTIN, lot number and serial number ("" for a missing one) and id of a row: its place in the order.
Place: TypeAlias = tuple[str, str, str, str]

#: Those that are not text.
_TYPES: dict[str, pl.DataType] = {"active": pl.Boolean(), "quantity": pl.Int64()}

_PLACE = ("gtin14", "coalesce(lot_number, '')", "coalesce(serial_number, '')", "entity_id")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the rows in their order, the number of all rows, and the place of its last row if more follow."""

    rows: pl.DataFrame
    total: int
    next_after: Place | None


def part(
    catalogue: Catalogue, selection: Selection, *, limit: int, offset: int = 0, after: Place | None = None
) -> Part:
    """Return at most `limit` selected rows, inactive ones too, behind the first `offset` or behind a place.

    Rows are ordered by GTIN, lot number (missing ones first), serial number and id.
    """
    with entities_of(catalogue, selection, None, inactive_too=True) as (cursor, chosen, values):
        total = int(one(cursor, f"SELECT count(*) {chosen}", values)[0])
        rows, next_after = _some(cursor, chosen, values, selection, limit, offset, after)
    return Part(rows, total, next_after)


def uncounted(
    catalogue: Catalogue, selection: Selection, *, limit: int, offset: int = 0
) -> tuple[pl.DataFrame, bool]:
    """Return the rows that `part` returns, and whether more follow: counting millions takes longer than showing some."""
    with entities_of(catalogue, selection, None, inactive_too=True) as (cursor, chosen, values):
        rows, next_after = _some(cursor, chosen, values, selection, limit, offset, None)
    return rows, next_after is not None


def _some(
    cursor: duckdb.DuckDBPyConnection,
    chosen: str,
    values: Mapping[str, object],
    selection: Selection,
    limit: int,
    offset: int,
    after: Place | None,
) -> tuple[pl.DataFrame, Place | None]:
    """Return the rows of a part, and the place of the last one if more follow."""
    bound, behind = dict(values), ""
    if after is not None:
        bound |= {f"after_{number}": value for number, value in enumerate(after)}
        # The first condition alone lets row groups be skipped.
        behind = (
            f" AND gtin14 >= $after_0 AND ({', '.join(_PLACE)}) > ($after_0, $after_1, $after_2, $after_3)"
        )
    if selection.text is None:
        # Whose GTIN comes later is not among them, and its row groups are skipped. Finding a text twice costs more.
        first = f"SELECT gtin14 {chosen}{behind} ORDER BY gtin14 LIMIT {offset + limit + 1:d}"
        bound["last_gtin"] = one(cursor, f"SELECT max(gtin14) FROM ({first})", bound)[0]  # noqa: S608
        behind += " AND gtin14 <= $last_gtin"
    query = f"{_ordered(selection.scope, chosen + behind)} LIMIT {limit + 1:d} OFFSET {offset:d}"
    found = fetch(cursor, query, bound)
    place = found.select(f"place_{number}" for number in range(len(_PLACE)))
    last = cast("Place", place.row(limit - 1)) if found.height > limit else None
    return _shown(found.head(limit), selection.scope), last


def every(catalogue: Catalogue, selection: Selection) -> Iterator[pl.DataFrame]:
    """Yield all selected rows, inactive ones too, as `part` orders them, in frames of at most 25,000 rows.

    The first frame is empty: it has the columns.
    """
    schema = pl.Schema({name: _type_of(name) for name in COLUMNS[selection.scope]})
    yield pl.DataFrame(schema=schema)
    with entities_of(catalogue, selection, None, inactive_too=True) as (cursor, chosen, values):
        rows = cursor.sql(_ordered(selection.scope, chosen), params=values)
        for batch in rows.to_arrow_reader(FRAME_ROWS):
            yield _shown(pl.DataFrame(batch), selection.scope).match_to_schema(schema)


def _ordered(scope: Scope, chosen: str) -> str:
    columns = [f"{source} AS {name}" for name, source in COLUMNS[scope].items()]
    columns += [f"{value} AS place_{number}" for number, value in enumerate(_PLACE)]
    return f"SELECT {', '.join(columns)} {chosen} ORDER BY {', '.join(_PLACE)}"


def _shown(rows: pl.DataFrame, scope: Scope) -> pl.DataFrame:
    """Return the columns of an import. `created_at` is text in ISO 8601, to the microsecond."""
    moment = pl.col("created_at").dt.convert_time_zone("UTC").dt.to_string("%Y-%m-%dT%H:%M:%S%.6f+00:00")
    return rows.with_columns(moment).select(*COLUMNS[scope])


def _type_of(column: str) -> pl.DataType:
    return _TYPES.get(column, pl.String())
