"""What is selected: how many entities and labels, their rows, their print states, and keys that name none of them."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from catalogue.attributes import BY_AI, Form, is_before, yymmdd
from catalogue.duck import fetch, one
from catalogue.queries import narrowing, print_state
from catalogue.queries.entities import (
    BEST_BEFORE,
    EXPIRY,
    IS_ACTIVE,
    TABLES,
    copies_of,
    entities_of,
    in_any_state,
    query_of,
    temporary,
)
from catalogue.selection import Selection
from catalogue.tables import Catalogue, CatalogueVersion
from gs1.trade_item import DOUBTFUL_PATTERN

#: Rows in hand at once, and what DuckDB prepares of the next ones: some megabytes.
FRAME_ROWS = 10_000
_BUFFER = "1MB"

_BEFORE_PRODUCTION = (
    f"CASE WHEN {is_before('expiration_date', 'production_date')} THEN 'expiration_date'"
    f" WHEN {is_before('best_before_date', 'production_date')} THEN 'best_before_date' END"
)

# Attributes whose values may be longer or shorter.
_OF_ANY_LENGTH = {Form.TEXT, Form.DIGITS, Form.COUNT}


class Size(NamedTuple):
    """How many entities a selection matches, and how many labels they have."""

    entities: int
    labels: int


@dataclass(frozen=True, slots=True)
class UnmatchedKey:
    """A listed key that names no active entity within the selection's scope, or of `quantities` none that is selected."""

    field: str
    value: str


def count(
    catalogue: Catalogue,
    selection: Selection,
    *,
    limit: int | None = None,
    version: CatalogueVersion | None = None,
) -> int:
    """Return how many entities the selection matches, `limit` at most.

    The default version is the newest.
    """
    return size(catalogue, selection, limit=limit, version=version).entities


def size(
    catalogue: Catalogue,
    selection: Selection,
    *,
    limit: int | None = None,
    version: CatalogueVersion | None = None,
) -> Size:
    """Return how many entities, `limit` at most, the selection matches, and how many labels these have."""
    with _matched(catalogue, selection, version) as (cursor, matched, values):
        capped = matched if limit is None else f"{matched} LIMIT $limit"
        bound = values if limit is None else {**values, "limit": limit}
        counted = f"SELECT count(*), coalesce(sum(copies), 0) FROM ({capped})"  # noqa: S608 - values are bound
        return Size(*map(int, one(cursor, counted, bound)))


@dataclass(frozen=True, slots=True)
class PrintCounts:
    """How many of the selected entities were never printed, changed since, or printed with unknown values."""

    never_printed: int
    changed: int
    unknown: int


def print_counts(
    catalogue: Catalogue,
    selection: Selection,
    *,
    version: CatalogueVersion | None = None,
    total: int | None = None,
) -> PrintCounts:
    """Return how many of the selected entities are in each print state, see `catalogue.queries.print_state`.

    `total` is how many are selected, if that is known.
    """
    entities = count(catalogue, selection, version=version) if total is None else total
    with entities_of(catalogue, selection, version, beside_last=True) as (cursor, selected, values):
        # What was printed alone: looking at the others takes three quarters of the time.
        kinds = ("printed", "is_changed", print_state.UNKNOWN)
        counted = ", ".join(f"count(*) FILTER ({kind})" for kind in kinds)
        printed, changed, unknown = one(
            cursor, f"SELECT {counted} {selected} AND {print_state.EVER_LABELLED}", values
        )
    return PrintCounts(entities - printed, changed, unknown)


def beginning(
    catalogue: Catalogue,
    selection: Selection,
    rows: int,
    *,
    version: CatalogueVersion | None = None,
    inactive_too: bool = False,
    from_gtin: str = "",
) -> tuple[Selection, Size | None]:
    """Return the selection within the GTINs of its first rows from a GTIN on, and their size, None if more than `rows` follow.

    Print states are left aside: some of these rows may have another one than is selected. At most 2,500 rows: DuckDB
    sorts all for more.
    """
    anyhow = in_any_state(selection)
    with entities_of(catalogue, anyhow, version, inactive_too=inactive_too) as (cursor, selected, values):
        values["from_gtin"] = from_gtin
        found = f"SELECT gtin14, {copies_of(selection)} AS copies {selected} AND gtin14 >= $from_gtin ORDER BY gtin14"
        query = f"SELECT list(DISTINCT gtin14), count(*), sum(copies) FROM ({found} LIMIT {rows + 1:d})"  # noqa: S608
        gtins, entities, labels = one(cursor, query, values)
    near = replace(selection, gtins=tuple(sorted(gtins or ())))
    return near, Size(entities, int(labels or 0)) if entities <= rows else None


def resolve(
    catalogue: Catalogue,
    selection: Selection,
    *,
    version: CatalogueVersion | None = None,
    limit: int | None = None,
    as_of: date | None = None,
) -> Iterator[pl.DataFrame]:
    """Yield the rows of `resolve_tables` as frames."""
    for table in resolve_tables(catalogue, selection, version=version, limit=limit, as_of=as_of):
        yield pl.DataFrame(table).match_to_schema(selection.manifest)


def resolve_tables(
    catalogue: Catalogue,
    selection: Selection,
    *,
    version: CatalogueVersion | None = None,
    limit: int | None = None,
    as_of: date | None = None,
) -> Iterator[pa.Table]:
    """Yield the first `limit` selected entities with the columns of a manifest, at most FRAME_ROWS at once.

    `expired` says whether a lot's expiry is before the day `as_of`; without `as_of` it is null.

    Rows are ordered by GTIN, lot number (missing ones first), serial number and id, so that the same version
    gives the same rows in the same order. The default version is the newest one at the start.
    """
    first = "" if limit is None else f" LIMIT {limit:d}"
    with _matched(catalogue, selection, version, as_of) as (cursor, matched, values):
        cursor.execute(f"SET streaming_buffer_size = '{_BUFFER}'")
        rows = cursor.sql(
            f"{matched} ORDER BY gtin14, lot_number NULLS FIRST, serial_number NULLS FIRST, entity_id{first}",
            params=values,
        )
        start = labels = 0
        for batch in rows.to_arrow_reader(FRAME_ROWS):
            for at in range(0, batch.num_rows, FRAME_ROWS):
                some = pa.Table.from_batches([batch.slice(at, FRAME_ROWS)])
                numbers = pa.array(range(start, start + some.num_rows), pa.int64())
                up_to = labels + np.cumsum(some["copies"].to_numpy())
                firsts = pa.array(up_to - some["copies"].to_numpy())
                with_places = some.append_column("row", numbers).append_column("first_label", firsts)
                yield with_places.select(selection.manifest.names())
                start, labels = start + some.num_rows, int(up_to[-1])


def least(catalogue: Catalogue, selection: Selection) -> pl.DataFrame:
    """Return a made-up row of a manifest whose label is no larger than any of the selection's.

    Its lot and serial number, and other texts, are as short as the shortest ones, in digits only. It has no value in a column
    where any row has no value. Its GTIN is one that a symbol may carry, if the selection has such a GTIN. The
    frame is empty if the selection is.
    """

    def shortest(column: str) -> str:
        return f"""CASE WHEN bool_and({column} IS NOT NULL)
            THEN repeat('0', min(length({column}))::BIGINT) END AS {column}"""

    def always(column: str) -> str:
        return f"CASE WHEN bool_and({column} IS NOT NULL) THEN min({column}) END AS {column}"

    attributes = [BY_AI[ai] for ai in selection.attributes]
    more = "".join(
        f", {(shortest if each.form in _OF_ANY_LENGTH else always)(each.column)}" for each in attributes
    )
    with _matched(catalogue, selection, None) as (cursor, matched, values):
        frame = fetch(
            cursor,
            f"""SELECT 0::BIGINT AS row, '{selection.scope.value}' AS scope, min(entity_id) AS entity_id,
            coalesce(min(gtin14) FILTER (NOT regexp_full_match(gtin14, '{DOUBTFUL_PATTERN}')), min(gtin14))
                AS gtin14, {shortest("lot_number")}, {shortest("serial_number")}, {always("expiry")},
            {always("best_before")}, NULL::VARCHAR AS carrier, NULL::VARCHAR AS product_name,
            min(product_id) AS product_id, NULL::VARCHAR AS lot_id, NULL::VARCHAR AS lot_run_id,
            {always("production_date")}, NULL::VARCHAR AS before_production, NULL::BOOLEAN AS expired,
            1::BIGINT AS copies, 0::BIGINT AS first_label{more}
            FROM ({matched}) HAVING count(*) > 0""",  # noqa: S608 - values are bound
            values,
        )
    return frame.match_to_schema(selection.manifest)


def unmatched(
    catalogue: Catalogue, selection: Selection, *, version: CatalogueVersion | None = None
) -> list[UnmatchedKey]:
    """Return the listed GTINs and ids that match no active entity of the scope, in the order listed.

    The other filters are ignored: a key whose entity they exclude is not unmatched. Ids of `quantities` are those of
    selected entities.
    """
    listed = [
        ("gtins", "gtin14", selection.gtins),
        ("product_id", "product_id", None if selection.product_id is None else (selection.product_id,)),
        ("lot_ids", "lot_id", selection.lot_ids),
        ("serial_ids", "serial_id", selection.serial_ids),
    ]
    found = _without_entity(catalogue, selection, version)
    if not any(values for _, _, values in listed):
        return found
    entities = query_of(selection.scope, narrowing.Near(selection.scope.value))
    with catalogue.session(selection.organisation, version, tables=TABLES[selection.scope]) as cursor:
        for field, column, values in listed:
            if not values:
                continue
            temporary(cursor, "listed", values)
            missing = cursor.execute(
                f"SELECT value FROM listed WHERE value NOT IN (SELECT {column} FROM ({entities})"  # noqa: S608 - column names only
                f" WHERE {IS_ACTIVE} AND {column} IS NOT NULL) ORDER BY position"
            ).fetchall()
            found.extend(UnmatchedKey(field, str(row[0])) for row in missing)
    return found


def _without_entity(
    catalogue: Catalogue, selection: Selection, version: CatalogueVersion | None
) -> list[UnmatchedKey]:
    """Return the ids of `quantities` that name no selected entity."""
    if selection.quantities is None:
        return []
    every = replace(selection, quantities=None)
    with entities_of(catalogue, every, version) as (cursor, selected, bound):
        temporary(cursor, "listed", tuple(key for key, _ in selection.quantities))
        missing = cursor.execute(
            f"SELECT value FROM listed WHERE key_of(value)::UUID NOT IN (SELECT entity_key::UUID {selected})"  # noqa: S608 - values are bound
            " ORDER BY position",
            bound,
        ).fetchall()
    return [UnmatchedKey("quantities", str(row[0])) for row in missing]


@contextmanager
def _matched(
    catalogue: Catalogue,
    selection: Selection,
    version: CatalogueVersion | None,
    as_of: date | None = None,
) -> Generator[tuple[duckdb.DuckDBPyConnection, str, dict[str, object]]]:
    """Return a session, the query of the selected rows (MANIFEST without `row`, unordered) and its values."""
    columns = f"'{selection.scope.value}' AS scope, entity_id, gtin14, lot_number, serial_number, "
    columns += f"{EXPIRY} AS expiry, {BEST_BEFORE} AS best_before, "
    columns += "carrier, product_name, product_id, lot_id, lot_run_id, "
    columns += f"{yymmdd('production_date')} AS production_date, {_BEFORE_PRODUCTION} AS before_production, "
    columns += (
        f"{is_before('expiration_date', '$as_of')} AS expired, {copies_of(selection)}::BIGINT AS copies"
    )
    columns += "".join(f", {BY_AI[ai].column}" for ai in selection.attributes)
    with entities_of(catalogue, selection, version) as (cursor, selected, values):
        bound = {**values, "as_of": None if as_of is None else as_of.isoformat()}
        yield cursor, f"SELECT {columns} {selected}", bound
