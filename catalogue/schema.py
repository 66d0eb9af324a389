"""The columns of the catalogue's tables and of a manifest.

Every table also has `org`, the organisation's slug, as its partition: it is in the files' paths, not in the
files. `*_key` are 16 bytes: the UUID itself, or the MD5 of an opaque id. Joins on them are several times
faster than on the text. Dates are ISO 8601 text, `YYYY-MM-DD` or `YYYY-MM`; timestamps are UTC in
microseconds.
"""

import polars as pl

from catalogue.attributes import later_columns

#: The largest `quantity`: labels that one entity gets.
MAX_QUANTITY = 100_000

_TIMESTAMP = pl.Datetime("us", "UTC")

PRODUCTS = pl.Schema(
    {
        "id": pl.String(),
        "id_key": pl.Binary(),
        "gtin14": pl.String(),
        "name": pl.String(),
        "carrier": pl.String(),
        "active": pl.Boolean(),
        "created_at": _TIMESTAMP,
        "quantity": pl.Int64(),
        **dict.fromkeys(later_columns("products"), pl.String()),
    }
)

LOTS = pl.Schema(
    {
        "id": pl.String(),
        "id_key": pl.Binary(),
        "gtin14": pl.String(),
        "product_id": pl.String(),
        "lot_number": pl.String(),
        "lot_run_id": pl.String(),
        "production_date": pl.String(),
        "expiration_date": pl.String(),
        "best_before_date": pl.String(),
        "active": pl.Boolean(),
        "created_at": _TIMESTAMP,
        "quantity": pl.Int64(),
        **dict.fromkeys(later_columns("lots"), pl.String()),
    }
)

# The active flags of product and lot and the run of the lot are not copied here. So correcting a lot or
# product changes one row; the join that looks them up is cheap compared with reading the serials.
SERIALS = pl.Schema(
    {
        "id": pl.String(),
        "id_key": pl.Binary(),
        "gtin14": pl.String(),
        "product_id": pl.String(),
        "lot_id": pl.String(),
        "lot_number": pl.String(),
        "serial_number": pl.String(),
        "active": pl.Boolean(),
        "created_at": _TIMESTAMP,
        "quantity": pl.Int64(),
        **dict.fromkeys(later_columns("serials"), pl.String()),
    }
)

LIFECYCLE_EVENTS = pl.Schema(
    {
        "id": pl.String(),
        "entity_type": pl.String(),
        "entity_id": pl.String(),
        "entity_key": pl.Binary(),
        "gtin14": pl.String(),
        "lot_number": pl.String(),
        "serial_number": pl.String(),
        "event_type": pl.String(),
        "occurred_at": _TIMESTAMP,
        "job_id": pl.String(),
        "actor": pl.String(),
        "reason": pl.String(),
        # What the label carried besides the GTIN and serial number of its entity, see `PRINTED`. NULL
        # `symbols` means unknown: imported events and those of releases before 0.2.
        "symbols": pl.String(),
        "carried_lot": pl.String(),
        "carried_expiry": pl.String(),
        "carried_best_before": pl.String(),
        "resolver": pl.String(),
        "lines": pl.String(),
        # What the request asked to be carried, NULL if it did not, and the elements besides those above, as
        # `(AI)value`. NULL `carry` also means that there are none.
        "carry": pl.String(),
        "carried_more": pl.String(),
    }
)

#: The columns that a table got after its first release, release by release, and how the names of data files with them
#: begin. Older files do not have the columns and are not rewritten; the name tells, so no footer is read to find out.
#: A prefix begins with the one before, so that an older release finds the columns it knows.
GENERATIONS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    **{
        table: (("v2-", ("quantity",)), ("v2-v3-", later_columns(table)))
        for table in ("products", "lots", "serials")
    },
    "lifecycle_events": (
        ("v2-", ("symbols", "carried_lot", "carried_expiry", "carried_best_before", "resolver", "lines")),
        ("v2-v3-", ("carry", "carried_more")),
    ),
}


def later_than_first(table: str) -> tuple[str, ...]:
    """Return all columns that the table got after its first release."""
    return tuple(column for _, columns in GENERATIONS[table] for column in columns)


def columns_lacking(table: str, file_name: str) -> tuple[str, ...]:
    """Return the columns that a data file of this name does not have."""
    return tuple(
        column
        for prefix, columns in GENERATIONS[table]
        if not file_name.startswith(prefix)
        for column in columns
    )


def file_prefix(table: str) -> str:
    """Return how the name of a new data file begins."""
    return GENERATIONS[table][-1][0] if GENERATIONS[table] else ""


TABLES: dict[str, pl.Schema] = {
    "products": PRODUCTS,
    "lots": LOTS,
    "serials": SERIALS,
    "lifecycle_events": LIFECYCLE_EVENTS,
}

# The order of rows in a data file: a filter by GTIN can skip row groups.
SORT_ORDER: dict[str, tuple[str, ...]] = {
    "products": ("gtin14", "id"),
    "lots": ("gtin14", "lot_number", "id"),
    "serials": ("gtin14", "lot_number", "serial_number", "id"),
    "lifecycle_events": ("gtin14", "lot_number", "serial_number", "id"),
}

#: One printed label: its entity, the values its symbols carried, and the lines of text on it, separated by
#: line feeds. Every symbol carries the GTIN; a serial's symbol also carries the serial number. Dates are
#: YYMMDD.
PRINTED = pl.Schema(
    {
        "scope": pl.String(),
        "entity_id": pl.String(),
        "gtin14": pl.String(),
        "lot_number": pl.String(),
        "serial_number": pl.String(),
        "carried_lot": pl.String(),
        "carried_expiry": pl.String(),
        "carried_best_before": pl.String(),
        "lines": pl.String(),
        "carried_more": pl.String(),
    }
)

# A manifest also has the columns of `catalogue.attributes.LATER` that its selection asks for. Dates are YYMMDD here. `before_production` names the date column that lies before the production date;
# `expired` says whether the lot had expired when the job was submitted. A row has `copies` labels, at least one, and
# `first_label` labels of the rows before it come first.
MANIFEST = pl.Schema(
    {
        "row": pl.Int64(),
        "scope": pl.String(),
        "entity_id": pl.String(),
        "gtin14": pl.String(),
        "lot_number": pl.String(),
        "serial_number": pl.String(),
        "expiry": pl.String(),
        "best_before": pl.String(),
        "carrier": pl.String(),
        "product_name": pl.String(),
        "product_id": pl.String(),
        "lot_id": pl.String(),
        "lot_run_id": pl.String(),
        "production_date": pl.String(),
        "before_production": pl.String(),
        "expired": pl.Boolean(),
        "copies": pl.Int64(),
        "first_label": pl.Int64(),
    }
)
