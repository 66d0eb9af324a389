r"""Columns of the tables about an export: `manifest.csv` and `errors.csv`.

A row of `manifest.csv` is one drawn symbol. Rows count from 1. `modules` is the width in X. `payload` is the data of
the symbol: a link, a GTIN's digits, or an element string with its AIs in parentheses and `\(` for an opening
parenthesis within a value. `message` is the encoded message, with `^` for FNC1. Both have the syntax of the GS1 Barcode
Syntax Engine.

A row of `errors.csv` is one entity that could not be drawn, and the reason.
"""

from collections.abc import Mapping

import polars as pl

from gs1.errors import LabelError

_IDENTITY = {"entity_id": "entity_id", "gtin": "gtin14", "lot": "lot_number", "serial": "serial_number"}

MANIFEST_COLUMNS = (
    "row",
    "file",
    "scope",
    *_IDENTITY,
    "expiry",
    "symbology",
    "payload",
    "modules",
    "x_dimension_mm",
    "note",
    "message",
)

ERROR_COLUMNS = ("row", *_IDENTITY, "code", "reason")


def identity() -> list[pl.Expr]:
    """Return the columns that identify an entity in both tables, from its row of the frozen manifest."""
    columns = [pl.col(column).alias(name) for name, column in _IDENTITY.items()]
    return [pl.col("row") + 1, *columns]


def error_rows(rows: pl.DataFrame, refused: Mapping[int, LabelError]) -> pl.DataFrame:
    """Return the rows of `errors.csv` for the refused rows of a manifest. `refused` has the error by row position."""
    positions = sorted(refused)
    errors = [refused[position] for position in positions]
    return rows[positions].select(
        *identity(),
        pl.Series("code", [error.code for error in errors], pl.String),
        pl.Series("reason", [str(error) for error in errors], pl.String),
    )
