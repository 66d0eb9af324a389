"""Sheets with no label, one, a partly filled page, half-used sheets, copies, calibration, and very many labels."""

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pypdfium2
import pytest

from exports.artefacts import ArtefactStore
from exports.errors import AllItemsFailed
from exports.previews import pictures
from gs1.symbol_size import SymbolKind
from renderers.sheets.pdf import PdfFragmentWriter, join
from renderers.sheets.templates import TEMPLATES
from tests.sheets import jobs
from tests.sheets.printed import dark_edges_mm

DPI = 300
MOST_MEGABYTES = 350


@pytest.fixture
def store(tmp_path: Path) -> ArtefactStore:
    return ArtefactStore(str(tmp_path / "store"))


def page_texts(content: bytes) -> list[str]:
    with pypdfium2.PdfDocument(content) as document:
        return [page.get_textpage().get_text_range() for page in document]


@pytest.mark.parametrize(
    ("labels", "config", "on_pages", "next_position"),
    [
        (1, {}, [1], 2),
        (1, {"start_position": 63}, [1], 1),
        (1, {"copies": 64}, [63, 1], 2),
        (63, {}, [63], 1),
        (64, {}, [63, 1], 2),
        (64, {"start_position": 63}, [1, 63], 1),
        (130, {"start_position": 11}, [53, 63, 14], 15),
        (50, {"copies": 3, "start_position": 40}, [24, 63, 63], 1),
    ],
)
def test_labels_fill_pages_from_the_start_position(
    store: ArtefactStore, labels: int, config: dict, on_pages: list[int], next_position: int
) -> None:
    plan = jobs.plan_of(symbology="datamatrix", **config)
    made = jobs.exported(plan, store, jobs.lots(labels))
    assert (made.processed, made.next_position) == (labels, next_position)
    texts = page_texts(jobs.content(made, store))
    assert [text.count("(10)L") for text in texts] == on_pages
    copies = config.get("copies", 1)
    assert "".join(texts).count(f"L{labels - 1:04d}") == copies
    assert pictures.first(plan.job_id, store) is not None


def test_where_no_label_can_be_made_there_is_no_pdf(store: ArtefactStore) -> None:
    # A variable-measure item has no place in a barcode for a GTIN alone.
    rows = jobs.products(1, SymbolKind.ITF_14).with_columns(gtin14=pl.lit("90614141000411"))
    with pytest.raises(AllItemsFailed):
        jobs.exported(jobs.plan_of("products", symbology="barcode_1d"), store, rows)


def test_a_document_without_labels_is_one_blank_page(store: ArtefactStore) -> None:
    plan = jobs.plan_of(symbology="datamatrix", sheet_template="avery_5160")
    sheet, _ = jobs.sheets(plan, jobs.lots(1), store)
    document = replace(sheet.document, pages=1)
    pages, out = io.BytesIO(), io.BytesIO()
    fragment = PdfFragmentWriter(document, pages, 0, 1).close()
    pages.seek(0)
    join(document, [(fragment, pages)], out)
    assert page_texts(out.getvalue()) == [""]


@pytest.mark.parametrize("symbology", ["datamatrix", "barcode_1d"])
def test_calibration_moves_and_scales_every_label(
    store: ArtefactStore, tmp_path: Path, symbology: str
) -> None:
    """As measured on the page: 99 % about its top left corner, then 2 mm to the right and 1.2 mm up."""
    config: dict[str, Any] = {"symbology": symbology, "sheet_template": "avery_5163", "dpi": DPI}
    edges = []
    for job, moves in (
        ("22222222222222222222Ab", {}),
        ("22222222222222222222Cd", {"offset_x_mm": 2, "offset_y_mm": -1.2, "scale_percent": 99}),
    ):
        plan = jobs.plan_of(job_id=job, **config, **moves)
        _, content = jobs.sheets(plan, jobs.lots(10), store)
        path = tmp_path / f"{job}.pdf"
        path.write_bytes(content)
        edges.append(dark_edges_mm(path, DPI))
    left, top, right, bottom = edges[0]
    assert edges[1] == pytest.approx(
        (left * 0.99 + 2, top * 0.99 - 1.2, right * 0.99 + 2, bottom * 0.99 - 1.2), abs=0.1
    )


_LARGE = """
import sys
from pathlib import Path
from exports.artefacts import ArtefactStore
from tests.sheets import jobs

plan = jobs.plan_of("serials", symbology=sys.argv[2], sheet_template=sys.argv[3])
store = ArtefactStore(sys.argv[1])
manifest = jobs.frozen(plan, (jobs.serials(5_000, first) for first in range(0, 100_000, 5_000)), store)
made = jobs.finished(plan, manifest, store)
# What getrusage says starts with the peak of the process that forked this one.
[peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
print(made.processed, made.failed, made.next_position, peak.split()[1])
"""


@pytest.mark.skipif(not os.environ.get("LABELS_TEST_FULL"), reason="LABELS_TEST_FULL is not set")
@pytest.mark.parametrize(("symbology", "template_id"), [("datamatrix", "avery_5160"), ("qr", "avery_5163")])
def test_100_000_labels_in_little_memory(tmp_path: Path, symbology: str, template_id: str) -> None:
    """One process does all of it, from the layout to reading labels back, which a service spreads over several."""
    command = [sys.executable, "-c", _LARGE, str(tmp_path / "store"), symbology, template_id]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    processed, failed, next_position, kilobytes = map(int, done.stdout.split())
    per_page = TEMPLATES[template_id].labels_per_page
    assert (processed, failed, next_position) == (100_000, 0, 100_000 % per_page + 1)
    assert kilobytes < MOST_MEGABYTES * 1024
