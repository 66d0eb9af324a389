"""SQL for the last printing of each entity, and for whether today's label would carry other values.

The newest PRINTED or REPRINTED event of the same kind of entity counts. It is compared with what the same
symbols would carry today, asked for as they were then, so other symbols are not a change, and neither are values that a
GS1-128 of a serial or the EAN/UPC of a product leaves out. The values of the Application Identifiers are compared and, where the label had a link, its
resolver. Names and other text are not compared, because symbols do not carry them. If an event does not say
what its label carried, the entity is unknown: neither changed nor unchanged.

Values are compared by a 64-bit hash. Compared with the values themselves, finding the newest event of
millions of entities takes half the time and a third of the memory. One change in 2^64 is missed.
"""

from collections.abc import Sequence

from catalogue.attributes import ATTRIBUTES, element_sql
from catalogue.duck import quoted

#: `symbols` of labels with nothing but a linear symbol of the GTIN.
GTIN_ALONE = "gtin"

_CARRIED_SHORT = "hash(gtin14, serial_number)"
_CARRIED_ALL = "hash(gtin14, serial_number, carried_lot, carried_expiry, carried_best_before)"
_CARRIED_MORE = "hash(gtin14, serial_number, carried_lot, carried_expiry, carried_best_before, carried_more)"
_SHORT = f"""(symbols = '{GTIN_ALONE}' OR ($printed_type = 'serial' AND symbols = '1d' AND carry IS NULL))"""

_LABELS = "WHERE event_type IN ('PRINTED', 'REPRINTED') AND entity_type = $printed_type"


# Conditions on an entity joined with its last printing, if any. Today's dates are YYMMDD, as in the events.
EVER_LABELLED = "last IS NOT NULL"
NEVER_PRINTED = "printed IS NOT TRUE"
UNKNOWN = "(last IS NOT NULL AND NOT last.known)"


def carries(events: str) -> str:
    """Return the query of what was asked to be carried, each once. Needs `$printed_type`, the type of entity."""
    return f"SELECT DISTINCT carry FROM {events} {_LABELS} AND carry IS NOT NULL ORDER BY carry"  # noqa: S608 - our own names


def last_printed(events: str, carries: Sequence[str]) -> str:
    """Return the query of each entity's last printing among the events: `printed_key`, whether it was ever `printed`, and `last`.

    `last` has, from the newest event: whether its values are known, whether it is short (a GS1-128 of a serial, or a
    GTIN alone), whether its link has another resolver than today's, the hash of its values and, if there are `carries`,
    what was asked for. Needs `$printed_type`, the type of entity, and `$resolver` of today.
    """
    # Without a request that asked, there is nothing to be read and kept for each of millions of entities.
    asked = ", carry := carry" if carries else ""
    more = f"WHEN carry IS NOT NULL THEN {_CARRIED_MORE}" if carries else ""
    return f"""
    SELECT entity_key::UUID AS printed_key, bool_or(event_type = 'PRINTED') AS printed,
        arg_max(struct_pack(
            known := symbols IS NOT NULL,
            short := {_SHORT},
            moved := coalesce(resolver <> $resolver, false),
            carried := CASE WHEN {_SHORT}
                THEN {_CARRIED_SHORT} {more} ELSE {_CARRIED_ALL} END{asked}
        ), occurred_at) AS last
    FROM {events} {_LABELS}
    GROUP BY printed_key"""  # noqa: S608 - our own names


def changed(expiry: str, best_before: str, scope: str, carries: Sequence[str]) -> str:
    """Return the condition that today's label would carry other values than the last one.

    `expiry` and `best_before` are SQL for today's dates as YYMMDD. Labels are those of a scope, and `carries` all that
    was asked for on them.
    """
    # A symbol that nothing was asked of carries one date: the expiry, or else the best-before date.
    one_date = f"CASE WHEN {expiry} IS NULL THEN {best_before} END"
    today = f"hash(gtin14, serial_number, lot_number, {expiry}, {one_date})"
    asked = "".join(
        f" WHEN last.carry = {quoted(carry)} THEN {_today(carry.split(','), scope, expiry, best_before)}"
        for carry in carries
    )
    return (
        f"(last IS NOT NULL AND last.known AND (last.moved OR last.carried <> "
        f"CASE WHEN last.short THEN {_CARRIED_SHORT}{asked} ELSE {today} END))"
    )


def _today(carry: Sequence[str], scope: str, expiry: str, best_before: str) -> str:
    """Return the hash of what a label carries today that was asked for this."""
    lot = "lot_number" if scope == "lots" or "10" in carry else "NULL::VARCHAR"
    expiry = expiry if "17" in carry else "NULL::VARCHAR"
    best_before = best_before if "15" in carry else "NULL::VARCHAR"
    elements = [element_sql(each) for each in ATTRIBUTES if each.ai in carry and each.ai not in {"15", "17"}]
    # An element whose value is not known is NULL and is left out.
    more = f"nullif(concat({', '.join(elements)}), '')" if elements else "NULL::VARCHAR"
    return f"hash(gtin14, serial_number, {lot}, {expiry}, {best_before}, {more})"
