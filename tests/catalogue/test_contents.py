"""Lists of the catalogue's rows: what each search finds, and how little of the data files is read for it."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from catalogue import contents
from catalogue.imports.ingest import import_files
from catalogue.lifecycle import Printing, record_printed
from catalogue.queries.entities import entities_of
from catalogue.queries.selected import Size, beginning, resolve
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue

ORG = "acme"
TEA, COFFEE, JAM = "09506000134352", "00012345678905", "04006381333931"
PRODUCTS = f"""gtin,name
{TEA},Grüner Tee 50%
{COFFEE},COFFEE_beans
{JAM},Jam
"""
LOTS = f"""gtin,lot_number
{TEA},AB1
{TEA},%AB
{COFFEE},ab2
{JAM},AB3
"""
SERIALS = f"""gtin,lot_number,serial_number
{TEA},AB1,S1
{TEA},%AB,S_2
{COFFEE},ab2,S1
{COFFEE},,S10
{JAM},,s1
{JAM},AB3,7
"""


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    folder = tmp_path_factory.mktemp("searched")
    paths: dict[str, Path] = {}
    for table, text in {"products": PRODUCTS, "lots": LOTS, "serials": SERIALS}.items():
        paths[table] = folder / f"{table}.csv"
        paths[table].write_text(text, encoding="utf-8")
    made = Catalogue(str(folder / "catalogue"))
    report = import_files(
        made,
        ORG,
        products=paths["products"],
        lots=paths["lots"],
        serials=paths["serials"],
        rejects_dir=folder,
    )
    assert not any(table.rejected for table in report.tables)
    return made


def found(catalogue: Catalogue, scope: Scope, text: str, beginning_of_serials: bool = False) -> list[Any]:
    selection = Selection(ORG, scope, text=text, beginning_of_serials=beginning_of_serials)
    rows, follow = contents.uncounted(catalogue, selection, limit=50)
    assert not follow
    names = {
        Scope.PRODUCTS: ["gtin"],
        Scope.LOTS: ["gtin", "lot_number"],
        Scope.SERIALS: ["gtin", "serial_number"],
    }
    return rows.select(names[scope]).rows()


@pytest.mark.parametrize(
    ("text", "products", "lots", "serials"),
    [
        ("coffee", [COFFEE], [(COFFEE, "ab2")], [(COFFEE, "S10"), (COFFEE, "S1")]),
        ("GRÜNER", [TEA], [(TEA, "%AB"), (TEA, "AB1")], [(TEA, "S_2"), (TEA, "S1")]),
        ("63813339", [JAM], [(JAM, "AB3")], [(JAM, "s1"), (JAM, "7")]),
        ("%", [TEA], [(TEA, "%AB"), (TEA, "AB1")], [(TEA, "S_2"), (TEA, "S1")]),
        ("E_b", [COFFEE], [(COFFEE, "ab2")], [(COFFEE, "S10"), (COFFEE, "S1")]),
        ("AB", [], [(JAM, "AB3"), (TEA, "AB1")], [(JAM, "7"), (TEA, "S1")]),
        ("B1", [], [], []),
        ("S1", [], [], [(COFFEE, "S1"), (TEA, "S1")]),
        ("s1", [], [], [(JAM, "s1")]),
        ("S_", [], [], []),
        ("'; DROP", [], [], []),
    ],
)
def test_what_a_text_finds(
    catalogue: Catalogue, text: str, products: list[str], lots: list[Any], serials: list[Any]
) -> None:
    """It is within a name or GTIN, begins a lot number, or is a serial number. `%` and `_` stand for themselves."""
    assert found(catalogue, Scope.PRODUCTS, text) == [(each,) for each in products]
    assert sorted(found(catalogue, Scope.LOTS, text)) == sorted(lots)
    assert sorted(found(catalogue, Scope.SERIALS, text)) == sorted(serials)


@pytest.mark.parametrize(
    ("text", "serials"),
    [
        ("S1", [(COFFEE, "S1"), (COFFEE, "S10"), (TEA, "S1")]),
        ("S_", [(TEA, "S_2")]),
        ("s", [(COFFEE, "S1"), (COFFEE, "S10"), (JAM, "s1")]),
        ("Grüner", [(TEA, "S1"), (TEA, "S_2")]),
        ("%", [(TEA, "S1"), (TEA, "S_2")]),
    ],
)
def test_what_the_beginning_of_serials_finds_besides(
    catalogue: Catalogue, text: str, serials: list[Any]
) -> None:
    """`s` is in the name of COFFEE_beans, too."""
    assert sorted(found(catalogue, Scope.SERIALS, text, beginning_of_serials=True)) == sorted(serials)


ROWS_EACH = 45_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """Three products with 45,000 serials each, in more than one row group; the same number may be in each."""
    folder = tmp_path_factory.mktemp("large")
    made = Catalogue(str(folder / "catalogue"))
    (folder / "products.csv").write_text(PRODUCTS, encoding="utf-8")
    (folder / "lots.csv").write_text(LOTS, encoding="utf-8")
    numbers = pl.DataFrame({"serial_number": [f"N{number:05}" for number in range(ROWS_EACH)]})
    serials = pl.concat(
        [
            numbers.with_columns(gtin=pl.lit(gtin), lot_number=pl.lit(lot))
            for gtin, lot in ((TEA, "AB1"), (COFFEE, "ab2"), (JAM, "AB3"))
        ]
        + [pl.DataFrame({"serial_number": ["ONE"], "gtin": [JAM], "lot_number": ["AB3"]})]
    )
    serials.sample(fraction=1, shuffle=True, seed=1).write_parquet(folder / "serials.parquet")
    import_files(
        made,
        ORG,
        products=folder / "products.csv",
        lots=folder / "lots.csv",
        serials=folder / "serials.parquet",
        rejects_dir=folder,
    )
    return made


def row_groups(plan: str) -> tuple[int, int]:
    """Return how many row groups of serials were read, and how many there are."""
    read, there = max(
        ((int(read), int(of)) for read, of in re.findall(r"Row Groups Scanned: (\d+) / (\d+)", plan)),
        key=lambda each: each[1],
    )
    return read, there


@pytest.mark.parametrize(("number", "most"), [("ONE", 1), ("NONE", 0)])
def test_a_serial_is_found_by_one_row_group(large: Catalogue, number: str, most: int) -> None:
    with large.session(ORG) as cursor:
        query = "EXPLAIN ANALYZE SELECT gtin14 FROM serials WHERE serial_number = $number"
        [(_, plan)] = cursor.execute(query, {"number": number}).fetchall()
    assert row_groups(plan) == (most, 4)


@pytest.mark.parametrize(
    "selection",
    [
        Selection(ORG, Scope.SERIALS, text="ONE"),
        Selection(ORG, Scope.SERIALS, text="AB1"),
        Selection(ORG, Scope.SERIALS, gtins=(TEA,)),
    ],
    ids=["a serial", "a lot", "a GTIN"],
)
def test_other_row_groups_are_skipped(large: Catalogue, selection: Selection) -> None:
    with entities_of(large, selection, None, inactive_too=True, first=11) as (cursor, chosen, values):
        query = f"EXPLAIN ANALYZE SELECT gtin14 {chosen} ORDER BY gtin14 LIMIT 11"
        [(_, plan)] = cursor.execute(query, values).fetchall()
    read, there = row_groups(plan)
    assert there == 4
    assert read <= 2


def test_the_beginning_of_a_selection(large: Catalogue) -> None:
    """It has the GTINs of the first rows, and knows the number of all if they are few."""
    every = Selection(ORG, Scope.SERIALS)
    assert beginning(large, every, 100) == (Selection(ORG, Scope.SERIALS, gtins=(COFFEE,)), None)
    assert beginning(large, every, 100, from_gtin=TEA)[0].gtins == (TEA,)
    few = Selection(ORG, Scope.SERIALS, text="N00007", never_printed=True)
    narrow, size = beginning(large, few, 100)
    assert (narrow.gtins, narrow.never_printed, size) == ((COFFEE, JAM, TEA), True, Size(3, 3))
    assert beginning(large, Selection(ORG, Scope.SERIALS, gtins=()), 100)[1] == Size(0, 0)


@pytest.mark.parametrize("window", [3, 2_000])
@pytest.mark.parametrize(
    "selection",
    [
        Selection(ORG, Scope.SERIALS),
        Selection(ORG, Scope.SERIALS, never_printed=True),
        Selection(ORG, Scope.SERIALS, print_due=True),
    ],
)
def test_pages_have_every_row_once(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, window: int, selection: Selection
) -> None:
    """Whichever way rows are found: those of a window, or of all."""
    monkeypatch.setattr(contents, "_WINDOW", window)
    labels = pl.concat(resolve(catalogue, Selection(ORG, Scope.SERIALS, gtins=(TEA,), lot_number="AB1")))
    record_printed(catalogue, ORG, Printing("one", datetime(2026, 6, 1, tzinfo=UTC)), [labels])
    expected = pl.concat(contents.every(catalogue, selection))
    assert expected.height == (5 if selection.never_printed or selection.print_due else 6)
    after, pages = None, list[pl.DataFrame]()
    while True:
        page = contents.part(catalogue, selection, limit=1, after=after)
        assert page.total == expected.height
        pages.append(page.rows)
        if (after := page.next_after) is None:
            break
    assert pl.concat(pages).equals(expected)
    by_number = [contents.part(catalogue, selection, limit=2, offset=offset).rows for offset in (0, 2, 4, 6)]
    assert pl.concat(by_number).equals(expected)


def test_a_total_is_counted_anew_after_a_change(tmp_path: Path) -> None:
    made = Catalogue(str(tmp_path / "catalogue"))
    products = tmp_path / "products.csv"
    never = Selection(ORG, Scope.PRODUCTS, never_printed=True)
    products.write_text(f"gtin,name\n{TEA},Tea\n", encoding="utf-8")
    import_files(made, ORG, products=products, rejects_dir=tmp_path)
    assert contents.part(made, never, limit=1).total == 1
    products.write_text(f"gtin,name\n{JAM},Jam\n", encoding="utf-8")
    import_files(made, ORG, products=products, rejects_dir=tmp_path)
    assert contents.part(made, never, limit=1).total == 2
    labels = resolve(made, Selection(ORG, Scope.PRODUCTS, gtins=(TEA,)))
    record_printed(made, ORG, Printing("one", datetime(2026, 6, 1, tzinfo=UTC)), labels)
    assert contents.part(made, never, limit=1).total == 1
