"""Jobs of rectangular GS1 DataMatrix and UPC-E, verified before they are committed, and faults that this finds."""

import io
import zipfile
from collections.abc import Callable

import polars as pl
import pytest

from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.errors import SymbolDoesNotDecode
from exports.jobs import manifest as manifests
from exports.jobs.manifest import Chunk
from exports.jobs.plan import ExportPlan
from exports.requests.export_types import Slot
from exports.sheets import plan as sheet_plan
from exports.sheets.needs import measure
from exports.symbols import payloads
from exports.verification.findings import CountsDisagree
from gs1.symbol_size import SymbolKind
from renderers import registry
from renderers.sheets.templates import TEMPLATES
from renderers.symbol import MatrixSymbols
from tests.decoding import read_sheet, read_symbol
from tests.exports.conftest import Import, plan_for, run

GTIN = "09506000134352"
#: A label of 25.4 × 10 mm: too low for a square beside its text.
LOW = "avery_4731"
RECTANGULAR = {"symbology": "datamatrix_rectangular"}


@pytest.fixture
def catalogue(imported: Import) -> Catalogue:
    """Two products, the second of which is declared for UPC-E, and three lots that need rectangles of three sizes."""
    return imported(
        products=f"gtin,name,carrier\n{GTIN},Tea,\n012345000065,Gum,upce\n",
        lots=f"gtin,lot_number,expiration_date\n{GTIN},A,\n{GTIN},ABC123,2027-03-31\n{GTIN},Aa!{'a1' * 8},2027-03-31\n",
    )


def manifest_of(plan: ExportPlan, catalogue: Catalogue, store: ArtefactStore) -> tuple[pl.DataFrame, bytes]:
    """Return the report of a verified and committed job, and its artefact."""
    artefact = run(plan, catalogue, store)
    with store.open(artefact.key) as stream:
        content = stream.read()
    with store.open(f"{plan.folder}/manifest.csv") as stream:
        return pl.read_csv(stream.read(), infer_schema=False), content


@pytest.mark.parametrize("file_format", ["svg", "png"])
@pytest.mark.parametrize("hri", [True, False])
def test_datamatrix_files_may_be_rectangular(
    catalogue: Catalogue, store: ArtefactStore, file_format: str, hri: bool
) -> None:
    plan = plan_for(
        export_type="datamatrix", file_format=file_format, asset_config={**RECTANGULAR, "hri": hri}
    )
    manifest, content = manifest_of(plan, catalogue, store)
    assert manifest["symbology"].unique().to_list() == ["gs1_datamatrix_rectangular"]
    assert manifest["modules"].to_list() == ["12x26", "12x36", "16x36"]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        read = [read_symbol(name, archive.read(name)) for name in manifest["file"].to_list()]
    messages = manifest["message"].str.strip_prefix("^").to_list()
    assert read == [("]d2", message.encode()) for message in messages]


@pytest.mark.parametrize("file_format", ["svg", "eps"])
def test_a_declared_upc_e_is_drawn(catalogue: Catalogue, store: ArtefactStore, file_format: str) -> None:
    plan = plan_for(scope="products", export_type="barcodes_1d", file_format=file_format)
    manifest, _ = manifest_of(plan, catalogue, store)
    told = {row["symbology"]: (row["payload"], row["modules"]) for row in manifest.rows(named=True)}
    assert told == {"ean_13": ("9506000134352", "95"), "upc_e": ("012345000065", "51")}


def test_upc_e_on_sheets(catalogue: Catalogue, store: ArtefactStore) -> None:
    config = {"symbology": "barcode_1d", "sheet_template": "avery_5160"}
    plan = plan_for(scope="products", export_type="sheet_pdf", file_format="pdf", asset_config=config)
    manifest, pdf = manifest_of(plan, catalogue, store)
    assert sorted(manifest["symbology"]) == ["ean_13", "upc_e"]
    assert sorted(read_sheet(pdf)) == [("]E0", b"0012345000065"), ("]E0", b"9506000134352")]


@pytest.mark.parametrize(
    ("scope", "symbology", "modules"),
    [
        ("lots", "datamatrix_rectangular", ["12x26", "12x36", "16x36"]),
        ("products", "barcode_1d", ["51", "95"]),
    ],
)
def test_rolls_show_small_symbols_as_pictures(
    catalogue: Catalogue, store: ArtefactStore, scope: str, symbology: str, modules: list[str]
) -> None:
    config = {"symbology": symbology, "sheet_template": "thermal_2x1in", "dpi": 300}
    plan = plan_for(scope=scope, export_type="roll_labels", file_format="zpl", asset_config=config)
    manifest, _ = manifest_of(plan, catalogue, store)
    assert sorted(manifest["modules"]) == modules


@pytest.mark.parametrize("symbology", ["datamatrix_rectangular", "auto"])
def test_labels_too_low_for_squares_get_rectangles(
    imported: Import, store: ArtefactStore, symbology: str
) -> None:
    short = imported(products=f"gtin,name\n{GTIN},Tea\n", lots=f"gtin,lot_number\n{GTIN},L001\n{GTIN},L002\n")
    config = {"symbology": symbology, "sheet_template": LOW}
    plan = plan_for(export_type="sheet_pdf", file_format="pdf", asset_config=config)
    manifest, pdf = manifest_of(plan, short, store)
    assert manifest["symbology"].unique().to_list() == ["gs1_datamatrix_rectangular"]
    assert manifest["modules"].to_list() == ["12x26", "12x26"]
    assert read_sheet(pdf, 600) == [("]d2", f"01{GTIN}10L00{number}".encode()) for number in (1, 2)]


def test_auto_takes_no_rectangle_where_a_square_holds_more(imported: Import, store: ArtefactStore) -> None:
    """The longest lot and serial together fit no rectangle at all, so that rectangles do not hold all labels."""
    mixed = imported(
        products=f"gtin,name\n{GTIN},Tea\n",
        lots=f"gtin,lot_number,expiration_date\n{GTIN},{'aB1!' * 5},2027-03-31\n",
        serials=f"gtin,lot_number,serial_number\n{GTIN},{'aB1!' * 5},{'aB1!' * 5}\n{GTIN},,1\n",
    )
    wide = plan_for(scope="serials", export_type="datamatrix", asset_config=RECTANGULAR)
    manifest, _ = manifest_of(wide, mixed, store)
    assert manifest.height == 1
    with store.open(f"{wide.folder}/errors.csv") as stream:
        assert pl.read_csv(stream.read(), infer_schema=False)["code"].to_list() == ["payload_too_long"]
    rows = pl.concat(manifests.read_rows(wide, store, Chunk(0, 2), 2))
    auto = plan_for(
        scope="serials", export_type="sheet_pdf", file_format="pdf", asset_config={"sheet_template": LOW}
    )
    assert not measure(Slot.DATAMATRIX_RECTANGULAR, "M", None, iter([rows])).complete
    assert measure(Slot.DATAMATRIX, "M", None, iter([rows])).complete
    low = sheet_plan.plan_sheets(auto, TEMPLATES[LOW], 2, lambda: iter([rows]))
    # A square fits the second serial alone, and so does a rectangle.
    assert low.slot is Slot.DATAMATRIX


def _a_row_too_many(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MatrixSymbols, "modules_text", property(lambda _: "12x36"))


def _squares(patch: pytest.MonkeyPatch) -> None:
    squares = registry.ENCODERS[SymbolKind.GS1_DATAMATRIX]
    patch.setitem(registry.ENCODERS, SymbolKind.GS1_DATAMATRIX_RECTANGULAR, squares)  # type: ignore[arg-type]


def _twelve_digits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(payloads, "_suppressed", lambda upc_a: upc_a)


@pytest.mark.parametrize(
    ("request_body", "sabotage"),
    [
        ({"export_type": "datamatrix", "asset_config": RECTANGULAR}, _a_row_too_many),
        ({"export_type": "datamatrix", "asset_config": RECTANGULAR}, _squares),
        ({"scope": "products", "export_type": "barcodes_1d"}, _twelve_digits),
    ],
)
def test_verification_finds_a_symbol_of_another_size_or_text(
    catalogue: Catalogue,
    store: ArtefactStore,
    monkeypatch: pytest.MonkeyPatch,
    request_body: dict[str, object],
    sabotage: Callable[[pytest.MonkeyPatch], None],
) -> None:
    sabotage(monkeypatch)
    with pytest.raises((SymbolDoesNotDecode, CountsDisagree)):
        run(plan_for(**request_body), catalogue, store)
