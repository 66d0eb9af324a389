"""One catalogue as real programs write it: every dialect says the same, and damage is told."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from catalogue.imports.ingest import import_paths
from catalogue.imports.options import ImportFile, ImportOptions
from catalogue.imports.report import ImportReport
from catalogue.tables import Catalogue

FILES = Path(__file__).parents[1] / "spreadsheets"
NOW = datetime(2026, 6, 1, tzinfo=UTC)

OATS, CHEESE, TEA, COFFEE = "09506000134352", "09506000134369", "09506000134376", "00012345678905"
PRODUCTS = {OATS: "Oat biscuits", CHEESE: "Käse, gereift", TEA: "Tea in two lines"}
LOTS = {(OATS, "A001", "2027-03-31"), (CHEESE, "B-02", "2027-04-15"), (TEA, "D4", "2027-12-24")}
SIXTEEN = (OATS, "1234567890123456", "2027-06-30")

# Case table: the file, how it is written, and its rows: all, held and refused, with their numbers in the
# spreadsheet. LibreOffice's CSV has all 16 digits of the number that Excel cuts. openpyxl stores no values of formulas.
CASES = {
    "excel-csv-utf8.csv": ("CSV, UTF-8, separated by commas", 7, {6, 7, 8}, {9}),
    "excel-csv-windows.csv": ("CSV, Windows-1252, separated by semicolons", 7, {6, 7, 8}, {9}),
    "excel-macintosh.csv": ("CSV, Windows-1252, separated by semicolons", 7, {6, 7, 8}, {9}),
    "excel-sep-line.csv": ("CSV, UTF-8, separated by bars", 7, {6, 7, 8}, {9}),
    "excel-unicode-text.txt": ("CSV, UTF-16, separated by tabs", 7, {6, 7, 8}, {9}),
    "libreoffice-utf16-tabs.csv": ("CSV, UTF-16, separated by tabs", 7, {6, 7}, {9}),
    "libreoffice-utf8-all-quoted.csv": ("CSV, UTF-8, separated by commas", 7, {6, 7}, {9}),
    "libreoffice-utf8-bars.csv": ("CSV, UTF-8, separated by bars", 7, {6, 7}, {9}),
    "libreoffice-utf8-commas.csv": ("CSV, UTF-8, separated by commas", 7, {6, 7}, {9}),
    "libreoffice-windows1252-semicolons.csv": ("CSV, Windows-1252, separated by semicolons", 7, {6, 7}, {9}),
    "libreoffice.ods": ("workbook, sheet Stock", 7, {6, 7, 8}, {9}),
    "libreoffice.xlsx": ("workbook, sheet Stock", 7, {6, 7, 8}, {9}),
    "openpyxl-formula-without-value.xlsx": ("workbook, sheet Stock", 7, {6, 7, 8}, {4, 9}),
    "xlsxwriter.xlsx": ("workbook, sheet Stock", 7, {6, 7, 8}, {9}),
    "pyarrow.parquet": ("Parquet", 5, {6}, {7}),
}


def load(root: Path, path: Path, options: ImportOptions | None = None) -> tuple[Catalogue, ImportReport]:
    catalogue = Catalogue(str(root / "catalogue"))
    report = import_paths(
        catalogue, "acme", [ImportFile(path)], options or ImportOptions(), root / "results", now=NOW
    )
    return catalogue, report


def contents(catalogue: Catalogue) -> tuple[dict[str, str], set[tuple[str, str, str]]]:
    with catalogue.session("acme") as cursor:
        products = cursor.execute("SELECT gtin14, name FROM products").fetchall()
        lots = cursor.execute("SELECT gtin14, lot_number, best_before_date FROM lots").fetchall()
    return dict(products), set(lots)


def cells_of(path: Path) -> list[list[str]]:
    if path.suffix == ".xlsx":
        book = openpyxl.load_workbook(path)
        cells = [list(row) for row in book.active.iter_rows(values_only=True)]
        book.close()
        return cells
    text = path.read_text(encoding="utf-8-sig")
    separator = max(",;\t|", key=text.partition("import_row")[0].count)
    return list(csv.reader(text.splitlines(keepends=True), delimiter=separator))


def header_of(path: Path) -> list[str]:
    return cells_of(path)[0]


def problem_rows(path: Path) -> set[int]:
    """Return the numbers of the rows in a file of rows to correct."""
    place = header_of(path).index("import_row")
    return {int(row[place]) for row in cells_of(path)[1:]}


def test_every_file_has_its_case() -> None:
    assert {path.name for path in FILES.iterdir() if path.suffix not in {".py", ""}} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_spreadsheet_lands_and_its_damage_is_told(tmp_path: Path, name: str) -> None:
    form, rows, held, refused = CASES[name]

    catalogue, report = load(tmp_path, FILES / name)

    (file,) = report.files
    assert (file.form, file.rows, file.blank_rows) == (form, rows, 1)
    assert file.tables == ("products", "lots")
    assert file.columns == {
        "gtin": "GTIN", "name": "Product Name", "lot_number": "Batch", "best_before_date": "Best before",
    }  # fmt: skip
    assert file.ignored_columns == (() if name.endswith("parquet") else ("Remark",))
    assert file.other_sheets == (("Notes",) if form.startswith("workbook") else ())
    assert (file.held, file.refused) == (len(held), len(refused))
    for path, numbers in ((file.held_file, held), (file.refused_file, refused)):
        assert path is not None
        assert problem_rows(path) == numbers
    products, lots = contents(catalogue)
    assert products == PRODUCTS
    assert lots == LOTS - {lot for lot in LOTS if 4 in refused and lot[0] == TEA} | (
        {SIXTEEN} if name.startswith("libreoffice-") else set()
    )


@pytest.mark.parametrize("name", ["excel-csv-windows.csv", "libreoffice.ods", "pyarrow.parquet"])
def test_what_was_held_is_accepted_or_corrected_in_its_own_file(tmp_path: Path, name: str) -> None:
    catalogue, report = load(tmp_path, FILES / name)
    (file,) = report.files
    assert file.held_file is not None

    again = import_paths(
        catalogue, "acme", [ImportFile(file.held_file)], ImportOptions(), tmp_path / "again", now=NOW
    )
    assert (again.files[0].rows, again.files[0].held) == (file.held, file.held), "nothing was settled"
    assert again.files[0].ignored_columns == file.ignored_columns, "our own columns are no news"
    assert again.files[0].held_file is not None
    assert header_of(again.files[0].held_file).count("import_row") == 1

    taken = import_paths(
        catalogue, "acme", [ImportFile(file.held_file)], ImportOptions(accept_warnings=True), tmp_path / "taken", now=NOW
    )  # fmt: skip
    assert (taken.files[0].held, taken.files[0].refused) == (0, 0)
    products, lots = contents(catalogue)
    assert products == {**PRODUCTS, COFFEE: "Coffee"}
    assert (COFFEE, "C3", "2027-05-01") in lots


def test_a_dry_run_tells_the_same_and_changes_nothing(tmp_path: Path) -> None:
    catalogue, planned = load(tmp_path / "dry", FILES / "libreoffice.xlsx", ImportOptions(dry_run=True))
    assert contents(catalogue) == ({}, set())
    assert catalogue.organisations("products") == []

    _, done = load(tmp_path / "wet", FILES / "libreoffice.xlsx")

    assert [(t.table, t.added, t.rejected, t.held) for t in planned.tables] == [
        (t.table, t.added, t.rejected, t.held) for t in done.tables
    ]
    (row, *_) = planned.files[0].first_rows
    assert row == {"gtin": "09506000134352", "name": "Oat biscuits"}
