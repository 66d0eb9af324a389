"""Rows of the tables about an export: `manifest.csv` and `errors.csv`."""

from typing import NamedTuple


class ManifestRow(NamedTuple):
    """A row of `manifest.csv`: one drawn symbol. Rows count from 1, `modules` is the width in X."""

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


class ErrorRow(NamedTuple):
    """A row of `errors.csv`: one entity that could not be drawn, and why."""

    row: int
    entity_id: str
    gtin: str
    lot: str | None
    serial: str | None
    code: str
    reason: str
