"""Sheets of products with unusual names: a name may be left out, but its symbol is drawn and the job completes."""

import io
from itertools import chain
from unicodedata import normalize

import numpy as np
import polars as pl
import pypdfium2
import pytest
import zxingcpp
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from catalogue.schema import MANIFEST
from exports.jobs.plan import ExportPlan
from exports.previews import pictures
from exports.sheets import pages as sheet_pages
from exports.sheets import plan as sheet_plan
from exports.symbols.drawn import manifest_rows
from renderers.fonts.subset import width_mm
from renderers.sheets.pdf import PdfFragmentWriter, join
from renderers.sheets.templates import template
from tests.exports.conftest import plan_for
from tests.renderers.fonts.test_visual_order import ANY_TEXT

GTIN = "09506000134352"
DPI = 300


def sheet_of(sheet_template: str) -> ExportPlan:
    return plan_for(
        export_type="sheet_pdf",
        file_format="pdf",
        asset_config={"sheet_template": sheet_template, "symbology": "datamatrix"},
    )


def frame_of(names: list[str]) -> pl.DataFrame:
    """Return a row of the manifest for a lot of each product name."""
    rows = [
        {"row": row, "scope": "lots", "entity_id": str(row), "gtin14": GTIN, "lot_number": f"L{row:03d}"}
        | {"product_name": name, "copies": 1, "first_label": row}
        for row, name in enumerate(names)
    ]
    return pl.DataFrame(rows, schema_overrides=MANIFEST).match_to_schema(MANIFEST, missing_columns="insert")


def read(picture: Image.Image) -> list[bytes]:
    return sorted(code.bytes for code in zxingcpp.read_barcodes(picture, try_rotate=False, try_invert=False))


def drawn(plan: ExportPlan, names: list[str]) -> tuple[bytes, bytes, sheet_plan.SheetPlan]:
    """Return the PDF and the preview of one page of labels, and their plan."""
    config = plan.config
    assert config.sheet_template is not None
    frame = frame_of(names)
    sheet = sheet_plan.plan_sheets(plan, template(config.sheet_template), len(names), lambda: iter([frame]))
    batch = sheet_pages.encode(plan, sheet, frame)
    assert batch.errors.is_empty()
    pages, out = io.BytesIO(), io.BytesIO()
    writer = PdfFragmentWriter(sheet.document, pages, 0, 1)
    writer.add(sheet_pages.labels_on(sheet, batch, 0, 1))
    fragment = writer.close()
    pages.seek(0)
    join(sheet.document, [(fragment, pages)], out, sheet_plan.bookmarks(sheet, lambda: [frame]))
    return out.getvalue(), pictures.first_page(sheet, [batch]), sheet


@pytest.mark.parametrize("sheet_template", ["avery_5163", "avery_5160"])
@given(st.lists(ANY_TEXT, min_size=1, max_size=4))
@settings(max_examples=15)
@example(["عسل \U0001fae8"])
@example(["א\ufdc8"])
@example(["\u200dلإ"])
@example(["ص" * 70 + "ت"])
@example(["اللهم " * 18])
@example(["a" + "\u0301\u0323" * 5_000, "क्" * 5_000])
@example(["\u2067" * 200, "\u202e" * 200, "א" + "\u2066" * 199])
@example(["e\u0301" * 100])
@example(["\u0301" * 200, "\U0010ffff", "\n"])
def test_any_name_leaves_every_symbol_readable(sheet_template: str, names: list[str]) -> None:
    labels = ["Plain", *chain.from_iterable((name, "Plain") for name in names)]
    content, picture, sheet = drawn(sheet_of(sheet_template), labels)
    expected = [f"01{GTIN}10L{row:03d}".encode() for row in range(len(labels))]
    with pypdfium2.PdfDocument(content) as opened:
        page = opened[0].render(scale=DPI / 72, grayscale=True).to_pil()
        text = opened[0].get_textpage().get_text_range()
    assert read(page) == expected
    assert len(read(Image.open(io.BytesIO(picture)))) == len(labels)
    if any(layout.lines for layout in sheet.layouts):
        assert text.count("Plain") >= len(names) + 1


def test_text_copied_from_the_labels_is_in_logical_order() -> None:
    names = [
        "ชาเขียวน้ำผึ้ง",
        "क्षत्रिय नमस्ते",
        "கொழும்பு தேநீர்",
        "রাষ্ট্র কি চা",
        "ខ្មែរ កម្ពុជា",
        "አማርኛ ቡና",
        "ქართული ᲦᲕᲘᲜᲝ",
        "Հայերեն սուրճ",
        "سلام مُحَمَّد",
        "می\u200cخواهم",
        "שָׁלוֹם",
        "x\u0302 Käse",
    ]
    content, _, sheet = drawn(sheet_of("avery_5160"), names)
    assert sheet.layouts[0].lines
    with pypdfium2.PdfDocument(content) as opened:
        text = opened[0].get_textpage().get_text_range()
    assert [name for name in names if normalize("NFC", name) not in normalize("NFC", text)] == []


@pytest.mark.parametrize("letters", ["क्षि", "น้ำ", "கொ", "র্কি", "ខ្មែ"])
def test_a_cut_name_of_any_script_has_no_missing_letter(letters: str) -> None:
    # At the least size of text, the longest are wider than a label.
    most = round(90 / width_mm(letters, 4))
    content, _, _ = drawn(sheet_of("avery_5160"), [letters * length for length in range(most // 4, most, 3)])
    with pypdfium2.PdfDocument(content) as opened:
        text = opened[0].get_textpage().get_text_range()
    assert letters * 5 in text
    assert "…" in text
    assert "\ufffd" not in text


def test_a_cut_name_ends_in_letters_of_the_font() -> None:
    """The last letter before the ellipsis takes its final form, which is nowhere in the whole name."""
    content, picture, _ = drawn(sheet_of("avery_5160"), ["ص" * 70 + "ت"])
    with pypdfium2.PdfDocument(content) as opened:
        text = opened[0].get_textpage().get_text_range()
    assert "ص" * 30 in text
    assert "ت" not in text
    assert "\ufffd" not in text
    assert np.asarray(Image.open(io.BytesIO(picture))).min() == 0


def test_a_name_that_no_font_shows_is_left_off_and_told() -> None:
    names = ["Tea", "Tea \N{EGYPTIAN HIEROGLYPH A001}", "Cafe\u0301"]
    plan = sheet_of("avery_5163")
    content, _, sheet = drawn(plan, names)
    with pypdfium2.PdfDocument(content) as opened:
        text = opened[0].get_textpage().get_text_range()
    assert text.count("Tea") == 1
    assert "Café" in text
    assert "\ufffd" not in text
    notes = manifest_rows(sheet_pages.encode(plan, sheet, frame_of(names)).symbols)["note"]
    assert notes.to_list() == [None, r"name not shown: no font for '\U00013000'", None]


def test_a_scale_is_told() -> None:
    plan = plan_for(
        export_type="sheet_pdf",
        file_format="pdf",
        asset_config={"symbology": "datamatrix", "scale_percent": 99.5, "sheet_template": "avery_5163"},
    )
    _, _, sheet = drawn(plan, ["Tea"])
    [row] = manifest_rows(sheet_pages.encode(plan, sheet, frame_of(["Tea"])).symbols).rows(named=True)
    assert row["note"] == "pages are scaled to 99.5 % for the printer"
    assert row["x_dimension_mm"] == f"{sheet.layouts[0].x_dots * 25.4 / sheet.document.dpi:.3f}"


@pytest.mark.parametrize(("module_size_mm", "drawn_gtin"), [(0.3, "9506000134352"), (0.67, "10614141000415")])
def test_a_size_that_no_symbol_of_one_kind_may_have_leaves_the_others(
    module_size_mm: float, drawn_gtin: str
) -> None:
    """EAN-13 may have 0.264 to 0.660 mm, ITF-14 0.495 to 1.016 mm."""
    plan = plan_for(
        scope="products",
        export_type="sheet_pdf",
        file_format="pdf",
        asset_config={
            "sheet_template": "thermal_4x6in",
            "symbology": "barcode_1d",
            "module_size_mm": module_size_mm,
        },
    )
    rows = [
        {"row": row, "scope": "products", "entity_id": gtin, "gtin14": gtin.zfill(14)}
        for row, gtin in enumerate(("9506000134352", "10614141000415"))
    ]
    frame = pl.DataFrame(rows, schema_overrides=MANIFEST).match_to_schema(MANIFEST, missing_columns="insert")
    sheet = sheet_plan.plan_sheets(plan, template("thermal_4x6in"), 2, lambda: iter([frame]))
    batch = sheet_pages.encode(plan, sheet, frame)
    assert batch.symbols["entity_id"].to_list() == [drawn_gtin]
    [error] = batch.errors.rows(named=True)
    assert error["code"] == "x_dimension_out_of_range"
    assert f"{module_size_mm} mm is outside" in error["reason"]
