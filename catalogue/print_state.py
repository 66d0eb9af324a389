"""SQL for the last printing of each entity, and for whether today's label would carry other values.

The newest PRINTED or REPRINTED event of the same kind of entity counts. It is compared with what the same
symbols would carry today, so other symbols are not a change, and neither are values that a GS1-128 of a
serial or the EAN/UPC of a product leaves out. The values of the Application Identifiers are compared and, where the label had a link, its
resolver. Names and other text are not compared, because symbols do not carry them. If an event does not say
what its label carried, the entity is unknown: neither changed nor unchanged.

Values are compared by a 64-bit hash. Compared with the values themselves, finding the newest event of
millions of entities takes half the time and a third of the memory. One change in 2^64 is missed.
"""

#: `symbols` of labels with nothing but a linear symbol of the GTIN.
GTIN_ALONE = "gtin"

_CARRIED_ALL = "hash(gtin14, serial_number, carried_lot, carried_expiry, carried_best_before)"
_CARRIED_SHORT = "hash(gtin14, serial_number)"
_SHORT = f"(symbols = '{GTIN_ALONE}' OR ($printed_type = 'serial' AND symbols = '1d'))"


def last_printed(events: str) -> str:
    """Return the query of the last printing of each entity among the events.

    It has `printed_key`, whether it was ever `printed`, and from the newest event: whether its values are known,
    whether it is short (a GS1-128 of a serial, or a GTIN alone), whether its link has another resolver than today's, and
    the hash of its values. It needs `$printed_type`, the type of entity, and `$resolver` of today.
    """
    return f"""
    SELECT entity_key::UUID AS printed_key, bool_or(event_type = 'PRINTED') AS printed,
        arg_max(struct_pack(
            known := symbols IS NOT NULL,
            short := {_SHORT},
            moved := coalesce(resolver <> $resolver, false),
            carried := CASE WHEN {_SHORT}
                THEN {_CARRIED_SHORT} ELSE {_CARRIED_ALL} END
        ), occurred_at) AS last
    FROM {events}
    WHERE event_type IN ('PRINTED', 'REPRINTED') AND entity_type = $printed_type
    GROUP BY printed_key"""  # noqa: S608 - our own names


# Conditions on an entity joined with its last printing, if any. Today's dates are YYMMDD, as in the events.
NEVER_PRINTED = "printed IS NOT TRUE"
EVER_LABELLED = "last IS NOT NULL"
UNKNOWN = "(last IS NOT NULL AND NOT last.known)"


def changed(expiry: str, best_before: str) -> str:
    """Return the condition that today's label would carry other values than the last one.

    `expiry` and `best_before` are SQL for today's dates as YYMMDD.
    """
    # A symbol carries one date: the expiry, or else the best-before date.
    best_before = f"CASE WHEN {expiry} IS NULL THEN {best_before} END"
    today = f"hash(gtin14, serial_number, lot_number, {expiry}, {best_before})"
    return (
        f"(last IS NOT NULL AND last.known AND (last.moved OR last.carried <> "
        f"CASE WHEN last.short THEN {_CARRIED_SHORT} ELSE {today} END))"
    )
