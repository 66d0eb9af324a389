"""Damage by spreadsheets is held, by its exact form; ordinary values that look alike are not."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalogue.imports.dates import DateOrder, FirstOfMonth
from catalogue.imports.ingest import import_paths
from catalogue.imports.options import ImportFile, ImportOptions
from catalogue.imports.report import FileReport
from catalogue.tables import Catalogue

GTIN = "09506000134352"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(str(tmp_path / "catalogue"))


def load(catalogue: Catalogue, folder: Path, text: str, **options: object) -> FileReport:
    path = folder / "stock.csv"
    path.write_text(text)
    chosen = ImportOptions(**options)  # pyright: ignore[reportArgumentType]
    report = import_paths(catalogue, "acme", [ImportFile(path)], chosen, folder / "results", now=NOW)
    return report.files[0]


def lots(catalogue: Catalogue) -> dict[str, str | None]:
    with catalogue.session("acme") as cursor:
        return dict(cursor.execute("SELECT lot_number, expiration_date FROM lots").fetchall())


HEADER = "gtin,name,lot,exp\n"


# Case table: lots that a spreadsheet has rewritten, and lots that look like it.
@pytest.mark.parametrize(
    "lot", ["1.23457E+15", "1E+15", '"1,23457E+15"', "1E-05", "2-Mar", "12-Dec", "Mar-02"]
)
def test_a_rewritten_lot_is_held_and_can_be_accepted(catalogue: Catalogue, tmp_path: Path, lot: str) -> None:
    text = f"{HEADER}{GTIN},Tea,{lot},\n"
    file = load(catalogue, tmp_path, text)
    assert (file.held, file.refused, lots(catalogue)) == (1, 0, {})
    assert load(catalogue, tmp_path, text, accept_warnings=True).held == 0
    assert set(lots(catalogue)) == {lot.strip('"')}


@pytest.mark.parametrize(
    "lot",
    ["2E10", "12E+3", "1.5E+15A", "12.3E+15", "2-MAR", "2-mar", "32-Marx", "MAR2", "Mar-2027", "31.03.2027", "2027-03-31"],
)  # fmt: skip
def test_an_ordinary_lot_is_not_held(catalogue: Catalogue, tmp_path: Path, lot: str) -> None:
    file = load(catalogue, tmp_path, f"{HEADER}{GTIN},Tea,{lot},\n")
    assert (file.held, file.refused, set(lots(catalogue))) == (0, 0, {lot})


# Case table: a GTIN, whether its row is held or refused, and what the reason says.
@pytest.mark.parametrize(
    ("gtin", "held", "refused", "said"),
    [
        ("12345678905", 1, 0, "00012345678905 with them"),
        ("123456784", 1, 0, "00000123456784 with them"),
        ("12345678906", 0, 1, "11 digits"),
        ("9.50600E+12", 0, 1, "spreadsheet notation"),
        ("#N/A", 0, 1, "a formula without a value, or with an error"),
        ('"=""09506000134352"""', 0, 0, ""),
        (" 9506000134352 ", 0, 0, ""),
    ],
)
def test_what_is_wrong_with_a_gtin(
    catalogue: Catalogue, tmp_path: Path, gtin: str, held: int, refused: int, said: str
) -> None:
    file = load(catalogue, tmp_path, f"gtin,name\n{gtin},Tea\n")
    assert (file.held, file.refused) == (held, refused)
    if path := file.held_file or file.refused_file:
        assert said in path.read_text(encoding="utf-8-sig")


AMBIGUOUS = f"{HEADER}{GTIN},Tea,A,3/4/2027\n{GTIN},Tea,B,5/6/2027\n"
FIRSTS = f"{HEADER}{GTIN},Tea,A,01.03.2027\n{GTIN},Tea,B,01.04.2027\n"


def test_dates_without_an_order_wait_for_one(catalogue: Catalogue, tmp_path: Path) -> None:
    for accepts in (False, True):
        file = load(catalogue, tmp_path, AMBIGUOUS, accept_warnings=accepts)
        assert (file.held, lots(catalogue)) == (2, {}), "accepting says nothing about the order"
    assert file.held_file is not None
    assert "2027-04-03 or 2027-03-04? " in file.held_file.read_text()
    load(catalogue, tmp_path, AMBIGUOUS, date_order=DateOrder.MDY)
    assert lots(catalogue) == {"A": "2027-03-04", "B": "2027-05-06"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {}),
        ({"first_of_month": FirstOfMonth.DAY}, {"A": "2027-03-01", "B": "2027-04-01"}),
        ({"first_of_month": FirstOfMonth.MONTH}, {"A": "2027-03", "B": "2027-04"}),
        ({"accept_warnings": True}, {"A": "2027-03-01", "B": "2027-04-01"}),
    ],
)
def test_firsts_of_months_are_asked_about(
    catalogue: Catalogue, tmp_path: Path, options: dict[str, object], expected: dict[str, str]
) -> None:
    file = load(catalogue, tmp_path, FIRSTS, **options)
    assert file.held == (0 if expected else 2)
    assert lots(catalogue) == expected


def test_serials_that_became_one_are_named_with_both_rows(catalogue: Catalogue, tmp_path: Path) -> None:
    load(catalogue, tmp_path, f"gtin,name\n{GTIN},Tea\n")
    text = f"gtin,serial\n{GTIN},1.23457E+15\n{GTIN},S1\n{GTIN},1.23457E+15\n"
    assert load(catalogue, tmp_path, text).held == 2
    file = load(catalogue, tmp_path, text, accept_warnings=True)
    assert (file.held, file.refused) == (0, 1)
    assert file.refused_file is not None
    assert "4,serial_number: row 2 has the same natural key" in file.refused_file.read_text()


def test_one_sheet_holds_products_lots_and_serials(catalogue: Catalogue, tmp_path: Path) -> None:
    text = (
        "EAN,product,batch,serial,exp,price\n"
        f"{GTIN},Tea,L1,S1,2027-03-31,1\n"
        f"{GTIN},Tea,L1,S2,2027-03-31,1\n"
        f"{GTIN},,L2,,2027-04-30,1\n"
        f"{GTIN},,,,2027-04-30,1\n"
        f"{GTIN},Other,L1,S3,2027-03-31,1\n"
        f"{GTIN},Tea,L1,S4,2027-05-31,1\n"
        f"{GTIN},,,,,1\n"
    )
    file = load(catalogue, tmp_path, text)
    assert file.tables == ("products", "lots", "serials")
    assert (file.rows, file.held, file.refused, file.ignored_columns) == (7, 0, 4, ("price",))
    assert lots(catalogue) == {"L1": "2027-03-31", "L2": "2027-04-30"}
    with catalogue.session("acme") as cursor:
        serials = cursor.execute("SELECT serial_number FROM serials ORDER BY 1").fetchall()
    assert [serial for (serial,) in serials] == ["S1", "S2", "S3", "S4"]
    assert file.refused_file is not None
    refused = file.refused_file.read_text(encoding="utf-8-sig").splitlines()[1:]
    assert [(line.split(",")[6], line.split(",")[7].partition(":")[0]) for line in refused] == [
        ("5", "lot_number"), ("6", "gtin"), ("7", "lot_number"), ("8", "name"),
    ]  # fmt: skip


def test_a_row_that_is_held_for_its_lot_is_held_for_its_serial_too(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    text = (
        "gtin,name,batch,serial,exp\n"
        f"{GTIN},Tea,L1,S1,3/4/2027\n"
        f"{GTIN},Tea,L1,S2,3/4/2027\n"
        f"{GTIN},Tea,L2,S3,2027-05-06\n"
    )
    file = load(catalogue, tmp_path, text)
    assert (file.held, file.refused, lots(catalogue)) == (2, 0, {"L2": "2027-05-06"})
    file = load(catalogue, tmp_path, text, date_order=DateOrder.DMY)
    assert (file.held, file.refused) == (0, 0)
    assert lots(catalogue) == {"L1": "2027-04-03", "L2": "2027-05-06"}
