"""The PDF of a job in other programs: valid, archivable, searchable, printed at its size."""

import io
import os
import shutil
import subprocess
from pathlib import Path

import pikepdf
import pypdfium2
import pytest

from exports.artefacts import ArtefactStore
from tests.sheets import jobs

NAMES = ("Mint", "Käse Łódź", "緑茶", "שוקולד")
LABELS = 200

CONFIGS = {
    "matrix": {"symbology": "datamatrix"},
    "linear": {"symbology": "barcode_1d", "sheet_template": "avery_5163"},
    "calibrated": {"offset_x_mm": 1.5, "scale_percent": 99.5, "cut_marks": True, "copies": 2},
}


@pytest.fixture(scope="module", params=CONFIGS)
def content(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    store = ArtefactStore(str(tmp_path_factory.mktemp("store")))
    plan = jobs.plan_of(**CONFIGS[request.param])
    return jobs.content(jobs.exported(plan, store, jobs.lots(LABELS, names=NAMES)), store)


def test_pdf_a(content: bytes) -> None:
    pytest.importorskip("jsonschema", reason="pikepdf[pdfa] is not installed")
    pytest.importorskip("referencing", reason="pikepdf[pdfa] is not installed")
    from pikepdf import pdfa

    with pikepdf.open(io.BytesIO(content)) as document:
        assert list(pdfa.check(document, "2b").findings) == []
        with document.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("2", "B")


def test_qpdf_finds_nothing_wrong(content: bytes, tmp_path: Path) -> None:
    with pikepdf.open(io.BytesIO(content)) as document:
        assert document.check_pdf_syntax() == []
    if shutil.which("qpdf") is None:
        assert not os.environ.get("LABELS_TEST_FULL"), "qpdf is not installed"
        pytest.skip("qpdf is not installed")
    path = tmp_path / "labels.pdf"
    path.write_bytes(content)
    done = subprocess.run(["qpdf", "--check", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "No syntax or stream encoding errors found" in done.stdout


def test_what_stands_on_the_labels_can_be_searched_and_copied(content: bytes) -> None:
    with pypdfium2.PdfDocument(content) as document:
        text = "\n".join(page.get_textpage().get_text_range() for page in document)
    for row in range(LABELS):
        assert f"(10)L{row:04d}" in text
    for name in NAMES:
        assert name in text or name[::-1] in text


def test_one_font_for_all_pages_and_the_page_at_its_own_size(content: bytes) -> None:
    with pikepdf.open(io.BytesIO(content)) as document:
        dictionaries = [each for each in document.objects if isinstance(each, pikepdf.Dictionary)]
        assert sum("/FontFile2" in each for each in dictionaries) == 1
        assert len({page.Resources.Font.F.objgen for page in document.pages}) == 1
        assert document.Root.ViewerPreferences.PrintScaling == "/None"
        assert {tuple(map(float, page.MediaBox)) for page in document.pages} == {(0, 0, 612, 792)}


def test_bookmarks_lead_to_the_first_label_of_each_product(content: bytes) -> None:
    with pikepdf.open(io.BytesIO(content)) as document, document.open_outline() as outline:
        first_page = {page.objgen: number for number, page in enumerate(document.pages)}
        found = [(entry.title, first_page[entry.destination[0].objgen]) for entry in outline.root]
    gtins = jobs.lots(LABELS, names=NAMES)["gtin14"].unique(maintain_order=True)
    assert [title for title, _ in found] == [
        f"{name} ({gtin})" for name, gtin in zip(NAMES, gtins, strict=True)
    ]
    with pypdfium2.PdfDocument(content) as document:
        texts = [page.get_textpage().get_text_range() for page in document]
    for (_, page), gtin in zip(found, gtins, strict=True):
        assert next(number for number, text in enumerate(texts) if f"(01){gtin}" in text) == page


def test_the_same_job_is_the_same_bytes(tmp_path: Path) -> None:
    rows = jobs.lots(70, names=NAMES)
    stores = [ArtefactStore(str(tmp_path / name)) for name in ("one", "two")]
    first, second = (jobs.exported(jobs.plan_of(), store, rows) for store in stores)
    assert first.sha256 == second.sha256
