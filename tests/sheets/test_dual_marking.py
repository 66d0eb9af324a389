"""Labels with a matrix symbol of a lot and the EAN/UPC of its product: on every template both are read.

An export verifies what it has drawn: it decodes both symbols of each label, measures X and quiet zones, and compares
the text. Here every label of a page is looked at again. In an ordinary run these are a few very different templates;
with LABELS_TEST_FULL=1 they are all, at the resolutions of label and laser printers.
"""

import io
import os
from dataclasses import replace
from pathlib import Path

import polars as pl
import pypdfium2
import pytest
import zxingcpp

from exports.artefacts import ArtefactStore
from exports.designs.document import BUILT_IN
from exports.jobs.plan import ExportPlan
from exports.ports import Report
from exports.reports import files
from gs1.symbol_size import SymbolKind
from renderers.sheets.errors import DoesNotFit
from renderers.sheets.templates import TEMPLATES
from tests.sheets import jobs

FULL = bool(os.environ.get("LABELS_TEST_FULL"))

DPI = (203, 300, 600)
_ALL, _COARSE = frozenset(DPI), frozenset({203, 300})

#: Resolutions at which labels are too small, by template and matrix symbol. QR Code is at level L.
TOO_SMALL = {
    **{
        (template_id, symbology): _ALL
        for template_id in (
            "63up_1in_letter", "63up_1in_square_letter", "avery_94103", "avery_8293", "ol2050", "avery_4731",
            "herma_4386",
        )
        for symbology in ("qr", "datamatrix")
    },
    ("avery_5167", "qr"): _ALL, ("avery_5167", "datamatrix"): _COARSE,
    ("ol2681", "qr"): _COARSE, ("ol2681", "datamatrix"): _COARSE,
    ("ol5375", "qr"): frozenset({203}),
    ("ol5125", "qr"): _COARSE,
    ("avery_l7651", "qr"): _ALL, ("avery_l7651", "datamatrix"): _COARSE,
    ("avery_l6009", "qr"): _ALL,
    ("thermal_2x1in", "qr"): _COARSE,
    ("thermal_50x25mm", "qr"): _ALL,
}  # fmt: skip

FEW = ("63up_1in_letter", "avery_5160", "avery_5163", "ol5375", "thermal_2x1in", "thermal_4x6in")

_FORMATS = {
    "qr": zxingcpp.BarcodeFormat.QRCode,
    "datamatrix": zxingcpp.BarcodeFormat.DataMatrix,
}


def dual(scope: str = "lots", **config: object) -> ExportPlan:
    return replace(jobs.plan_of(scope, design="dual", **config), design=BUILT_IN["dual"])


def readings(content: bytes, dpi: int) -> list[tuple[str, str]]:
    """Return format and text of every symbol on the first page, as the printer draws it."""
    with pypdfium2.PdfDocument(content) as document:
        page = document[0].render(scale=dpi / 72 * (1 - 1e-9), grayscale=True).to_numpy()
    return [(str(each.format), each.text) for each in zxingcpp.read_barcodes(page)]


@pytest.mark.parametrize("symbology", ["qr", "datamatrix"])
@pytest.mark.parametrize("template_id", TEMPLATES if FULL else FEW)
def test_both_symbols_are_read_on_every_template(template_id: str, symbology: str, tmp_path: Path) -> None:
    level = {"error_correction": "L"} if symbology == "qr" else {}
    labels = min(TEMPLATES[template_id].labels_per_page, 30)
    for dpi in DPI:
        plan = dual(symbology=symbology, sheet_template=template_id, dpi=dpi, **level)
        store = ArtefactStore(str(tmp_path / str(dpi)))
        if dpi in TOO_SMALL.get((template_id, symbology), ()):
            with pytest.raises(DoesNotFit):
                jobs.exported(plan, store, jobs.lots(labels))
            continue
        # Verified as it is: both symbols of each sampled label, X and quiet zones.
        artefact = jobs.exported(plan, store, jobs.lots(labels))
        assert (artefact.processed, artefact.failed) == (labels, 0)


@pytest.mark.parametrize("kind", jobs.STARTS)
@pytest.mark.parametrize("symbology", ["qr", "datamatrix"])
def test_a_page_reads_as_lots_and_products(kind: SymbolKind, symbology: str, tmp_path: Path) -> None:
    rows = jobs.products(4, kind).with_columns(
        scope=pl.lit("lots"), lot_number=pl.format("L{}", pl.col("row")), expiry=pl.lit("270331")
    )
    store = ArtefactStore(str(tmp_path))
    plan = dual(symbology=symbology, sheet_template="avery_5163", dpi=300)
    artefact = jobs.exported(plan, store, rows)
    found = readings(jobs.content(artefact, store), 300)
    matrix = [
        text for form, text in found if form.replace(" ", "") == str(_FORMATS[symbology]).replace(" ", "")
    ]
    linear = [text for form, text in found if text not in matrix]
    assert sorted(text.lstrip("0") for text in linear) == sorted(g.lstrip("0") for g in rows["gtin14"])
    for row in range(4):
        assert any(f"L{row}" in text and "270331" in text for text in matrix)
    manifest = pl.read_csv(
        io.BytesIO(store.read(files.key(plan.job_id, Report.MANIFEST))), infer_schema=False
    )
    assert manifest["row"].to_list() == [number for row in range(1, 5) for number in (str(row), str(row))]
    assert set(manifest["symbology"]) == {matrix_kind(symbology), kind.value}
    assert (
        manifest.filter(pl.col("symbology") == kind.value)["note"].to_list()
        == ["not carried: lot, expiry"] * 4
    )


def matrix_kind(symbology: str) -> str:
    return {"qr": "qr_code", "datamatrix": "gs1_datamatrix"}[symbology]


@pytest.mark.parametrize("scope", ["lots", "serials"])
def test_the_linear_symbol_may_carry_what_fits_gs1_128(scope: str, tmp_path: Path) -> None:
    rows = jobs.lots(2) if scope == "lots" else jobs.serials(2)
    store = ArtefactStore(str(tmp_path))
    plan = dual(scope, linear="element_string", symbology="datamatrix", sheet_template="thermal_4x6in")
    artefact = jobs.exported(plan, store, rows)
    found = readings(jobs.content(artefact, store), 300)
    assert len(found) == 2
    assert any("Code128" in form.replace(" ", "") for form, _ in found)


def test_products_of_all_kinds_share_a_job(tmp_path: Path) -> None:
    """Each pair of kinds has its own layouts; a label that only one of its symbols fits stays empty."""
    rows = pl.concat([jobs.products(3, kind) for kind in jobs.STARTS]).with_columns(
        row=pl.int_range(pl.len()), entity_id=pl.format("E{}", pl.int_range(pl.len()))
    )
    store = ArtefactStore(str(tmp_path))
    artefact = jobs.exported(dual("products", sheet_template="avery_5163", copies=2), store, rows)
    assert (artefact.processed, artefact.failed) == (15, 0)
    store = ArtefactStore(str(tmp_path / "narrow"))
    artefact = jobs.exported(
        dual("products", sheet_template="avery_l7160", symbology="datamatrix", dpi=300), store, rows
    )
    # ITF-14 is too wide for this label.
    assert (artefact.processed, artefact.failed) == (12, 3)


def test_a_label_with_one_symbol_may_have_the_products_own(tmp_path: Path) -> None:
    store = ArtefactStore(str(tmp_path))
    plan = jobs.plan_of(symbology="barcode_1d", linear="gtin", sheet_template="avery_5160", dpi=300)
    artefact = jobs.exported(plan, store, jobs.lots(3))
    assert {form.replace("-", "") for form, _ in readings(jobs.content(artefact, store), 300)} == {"EAN13"}
