"""Classify staged rows against one snapshot of the catalogue: new, changed, unchanged or refused."""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from catalogue.attributes import is_before
from catalogue.duck import one, quoted
from catalogue.ids import SEPARATOR
from catalogue.imports.staging import Staged
from catalogue.schema import TABLES, later_than_first

# A table of the workshop, created for each attempt: the rows as they will be stored, and the rows they
# replace.
MERGED = "merged"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many of the accepted rows are new, changed and unchanged."""

    added: int
    updated: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Refuses the merged rows for which the SQL condition holds."""

    column: str
    condition: str
    reason: str


def merge(staged: Staged, session: duckdb.DuckDBPyConnection, organisation: str, now: datetime) -> Outcome:
    """Fill the table `merged` with the rows to be written; add the refused ones to `staged.refused`.

    `session` is a cursor of the workshop that shows the organisation's tables. `now` is the creation time of
    new entities without one.
    """
    staged.clear_refused()
    if staged.source.table == "lifecycle_events":
        return _merge_events(staged, session, organisation)
    return _merge_entities(staged, session, organisation, now)


def _merge_entities(
    staged: Staged, session: duckdb.DuckDBPyConnection, organisation: str, now: datetime
) -> Outcome:
    source = staged.source
    table, columns = source.table, source.columns
    # Attributes that the file does not have stay unchanged. A new entity is active by default.
    new = {name: f"i.{name}" if name in source.present else f"t.{name}" for name in columns.attributes}
    new["created_at"] = "coalesce(i.created_at, t.created_at, $now)"
    new["active"] = "coalesce(i.active, t.active, true)"
    lot = new.get("lot_number", "i.lot_number")
    same_key = " AND ".join(f"t.{name} = i.{name}" for name in columns.natural_key)
    joins = f"LEFT JOIN {table} t ON {same_key}"
    referred = ""
    if table != "products":
        joins += " LEFT JOIN products p ON p.gtin14 = i.gtin14"
        referred += ", p.id AS product_id"
    if table == "serials":
        joins += f" LEFT JOIN lots l ON l.gtin14 = i.gtin14 AND l.lot_number = {lot}"
        referred += ", l.id AS lot_id"
    values = ", ".join(f"{expression} AS {name}" for name, expression in new.items())
    differs = " OR ".join(f"{expression} IS DISTINCT FROM t.{name}" for name, expression in new.items())
    session.execute(
        f"""
        CREATE OR REPLACE TABLE {MERGED} AS
        SELECT *, key_of(id) AS id_key FROM (
            SELECT i.row, i.gtin, i.id AS stated_id, t.id AS old_id, t.filename AS old_file,
                coalesce(i.id, t.id, derived_id(concat_ws($separator, $organisation, $entity_type,
                    {", ".join(f"i.{name}" for name in columns.natural_key)}))) AS id,
                {", ".join(f"i.{name}" for name in columns.natural_key)}, {values}{referred},
                t.id IS NULL OR {differs} AS changed
            FROM {staged.rows} i {joins}
        )""",  # noqa: S608 - our own names
        {
            "separator": SEPARATOR,
            "organisation": organisation,
            "entity_type": columns.entity_type,
            "now": now,
        },
    )
    _refuse(staged, session, _entity_refusals(table, with_id="id" in source.present))
    added, updated, unchanged = one(
        session,
        f"SELECT count(*) FILTER (old_id IS NULL), count(*) FILTER (changed AND old_id IS NOT NULL),"  # noqa: S608 - our own names
        f" count(*) FILTER (NOT changed) FROM {MERGED}",
    )
    return Outcome(added, updated, unchanged)


def _entity_refusals(table: str, *, with_id: bool) -> list[_Refusal]:
    """Return the refusals that depend on the catalogue's rows.

    They compare 16-byte keys: comparing ids as text is several times slower.
    """
    taken = f"id_key::UUID IN (SELECT id_key::UUID FROM {table})"  # noqa: S608 - our own names
    refusals = [
        _Refusal(
            "id", f"(old_id IS NULL OR old_id <> id) AND {taken}", "the id belongs to another natural key"
        ),
    ]
    if with_id:
        derived = f"(SELECT id_key::UUID FROM {MERGED} WHERE stated_id IS NULL)"  # noqa: S608 - our own names
        refusals += [
            _Refusal("id", "old_id <> id", "the natural key already has another id"),
            _Refusal(
                "id",
                f"stated_id IS NOT NULL AND id_key::UUID IN {derived}",
                "the id belongs to another natural key",
            ),
        ]
    if table != "products":
        refusals.append(_Refusal("gtin", "product_id IS NULL", "no product has this GTIN"))
    if table == "lots":
        # Checks the merged row: one of the dates may come from the file, the other from the catalogue.
        refusals += [
            _Refusal(column, is_before(column, "production_date"), f"{column} is before production_date")
            for column in ("expiration_date", "best_before_date", "expiration_time")
        ]
    if table == "serials":
        refusals.append(
            _Refusal(
                "lot_number",
                "lot_number IS NOT NULL AND lot_id IS NULL",
                "no lot of this GTIN has this lot number",
            )
        )
    return refusals


_RESOLVED_EVENTS = """
    CREATE OR REPLACE TABLE {merged} AS
    WITH found AS (
        {found}
    )
    SELECT *, id::UUID NOT IN (SELECT id::UUID FROM lifecycle_events) AS changed FROM (
        SELECT i.row, i.gtin, i.entity_type, coalesce(i.entity_id, f.id) AS entity_id, f.id AS known_id,
            i.entity_id AS stated_id, key_of(f.id) AS entity_key, f.gtin14, f.lot_number, f.serial_number,
            i.event_type, i.occurred_at, i.job_id, NULL::VARCHAR AS actor, NULL::VARCHAR AS reason, {unknown},
            derived_id(concat_ws($separator, $organisation, 'event', i.event_type, coalesce(i.job_id, ''),
                i.entity_type, f.id, epoch_us(i.occurred_at)::VARCHAR)) AS id
        FROM {rows} i LEFT JOIN found f USING (row)
    )
"""

# A file of events does not say what the labels carried.
_UNKNOWN = ", ".join(f"NULL::VARCHAR AS {column}" for column in later_than_first("lifecycle_events"))

# For each kind of entity: its table, and the columns that identify it besides the GTIN.
_ENTITIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "product": ("products", ()),
    "lot": ("lots", ("lot_number",)),
    "serial": ("serials", ("serial_number",)),
}


def _merge_events(staged: Staged, session: duckdb.DuckDBPyConnection, organisation: str) -> Outcome:
    found: list[str] = []
    for kind, (table, key) in _ENTITIES.items():
        named = [f"e.{name}" if name in TABLES[table] else "NULL" for name in ("lot_number", "serial_number")]
        wanted = f"SELECT i.row, e.id, e.gtin14, {', '.join(named)} FROM {staged.rows} i JOIN {table} e"  # noqa: S608 - our own names
        same_key = " AND ".join(f"e.{name} = i.{name}" for name in ("gtin14", *key))
        found += [
            f"{wanted} ON e.id_key::UUID = key_of(i.entity_id)::UUID WHERE i.entity_type = '{kind}'",
            f"{wanted} ON {same_key} WHERE i.entity_type = '{kind}' AND i.entity_id IS NULL",
        ]
    columns = (
        "SELECT NULL::BIGINT AS row, NULL AS id, NULL AS gtin14, NULL AS lot_number, NULL AS serial_number"
    )
    query = " UNION ALL ".join([f"{columns} WHERE false", *found])
    session.execute(
        _RESOLVED_EVENTS.format(merged=MERGED, rows=staged.rows, found=query, unknown=_UNKNOWN),
        {"separator": SEPARATOR, "organisation": organisation},
    )
    unknown = "known_id IS NULL"
    _refuse(
        staged,
        session,
        [
            _Refusal(
                "entity_id", f"{unknown} AND stated_id IS NOT NULL", "no entity of this type has this id"
            ),
            _Refusal(
                "gtin", f"{unknown} AND stated_id IS NULL", "no entity of this type has this natural key"
            ),
        ],
    )
    later = f"row NOT IN (SELECT min(row) FROM {MERGED} GROUP BY id::UUID)"  # noqa: S608 - our own names
    _refuse(staged, session, [_Refusal("event_type", later, "an earlier row states the same event")])
    added, unchanged = one(
        session,
        f"SELECT count(*) FILTER (changed), count(*) FILTER (NOT changed) FROM {MERGED}",  # noqa: S608
    )
    return Outcome(added, 0, unchanged)


def _refuse(staged: Staged, session: duckdb.DuckDBPyConnection, refusals: list[_Refusal]) -> None:
    """Move the rows for which any refusal's condition holds to `staged.refused`."""
    for refusal in refusals:
        staged.refuse(session, MERGED, refusal.column, refusal.condition, quoted(refusal.reason))
    session.execute(f"DELETE FROM {MERGED} WHERE row IN (SELECT row FROM {staged.refused})")  # noqa: S608
