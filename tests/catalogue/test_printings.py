"""When each of a few entities was printed last."""

from datetime import timedelta
from pathlib import Path

from catalogue import printings
from catalogue.ids import derived_id
from catalogue.lifecycle import REPRINTED, Printing, record_printed
from catalogue.selection import Scope, Selection, resolve
from tests.catalogue.test_lifecycle import GTIN, NOW, stocked


def test_the_last_printing_of_each_entity_is_told(tmp_path: Path) -> None:
    catalogue = stocked(tmp_path)
    once, twice, never = (derived_id("acme", "serial", GTIN, f"S{n}") for n in range(3))
    later = NOW + timedelta(days=1)
    for printing, ids in (
        (Printing("first", NOW), (once, twice)),
        (Printing("second", later, REPRINTED, "key:7", "jam"), (twice,)),
    ):
        selected = resolve(catalogue, Selection("acme", Scope.SERIALS, serial_ids=ids))
        record_printed(catalogue, "acme", printing, selected)
    asked = [(GTIN, once), (GTIN, twice), (GTIN, never)]
    assert printings.last(catalogue, "acme", Scope.SERIALS, asked) == {once: NOW, twice: later}
    # Labels of the product are others, and so are those of another organisation.
    assert printings.last(catalogue, "acme", Scope.PRODUCTS, asked) == {}
    assert printings.last(catalogue, "other", Scope.SERIALS, asked) == {}
    assert printings.last(catalogue, "acme", Scope.SERIALS, []) == {}
