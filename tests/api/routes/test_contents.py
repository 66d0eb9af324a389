"""The catalogue over HTTP: by page and whole, one's own only, and in again without a change."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from catalogue import contents
from catalogue.imports.ingest import import_files, import_paths
from catalogue.imports.options import ImportFile, ImportOptions
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue
from exports.ports import ReportFormat
from exports.reports import catalogue_files, tables
from gs1.check_digit import check_digit
from tests.api.conftest import facade
from tests.api.problem import is_problem

URL = "/products/api/v1/catalogue/"
KINDS = {Scope.PRODUCTS: "products", Scope.LOTS: "lots", Scope.SERIALS: "serials"}

PRODUCTS = (
    "gtin,name,carrier,active,created_at,id\n"
    "9506000134352,Tea,ean13,true,2026-01-02T03:04:05.123456Z,\n"
    "5901234123457,Off,,false,2026-02-01T00:00:00Z,p-2\n"
)
LOTS = (
    "gtin,lot_number,expiration_date,lot_run_id,active\n"
    "9506000134352,L1,2027-03-31,R1,true\n9506000134352,L2,2027-04,,false\n5901234123457,L1,,,true\n"
)
SERIALS = "gtin,serial_number,lot_number\n9506000134352,S1,L1\n9506000134352,S0,L2\n9506000134352,S2,\n"


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contents")
    stock = Catalogue(str(folder / "catalogue"))
    files = {}
    for name, text in {"products": PRODUCTS, "lots": LOTS, "serials": SERIALS}.items():
        files[name] = folder / f"{name}.csv"
        files[name].write_text(text)
    import_files(stock, "acme", **files, rejects_dir=folder)
    (folder / "theirs.csv").write_text("gtin,name\n9506000134352,Theirs\n")
    import_files(stock, "other", products=folder / "theirs.csv", rejects_dir=folder)
    return stock


@pytest.fixture
def client(exports, accounts, settings, catalogue):
    with TestClient(
        facade(exports, accounts, settings, catalogue=catalogue), raise_server_exceptions=False
    ) as http:
        yield http


def test_products(client, viewer):
    page = client.get(f"{URL}products/", headers=viewer).json()
    off, tea = page["data"]
    assert tea == {
        "gtin": "09506000134352", "name": "Tea", "carrier": "ean13", "active": True,
        "created_at": "2026-01-02T03:04:05.123456+00:00", "id": tea["id"], "quantity": None,
        "additional_product_identification": None, "made_to_order_variation": None,
    }  # fmt: skip
    assert (off["active"], off["id"], off["carrier"]) == (False, "p-2", None)
    assert page["pagination"] == {
        "page": 1, "page_size": 25, "total_count": 2, "total_pages": 1, "has_next": False, "has_previous": False,
        "next_after": None,
    }  # fmt: skip


def test_each_organisation_sees_its_own(client, stranger):
    assert [p["name"] for p in client.get(f"{URL}products/", headers=stranger).json()["data"]] == ["Theirs"]
    for scope in ("lots", "serials"):
        answer = client.get(f"{URL}{scope}/", headers=stranger).json()
        assert (answer["data"], answer["pagination"]["total_count"]) == ([], 0)
        assert client.get(f"{URL}{scope}/?format=csv", headers=stranger).text.count("\n") == 1
    assert client.get(f"{URL}lots/").status_code == 401


@pytest.mark.parametrize("scope", Scope)
def test_pages_and_cursors_reach_each_row_once(client, viewer, scope):
    whole = client.get(f"{URL}{scope}/", headers=viewer).json()["data"]
    paged, followed, query = [], [], {"page_size": 1}
    for number in range(1, len(whole) + 1):
        page = client.get(f"{URL}{scope}/", params={"page": number, "page_size": 1}, headers=viewer).json()
        paged += page["data"]
    while True:
        page = client.get(f"{URL}{scope}/", params=query, headers=viewer).json()
        followed += page["data"]
        assert page["pagination"]["total_count"] == len(whole)
        assert page["pagination"]["has_next"] == (len(followed) < len(whole))
        if (after := page["pagination"]["next_after"]) is None:
            break
        query["after"] = after
    assert paged == followed == whole


@pytest.mark.parametrize(
    ("scope", "query", "found"),
    [
        ("products", {"gtins": "9506000134352,00012345678905"}, ["Tea"]),
        ("products", {"created_after": "2026-01-15T00:00:00Z"}, ["Off"]),
        ("products", {"never_printed": "true", "product_id": "p-2"}, ["Off"]),
        ("products", {"changed_since_print": "true"}, []),
        ("lots", {"lot_run_id": "R1"}, ["L1"]),
        ("lots", {"gtins": "9506000134352"}, ["L1", "L2"]),
        ("serials", {"lot_run_id": "R1"}, ["S1"]),
    ],
)
def test_the_filters_are_those_of_an_export(client, viewer, scope, query, found):
    name = {"products": "name", "lots": "lot_number", "serials": "serial_number"}[scope]
    page = client.get(f"{URL}{scope}/", params=query, headers=viewer).json()
    assert [row[name] for row in page["data"]] == found
    assert page["pagination"]["total_count"] == len(found)
    csv = client.get(f"{URL}{scope}/", params={**query, "format": "csv"}, headers=viewer)
    assert pl.read_csv(csv.content, infer_schema=False)[name].to_list() == found


@pytest.mark.parametrize(
    "query",
    [
        {"lot_ids": "a"}, {"gtins": "9506000134353"}, {"gtins": ",".join(["9506000134352"] * 101)}, {"after": "e30"},
        {"after": "x"}, {"page": 101, "page_size": 100}, {"page": 2, "after": "WyIiLCAiIiwgIiIsICIiXQ"}, {"format": "ods"},
        {"colour": "red"}, {"never_printed": "1"}, {"created_after": "yesterday"},
    ],
)  # fmt: skip
def test_a_wrong_query(client, viewer, query):
    is_problem(client.get(f"{URL}products/", params=query, headers=viewer), 422, "validation_error")


@pytest.mark.parametrize("wanted", ReportFormat)
@pytest.mark.parametrize("scope", Scope)
def test_what_is_downloaded_imports_again_without_a_change(
    client, viewer, catalogue, tmp_path, scope, wanted
):
    answer = client.get(f"{URL}{scope}/", params={"format": wanted.value}, headers=viewer)
    assert answer.headers["content-disposition"].endswith(f"{scope}.{wanted}")
    file = tmp_path / f"it.{wanted}"
    file.write_bytes(answer.content)
    report = import_files(catalogue, "acme", **{KINDS[scope]: file}, rejects_dir=tmp_path)
    (table,) = report.tables
    total = contents.part(catalogue, Selection("acme", scope), limit=1).total
    assert (table.read, table.unchanged) == (total, total)


def test_more_rows_than_a_sheet_holds(client, viewer, monkeypatch):
    monkeypatch.setattr(tables, "MAX_XLSX_ROWS", 1)
    is_problem(client.get(f"{URL}lots/?format=xlsx", headers=viewer), 422, "validation_error")
    assert client.get(f"{URL}lots/?format=parquet", headers=viewer).status_code == 200


# GS1's character set 82, and text of names as people write them.
AI_82 = "".join(map(chr, range(33, 123))).translate(str.maketrans("", "", "#$@[\\]^`"))
VALUES = st.text(AI_82, min_size=1, max_size=20)
NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=30)
DATES = st.one_of(st.none(), st.dates().map(str), st.just("2027-03"))
QUANTITIES = st.one_of(st.none(), st.integers(0, 100_000))
GTINS = st.integers(1, 10**12 - 1).map(lambda n: f"0{n:012d}{check_digit(f'0{n:012d}')}")


@settings(max_examples=5)
@given(
    st.lists(
        st.tuples(
            GTINS,
            NAMES,
            st.booleans(),
            VALUES,
            VALUES,
            DATES,
            st.datetimes(),
            QUANTITIES,
            st.none() | VALUES,
            st.none() | st.sampled_from(["1.250", "0.5", "12"]),
            st.none() | st.just("2027-03-31T14:30"),
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda row: row[0],
    )
)
def test_whatever_is_in_the_catalogue_comes_out_and_in_unchanged(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("again")
    stock = Catalogue(str(folder / "catalogue"))
    names = (
        "gtin",
        "name",
        "active",
        "lot_number",
        "serial_number",
        "expiration_date",
        "created_at",
        "quantity",
        "additional_product_identification",
        "net_weight_kg",
        "expiration_time",
    )
    frame = pl.DataFrame(rows, names, orient="row").with_columns(
        pl.col("created_at").dt.replace_time_zone("UTC")
    )
    columns = {
        "products": ("gtin", "name", "active", "created_at", "additional_product_identification"),
        "lots": (
            "gtin",
            "lot_number",
            "expiration_date",
            "active",
            "quantity",
            "net_weight_kg",
            "expiration_time",
        ),
        "serials": ("gtin", "lot_number", "serial_number", "created_at"),
    }
    options = ImportOptions(accept_warnings=True)
    for kind, kept in columns.items():
        frame.select(kept).write_parquet(folder / "in.parquet")
        import_paths(stock, "acme", [ImportFile(folder / "in.parquet", (kind,))], options, folder)
    for scope, kind in KINDS.items():
        wanted = Selection("acme", scope)
        total = contents.part(stock, wanted, limit=1).total
        for form in ReportFormat:
            file = folder / f"out.{form}"
            with catalogue_files.written(contents.every(stock, wanted), kind, form) as written:
                file.write_bytes(written.read())
            report = import_paths(stock, "acme", [ImportFile(file, (kind,))], options, folder)
            (table,) = report.tables
            assert (table.read, table.unchanged) == (total, total), (kind, form)
