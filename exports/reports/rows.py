"""Rows of the tables about an export: `manifest.csv` and `errors.csv`."""

from typing import NamedTuple


class ManifestRow(NamedTuple):
    r"""A row of `manifest.csv`: one drawn symbol. Rows count from 1, `modules` is the width in X.

    `payload` is what the symbol carries: a link, a GTIN's digits, or an element string with its AIs in parentheses
    and `\(` for an opening parenthesis within a value. `message` is what is encoded, with `^` for FNC1. Both are
    written as the GS1 Barcode Syntax Engine reads them.
    """

    row: int
    file: str
    scope: str
    entity_id: str
    gtin: str
    lot: str | None
    serial: str | None
    expiry: str | None
    symbology: str
    payload: str
    modules: str
    x_dimension_mm: str
    note: str
    message: str


class ErrorRow(NamedTuple):
    """A row of `errors.csv`: one entity that could not be drawn, and why."""

    row: int
    entity_id: str
    gtin: str
    lot: str | None
    serial: str | None
    code: str
    reason: str
