"""Pairs of files: a QR Code of the lot or serial and the EAN/UPC of its product."""

import io
import json
import zipfile

import polars as pl
import pytest

from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.errors import InvalidRequest
from exports.requests.request import parse_request
from tests.exports.conftest import Import, plan_for, run

GTINS = {
    "09506000134352": "ean_13",
    "10614141000415": "itf_14",
    "00012345678905": "upc_a",
    "00000096385074": "ean_8",
}


@pytest.fixture
def catalogue(imported: Import) -> Catalogue:
    lots = "\n".join(f"{gtin},L1,2027-03-31" for gtin in GTINS)
    serials = "\n".join(f"{gtin},S1,L1" for gtin in GTINS)
    return imported(
        products="gtin,name\n" + "\n".join(f"{gtin},Tea" for gtin in GTINS),
        lots=f"gtin,lot_number,expiration_date\n{lots}\n",
        serials=f"gtin,serial_number,lot_number\n{serials}\n",
    )


@pytest.mark.parametrize("file_format", ["svg", "png", "eps"])
@pytest.mark.parametrize("scope", ["products", "lots", "serials"])
def test_a_pair_carries_the_lot_and_the_product(
    catalogue: Catalogue, store: ArtefactStore, scope: str, file_format: str
) -> None:
    """The export reads every file itself, and its manifest tells what it read."""
    config = {"linear": "gtin"}
    plan = plan_for(scope=scope, export_type="codes_combined", file_format=file_format, asset_config=config)
    artefact = run(plan, catalogue, store)
    assert (artefact.processed, artefact.failed) == (4, 0)
    with store.open(artefact.key) as stream, zipfile.ZipFile(io.BytesIO(stream.read())) as archive:
        manifest = pl.read_csv(io.BytesIO(archive.read("manifest.csv")), infer_schema=False)
        names = archive.namelist()
    linear = manifest.filter(pl.col("symbology") != "qr_code")
    assert dict(zip(linear["gtin"], linear["symbology"], strict=True)) == GTINS
    assert all(payload in gtin for payload, gtin in linear.select("payload", "gtin").iter_rows())
    assert all(name.endswith(f"_gtin.{file_format}") and name in names for name in linear["file"])
    left_out = {
        "products": None,
        "lots": "not carried: lot, expiry",
        "serials": "not carried: lot, serial, expiry",
    }
    assert set(linear["note"]) == {left_out[scope]}
    links = manifest.filter(pl.col("symbology") == "qr_code")
    if scope != "products":
        assert links["payload"].str.contains("/10/L1").all()
        assert links["payload"].str.ends_with("?17=270331").all()


@pytest.mark.parametrize(
    ("export_type", "file_format", "config"),
    [
        ("qr_codes", "svg", {"linear": "gtin"}),
        ("sheet_pdf", "pdf", {"linear": "gtin"}),
        ("sheet_pdf", "pdf", {"linear": "gtin", "symbology": "qr"}),
        ("codes_combined", "svg", {"design": "dual"}),
    ],
)
def test_what_cannot_apply_is_refused(export_type: str, file_format: str, config: dict[str, str]) -> None:
    text = json.dumps(
        {"scope": "lots", "export_type": export_type, "file_format": file_format, "asset_config": config}
    )
    with pytest.raises(InvalidRequest) as refused:
        parse_request(text.encode())
    assert {fault["type"] for fault in refused.value.details} == {"incoherent_setting"}
