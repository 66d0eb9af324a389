"""What was printed last of each entity, and whether a label of today would carry something else, as SQL.

The newest PRINTED or REPRINTED event of the same kind of entity counts. It is compared with what the same symbols
would carry today, so a change of symbols is no change, and what a GS1-128 of a serial leaves out is not missed.
The values of the Application Identifiers are compared and, where the label had a link, its resolver. The name and
other text are not: they are not carried. An event that does not tell what its label carried is unknown, and so is
the entity then: neither changed nor unchanged.

Values are compared by a 64-bit hash. The newest event of millions of entities is found in half the time and in a
third of the memory that the values themselves take, and a change is missed once in 2^64.
"""

_CARRIED_ALL = "hash(gtin14, serial_number, carried_lot, carried_expiry, carried_best_before)"
_CARRIED_SHORT = "hash(gtin14, serial_number)"

#: The last printing of each entity: `printed_key`, whether it was ever `printed`, and of the newest event whether
#: what it carried is known, whether it is short (a GS1-128 of a serial), whether its link leads elsewhere than
#: today's, and the hash of its values. Needs `$printed_type`, the type of entity, and `$resolver` of today.
LAST_PRINTED = f"""
    SELECT entity_key::UUID AS printed_key, bool_or(event_type = 'PRINTED') AS printed,
        arg_max(struct_pack(
            known := symbols IS NOT NULL,
            short := $printed_type = 'serial' AND symbols = '1d',
            moved := coalesce(resolver <> $resolver, false),
            carried := CASE WHEN $printed_type = 'serial' AND symbols = '1d'
                THEN {_CARRIED_SHORT} ELSE {_CARRIED_ALL} END
        ), occurred_at) AS last
    FROM lifecycle_events
    WHERE event_type IN ('PRINTED', 'REPRINTED') AND entity_type = $printed_type
    GROUP BY printed_key"""  # noqa: S608 - our own names

# Conditions on an entity beside its last printing, if any. Today's values are YYMMDD, as the events have them.
NEVER_PRINTED = "printed IS NOT TRUE"
UNKNOWN = "(last IS NOT NULL AND NOT last.known)"


def changed(expiry: str, best_before: str) -> str:
    """Return the condition that the last label no longer says what it would today, from the SQL of both dates."""
    # A symbol carries one date, and expiry goes before best before.
    best_before = f"CASE WHEN {expiry} IS NULL THEN {best_before} END"
    today = f"hash(gtin14, serial_number, lot_number, {expiry}, {best_before})"
    return (
        f"(last IS NOT NULL AND last.known AND (last.moved OR last.carried <> "
        f"CASE WHEN last.short THEN {_CARRIED_SHORT} ELSE {today} END))"
    )
