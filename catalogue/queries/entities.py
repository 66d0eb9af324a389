"""SQL of a selection's entities over the catalogue's tables."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import duckdb
import polars as pl

from catalogue.attributes import entity_sql, yymmdd
from catalogue.queries import narrowing, print_state
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue, CatalogueVersion

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
IS_ACTIVE = "is_active"

# The tables that these queries read.
TABLES: dict[Scope, tuple[str, ...]] = {scope: tuple(aliases) for scope, aliases in _ALIASES.items()}

#: Today's dates as YYMMDD.
EXPIRY, BEST_BEFORE = yymmdd("expiration_date"), yymmdd("best_before_date")

_ENTITY_TYPES: dict[Scope, str] = {
    Scope.PRODUCTS: "product",
    Scope.LOTS: "lot",
    Scope.SERIALS: "serial",
}


def query_of(scope: Scope, near: narrowing.Near) -> str:
    """Return the query of the scope's entities."""
    lots, products = near.other.format("lots"), near.other.format("products")
    return _ENTITIES[scope].format(rows=near.rows, lots=lots, products=products, later=_LATER[scope])


def in_any_state(selection: Selection) -> Selection:
    """Return the selection without the filters of print states."""
    return replace(selection, never_printed=False, changed_since_print=False, print_due=False)


def tables_of(selection: Selection) -> set[str]:
    """Return the tables on whose rows it depends what is selected."""
    events = set() if selection == in_any_state(selection) else {"lifecycle_events"}
    return {*TABLES[selection.scope], *events}


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


def copies_of(selection: Selection) -> str:
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
    conditions = [] if inactive_too else [IS_ACTIVE]
    values: dict[str, object] = {}
    beside_last = beside_last or selection.changed_since_print or selection.print_due
    tables = tables_of(selection) | ({"lifecycle_events"} if beside_last else set())
    with catalogue.session(selection.organisation, version, tables=tables) as cursor:
        if selection.gtins is not None:
            temporary(cursor, "wanted_gtins", selection.gtins)
            conditions.append("gtin14 IN (SELECT value FROM wanted_gtins)")
        if selection.lot_ids is not None:
            temporary(cursor, "wanted_lots", selection.lot_ids)
            conditions.append("lot_id IN (SELECT value FROM wanted_lots)")
        if selection.serial_ids is not None:
            # Compare 16-byte keys: with text this is seven times slower over millions of serials. The other
            # scopes have no serials, so the list matches nothing there.
            temporary(cursor, "wanted_serials", selection.serial_ids)
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
        rows, other = narrowing.near(cursor, selection, scope.value, TABLES[scope], values, first)
        events = other.format("lifecycle_events")
        if selection.never_printed:
            # NOT IN always hashes the events and streams the rows. NOT EXISTS groups every row first, and an
            # ANTI JOIN may hash the rows; a LIMIT shortens neither. Every event has its key.
            values["entity_type"] = _ENTITY_TYPES[scope]
            rows = (
                f"(SELECT * FROM {rows} WHERE id_key::UUID NOT IN (SELECT entity_key::UUID"  # noqa: S608
                f" FROM {events} WHERE event_type = 'PRINTED' AND entity_type = $entity_type))"
            )
        entities = f"({query_of(scope, narrowing.Near(rows, other))}) entities"
        if beside_last:
            values |= {"printed_type": _ENTITY_TYPES[scope], "resolver": selection.resolver}
            entities = _beside_last(cursor, scope, entities, events, values)
        entities += _beside_copies(cursor, selection)
        conditions.append(f"{copies_of(selection)} > 0")
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
    changed = print_state.changed(EXPIRY, BEST_BEFORE, scope, carries)
    return (
        f"(SELECT *, {changed} AS is_changed FROM {entities}"  # noqa: S608 - our own names
        f" LEFT JOIN ({print_state.last_printed(events, carries)}) ON printed_key = entity_key::UUID)"
    )


def temporary(cursor: duckdb.DuckDBPyConnection, name: str, values: tuple[str, ...]) -> None:
    """Create a temporary table of the distinct values, each with its first position."""
    distinct = pl.DataFrame(
        {"value": list(dict.fromkeys(values))}, schema={"value": pl.String}
    ).with_row_index("position")
    cursor.register("incoming_values", distinct)
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM incoming_values")
    cursor.unregister("incoming_values")
