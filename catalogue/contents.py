"""The catalogue's products, lots and serials as rows that import again: every one of them comes out unchanged."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias, cast

import polars as pl

from catalogue.attributes import later_columns
from catalogue.duck import fetch, one
from catalogue.queries.entities import entities_of, in_any_state, tables_of
from catalogue.queries.selected import FRAME_ROWS, beginning
from catalogue.selection import Scope, Selection
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

#: Totals that are remembered.
_MOST_TOTALS = 256

#: Rows among which print states are looked up first.
_WINDOW = 2_000

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
    files = catalogue.files(selection.organisation, tables=tables_of(selection)).values()
    total = _total(catalogue, selection, tuple(map(tuple, files)))
    if offset >= total:
        return Part(_empty(selection.scope), total, None)
    rows, next_after = _rows(catalogue, selection, limit, offset, after)
    return Part(rows, total, next_after)


def uncounted(
    catalogue: Catalogue, selection: Selection, *, limit: int, offset: int = 0
) -> tuple[pl.DataFrame, bool]:
    """Return the rows that `part` returns, and whether more follow: counting millions takes longer than showing some."""
    rows, next_after = _rows(catalogue, selection, limit, offset, None)
    return rows, next_after is not None


@lru_cache(maxsize=_MOST_TOTALS)
def _total(catalogue: Catalogue, selection: Selection, files: tuple[tuple[str, ...], ...]) -> int:
    """Return the number of selected rows, inactive ones too. It is counted once for the same data files."""
    del files
    with entities_of(catalogue, selection, None, inactive_too=True) as (cursor, chosen, values):
        return int(one(cursor, f"SELECT count(*) {chosen}", values)[0])


def _rows(
    catalogue: Catalogue, selection: Selection, limit: int, offset: int, after: Place | None
) -> tuple[pl.DataFrame, Place | None]:
    """Return the rows of a part, and the place of the last one if more follow."""
    if selection != in_any_state(selection) and offset + limit < _WINDOW:
        # Print states are looked up among a few thousand rows first: often these have enough that match.
        from_gtin = after[0] if after else ""
        near, size = beginning(catalogue, selection, _WINDOW, inactive_too=True, from_gtin=from_gtin)
        rows, next_after = _some(catalogue, near, limit, offset, after)
        if next_after or size is not None:
            return rows, next_after
    return _some(catalogue, selection, limit, offset, after)


def _some(
    catalogue: Catalogue, selection: Selection, limit: int, offset: int, after: Place | None
) -> tuple[pl.DataFrame, Place | None]:
    first = offset + limit + 1
    with entities_of(catalogue, selection, None, inactive_too=True, first=first) as (cursor, chosen, values):
        bound = dict(values)
        behind = ""
        if after is not None:
            bound |= {f"after_{number}": value for number, value in enumerate(after)}
            # The first condition alone lets row groups be skipped.
            behind = f" AND gtin14 >= $after_0 AND ({', '.join(_PLACE)}) > ($after_0, $after_1, $after_2, $after_3)"
        # Row groups of other GTINs are skipped.
        query = f"SELECT gtin14 {chosen}{behind} ORDER BY gtin14 LIMIT {first:d}"
        query = f"SELECT min(gtin14), max(gtin14) FROM ({query})"  # noqa: S608 - values are bound
        bound["first_gtin"], bound["last_gtin"] = one(cursor, query, bound)
        behind += " AND gtin14 BETWEEN $first_gtin AND $last_gtin"
        query = f"{_ordered(selection.scope, chosen + behind)} LIMIT {limit + 1:d} OFFSET {offset:d}"
        found = fetch(cursor, query, bound)
    place = found.select(f"place_{number}" for number in range(len(_PLACE)))
    last = cast("Place", place.row(limit - 1)) if found.height > limit else None
    return _shown(found.head(limit), selection.scope), last


def every(catalogue: Catalogue, selection: Selection) -> Iterator[pl.DataFrame]:
    """Yield all selected rows, inactive ones too, as `part` orders them, in frames of at most 25,000 rows.

    The first frame is empty: it has the columns.
    """
    empty = _empty(selection.scope)
    yield empty
    with entities_of(catalogue, selection, None, inactive_too=True) as (cursor, chosen, values):
        rows = cursor.sql(_ordered(selection.scope, chosen), params=values)
        for batch in rows.to_arrow_reader(FRAME_ROWS):
            yield _shown(pl.DataFrame(batch), selection.scope).match_to_schema(empty.schema)


def _ordered(scope: Scope, chosen: str) -> str:
    columns = [f"{source} AS {name}" for name, source in COLUMNS[scope].items()]
    columns += [f"{value} AS place_{number}" for number, value in enumerate(_PLACE)]
    return f"SELECT {', '.join(columns)} {chosen} ORDER BY {', '.join(_PLACE)}"


def _shown(rows: pl.DataFrame, scope: Scope) -> pl.DataFrame:
    """Return the columns of an import. `created_at` is text in ISO 8601, to the microsecond."""
    moment = pl.col("created_at").dt.convert_time_zone("UTC").dt.to_string("%Y-%m-%dT%H:%M:%S%.6f+00:00")
    return rows.with_columns(moment).select(*COLUMNS[scope])


def _empty(scope: Scope) -> pl.DataFrame:
    return pl.DataFrame(schema={name: _TYPES.get(name, pl.String()) for name in COLUMNS[scope]})
