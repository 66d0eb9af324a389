"""Imports: good rows land, bad rows are reported, and a second import changes nothing."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from catalogue.errors import CatalogueError, ImportFileError
from catalogue.ids import canonical_id, derived_id
from catalogue.imports import landing, rules
from catalogue.imports.ingest import import_files, import_paths
from catalogue.imports.options import ImportFile, ImportOptions, Progress, Stage
from catalogue.imports.report import ImportReport, TableReport
from catalogue.queries.selected import count, resolve
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue
from gs1.errors import LabelError
from tests.catalogue.stock import CONTEXT

NOW = datetime(2026, 6, 1, tzinfo=UTC)
GTIN = "09506000134352"
OTHER = "00012345678905"


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(str(tmp_path / "catalogue"))


def load(catalogue: Catalogue, folder: Path, organisation: str = "acme", **tables: str) -> ImportReport:
    """Import tables given as CSV text."""
    paths: dict[str, Path] = {}
    for table, text in tables.items():
        paths[table] = folder / f"{table}.csv"
        paths[table].write_text(text, encoding="utf-8")
    return import_files(catalogue, organisation, **paths, rejects_dir=folder / "rejects", now=NOW)


def counts(report: TableReport) -> tuple[int, int, int, int, int]:
    return report.read, report.added, report.updated, report.unchanged, report.rejected


def rows(catalogue: Catalogue, table: str, organisation: str = "acme") -> pl.DataFrame:
    with catalogue.session(organisation) as cursor:
        return cursor.sql(f"FROM {table} ORDER BY id").pl()


PRODUCTS = f"gtin,name\n{GTIN},Tea\n{OTHER},Coffee\n"
LOTS = f"gtin,lot_number,expiration_date,best_before_date\n{GTIN},L1,2027-04,\n{GTIN},L2,,2027-05-06\n"
SERIALS = f"gtin,lot_number,serial_number\n{GTIN},L1,S1\n{GTIN},,S2\n{OTHER},,S1\n"
EVENTS = (
    "entity_type,gtin,lot_number,serial_number,event_type,occurred_at\n"
    f"serial,{GTIN},,S1,PRINTED,2026-01-02T03:04:05Z\n"
    f"lots,{GTIN},L2,,PRINTED,2026-01-02 03:04+01:00\n"
)


def load_all(catalogue: Catalogue, folder: Path, organisation: str = "acme") -> ImportReport:
    return load(catalogue, folder, organisation, products=PRODUCTS, lots=LOTS, serials=SERIALS, events=EVENTS)


def test_quantities_land_and_bad_ones_are_refused(catalogue: Catalogue, tmp_path: Path) -> None:
    lots = "".join(
        f"{GTIN},L{n},{text}\n" for n, text in enumerate(["0", "100000", "", "100001", "-1", "1.5", "many"])
    )
    report = load(catalogue, tmp_path, products=PRODUCTS, lots=f"gtin,lot_number,Menge\n{lots}")
    assert counts(report.tables[1]) == (7, 3, 0, 0, 4)
    assert rows(catalogue, "lots").sort("lot_number")["quantity"].to_list() == [0, 100_000, None]
    again = load(catalogue, tmp_path, lots=f"gtin,lot_number\n{GTIN},L1\n")
    assert counts(again.tables[0]) == (1, 0, 0, 1, 0), "a file without the column leaves it as it was"


def test_in_a_file_of_several_things_the_quantity_is_that_of_the_last(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    path = tmp_path / "stock.csv"
    path.write_text(f"gtin,name,lot,qty\n{GTIN},Tea,L1,3\n{GTIN},Tea,L2,4\n")
    report = import_files(catalogue, "acme", products=path, lots=path, rejects_dir=tmp_path, now=NOW)
    assert [(table.added, table.rejected) for table in report.tables] == [(1, 0), (2, 0)]
    assert rows(catalogue, "products")["quantity"].to_list() == [None]
    assert sorted(rows(catalogue, "lots")["quantity"]) == [3, 4]


def test_rows_land(catalogue: Catalogue, tmp_path: Path) -> None:
    report = load_all(catalogue, tmp_path)

    assert [counts(table) for table in report.tables] == [
        (2, 2, 0, 0, 0), (2, 2, 0, 0, 0), (3, 3, 0, 0, 0), (2, 2, 0, 0, 0),
    ]  # fmt: skip
    frames = list(resolve(catalogue, Selection("acme", Scope.LOTS)))
    found = pl.concat(frames)
    assert found["expiry"].to_list() == ["270400", None]
    assert found["best_before"].to_list() == [None, "270506"]
    assert found["entity_id"].to_list() == [derived_id("acme", "lot", GTIN, n) for n in ("L1", "L2")]
    assert count(catalogue, Selection("acme", Scope.SERIALS, never_printed=True)) == 2
    assert count(catalogue, Selection("acme", Scope.LOTS, never_printed=True)) == 1
    keys = rows(catalogue, "serials").select("id", "id_key").rows()
    assert all(key.hex() == identifier.replace("-", "") for identifier, key in keys)


def test_a_second_import_changes_nothing(catalogue: Catalogue, tmp_path: Path) -> None:
    load_all(catalogue, tmp_path)
    before = catalogue.version()

    report = load_all(catalogue, tmp_path)

    assert catalogue.version() == before
    assert [counts(table) for table in report.tables] == [
        (2, 0, 0, 2, 0), (2, 0, 0, 2, 0), (3, 0, 0, 3, 0), (2, 0, 0, 2, 0),
    ]  # fmt: skip
    assert all(table.version is None for table in report.tables)


def test_parquet_says_the_same_as_csv(catalogue: Catalogue, tmp_path: Path) -> None:
    load_all(catalogue, tmp_path)
    paths: dict[str, Path] = {}
    for table in ("products", "lots", "serials", "events"):
        paths[table] = tmp_path / f"{table}.parquet"
        pl.read_csv(tmp_path / f"{table}.csv", infer_schema=False).write_parquet(paths[table])
    # Parquet may carry types.
    pl.read_parquet(paths["products"]).with_columns(
        pl.lit(True).alias("active"), pl.lit(NOW).alias("created_at")
    ).write_parquet(paths["products"])

    report = import_files(catalogue, "acme", **paths, rejects_dir=tmp_path / "r", now=datetime.now(UTC))

    assert [table.unchanged for table in report.tables] == [2, 2, 3, 2]


def test_changed_rows_update_and_the_rest_stays(catalogue: Catalogue, tmp_path: Path) -> None:
    load_all(catalogue, tmp_path)
    before = rows(catalogue, "products")

    report = load(catalogue, tmp_path, products=f"gtin,name,active\n{GTIN},Green tea,no\n", lots=LOTS)

    assert [counts(table) for table in report.tables] == [(1, 0, 1, 0, 0), (2, 0, 0, 2, 0)]
    after = rows(catalogue, "products")
    assert after["created_at"].equals(before["created_at"])
    assert dict(after.select("name", "active").rows()) == {"Green tea": False, "Coffee": True}
    # Its lots and serials are not exported either.
    assert count(catalogue, Selection("acme", Scope.LOTS)) == 0
    assert count(catalogue, Selection("acme", Scope.SERIALS)) == 1
    # A column the file does not have stays as it is.
    load(catalogue, tmp_path, products=f"gtin,name\n{GTIN},Black tea\n")
    assert dict(rows(catalogue, "products").select("name", "active").rows()) == {
        "Black tea": False, "Coffee": True,
    }  # fmt: skip


def test_a_stated_id_that_another_row_derives_is_refused(catalogue: Catalogue, tmp_path: Path) -> None:
    derived = derived_id("acme", "product", OTHER)
    (report,) = load(
        catalogue, tmp_path, products=f"id,gtin,name\n{derived},{GTIN},Tea\n,{OTHER},Coffee\n"
    ).tables
    assert counts(report) == (2, 1, 0, 0, 1)
    assert rows(catalogue, "products").select("id", "gtin14").rows() == [(derived, OTHER)]


def test_progress_is_told_in_order(catalogue: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_text(PRODUCTS)
    told: list[Progress] = []
    import_files(catalogue, "acme", products=path, rejects_dir=tmp_path, on_progress=told.append)
    assert told[0] == Progress("products", Stage.CHECKING, 2, 2)
    assert [p.stage for p in told] == sorted((p.stage for p in told), key=list(Stage).index)
    assert told[-1] == Progress("products", Stage.DONE, 2, 2)
    assert max(p.rows for p in told if p.stage is Stage.LANDING) == 2


def test_large_tables_are_cut_by_gtin(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landing, "FILE_ROWS", 10)
    load(catalogue, tmp_path, products="gtin,name\n" + "".join(f"{rules_gtin(n)},P\n" for n in range(40)))
    paths = catalogue.files("acme")["products"]
    spans = sorted(tuple(pl.read_parquet(path)["gtin14"].sort()[[0, -1]]) for path in paths)
    assert len(spans) == 4
    assert all(last < first for (_, last), (first, _) in pairwise(spans))
    # Correcting one product rewrites its own file and no other.
    load(catalogue, tmp_path, products=f"gtin,name\n{rules_gtin(25)},New\n")
    assert len(set(paths) & set(catalogue.files("acme")["products"])) == 3
    assert rows(catalogue, "products").height == 40


def test_many_small_imports_are_compacted(catalogue: Catalogue, tmp_path: Path) -> None:
    for n in range(20):
        load(catalogue, tmp_path, products=f"gtin,name\n{rules_gtin(n)},Product {n}\n")
    assert rows(catalogue, "products").height == 20
    assert len(catalogue.files("acme")["products"]) < 20


def import_part(root: str, folder: str, part: int) -> None:
    """In a process of its own: products of which half are in the neighbour's file too."""
    path = Path(folder) / f"part-{part}.csv"
    path.write_text("gtin,name\n" + "".join(f"{rules_gtin(n)},P\n" for n in range(part * 5, part * 5 + 10)))
    import_files(Catalogue(root), "acme", products=path, rejects_dir=Path(folder), now=NOW)


def test_imports_at_once_make_no_duplicates(tmp_path: Path) -> None:
    root = str(tmp_path / "catalogue")
    processes = [CONTEXT.Process(target=import_part, args=(root, str(tmp_path), part)) for part in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    found = rows(Catalogue(root), "products")
    assert found["gtin14"].n_unique() == found.height == 20


def rules_gtin(number: int) -> str:
    body = f"{number + 950600000:013d}"
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(body))
    return f"{body}{-total % 10}"


def test_organisations_do_not_meet(catalogue: Catalogue, tmp_path: Path) -> None:
    load_all(catalogue, tmp_path, "acme")
    report = load(catalogue, tmp_path, "007", lots=LOTS)
    assert report.tables[0].rejected == 2, "the products are another organisation's"

    load_all(catalogue, tmp_path, "007")
    load(catalogue, tmp_path, "7", products=f"gtin,name\n{GTIN},Seven\n")
    load_all(catalogue, tmp_path, "123")

    first = next(resolve(catalogue, Selection("007", Scope.PRODUCTS)))["entity_id"].to_list()
    assert sorted(first) == sorted(derived_id("007", "product", gtin) for gtin in (GTIN, OTHER))
    assert count(catalogue, Selection("7", Scope.PRODUCTS)) == 1
    theirs = derived_id("acme", "lot", GTIN, "L1")
    assert count(catalogue, Selection("007", Scope.LOTS, lot_ids=(theirs,))) == 0
    assert count(catalogue, Selection("nobody", Scope.SERIALS)) == 0
    assert [count(catalogue, Selection("123", scope)) for scope in Scope] == [2, 2, 3]
    assert catalogue.organisations("serials") == ["007", "123", "acme"]
    for name in ("", ".", "a/b", "a'b", "x" * 65):
        with pytest.raises(CatalogueError, match="cannot name"):
            load(catalogue, tmp_path, name, products=PRODUCTS)
        with pytest.raises(CatalogueError, match="cannot name"):
            count(catalogue, Selection(name, Scope.PRODUCTS))


# Case table: which file, one row under its header, the column refused.
BAD_ROWS = (
    ("products", "gtin,name", f"{GTIN[:-1]}3,x", "gtin"),
    ("products", "gtin,name", "12345,x", "gtin"),
    ("products", "gtin,name", "٠٩٥٠٦٠٠٠١٣٤٣٥٢,x", "gtin"),
    ("products", "gtin,name", ",x", "gtin"),
    ("products", "gtin,name", f"{GTIN},", "name"),
    ("products", "gtin,name", f"{GTIN},'   '".replace("'", ""), "name"),
    ("products", "gtin,name", f"{GTIN},{'x' * 201}", "name"),
    ("products", "gtin,name", f"{GTIN},a\tb", "name"),
    ("products", "gtin,name,carrier", f"{GTIN},x,qr", "carrier"),
    ("products", "gtin,name,carrier", f"{GTIN},x,upca", "carrier"),
    ("products", "gtin,name,carrier", f"{GTIN},x,ean8", "carrier"),
    ("products", "gtin,name,carrier", "10614141000415,x,ean13", "carrier"),
    ("products", "gtin,name,active", f"{GTIN},x,maybe", "active"),
    ("products", "gtin,name,created_at", f"{GTIN},x,2026-01-01T00:00:00", "created_at"),
    ("products", "gtin,name,created_at", f"{GTIN},x,2026-13-01T00:00:00Z", "created_at"),
    ("products", "id,gtin,name", f"{'x' * 65},{GTIN},x", "id"),
    ("lots", "gtin,lot_number", f"{GTIN},", "lot_number"),
    ("lots", "gtin,lot_number", f"{GTIN},{'L' * 21}", "lot_number"),
    ("lots", "gtin,lot_number", f"{GTIN},L 1", "lot_number"),
    ("lots", "gtin,lot_number", f"{GTIN},Lé", "lot_number"),
    ("lots", "gtin,lot_number", "04006381333931,L1", "gtin"),
    ("lots", "gtin,lot_number,expiration_date", f"{GTIN},L,2027-02-29", "expiration_date"),
    ("lots", "gtin,lot_number,expiration_date", f"{GTIN},L,27-02-01", "expiration_date"),
    ("lots", "gtin,lot_number,expiration_date", f"{GTIN},L,2077-01-01", "expiration_date"),
    ("lots", "gtin,lot_number,best_before_date", f"{GTIN},L,1976-12", "best_before_date"),
    ("lots", "gtin,lot_number,production_date", f"{GTIN},L,2026-02", "production_date"),
    ("lots", "gtin,lot_number,production_date,expiration_date", f"{GTIN},L,2026-05-02,2026-05-01", "expiration_date"),
    ("lots", "gtin,lot_number,production_date,expiration_date", f"{GTIN},L,2026-05-01,2026-04", "expiration_date"),
    ("lots", "gtin,lot_number,production_date,best_before_date", f"{GTIN},L,2026-05-01,2026-04", "best_before_date"),
    ("products", "gtin,name,additional_product_identification", f"{GTIN},x,{'A' * 31}", "additional_product_identification"),
    ("products", "gtin,name,additional_product_identification", f"{GTIN},x,A#1", "additional_product_identification"),
    ("products", "gtin,name,made_to_order_variation", f"{GTIN},x,1234567", "made_to_order_variation"),
    ("lots", "gtin,lot_number,made_to_order_variation", f"{GTIN},L,A1", "made_to_order_variation"),
    ("lots", "gtin,lot_number,variable_count", f"{GTIN},L,0", "variable_count"),
    ("lots", "gtin,lot_number,variable_count", f"{GTIN},L,1.5", "variable_count"),
    ("lots", "gtin,lot_number,variable_count", f"{GTIN},L,123456789", "variable_count"),
    ("lots", "gtin,lot_number,net_weight_kg", f"{GTIN},L,0.000", "net_weight_kg"),
    ("lots", "gtin,lot_number,net_weight_kg", f'{GTIN},L,"1,25"', "net_weight_kg"),
    ("lots", "gtin,lot_number,net_weight_kg", f"{GTIN},L,1234.567", "net_weight_kg"),
    ("lots", "gtin,lot_number,net_weight_kg", f"{GTIN},L,0.123456", "net_weight_kg"),
    ("lots", "gtin,lot_number,net_weight_kg", f"{GTIN},L,1.", "net_weight_kg"),
    ("lots", "gtin,lot_number,net_weight_kg", f"{GTIN},L,-1", "net_weight_kg"),
    ("lots", "gtin,lot_number,expiration_time", f"{GTIN},L,2027-03-31", "expiration_time"),
    ("lots", "gtin,lot_number,expiration_time", f"{GTIN},L,2027-03-31 24:00", "expiration_time"),
    ("lots", "gtin,lot_number,expiration_time", f"{GTIN},L,2027-02-29 12:00", "expiration_time"),
    ("lots", "gtin,lot_number,expiration_time", f"{GTIN},L,2027-03-31 14:30:59", "expiration_time"),
    ("lots", "gtin,lot_number,expiration_time", f"{GTIN},L,2077-03-31 14:30", "expiration_time"),
    ("lots", "gtin,lot_number,production_date,expiration_time", f"{GTIN},L,2026-05-02,2026-05-01 23:59", "expiration_time"),
    ("serials", "gtin,serial_number,net_weight_kg", f"{GTIN},S,kg 1", "net_weight_kg"),
    ("serials", "gtin,serial_number", f"{GTIN},a#b", "serial_number"),
    ("serials", "gtin,serial_number", f"{GTIN},", "serial_number"),
    ("serials", "gtin,lot_number,serial_number", f"{GTIN},NONE,S9", "lot_number"),
    ("serials", "gtin,lot_number,serial_number", f"{OTHER},L1,S9", "lot_number"),
    ("events", "entity_type,gtin,event_type,occurred_at", f"box,{GTIN},PRINTED,2026-01-01T00:00Z", "entity_type"),
    ("events", "entity_type,gtin,event_type,occurred_at", f"lot,{GTIN},PRINTED,2026-01-01T00:00Z", "lot_number"),
    ("events", "entity_type,gtin,event_type,occurred_at", f"product,{GTIN},printed,2026-01-01T00:00Z", "event_type"),
    ("events", "entity_type,gtin,event_type,occurred_at", f"product,{GTIN},PRINTED,2026-01-01", "occurred_at"),
    ("events", "entity_type,entity_id,event_type,occurred_at", "lot,none,PRINTED,2026-01-01T00:00Z", "entity_id"),
    ("events", "entity_type,event_type,occurred_at", "lot,PRINTED,2026-01-01T00:00Z", "gtin"),
)  # fmt: skip


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    folder = tmp_path_factory.mktemp("loaded")
    catalogue = Catalogue(str(folder / "catalogue"))
    load_all(catalogue, folder)
    return catalogue


@pytest.mark.parametrize(("table", "header", "row", "column"), BAD_ROWS)
def test_a_bad_row_is_refused(
    loaded: Catalogue, tmp_path: Path, table: str, header: str, row: str, column: str
) -> None:
    before = loaded.version()

    (report,) = load(loaded, tmp_path, **{table: f"{header}\n{row}\n"}).tables

    assert counts(report) == (1, 0, 0, 0, 1)
    assert loaded.version() == before
    assert report.rejects_file is not None
    rejects = pl.read_csv(report.rejects_file, infer_schema=False)
    assert rejects.columns == ["file", "row", "column", "value", "reason"]
    assert (column, "2", f"{table}.csv") in rejects.select("column", "row", "file").rows()


# Case table: the column, what a file says, what is stored.
VALUES = (
    ("net_weight_kg", "1.250", "1.250"),
    ("net_weight_kg", " 007.5", "7.5"),
    ("net_weight_kg", "0.00001", "0.00001"),
    ("area_m2", "123456", "123456"),
    ("variable_count", "99999999", "99999999"),
    ("made_to_order_variation", "007", "007"),
    ("expiration_time", "2027-03-31 14:30", "2027-03-31T14:30"),
    ("expiration_time", "2027-03-31T14:30:00.000", "2027-03-31T14:30"),
    ("expiration_time", "31.03.2027 14:30", "2027-03-31T14:30"),
    ("expiration_time", "2703311430", "2027-03-31T14:30"),
    ("expiration_time", "2027-03-31 00:01", "2027-03-31T00:01"),
)


@pytest.mark.parametrize(("column", "said", "stored"), VALUES)
def test_a_value_is_stored_in_one_form(
    catalogue: Catalogue, tmp_path: Path, column: str, said: str, stored: str
) -> None:
    load(catalogue, tmp_path, products=PRODUCTS, lots=f"gtin,lot_number,{column}\n{GTIN},L,{said}\n")
    assert rows(catalogue, "lots")[column].to_list() == [stored]
    (report,) = load(catalogue, tmp_path, lots=f"gtin,lot_number,{column}\n{GTIN},L,{stored}\n").tables
    assert report.unchanged == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [("expiration_time", "2027-03-31 00:00:00"), ("additional_product_identification", "1.23457E+15")],
)
def test_what_a_spreadsheet_may_have_changed_is_held(
    catalogue: Catalogue, tmp_path: Path, column: str, value: str
) -> None:
    load(catalogue, tmp_path, products=PRODUCTS)
    table, key = ("lots", "lot_number") if column == "expiration_time" else ("products", "name")
    (report,) = load(catalogue, tmp_path, **{table: f"gtin,{key},{column}\n{GTIN},L,{value}\n"}).tables
    assert (report.held, report.rejected) == (1, 0)


def test_a_value_of_several_kinds_is_that_of_the_last_one(catalogue: Catalogue, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(
        "gtin,name,lot_number,expiration_date,serial_number,net_weight_kg,additional_product_identification\n"
        f"{GTIN},Tea,L,2027-03-31,S1,1.2,A\n{GTIN},Tea,L,2027-03-31,S2,1.3,A\n"
    )
    report = import_paths(catalogue, "acme", [ImportFile(sheet)], ImportOptions(), tmp_path, now=NOW)
    assert [(table.added, table.rejected) for table in report.tables] == [(1, 0), (1, 0), (2, 0)]
    assert rows(catalogue, "lots")["net_weight_kg"].to_list() == [None]
    assert sorted(rows(catalogue, "serials")["net_weight_kg"]) == ["1.2", "1.3"]


def test_serials_with_measures_state_no_lots(catalogue: Catalogue, tmp_path: Path) -> None:
    load(catalogue, tmp_path, products=PRODUCTS, lots=f"gtin,lot_number\n{GTIN},L\n")
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(f"gtin,lot_number,serial_number,net_weight_kg\n{GTIN},L,S1,1.2\n")
    report = import_paths(catalogue, "acme", [ImportFile(sheet)], ImportOptions(), tmp_path, now=NOW)
    assert [table.table for table in report.tables] == ["serials"]


# Case table: a product's GTIN and carrier, the column refused, and what the reason says.
NO_TRADE_ITEMS = (
    ("00000000", "", "gtin", "identifies nothing"),
    ("00000000000000", "itf14", "gtin", "identifies nothing"),
    ("01234565", "", "gtin", "UPC-A 012345000065"),
    ("04252614", "upca", "gtin", "UPC-A 042100005264"),
    ("00000001234565", "", "gtin", "UPC-A 012345000065"),
    ("01234531", "ean8", "gtin", "UPC-A 012300000451"),  # its check digit is no GTIN-8's
    ("95060019", "ean13", "carrier", "carrier ean13 cannot hold GTIN-8 95060019"),
    ("95060019", "UPCA", "carrier", "carrier upca cannot hold GTIN-8 95060019"),
    ("95060019", "itf14", "carrier", "carrier itf14 cannot hold GTIN-8 95060019"),
    ("95060019", "upce", "carrier", "carrier upce cannot hold GTIN-8 95060019"),
    ("9506000134352", "upce", "carrier", "this carrier cannot hold the GTIN"),
    ("614141000036", "upce", "carrier", "not a UPC-A of number system 0 whose zeros UPC-E can leave out"),
    ("012345678905", "UPCE", "carrier", "not a UPC-A of number system 0 whose zeros UPC-E can leave out"),
    ("92012345678906", "", "gtin", "restricted circulation"),
    ("12012345678900", "", "gtin", "restricted circulation"),
    ("10512345678907", "", "gtin", "coupon or refund"),
    ("2012345678903", "itf14", "carrier", "restricted circulation"),
    ("9.50600E+12", "", "gtin", "spreadsheet notation"),
    ("(01)09506000134352", "", "gtin", "the GTIN alone: 09506000134352"),
    ("]C10109506000134352", "", "gtin", "symbology identifier"),
    ("https://id.gs1.org/01/09506000134352", "", "gtin", "Digital Link"),
    ("9506000134353", "", "gtin", "check digit 3, expected 2"),
    ("950600013435", "", "gtin", "check digit 5, expected 9"),
    ("95060001343", "", "gtin", "11 digits"),
)


@pytest.mark.parametrize(("gtin", "carrier", "column", "said"), NO_TRADE_ITEMS)
def test_a_number_that_is_no_trade_items_is_refused(
    loaded: Catalogue, tmp_path: Path, gtin: str, carrier: str, column: str, said: str
) -> None:
    (report,) = load(loaded, tmp_path, products=f"gtin,name,carrier\n{gtin},x,{carrier}\n").tables
    assert counts(report) == (1, 0, 0, 0, 1)
    ((found, value, reason),) = rejects_of(report).select("column", "value", "reason").rows()
    assert (found, value) == (column, gtin if column == "gtin" else carrier)
    assert said in reason


# A shop's own numbers may be imported for EAN/UPC, and a GTIN-8 that is declared to be one.
@pytest.mark.parametrize(
    ("gtin", "carrier"),
    [
        ("2012345678903", ""), ("212345678909", "upca"), ("0512345678900", "ean13"), ("21234569", ""),
        ("99506000134355", ""), ("01234565", "ean8"), ("95060019", "EAN8"), ("012345000065", "upce"), ("042100005264", "UPCE"), ("9506000134352", "itf14"),
    ],
)  # fmt: skip
def test_a_number_for_ean_upc_lands(catalogue: Catalogue, tmp_path: Path, gtin: str, carrier: str) -> None:
    (report,) = load(catalogue, tmp_path, products=f"gtin,name,carrier\n{gtin},x,{carrier}\n").tables
    assert counts(report) == (1, 1, 0, 0, 0), rejects_of(report) if report.rejected else None


@pytest.mark.parametrize(
    ("lot", "said"),
    [
        ("L\u00a01", "U+00A0 NO-BREAK SPACE"),
        ("L\u20131", "U+2013 EN DASH"),
        ("L\u200b1", "U+200B ZERO WIDTH SPACE"),
        ("L" * 21, "21 characters, expected 1 to 20"),
    ],
)
def test_what_is_wrong_with_a_lot_is_said(loaded: Catalogue, tmp_path: Path, lot: str, said: str) -> None:
    (report,) = load(loaded, tmp_path, lots=f"gtin,lot_number\n{GTIN},{lot}\n").tables
    assert said in rejects_of(report)["reason"].item()


def test_dates_are_compared_with_what_the_catalogue_has(catalogue: Catalogue, tmp_path: Path) -> None:
    load(
        catalogue, tmp_path, products=PRODUCTS, lots=f"gtin,lot_number,production_date\n{GTIN},L,2026-05-31\n"
    )
    header = "gtin,lot_number,expiration_date"
    (report,) = load(catalogue, tmp_path, lots=f"{header}\n{GTIN},L,2026-05-30\n").tables
    ((column, value, reason),) = rejects_of(report).select("column", "value", "reason").rows()
    assert (column, value, reason) == (
        "expiration_date", "2026-05-30", "expiration_date is before production_date",
    )  # fmt: skip
    # A month means its last day.
    (report,) = load(catalogue, tmp_path, lots=f"{header}\n{GTIN},L,2026-05\n").tables
    assert counts(report) == (1, 0, 1, 0, 0)


def rejects_of(report: TableReport) -> pl.DataFrame:
    assert report.rejects_file is not None
    return pl.read_csv(report.rejects_file, infer_schema=False)


def test_good_rows_land_beside_bad_ones(catalogue: Catalogue, tmp_path: Path) -> None:
    taken = "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"
    text = (
        f"id,gtin,name\n{taken},{GTIN},Tea\n,{GTIN},Again\n{taken.lower().replace('-', '')},{OTHER},Same id\n"
        "x,,\n,04006381333931,Pen\n"
    )
    (report,) = load(catalogue, tmp_path, products=text).tables
    assert counts(report) == (5, 2, 0, 0, 3)
    assert report.rejects_file is not None
    rejects = pl.read_csv(report.rejects_file)
    assert rejects["reason"][:2].to_list() == ["row 2 has the same natural key", "row 2 has the same id"]
    assert rejects.select("row", "column").rows() == [(3, "gtin"), (4, "id"), (5, "gtin"), (5, "name")]

    (report,) = load(catalogue, tmp_path, products=f"id,gtin,name\n{taken},{OTHER},x\nnew,{GTIN},x\n").tables
    assert counts(report) == (2, 0, 0, 0, 2), "an id moves to no other key, a key takes no other id"
    assert set(rows(catalogue, "products")["id"]) == {
        taken.lower(), derived_id("acme", "product", "04006381333931"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "field"),
    [("gtin\n1\n", "name"), ("gtin,name,gtin\n", "gtin"), ("ean,name,upc\n", "gtin")],
)
def test_a_wrong_header_refuses_the_file(catalogue: Catalogue, tmp_path: Path, text: str, field: str) -> None:
    with pytest.raises(ImportFileError, match=field) as raised:
        load(catalogue, tmp_path, products=text, lots=LOTS)
    assert raised.value.field == field


@pytest.mark.parametrize(
    "content", [b"", b"\n \n", b"\xd0\xcf\x11\xe0 old workbook", b"PK\x03\x04 no workbook"]
)
def test_an_unreadable_file_is_refused(catalogue: Catalogue, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "products.csv"
    path.write_bytes(content)
    with pytest.raises(ImportFileError):
        import_files(catalogue, "acme", products=path, rejects_dir=tmp_path)


def test_the_gtin_expression_agrees_with_the_rules() -> None:
    gtin = pytest.importorskip("gs1.gtin")
    numbers = [f"{n:0{width}d}" for width in (8, 12, 13, 14) for n in range(95060, 95180)]
    numbers += ["", "1", "123456789", "1234567890123456"]
    found = pl.DataFrame({"gtin": numbers}).select(rules.gtin14(pl.col("gtin")))["gtin"].to_list()
    for text, normalised in zip(numbers, found, strict=True):
        try:
            expected = gtin.as_gtin_14(text)
        except LabelError:
            expected = None
        assert normalised == expected, text


@pytest.mark.parametrize(
    "text",
    [
        "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "6BA7B8109DAD11D180B400C04FD430C8",
        "KwGAbG2sPqWcC7PsCnn5ab",
        "zzzzzzzzzzzzzzzzzzzzzz",
        "abc123def456",
        "6ba7b810-9dad11d180b4-00c04fd430c8-",
        "222222222222222222222I",
    ],
)
def test_ids_are_made_canonical_alike(text: str) -> None:
    frame = pl.DataFrame({"id": [text, None]})
    found = frame.select(rules.canonical(pl.col("id"), canonical_id))["id"].to_list()
    assert found == [canonical_id(text), None]
