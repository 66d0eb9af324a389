"""What symbols carry that a request asks for: from the imported file to the decoded symbol and the print history."""

import csv
import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import zxingcpp
from PIL import Image

from catalogue.lifecycle import carried, history, lines
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.designs.document import Design
from exports.previews.preview import preview
from tests.exports.conftest import Import, plan_for, run

GTIN, MEASURED = "09506000134352", "99506000134355"
PRODUCTS = f"""gtin,name,additional_product_identification
{GTIN},Cheese,A(1)/7
{MEASURED},Cheese by weight,
"""
LOTS = f"""gtin,lot_number,production_date,best_before_date,expiration_date,expiration_time,net_weight_kg
{GTIN},L1,2026-01-31,2027-02-28,2027-03-31,2027-03-31 14:30,
{GTIN},L2,,,2027-04,,
{MEASURED},L3,2026-02-01,,,,1.250
"""
SERIALS = f"""gtin,serial_number,lot_number,net_weight_kg,variable_count,made_to_order_variation
{GTIN},S1,L1,,,
{MEASURED},S2,L3,,12,
{MEASURED},S3,L3,0.98,,
{MEASURED},S4,L3,,,007
{GTIN},S5,,,,
"""

FNC1 = "\x1d"


@pytest.fixture
def catalogue(imported: Import) -> Catalogue:
    return imported(products=PRODUCTS, lots=LOTS, serials=SERIALS)


def rows_of(key: str, store: ArtefactStore) -> list[Mapping[str, str]]:
    with store.open(key) as stream, zipfile.ZipFile(stream) as archive:
        return list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode("utf-8-sig"))))


def decoded(key: str, store: ArtefactStore) -> list[tuple[str, str]]:
    """Return the symbology identifier and the text of each PNG of the archive, in the order of the manifest."""
    found: list[tuple[str, str]] = []
    with store.open(key) as stream, zipfile.ZipFile(stream) as archive:
        for row in csv.DictReader(io.StringIO(archive.read("manifest.csv").decode("utf-8-sig"))):
            picture = np.asarray(Image.open(io.BytesIO(archive.read(row["file"]))).convert("L"))
            (barcode,) = zxingcpp.read_barcodes(picture)
            found.append((barcode.symbology_identifier, barcode.bytes.decode("ascii")))
    return found


def failures_of(key: str, store: ArtefactStore) -> list[tuple[str, str]]:
    with store.open(key) as stream, zipfile.ZipFile(stream) as archive:
        rows = csv.DictReader(io.StringIO(archive.read("errors.csv").decode("utf-8-sig")))
        return [(row["serial"] or row["lot"], row["code"]) for row in rows]


#: Case table: scope, what is asked for, then by entity what the element string and the link have behind the GTIN.
CASES: list[tuple[str, list[str], dict[str, str], dict[str, str]]] = [
    ("lots", ["11", "15", "17"],
     {"L1": "112601311527022817270331" + "10L1", "L2": "17270400" + "10L2"},
     {"L1": "/10/L1?11=260131&15=270228&17=270331", "L2": "/10/L2?17=270400"}),
    ("lots", ["7003", "240"],
     {"L1": "10L1" + FNC1 + "240A(1)/7" + FNC1 + "70032703311430", "L2": "10L2" + FNC1 + "240A(1)/7"},
     {"L1": "/10/L1?240=A%281%29%2F7&7003=2703311430", "L2": "/10/L2?240=A%281%29%2F7"}),
    ("lots", [], {"L1": "10L1", "L2": "10L2"}, {"L1": "/10/L1", "L2": "/10/L2"}),
    ("lots", ["310n", "17"],
     {"L1": "17270331" + "10L1", "L2": "17270400" + "10L2", "L3": "3103001250" + "10L3"},
     {"L1": "/10/L1?17=270331", "L2": "/10/L2?17=270400", "L3": "/10/L3?3103=001250"}),
    ("serials", ["310n", "30", "242"],
     {"S1": "21S1", "S2": "3103001250" + "21S2" + FNC1 + "3012", "S3": "3102000098" + "21S3",
      "S4": "3103001250" + "21S4" + FNC1 + "242007", "S5": "21S5"},
     {"S1": "/21/S1", "S2": "/21/S2?30=12&3103=001250", "S3": "/21/S3?3102=000098",
      "S4": "/21/S4?242=007&3103=001250", "S5": "/21/S5"}),
    ("serials", ["10", "11"],
     {"S1": "11260131" + "10L1" + FNC1 + "21S1", "S5": "21S5"},
     {"S1": "/10/L1/21/S1?11=260131", "S5": "/21/S5"}),
    ("products", ["240"], {"": "240A(1)/7"}, {"": "?240=A%281%29%2F7"}),
]  # fmt: skip


@pytest.mark.parametrize(("scope", "carry", "strings", "links"), CASES)
@pytest.mark.parametrize("kind", ["datamatrix", "qr_codes"])
def test_matrix_symbols_carry_what_is_asked(
    catalogue: Catalogue, store: ArtefactStore, kind: str, scope: str, carry: list[str],
    strings: dict[str, str], links: dict[str, str],
) -> None:  # fmt: skip
    plan = plan_for(scope=scope, export_type=kind, file_format="png", asset_config={"carry": carry})
    artefact = run(plan, catalogue, store)
    rows = rows_of(artefact.key, store)
    identifier, expected = ("]d2", strings) if kind == "datamatrix" else ("]Q1", links)
    assert sorted(row["serial"] or row["lot"] for row in rows) == sorted(expected)
    for row, found in zip(rows, decoded(artefact.key, store), strict=True):
        key = expected[row["serial"] or row["lot"]]
        if kind == "datamatrix":
            assert found == (identifier, f"01{row['gtin']}{key}")
            assert row["message"] == f"^01{row['gtin']}{key}".replace(FNC1, "^")
        else:
            assert found == (identifier, f"https://id.gs1.org/01/{row['gtin']}{key}")
            assert row["payload"] == found[1]
    # What is missing is what cannot be: indicator 9 without a measure beside it.
    missing = artefact.failed and {code for _, code in failures_of(artefact.key, store)}
    assert missing in (0, {"measure_required"})


def test_linear_symbols_carry_what_is_asked_within_48_characters(
    catalogue: Catalogue, store: ArtefactStore
) -> None:
    config = {"carry": ["11", "17", "310n"]}
    plan = plan_for(scope="serials", export_type="codes_combined", file_format="png", asset_config=config)
    artefact = run(plan, catalogue, store)
    linear = [found for found in decoded(artefact.key, store) if found[0] == "]C1"]
    assert linear == [
        ("]C1", f"01{GTIN}" + "21S5"),
        ("]C1", f"01{GTIN}" + "1126013117270331" + "21S1"),
        *(("]C1", f"01{MEASURED}" + "11260201" + weight) for weight in ("310300125021S2", "310200009821S3", "310300125021S4")),
    ]  # fmt: skip


def test_what_a_linear_symbol_has_no_room_for_fails_with_its_reason(
    imported: Import, store: ArtefactStore
) -> None:
    catalogue = imported(
        products=f"gtin,name,additional_product_identification\n{GTIN},A,{'X' * 20}\n",
        lots=f"gtin,lot_number\n{GTIN},{'L' * 20}\n{GTIN},L\n",
    )
    plan = plan_for(export_type="barcodes_1d", file_format="svg", asset_config={"carry": ["240"]})
    artefact = run(plan, catalogue, store)
    assert [row["message"] for row in rows_of(artefact.key, store)] == [f"^01{GTIN}10L^240{'X' * 20}"]
    assert failures_of(artefact.key, store) == [("L" * 20, "payload_too_long")]
    (failure,) = preview(plan, catalogue, store).failures
    assert "data characters are more than a GS1-128 may have" in failure.reason


def test_the_manifest_tells_what_has_no_value(catalogue: Catalogue, store: ArtefactStore) -> None:
    plan = plan_for(export_type="datamatrix", asset_config={"carry": ["11", "15", "310n"]})
    artefact = run(plan, catalogue, store)
    told = {row["lot"]: (row["payload"], row["note"]) for row in rows_of(artefact.key, store)}
    assert told == {
        "L1": (f"(01){GTIN}(11)260131(15)270228(10)L1", "not carried: expiry; no value: net weight in kg"),
        "L2": (
            f"(01){GTIN}(10)L2",
            "not carried: expiry; no value: best before, production date, net weight in kg",
        ),
        "L3": (f"(01){MEASURED}(11)260201(3103)001250(10)L3", "no value: best before"),
    }


def test_indicator_9_needs_its_measure_in_the_symbol(catalogue: Catalogue, store: ArtefactStore) -> None:
    found = preview(plan_for(export_type="datamatrix"), catalogue, store).failures
    assert [(each.lot, each.code) for each in found] == [("L3", "measure_required")]
    assert "carry" in found[0].reason
    asked = plan_for(export_type="datamatrix", asset_config={"carry": ["310n"]})
    assert preview(asked, catalogue, store).failures == []


@pytest.mark.parametrize("symbology", ["qr", "datamatrix", "barcode_1d", "datamatrix_rectangular"])
@pytest.mark.parametrize(
    ("export_type", "file_format", "template"),
    [("sheet_pdf", "pdf", "avery_5163"), ("roll_labels", "zpl", "thermal_4x6in")],
)
def test_labels_carry_it_too_and_are_verified(
    catalogue: Catalogue, store: ArtefactStore, symbology: str, export_type: str, file_format: str, template: str
) -> None:  # fmt: skip
    config = {"carry": ["11", "15", "17", "310n"], "symbology": symbology, "sheet_template": template}
    artefact = run(
        plan_for(export_type=export_type, file_format=file_format, asset_config=config), catalogue, store
    )
    assert (artefact.processed, artefact.failed) == (3, 0)


@pytest.mark.parametrize(
    ("export_type", "file_format", "template"),
    [("sheet_pdf", "pdf", "avery_5163"), ("roll_labels", "zpl", "thermal_4x6in")],
)
@pytest.mark.parametrize("carry", [None, ["15", "17"]])
def test_lines_show_values_whether_symbols_carry_them_or_not(
    catalogue: Catalogue, store: ArtefactStore, export_type: str, file_format: str, template: str, carry: list[str] | None
) -> None:  # fmt: skip
    texts = ("BB {best_before}", "EXP {expiration_time}", "{net_weight_kg.title} {net_weight_kg}", "{name}")
    design = Design.model_validate({"version": 1, "lines": [{"text": text} for text in texts]})
    config = {"sheet_template": template, "symbology": "datamatrix", **({"carry": carry} if carry else {})}
    asked = plan_for(export_type=export_type, file_format=file_format, asset_config=config)
    run(replace(asked, design=design), catalogue, store)
    events, _ = history(catalogue, "acme")
    # Without a weight in its symbol, L3 has no label.
    dates = "(15)270228(17)270331" if carry else "(17)270331"
    assert {event["lot_number"]: lines(event) for event in events.iter_rows(named=True)} == {
        "L1": [f"(01){GTIN}{dates}(10)L1", "BB 2027-02-28", "EXP 2027-03-31 14:30", "Cheese"],
        "L2": [f"(01){GTIN}(17)270400(10)L2", "Cheese"],
    }


def test_the_history_tells_what_was_carried(catalogue: Catalogue, store: ArtefactStore) -> None:
    config: dict[str, Any] = {"carry": ["15", "17", "240", "7003", "310n"]}
    run(plan_for(export_type="datamatrix", asset_config=config), catalogue, store)
    events, _ = history(catalogue, "acme")
    assert {event["lot_number"]: carried(event) for event in events.iter_rows(named=True)} == {
        "L1": {
            "01": GTIN, "15": "270228", "17": "270331", "10": "L1", "240": "A(1)/7", "7003": "2703311430",
        },
        "L2": {"01": GTIN, "17": "270400", "10": "L2", "240": "A(1)/7"},
        "L3": {"01": MEASURED, "10": "L3", "3103": "001250"},
    }  # fmt: skip
