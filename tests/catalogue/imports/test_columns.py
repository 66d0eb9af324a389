"""Names of columns: exact ones, usual other ones, and those the caller states."""

from importlib import resources
from pathlib import Path

import pytest

from catalogue.errors import ImportFileError
from catalogue.imports.columns import column_of, other_names, simplified, understood
from catalogue.imports.source import FILES

KNOWN = ("gtin", "name", "lot_number", "expiration_date", "best_before_date")


@pytest.mark.parametrize(
    ("name", "column"),
    [
        (" GTIN ", "gtin"), ("EAN-13", "gtin"), ("Lot No.", "lot_number"), ("BATCH", "lot_number"),
        ("Best before", "best_before_date"), ("Expiration_Date", "expiration_date"), ("(17)", "expiration_date"),
        ("serial", None), ("price", None), ("", None),
    ],
)  # fmt: skip
def test_a_name_means_a_column(name: str, column: str | None) -> None:
    assert column_of(name, KNOWN) == column


def test_every_other_name_means_one_column_of_an_import() -> None:
    columns = {name for file in FILES.values() for name in (*file.required, *file.optional)}
    assert set(other_names().values()) <= columns
    assert not {simplified(column) for column in columns} & set(other_names())


def test_the_table_has_no_name_twice() -> None:
    table = resources.files("catalogue.imports").joinpath("column_names.csv").read_text(encoding="utf-8")
    assert len(table.splitlines()) - 1 == len(other_names())


def test_the_page_for_users_lists_every_name() -> None:
    page = (Path(__file__).parents[3] / "docs" / "catalogues.md").read_text(encoding="utf-8")
    table = page.partition("| column | also called |")[2].partition("\n\n")[0]
    listed = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert {
        simplified(name): column.strip("`") for column, names in listed for name in names.split(", ")
    } == other_names()


def test_a_column_is_found_by_what_is_stated_then_by_its_own_name_then_by_another() -> None:
    header = ["Artikel", "gtin", "EAN", "Partie"]
    found = understood(header, KNOWN, {}, "f")
    assert (found.used, found.ignored) == ({"gtin": 1, "name": 0}, ("EAN", "Partie"))
    found = understood(header, KNOWN, {"gtin": "ean", "lot_number": "PARTIE"}, "f")
    assert (found.used, found.ignored) == ({"gtin": 2, "name": 0, "lot_number": 3}, ("gtin",))


# Case table: the header, the mapping, and the column that is not clear.
@pytest.mark.parametrize(
    ("header", "mapping", "field"),
    [
        (["EAN", "UPC"], {}, "gtin"),
        (["gtin", "GTIN"], {}, "gtin"),
        (["gtin", "x", "X"], {"name": "x"}, "name"),
        (["gtin"], {"name": "Titel"}, "name"),
    ],
)
def test_two_columns_for_one_are_refused(header: list[str], mapping: dict[str, str], field: str) -> None:
    with pytest.raises(ImportFileError) as raised:
        understood(header, KNOWN, mapping, "f")
    assert raised.value.field == field
