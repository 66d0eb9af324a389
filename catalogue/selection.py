"""Selection of one organisation's entities for an export, as SQL over the catalogue's tables."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from catalogue import narrowing, print_state
from catalogue.attributes import BY_AI, Form, entity_sql, is_before, yymmdd
from catalogue.duck import fetch, one
from catalogue.schema import MANIFEST
from catalogue.tables import Catalogue, CatalogueVersion
from gs1.trade_item import DOUBTFUL_PATTERN

#: Rows in hand at once, and what DuckDB prepares of the next ones: some megabytes.
FRAME_ROWS = 10_000
_BUFFER = "1MB"


class Scope(StrEnum):
    """The table a selection resolves against."""

    PRODUCTS = "products"
    LOTS = "lots"
    SERIALS = "serials"


@dataclass(frozen=True, slots=True)
class Selection:
    """Filters on one organisation's entities. All must match: `None` matches all, `()` matches nothing.

    `catalogue.print_state` defines `changed_since_print` and `print_due`; today's links begin with
    `resolver`. `gtins` are 14 digits. Ids are canonical text (see `catalogue.ids`). Timestamps are aware.
    `text` is looked for in names and GTINs, at the beginning of lot numbers, and as a whole serial number; upper and lower
    case are the same in names. With `beginning_of_serials` it may also be the beginning of a serial number, for which
    all of them are read.

    An entity has `copies` labels; with `copies_from_quantity` as many as its quantity, and with `quantities` as many as
    that says of its id, if they say so. An entity of which no label is wanted is not matched.

    `attributes` are the Application Identifiers of `catalogue.attributes.LATER` whose values its manifest has.
    """

    organisation: str
    scope: Scope
    gtins: tuple[str, ...] | None = None
    product_id: str | None = None
    lot_ids: tuple[str, ...] | None = None
    serial_ids: tuple[str, ...] | None = None
    lot_run_id: str | None = None
    never_printed: bool = False
    changed_since_print: bool = False
    print_due: bool = False
    created_after: datetime | None = None
    created_before: datetime | None = None
    resolver: str | None = None
    lot_number: str | None = None
    serial_number: str | None = None
    text: str | None = None
    beginning_of_serials: bool = False
    copies: int = 1
    copies_from_quantity: bool = False
    quantities: tuple[tuple[str, int], ...] | None = None
    attributes: tuple[str, ...] = ()

    @property
    def manifest(self) -> pl.Schema:
        """The columns of its manifest."""
        return manifest_schema(self.attributes)


def manifest_schema(attributes: Iterable[str]) -> pl.Schema:
    """Return the columns of a manifest with these attributes."""
    return pl.Schema({**MANIFEST, **{BY_AI[ai].manifest_column: pl.String() for ai in attributes}})


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
    """Return how many of the selected entities are in each print state, see `catalogue.print_state`.

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


def in_any_state(selection: Selection) -> Selection:
    """Return the selection without the filters of print states."""
    return replace(selection, never_printed=False, changed_since_print=False, print_due=False)


def tables_of(selection: Selection) -> set[str]:
    """Return the tables on whose rows it depends what is selected."""
    events = set() if selection == in_any_state(selection) else {"lifecycle_events"}
    return {*_TABLES[selection.scope], *events}


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
        found = f"SELECT gtin14, {_copies(selection)} AS copies {selected} AND gtin14 >= $from_gtin ORDER BY gtin14"
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
    entities = _entities(selection.scope, narrowing.Near(selection.scope.value))
    with catalogue.session(selection.organisation, version, tables=_TABLES[selection.scope]) as cursor:
        for field, column, values in listed:
            if not values:
                continue
            _temporary(cursor, "listed", values)
            missing = cursor.execute(
                f"SELECT value FROM listed WHERE value NOT IN (SELECT {column} FROM ({entities})"  # noqa: S608 - column names only
                f" WHERE {_IS_ACTIVE} AND {column} IS NOT NULL) ORDER BY position"
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
        _temporary(cursor, "listed", tuple(key for key, _ in selection.quantities))
        missing = cursor.execute(
            f"SELECT value FROM listed WHERE key_of(value)::UUID NOT IN (SELECT entity_key::UUID {selected})"  # noqa: S608 - values are bound
            " ORDER BY position",
            bound,
        ).fetchall()
    return [UnmatchedKey("quantities", str(row[0])) for row in missing]


# Attributes whose values may be longer or shorter.
_OF_ANY_LENGTH = {Form.TEXT, Form.DIGITS, Form.COUNT}

# The tables of each scope's entities, by the names they have there.
_ALIASES: dict[Scope, dict[str, str]] = {
    Scope.PRODUCTS: {"products": "p"},
    Scope.LOTS: {"lots": "l", "products": "p"},
    Scope.SERIALS: {"serials": "s", "lots": "l", "products": "p"},
}
_LATER = {scope: entity_sql(scope, aliases) for scope, aliases in _ALIASES.items()}

# The entities of each scope, with the columns of a manifest and those of the filters. `rows` are those of the scope.
_ENTITIES: dict[Scope, str] = {
    Scope.PRODUCTS: """
        SELECT p.id AS entity_id, p.id_key AS entity_key, p.gtin14, NULL::VARCHAR AS lot_number,
            NULL::VARCHAR AS serial_number, NULL::VARCHAR AS production_date,
            NULL::VARCHAR AS expiration_date, NULL::VARCHAR AS best_before_date, p.carrier, p.name AS product_name, p.id AS product_id,
            NULL::VARCHAR AS lot_id, NULL::VARCHAR AS lot_run_id, NULL::VARCHAR AS serial_id, p.created_at, p.quantity,
            p.active AS own_active, p.active AS is_active, {later}
        FROM {rows} p""",
    Scope.LOTS: """
        SELECT l.id AS entity_id, l.id_key AS entity_key, l.gtin14, l.lot_number,
            NULL::VARCHAR AS serial_number, l.production_date, l.expiration_date, l.best_before_date, p.carrier,
            p.name AS product_name, p.id AS product_id, l.id AS lot_id, l.lot_run_id,
            NULL::VARCHAR AS serial_id, l.created_at, l.quantity,
            l.active AS own_active, l.active AND p.active AS is_active,
            {later}
        FROM {rows} l JOIN {products} p USING (gtin14)""",
    Scope.SERIALS: """
        SELECT s.id AS entity_id, s.id_key AS entity_key, s.gtin14, s.lot_number, s.serial_number,
            l.production_date, l.expiration_date, l.best_before_date, p.carrier, p.name AS product_name, p.id AS product_id,
            s.lot_id, l.lot_run_id, s.id AS serial_id, s.created_at, s.quantity,
            s.active AS own_active, s.active AND p.active AND (s.lot_id IS NULL OR l.active) AS is_active,
            {later}
        FROM {rows} s JOIN {products} p USING (gtin14) LEFT JOIN {lots} l ON l.id = s.lot_id""",
}

# What is exported: a lot is active only with its product, a serial only with its product and, where it has one, its lot.
_IS_ACTIVE = "is_active"

# The tables that these queries read.
_TABLES: dict[Scope, tuple[str, ...]] = {scope: tuple(aliases) for scope, aliases in _ALIASES.items()}

_BEFORE_PRODUCTION = (
    f"CASE WHEN {is_before('expiration_date', 'production_date')} THEN 'expiration_date'"
    f" WHEN {is_before('best_before_date', 'production_date')} THEN 'best_before_date' END"
)
_EXPIRY, _BEST_BEFORE = yymmdd("expiration_date"), yymmdd("best_before_date")

_ENTITY_TYPES: dict[Scope, str] = {
    Scope.PRODUCTS: "product",
    Scope.LOTS: "lot",
    Scope.SERIALS: "serial",
}


def _entities(scope: Scope, near: narrowing.Near) -> str:
    """Return the query of the scope's entities."""
    lots, products = near.other.format("lots"), near.other.format("products")
    return _ENTITIES[scope].format(rows=near.rows, lots=lots, products=products, later=_LATER[scope])


@contextmanager
def _matched(
    catalogue: Catalogue,
    selection: Selection,
    version: CatalogueVersion | None,
    as_of: date | None = None,
) -> Generator[tuple[duckdb.DuckDBPyConnection, str, dict[str, object]]]:
    """Return a session, the query of the selected rows (MANIFEST without `row`, unordered) and its values."""
    columns = f"'{selection.scope.value}' AS scope, entity_id, gtin14, lot_number, serial_number, "
    columns += f"{_EXPIRY} AS expiry, {_BEST_BEFORE} AS best_before, "
    columns += "carrier, product_name, product_id, lot_id, lot_run_id, "
    columns += f"{yymmdd('production_date')} AS production_date, {_BEFORE_PRODUCTION} AS before_production, "
    columns += f"{is_before('expiration_date', '$as_of')} AS expired, {_copies(selection)}::BIGINT AS copies"
    columns += "".join(f", {BY_AI[ai].column}" for ai in selection.attributes)
    with entities_of(catalogue, selection, version) as (cursor, selected, values):
        bound = {**values, "as_of": None if as_of is None else as_of.isoformat()}
        yield cursor, f"SELECT {columns} {selected}", bound


def _beside_copies(cursor: duckdb.DuckDBPyConnection, selection: Selection) -> str:
    """Return the join of entities with their `wanted_copies`, empty if there are no `quantities`."""
    if selection.quantities is None:
        return ""
    counts = pl.DataFrame(selection.quantities, schema={"id": pl.String, "copies": pl.Int64}, orient="row")
    cursor.register("incoming_values", counts)
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE wanted_quantities AS"
        " SELECT key_of(id)::UUID AS wanted_key, copies AS wanted_copies FROM incoming_values"
    )
    cursor.unregister("incoming_values")
    return " LEFT JOIN wanted_quantities ON wanted_key = entity_key::UUID"


def _copies(selection: Selection) -> str:
    """Return how many labels an entity has, as SQL over what `entities_of` returns."""
    if selection.quantities is not None:
        return f"coalesce(wanted_copies, {selection.copies:d})"
    return (
        f"coalesce(quantity, {selection.copies:d})"
        if selection.copies_from_quantity
        else f"{selection.copies:d}"
    )


@contextmanager
def entities_of(
    catalogue: Catalogue,
    selection: Selection,
    version: CatalogueVersion | None,
    *,
    beside_last: bool = False,
    inactive_too: bool = False,
    first: int | None = None,
) -> Generator[tuple[duckdb.DuckDBPyConnection, str, dict[str, object]]]:
    """Return a session, FROM and WHERE of the entities (joined with their printing if wanted), and values.

    Without `inactive_too`, only those that can be exported. With a `text`, later ones than the `first` in the order of
    GTINs may be missing.
    """
    scope = selection.scope
    conditions = [] if inactive_too else [_IS_ACTIVE]
    values: dict[str, object] = {}
    beside_last = beside_last or selection.changed_since_print or selection.print_due
    tables = tables_of(selection) | ({"lifecycle_events"} if beside_last else set())
    with catalogue.session(selection.organisation, version, tables=tables) as cursor:
        if selection.gtins is not None:
            _temporary(cursor, "wanted_gtins", selection.gtins)
            conditions.append("gtin14 IN (SELECT value FROM wanted_gtins)")
        if selection.lot_ids is not None:
            _temporary(cursor, "wanted_lots", selection.lot_ids)
            conditions.append("lot_id IN (SELECT value FROM wanted_lots)")
        if selection.serial_ids is not None:
            # Compare 16-byte keys: with text this is seven times slower over millions of serials. The other
            # scopes have no serials, so the list matches nothing there.
            _temporary(cursor, "wanted_serials", selection.serial_ids)
            conditions.append(
                "serial_id IS NOT NULL AND entity_key::UUID IN (SELECT key_of(value)::UUID FROM wanted_serials)"
            )
        for condition, value in (
            ("product_id = {}", selection.product_id),
            ("lot_run_id = {}", selection.lot_run_id),
            ("created_at >= {}", selection.created_after),
            ("created_at <= {}", selection.created_before),
            ("lot_number = {}", selection.lot_number),
            ("serial_number = {}", selection.serial_number),
        ):
            if value is not None:
                name = f"value_{len(values)}"
                values[name] = value
                conditions.append(condition.format(f"${name}"))
        rows, other = narrowing.near(cursor, selection, scope.value, _TABLES[scope], values, first)
        events = other.format("lifecycle_events")
        if selection.never_printed:
            # NOT IN always hashes the events and streams the rows. NOT EXISTS groups every row first, and an
            # ANTI JOIN may hash the rows; a LIMIT shortens neither. Every event has its key.
            values["entity_type"] = _ENTITY_TYPES[scope]
            rows = (
                f"(SELECT * FROM {rows} WHERE id_key::UUID NOT IN (SELECT entity_key::UUID"  # noqa: S608
                f" FROM {events} WHERE event_type = 'PRINTED' AND entity_type = $entity_type))"
            )
        entities = f"({_entities(scope, narrowing.Near(rows, other))}) entities"
        if beside_last:
            values |= {"printed_type": _ENTITY_TYPES[scope], "resolver": selection.resolver}
            entities = _beside_last(cursor, scope, entities, events, values)
        entities += _beside_copies(cursor, selection)
        conditions.append(f"{_copies(selection)} > 0")
        if selection.changed_since_print:
            conditions.append("is_changed")
        if selection.print_due:
            conditions.append(f"({print_state.NEVER_PRINTED} OR is_changed)")
        yield cursor, f"FROM {entities} WHERE {' AND '.join(conditions) or 'true'}", values


def _beside_last(
    cursor: duckdb.DuckDBPyConnection, scope: Scope, entities: str, events: str, values: Mapping[str, object]
) -> str:
    """Return the entities, each with its last printing among the events and whether it `is_changed` since."""
    used = {name: value for name, value in values.items() if name in {"near_first", "near_last"}}
    asked = cursor.execute(
        print_state.carries(events), {**used, "printed_type": _ENTITY_TYPES[scope]}
    ).fetchall()
    carries = [str(carry) for (carry,) in asked]
    changed = print_state.changed(_EXPIRY, _BEST_BEFORE, scope, carries)
    return (
        f"(SELECT *, {changed} AS is_changed FROM {entities}"  # noqa: S608 - our own names
        f" LEFT JOIN ({print_state.last_printed(events, carries)}) ON printed_key = entity_key::UUID)"
    )


def _temporary(cursor: duckdb.DuckDBPyConnection, name: str, values: tuple[str, ...]) -> None:
    """Create a temporary table of the distinct values, each with its first position."""
    distinct = pl.DataFrame(
        {"value": list(dict.fromkeys(values))}, schema={"value": pl.String}
    ).with_row_index("position")
    cursor.register("incoming_values", distinct)
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM incoming_values")
    cursor.unregister("incoming_values")
