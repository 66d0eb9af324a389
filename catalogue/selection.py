"""Which entities of one organisation are wanted, and the columns of their manifest."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import polars as pl

from catalogue.attributes import BY_AI
from catalogue.schema import MANIFEST


class Scope(StrEnum):
    """The table a selection resolves against."""

    PRODUCTS = "products"
    LOTS = "lots"
    SERIALS = "serials"


@dataclass(frozen=True, slots=True)
class Selection:
    """Filters on one organisation's entities. All must match: `None` matches all, `()` matches nothing.

    `catalogue.queries.print_state` defines `changed_since_print` and `print_due`; today's links begin with
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
