"""Searches in the catalogue for what an export is of, and the names of what was picked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from catalogue import contents
from catalogue.ids import canonical_id
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue
from web.forms import lists
from web.forms.choices import PICKED
from web.scanned import selection_of

#: Before the name of a filter: the text that is looked for.
FIND = "find_"

_MOST_FOUND = 20
#: Rows among which lot runs are sought: many lots have the same.
_ROWS_OF_RUNS = 200

#: How many ids are shown by what they name, not as ids.
MOST_NAMED = 50

#: A row of the catalogue, by column.
Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Picker:
    """Where the values of a filter are looked for, and the column that they are in."""

    scope: Scope
    column: str


PICKERS: Mapping[str, _Picker] = {
    "gtins": _Picker(Scope.PRODUCTS, "gtin"),
    "lot_run_id": _Picker(Scope.LOTS, "lot_run_id"),
    "lot_ids": _Picker(Scope.LOTS, "id"),
    "serial_ids": _Picker(Scope.SERIALS, "id"),
}


@dataclass(frozen=True, slots=True)
class Picks:
    """What can be ticked for a filter: values with their rows, None for one that the catalogue does not have.

    `picked` are ticked, `found` match the text, of which there are `more`.
    """

    picked: Mapping[str, Row | None]
    found: Mapping[str, Row]
    more: bool
    searched: str


def picks_of(catalogue: Catalogue, organisation: str, name: str, values: Mapping[str, str]) -> Picks:
    """Return what can be ticked for the filter."""
    searched = values.get(FIND + name, "")
    single = name == "lot_run_id"
    ticked = [values[name]] if single and values.get(name) else lists.values(values.get(PICKED + name, ""))
    found, more = _found(catalogue, organisation, name, searched) if searched else ({}, False)
    rows = _named(catalogue, organisation, name, ticked)
    return Picks(
        {value: rows.get(value) for value in ticked},
        {value: row for value, row in found.items() if value not in ticked},
        more,
        searched,
    )


def with_picked(catalogue: Catalogue, organisation: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return the values with those ids that the catalogue has as picked ones: their names say more than they do."""
    changed = dict(values)
    for name in ("lot_ids", "serial_ids"):
        ids = [canonical_id(value) for value in lists.values(values.get(name, ""))]
        if 0 < len(ids) <= MOST_NAMED:
            known = _named(catalogue, organisation, name, ids)
            changed[PICKED + name] = "\n".join(value for value in ids if value in known)
            changed[name] = "\n".join(value for value in ids if value not in known)
    return changed


def _found(catalogue: Catalogue, organisation: str, name: str, searched: str) -> tuple[dict[str, Row], bool]:
    """Return the first matches by value, and whether there are more."""
    picker = PICKERS[name]
    if name != "lot_run_id":
        selection = selection_of(organisation, picker.scope, searched)
        rows, more = contents.uncounted(catalogue, selection, limit=_MOST_FOUND)
        return _by_value(rows.iter_rows(named=True), picker.column), more
    found: dict[str, Row] = {}
    for selection in (
        Selection(organisation, Scope.LOTS, lot_run_id=canonical_id(searched)),
        selection_of(organisation, Scope.LOTS, searched),
    ):
        rows, _ = contents.uncounted(catalogue, selection, limit=_ROWS_OF_RUNS)
        found = {**_by_value(rows.iter_rows(named=True), picker.column), **found}
    return dict(list(found.items())[:_MOST_FOUND]), len(found) > _MOST_FOUND


def _named(catalogue: Catalogue, organisation: str, name: str, ticked: list[str]) -> dict[str, Row]:
    """Return the catalogue's rows of the values."""
    if not ticked:
        return {}
    picker = PICKERS[name]
    filters: dict[str, Any] = {name: ticked[0] if name == "lot_run_id" else tuple(ticked)}
    rows, _ = contents.uncounted(
        catalogue, Selection(organisation, picker.scope, **filters), limit=len(ticked)
    )
    return _by_value(rows.iter_rows(named=True), picker.column)


def _by_value(rows: Any, column: str) -> dict[str, Row]:
    return {row[column]: row for row in rows if row["active"] and row[column]}
