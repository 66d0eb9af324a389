"""Sheets from the catalogue to the finished PDF, read back label by label through PDFium and zxing-cpp."""

import csv
import io
from collections import Counter
from pathlib import Path
from typing import NoReturn

import pypdfium2
import pytest
import zxingcpp

from catalogue.queries import selected
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.errors import InvalidRequest, SymbolDoesNotDecode
from exports.jobs import manifest
from exports.jobs.decision import Artefact
from exports.jobs.plan import ExportPlan
from exports.ports import Report
from exports.previews import pictures, preview
from exports.reports.files import key as report_key
from exports.sheets import plan as sheet_plan
from exports.sheets import templates
from exports.sheets.check import require_possible
from exports.verification import sample, tables
from exports.verification.sheet import require_labels_read
from gs1.symbol_size import SymbolKind
from renderers.sheets.errors import InvalidTemplate
from tests.exports import conftest
from tests.exports.conftest import Import, plan_for

GTIN = "09506000134352"
DPI = 300
LOTS = 70


@pytest.fixture
def catalogue(imported: Import) -> Catalogue:
    rows = "\n".join(f"{GTIN},L{number:03d},2027-05-{1 + number % 28:02d}" for number in range(LOTS))
    return imported(
        products=f"gtin,name\n{GTIN},Dark chocolate\n10614141000415,緑茶 case\n96385074,Mint\n012345678905,Tea\n",
        lots=f"gtin,lot_number,expiration_date\n{rows}\n",
    )


def sheet_for(job_id: str = "22222222222222222222Ab", scope: str = "lots", **config: object) -> ExportPlan:
    return plan_for(
        job_id, scope=scope, export_type="sheet_pdf", file_format="pdf", asset_config=dict(config)
    )


def run(plan: ExportPlan, catalogue: Catalogue, store: ArtefactStore) -> Artefact:
    require_possible(plan, catalogue, store)
    return conftest.run(plan, catalogue, store)


def read_pages(artefact: Artefact, store: ArtefactStore) -> list[list[bytes]]:
    """Return what is read on each page, in the order of the labels' rows and columns."""
    with store.open(artefact.key) as stream, pypdfium2.PdfDocument(stream.read()) as document:
        pages = []
        for page in document:
            picture = page.render(scale=DPI / 72, grayscale=True).to_pil()
            found = zxingcpp.read_barcodes(picture, try_rotate=False, try_invert=False)
            found.sort(key=lambda code: (round(code.position.top_left.y / DPI * 4), code.position.top_left.x))
            pages.append([code.bytes for code in found])
        return pages


def message(number: int) -> bytes:
    return f"01{GTIN}172705{1 + number % 28:02d}10L{number:03d}".encode()


def test_a_lot_that_looks_like_a_lot_and_a_serial_stays_on_one_line(
    imported: Import, store: ArtefactStore
) -> None:
    lot, serial = "A(21)BBBBBB", "(10)CCCCCC"
    catalogue = imported(
        products=f"gtin,name\n{GTIN},Tea\n",
        lots=f"gtin,lot_number\n{GTIN},{lot}\n",
        serials=f"gtin,lot_number,serial_number\n{GTIN},{lot},{serial}\n",
    )
    plan = sheet_for(scope="serials", sheet_template="63up_1in_letter", symbology="datamatrix")
    artefact = run(plan, catalogue, store)
    with store.open(artefact.key) as stream, pypdfium2.PdfDocument(stream.read()) as document:
        lines = document[0].get_textpage().get_text_range().splitlines()
    assert sorted(set(lines) - {"Tea"}) == [f"(01){GTIN}", f"(10){lot}", f"(21){serial}"]


def test_short_lots_fit_round_inches_as_qr_and_long_ones_as_datamatrix(
    imported: Import, catalogue: Catalogue, store: ArtefactStore
) -> None:
    small = sheet_for("22222222222222222222Cd")
    run(small, catalogue, store)
    solved = sheet_plan.load(small, store)
    assert ([layout.kind for layout in solved.layouts], solved.level) == ([SymbolKind.QR_CODE], "L")
    rows = "\n".join(f"{GTIN},{number:03d}/ABCDEFGH" for number in range(LOTS))
    imported(lots=f"gtin,lot_number\n{rows}\n")
    longer = sheet_for("22222222222222222222Ef")
    run(longer, catalogue, store)
    assert [layout.kind for layout in sheet_plan.load(longer, store).layouts] == [SymbolKind.GS1_DATAMATRIX]


def test_every_label_reads_in_its_place(catalogue: Catalogue, store: ArtefactStore) -> None:
    plan = sheet_for(sheet_template="63up_1in_letter", symbology="datamatrix")
    artefact = run(plan, catalogue, store)
    assert (artefact.processed, artefact.failed, artefact.next_position) == (LOTS, 0, LOTS - 63 + 1)
    assert artefact.filename == f"sheet-2222-{LOTS}.pdf"
    assert read_pages(artefact, store) == [
        [message(number) for number in range(63)],
        [message(number) for number in range(63, LOTS)],
    ]
    with store.open(report_key(plan.job_id, Report.MANIFEST)) as stream:
        rows = list(csv.DictReader(io.StringIO(stream.read().decode("utf-8-sig"))))
    assert {row["symbology"] for row in rows} == {"gs1_datamatrix"}
    assert [rows[0]["file"], rows[63]["file"]] == ["page 1 label 1", "page 2 label 1"]
    assert pictures.first(plan.job_id, store) is not None


@pytest.mark.parametrize("chunk_rows", [1, 7, 64])
@pytest.mark.parametrize("config", [{}, {"copies": 3, "start_position": 20}])
def test_the_chunking_does_not_show_in_the_bytes(
    catalogue: Catalogue,
    store: ArtefactStore,
    monkeypatch: pytest.MonkeyPatch,
    chunk_rows: int,
    config: dict[str, object],
) -> None:
    whole = run(sheet_for(**config), catalogue, store)
    monkeypatch.setattr(manifest, "CHUNK_ROWS", chunk_rows)
    pieces = run(sheet_for("22222222222222222222Cd", **config), catalogue, store)
    assert whole.sha256 == pieces.sha256


def test_copies_follow_each_other_from_the_start_position(catalogue: Catalogue, store: ArtefactStore) -> None:
    artefact = run(sheet_for(sheet_template="avery_5160", copies=2, start_position=29), catalogue, store)
    assert artefact.next_position == (28 + 2 * LOTS) % 30 + 1
    first, second, *_ = read_pages(artefact, store)
    link = f"https://id.gs1.org/01/{GTIN}/10/L"
    assert [text.decode().removeprefix(link)[:3] for text in first] == ["000", "000"]
    assert [text.decode().removeprefix(link)[:3] for text in second] == [
        f"{1 + index // 2:03d}" for index in range(30)
    ]


def test_every_gtin_gets_its_own_kind_of_barcode(catalogue: Catalogue, store: ArtefactStore) -> None:
    artefact = run(
        sheet_for(scope="products", symbology="barcode_1d", sheet_template="avery_5163"), catalogue, store
    )
    [page] = read_pages(artefact, store)
    assert Counter(page) == Counter([b"96385074", b"0012345678905", b"9506000134352", b"10614141000415"])


def test_what_fails_leaves_its_cell_empty(imported: Import, store: ArtefactStore) -> None:
    catalogue = imported(
        products=f"gtin,name\n{GTIN},Tea\n", lots=f"gtin,lot_number\n{GTIN},-\n{GTIN},.\n{GTIN},A\n"
    )
    plan = sheet_for(symbology="qr", sheet_template="avery_5163")
    artefact = run(plan, catalogue, store)
    assert (artefact.processed, artefact.failed, artefact.next_position) == (2, 1, 4)
    with store.open(report_key(plan.job_id, Report.ERRORS)) as stream:
        [error] = csv.DictReader(io.StringIO(stream.read().decode("utf-8-sig")))
    assert (error["row"], error["lot"], error["code"]) == ("2", ".", "invalid_path_segment")
    [page] = read_pages(artefact, store)
    assert page == [f"https://id.gs1.org/01/{GTIN}/10/{lot}".encode() for lot in ("-", "A")]


def test_a_symbol_too_large_for_the_label_is_an_error_of_its_own(
    imported: Import, store: ArtefactStore
) -> None:
    long = "abcdefghijklmnopqrst"
    catalogue = imported(
        products=f"gtin,name\n{GTIN},Tea\n",
        serials=f"gtin,serial_number\n{GTIN},A1\n{GTIN},{long}\n",
    )
    plan = sheet_for(
        scope="serials", symbology="datamatrix", sheet_template="avery_5167", module_size_mm=0.45
    )
    artefact = run(plan, catalogue, store)
    assert (artefact.processed, artefact.failed) == (1, 1)
    with store.open(report_key(plan.job_id, Report.ERRORS)) as stream:
        [error] = csv.DictReader(io.StringIO(stream.read().decode("utf-8-sig")))
    assert (error["serial"], error["code"]) == (long, "does_not_fit")


def test_a_calibrated_sheet_still_reads(catalogue: Catalogue, store: ArtefactStore) -> None:
    artefact = run(sheet_for(offset_x_mm=1.5, offset_y_mm=-0.7, scale_percent=99.2), catalogue, store)
    assert [len(page) for page in read_pages(artefact, store)] == [63, LOTS - 63]


@pytest.mark.parametrize(
    ("config", "field", "kind", "words"),
    [
        ({"sheet_template": "avery5160"}, "sheet_template", "unknown_template", "avery_5160"),
        ({"start_position": 64}, "start_position", "invalid_start_position", "1 to 63|no label 64"),
        ({"symbology": "qr", "sheet_template": "avery_5167"}, "sheet_template", "does_not_fit", "avery_5163"),
        ({"symbology": "barcode_1d"}, "sheet_template", "does_not_fit", "mm"),
        ({"scale_percent": 109}, "scale_percent", "leaves_page", "0 to 215.90 mm"),
        ({"offset_x_mm": 10.5}, "offset_x_mm", "leaves_page", "0 to 215.90 mm"),
        ({"offset_y_mm": -14}, "offset_y_mm", "leaves_page", "0 to 279.40 mm"),
    ],
)
def test_what_cannot_be_is_refused_before_there_is_a_job(
    catalogue: Catalogue, store: ArtefactStore, config: dict[str, object], field: str, kind: str, words: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        require_possible(sheet_for(**config), catalogue, store)
    [fault] = caught.value.details
    assert (fault["loc"], fault["type"]) == (["body", "asset_config", field], kind)
    assert any(word in fault["msg"] for word in words.split("|"))
    with pytest.raises(InvalidRequest) as previewed:
        preview.preview(sheet_for(**config), catalogue, store, at_once=True)
    assert previewed.value.details == caught.value.details


def test_the_preview_of_nothing_refuses_an_impossible_sheet(
    catalogue: Catalogue, store: ArtefactStore
) -> None:
    nothing = sheet_for(scope="serials")
    assert preview.preview(nothing, catalogue, store).pictures == []
    with pytest.raises(InvalidRequest) as caught:
        preview.preview(sheet_for(scope="serials", start_position=64), catalogue, store)
    assert [fault["type"] for fault in caught.value.details] == ["invalid_start_position"]


def test_an_organisation_registers_its_own_templates(catalogue: Catalogue, store: ArtefactStore) -> None:
    header = (
        "id,description,page_width_mm,page_height_mm,columns,rows,shape,label_width_mm,label_height_mm,"
        "corner_radius_mm,left_mm,top_mm,pitch_x_mm,pitch_y_mm\n"
    )
    good = f"{header}ours,Two a page,100,100,1,2,rectangle,80,40,2,10,5,80,45\n"
    templates.register("acme", good, store)
    with pytest.raises(InvalidTemplate):
        templates.register("acme", good.replace("45\n", "35\n"), store)
    artefact = run(sheet_for(sheet_template="ours"), catalogue, store)
    assert [len(page) for page in read_pages(artefact, store)] == [2] * (LOTS // 2)
    assert "ours" not in templates.of_organisation("other", store)


def test_a_pdf_with_wrong_labels_is_not_published(
    catalogue: Catalogue, store: ArtefactStore, tmp_path: Path
) -> None:
    plan = sheet_for()
    artefact = run(plan, catalogue, store)
    sheet = sheet_plan.load(plan, store)
    other = sheet_for("22222222222222222222Cd", start_position=2)
    shifted = run(other, catalogue, store)
    frame = sample.rows(plan, store, manifest.Chunk(0, LOTS), LOTS, 1)
    reports = tables.read(plan.job_id, store, (frame["row"] + 1).to_list(), 1)
    with store.on_disk(artefact.key) as path:
        assert require_labels_read(path, plan, sheet, frame, reports, store) > 10
    with store.on_disk(shifted.key) as path, pytest.raises(SymbolDoesNotDecode):
        require_labels_read(path, plan, sheet, frame, reports, store)


def test_a_preview_shows_the_first_page(catalogue: Catalogue, store: ArtefactStore) -> None:
    shown = preview.preview(sheet_for(start_position=3), catalogue, store)
    assert (shown.total_items, shown.tried_items, shown.failures) == (LOTS, LOTS, [])
    [page] = shown.pictures
    assert (page.width_mm, page.height_mm) == (215.9, 279.4)
    assert page.png.startswith(b"\x89PNG")


def test_a_preview_whose_rows_have_labels_does_not_look_for_the_shortest(
    catalogue: Catalogue, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def least(*_: object) -> NoReturn:
        raise AssertionError("All rows were read for the shortest label")

    monkeypatch.setattr(selected, "least", least)
    assert preview.preview(sheet_for(), catalogue, store).tried_items == LOTS
