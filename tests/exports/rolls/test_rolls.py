"""Rolls from the catalogue to the finished ZPL, and turned labels in PDF."""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from catalogue.tables import Catalogue
from exports import assemble, render
from exports.artefacts import ArtefactStore
from exports.errors import InvalidRequest
from exports.jobs import manifest
from exports.jobs.decision import Artefact
from exports.jobs.plan import ExportPlan
from exports.ports import Report
from exports.previews import pictures, preview
from exports.reports.files import key as report_key
from exports.requests.row_ranges import parse_rows
from exports.sheets.check import require_possible
from renderers.zpl.writer import CorruptZpl
from tests.exports import conftest
from tests.exports.conftest import Import, plan_for

GTIN = "09506000134352"
LOTS = 12

#: A lot that no symbol with an AI may carry: its GTIN is for use within a company.
OWN = "2012345678903,OWN1,2027-05-01"

_DATA = re.compile(r"\^FD([^^]+)")
_NUMBER = re.compile(r"\^FXlabel (\d+)\^FS")


@pytest.fixture
def catalogue(imported: Import) -> Catalogue:
    lots = [f"{GTIN},L{number:03d}_1,2027-05-{number + 1:02d}" for number in range(LOTS)]
    return imported(
        products=f'gtin,name\n{GTIN},"Käse ~^ ""Tea"" \\&"\n2012345678903,Own\n',
        lots="\n".join(["gtin,lot_number,expiration_date", *lots, ""]),
    )


def roll_for(job_id: str = "22222222222222222222Ab", scope: str = "lots", **config: object) -> ExportPlan:
    return plan_for(
        job_id, scope=scope, export_type="roll_labels", file_format="zpl", asset_config=dict(config)
    )


def run(plan: ExportPlan, catalogue: Catalogue, store: ArtefactStore) -> Artefact:
    require_possible(plan, catalogue, store)
    return conftest.run(plan, catalogue, store)


def labels_of(artefact: Artefact, store: ArtefactStore) -> list[str]:
    return store.read(artefact.key).decode("ascii").splitlines()


def table(plan: ExportPlan, report: Report, store: ArtefactStore) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(store.read(report_key(plan.job_id, report)).decode("utf-8-sig"))))


def test_each_lot_has_a_label_that_stands_for_itself(catalogue: Catalogue, store: ArtefactStore) -> None:
    plan = roll_for(symbology="datamatrix", copies=3)
    artefact = run(plan, catalogue, store)
    assert (artefact.processed, artefact.failed, artefact.next_position) == (LOTS, 0, None)
    assert artefact.filename == f"roll-2222-{LOTS}.zpl"
    labels = labels_of(artefact, store)
    assert len(labels) == LOTS
    for number, label in enumerate(labels, 1):
        start = "^XA^JMA^CI28^MUD^LH0,0^FWN^PON^PMN^LRN^PW812^LL1218"
        assert label.startswith(f"{start}^FXlabel {number}^FS^FO")
        assert label.endswith("^FS^PQ3,0,0,N^XZ")
        assert f"^FD|101{GTIN}172705{number:02d}10L{number - 1:03d}_1^FS" in label
    rows = table(plan, Report.MANIFEST, store)
    assert [row["file"] for row in rows] == [f"label {number}" for number in range(1, LOTS + 1)]
    assert {row["x_dimension_mm"] for row in rows} == {"0.876"}
    picture = Image.open(io.BytesIO(pictures.first(plan.job_id, store) or b""))
    assert picture.height > picture.width


def test_a_roll_has_each_label_once_and_prints_it_as_often_as_its_quantity(
    imported: Import, store: ArtefactStore
) -> None:
    quantities = {"A": 5, "B": 0, "C": "", "D": 100_000}
    lots = "".join(f"{GTIN},{lot},{quantity}\n" for lot, quantity in quantities.items())
    catalogue = imported(products=f"gtin,name\n{GTIN},Tea\n", lots=f"gtin,lot_number,quantity\n{lots}")
    plan = roll_for(symbology="datamatrix", copies_from="quantity")
    made = run(plan, catalogue, store)
    labels = labels_of(made, store)
    assert [label.split("^PQ")[1].split(",")[0] for label in labels] == ["5", "1", "100000"]
    assert manifest.load(plan, store).labels == 100_006


def test_what_fails_has_no_label(catalogue: Catalogue, imported: Import, store: ArtefactStore) -> None:
    imported(lots=f"gtin,lot_number,expiration_date\n{OWN}\n")
    plan = roll_for(sheet_template="thermal_2x1in", symbology="datamatrix")
    artefact = run(plan, catalogue, store)
    [error] = table(plan, Report.ERRORS, store)
    assert (error["lot"], error["code"]) == ("OWN1", "restricted_circulation")
    assert (artefact.processed, artefact.failed) == (LOTS, 1)
    numbers = [int(match[1]) for label in labels_of(artefact, store) if (match := _NUMBER.search(label))]
    assert numbers == [number for number in range(1, LOTS + 2) if number != int(error["row"])]
    assert [row["file"] for row in table(plan, Report.MANIFEST, store)] == [f"label {n}" for n in numbers]


@pytest.mark.parametrize("symbology", ["qr", "datamatrix", "barcode_1d"])
def test_the_chunking_does_not_show_in_the_bytes(
    catalogue: Catalogue, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch, symbology: str
) -> None:
    whole = run(roll_for(symbology=symbology, copies=2), catalogue, store)
    monkeypatch.setattr(manifest, "CHUNK_ROWS", 5)
    parts = run(roll_for("22222222222222222222Cd", symbology=symbology, copies=2), catalogue, store)
    assert store.read(parts.key) == store.read(whole.key)


def test_a_resumed_job_takes_what_is_there_and_finds_damage(
    catalogue: Catalogue, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "CHUNK_ROWS", 5)
    plan = roll_for(symbology="qr")
    frozen = manifest.freeze(plan, catalogue, store)
    render.prepare(plan, frozen, store)
    chunks = frozen.chunks()
    first = render.chunk_to_part(plan, frozen, chunks[0], store)
    assert render.chunk_to_part(plan, frozen, chunks[0], store) == first
    parts = [first, *(render.chunk_to_part(plan, frozen, chunk, store) for chunk in chunks[1:])]
    data = store.read(f"{first.key}.data")
    with store.write(f"{first.key}.data") as stream:
        stream.write(data.replace(b"^PQ1", b"^PQ9", 1))
    with pytest.raises(CorruptZpl):
        assemble.assemble(plan, frozen, parts, store)


def test_some_rows_are_printed_again(catalogue: Catalogue, store: ArtefactStore) -> None:
    plan = roll_for(symbology="datamatrix")
    first = labels_of(run(plan, catalogue, store), store)
    again = replace(
        roll_for("22222222222222222222Cd", symbology="datamatrix"),
        reprint_of=plan.job_id,
        reason="jam",
        rows=parse_rows("4-5,9"),
    )
    labels = labels_of(conftest.run(again, catalogue, store), store)
    assert [_DATA.findall(label) for label in labels] == [_DATA.findall(first[row - 1]) for row in (4, 5, 9)]
    assert [match[1] for label in labels if (match := _NUMBER.search(label))] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"sheet_template": "avery_5160"}, "avery_5160 has 30 labels a page"),
        ({"sheet_template": "thermal_4x6"}, "did you mean thermal_4x6in"),
        ({"sheet_template": "thermal_2x1in", "offset_x_mm": 20.0}, "offset_x_mm"),
    ],
)
def test_what_no_roll_can_be_made_of_is_refused(
    catalogue: Catalogue, store: ArtefactStore, body: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        require_possible(roll_for(**body), catalogue, store)
    [fault] = caught.value.details
    assert said in fault["msg"]
    if fault["type"] == "not_a_roll":
        assert fault["loc"] == ["body", "asset_config", "sheet_template"]
        assert fault["msg"].endswith("thermal_4x6in, thermal_2x1in, thermal_50x25mm")


def test_only_rolls_are_proposed(catalogue: Catalogue, imported: Import, store: ArtefactStore) -> None:
    with pytest.raises(InvalidRequest) as caught:
        require_possible(roll_for(sheet_template="thermal_50x25mm", symbology="barcode_1d"), catalogue, store)
    [fault] = caught.value.details
    assert fault["type"] == "does_not_fit"
    assert fault["msg"].endswith("Templates that would do: thermal_4x6in.")


def test_labels_of_a_sheet_are_not_turned(catalogue: Catalogue, store: ArtefactStore) -> None:
    plan = plan_for(
        export_type="sheet_pdf",
        file_format="pdf",
        asset_config={"sheet_template": "avery_5160", "rotate": 180},
    )
    with pytest.raises(InvalidRequest) as caught:
        require_possible(plan, catalogue, store)
    assert [fault["type"] for fault in caught.value.details] == ["not_a_roll"]


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("symbology", ["qr", "datamatrix", "barcode_1d"])
def test_pdf_pages_are_turned_too(
    catalogue: Catalogue, store: ArtefactStore, symbology: str, rotate: int
) -> None:
    """An export verifies each label; here the page is turned back and read as a whole."""
    config = {"sheet_template": "thermal_4x6in", "symbology": symbology, "rotate": rotate, "offset_x_mm": 0.5}
    plan = plan_for(export_type="sheet_pdf", file_format="pdf", asset_config=config)
    artefact = run(plan, catalogue, store)
    with store.open(artefact.key) as stream, pypdfium2.PdfDocument(stream.read()) as document:
        page = document[0]
        assert [round(side / 72, 2) for side in page.get_size()] == [4, 6]
        picture = page.render(scale=300 / 72, grayscale=True).to_numpy()
    upright = np.ascontiguousarray(np.rot90(picture, rotate // 90))
    [code] = zxingcpp.read_barcodes(upright, try_rotate=False, try_invert=False)
    assert b"L000_1" in code.bytes
    shown = preview.preview(plan, catalogue, store).pictures[0]
    assert (round(shown.width_mm, 1), round(shown.height_mm, 1)) == (101.6, 152.4)


@pytest.mark.parametrize("rotate", [90, 270])
def test_a_turned_label_is_laid_out_for_its_turn(
    catalogue: Catalogue, store: ArtefactStore, rotate: int
) -> None:
    """A GS1-128 of a lot is too wide for the roll, and not for its other side."""
    narrow = {"sheet_template": "ours", "symbology": "barcode_1d"}
    with store.write("templates/acme.csv") as stream:
        stream.write(
            b"id,description,page_width_mm,page_height_mm,columns,rows,shape,label_width_mm,label_height_mm,"
            b"corner_radius_mm,left_mm,top_mm,pitch_x_mm,pitch_y_mm\n"
            b"ours,Narrow roll,40,120,1,1,rectangle,30,100,1,5,10,30,100\n"
        )
    with pytest.raises(InvalidRequest):
        require_possible(roll_for(**narrow), catalogue, store)
    artefact = run(roll_for(**narrow, rotate=rotate), catalogue, store)
    assert artefact.failed == 0
    assert all("^PW320^LL959" in label for label in labels_of(artefact, store))


def test_a_preview_tells_what_a_roll_would_have(
    catalogue: Catalogue, imported: Import, store: ArtefactStore, tmp_path: Path
) -> None:
    imported(lots=f"gtin,lot_number,expiration_date\n{OWN}\n")
    plan = roll_for(sheet_template="thermal_2x1in", symbology="datamatrix", copies=1_000)
    shown = preview.preview(plan, catalogue, store)
    assert [(failure.lot, failure.code) for failure in shown.failures] == [("OWN1", "restricted_circulation")]
    [picture] = shown.pictures
    assert picture.title == "First page on thermal_2x1in"


def test_a_product_without_a_symbol_of_its_own(catalogue: Catalogue, store: ArtefactStore) -> None:
    plan = roll_for(scope="products", symbology="datamatrix")
    artefact = run(plan, catalogue, store)
    assert (artefact.processed, artefact.failed) == (1, 1)
    assert pl.DataFrame(table(plan, Report.ERRORS, store))["code"].to_list() == ["restricted_circulation"]
