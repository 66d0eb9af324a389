"""Labels by quantity: each row has as many as the catalogue or the request says, wherever the manifest is cut."""

import csv
import io
import re
from dataclasses import replace
from itertools import chain

import pypdfium2
import pytest

from catalogue import lifecycle
from catalogue.queries.selected import Size, resolve, size
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue
from exports.admission import require_within
from exports.artefacts import ArtefactStore
from exports.errors import EmptySelection, InvalidRequest
from exports.jobs import manifest
from exports.jobs.decision import Artefact
from exports.jobs.plan import ExportPlan
from exports.limits import Limits
from exports.ports import Report
from exports.previews.preview import preview
from exports.reports.files import key as report_key
from exports.sheets import pages as sheet_pages
from exports.sheets import plan as sheet_plan
from exports.verification.findings import CountsDisagree
from tests.exports.conftest import Import, plan_for, run

GTIN = "9506000134352"
#: By lot, in order; None is a lot whose quantity is not known. "." cannot be in a Digital Link.
QUANTITIES: dict[str, int | None] = {
    ".": 40, "A": 1, "B": 0, "C": 75, "D": None, "E": 2, "F": 31, "G": 1, "H": 3
}  # fmt: skip
PER_PAGE = 30
START = 7


@pytest.fixture
def catalogue(imported: Import) -> Catalogue:
    lots = "".join(f"{GTIN},{lot},{'' if n is None else n}\n" for lot, n in QUANTITIES.items())
    return imported(products=f"gtin,name\n{GTIN},Tea\n", lots=f"gtin,lot_number,Qty\n{lots}")


def sheet_for(job_id: str = "22222222222222222222Ab", **config: object) -> ExportPlan:
    settings = {"sheet_template": "avery_5160", "symbology": "qr", "start_position": START, **config}
    return plan_for(job_id, export_type="sheet_pdf", file_format="pdf", asset_config=settings)


def lots_by_page(artefact: Artefact, store: ArtefactStore) -> list[list[str]]:
    """Return the lots on each page, in reading order, as their labels' text says."""
    with store.open(artefact.key) as stream, pypdfium2.PdfDocument(stream.read()) as document:
        texts = [page.get_textpage().get_text_range() for page in document]
    return [re.findall(r"\(10\)(\S+)", text) for text in texts]


def laid_out(counts: dict[str, int], blank: str = "") -> list[list[str]]:
    """Return what is on each page if these lots follow each other from the start, one of them left blank."""
    cells = ["", *chain.from_iterable([lot] * n for lot, n in counts.items())]
    cells = [""] * (START - 1) + cells[1:]
    pages = [cells[at : at + PER_PAGE] for at in range(0, len(cells), PER_PAGE)]
    return [[lot for lot in page if lot not in ("", blank)] for page in pages]


def wanted(**changed: int) -> dict[str, int]:
    counts = {lot: 1 if n is None else n for lot, n in QUANTITIES.items()} | changed
    return {lot: n for lot, n in counts.items() if n}


def ids(catalogue: Catalogue) -> dict[str, str]:
    return {
        row["lot_number"]: row["entity_id"]
        for frame in resolve(catalogue, Selection("acme", Scope.LOTS))
        for row in frame.iter_rows(named=True)
    }


def told(plan: ExportPlan, report: Report, store: ArtefactStore) -> list[dict[str, str]]:
    with store.open(report_key(plan.job_id, report)) as stream:
        return list(csv.DictReader(io.StringIO(stream.read().decode("utf-8-sig"))))


@pytest.mark.parametrize("chunk_rows", [25_000, 1, 3])
def test_rows_have_as_many_labels_as_their_quantity(
    catalogue: Catalogue, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch, chunk_rows: int
) -> None:
    whole = run(sheet_for(copies_from="quantity"), catalogue, store)
    monkeypatch.setattr(manifest, "CHUNK_ROWS", chunk_rows)
    monkeypatch.setattr(manifest, "SMALLEST_CHUNK_ROWS", 1)
    monkeypatch.setattr(sheet_pages, "_BATCH_LABELS", 25)
    plan = sheet_for("22222222222222222222Cd", copies_from="quantity")
    made = run(plan, catalogue, store)
    frozen = manifest.load(plan, store)
    assert len(frozen.chunks()) == -(-8 // min(chunk_rows, 8))
    assert lots_by_page(made, store) == laid_out(wanted(), blank=".")
    assert (frozen.rows, frozen.labels) == (8, sum(wanted().values()))
    assert (made.processed, made.failed) == (7, 1)
    assert made.next_position == (START - 1 + sum(wanted().values())) % PER_PAGE + 1
    assert made.sha256 == whole.sha256
    places = [row["file"] for row in told(plan, Report.MANIFEST, store)]
    assert places[:3] == ["page 2 label 17", "page 2 label 18", "page 5 label 3"]


def test_a_lot_without_labels_is_neither_printed_nor_failed(
    catalogue: Catalogue, store: ArtefactStore
) -> None:
    plan = sheet_for(copies_from="quantity")
    run(plan, catalogue, store)
    history, printed = lifecycle.history(catalogue, "acme")
    assert (printed, "B" in history["lot_number"].to_list()) == (7, False)
    assert {row["lot"] for row in told(plan, Report.ERRORS, store)} == {"."}


def test_listed_quantities_hold_and_the_others_have_one(catalogue: Catalogue, store: ArtefactStore) -> None:
    known = ids(catalogue)
    listed = {known["C"]: 0, known["E"]: 65, known["."]: 0, "elsewhere": 3}
    quantities = [{"id": key, "copies": copies} for key, copies in listed.items()]
    plan = sheet_for(quantities=quantities)
    made = run(plan, catalogue, store)
    expected = dict.fromkeys("ABDEFGH", 1) | {"E": 65}
    assert lots_by_page(made, store) == laid_out(expected)
    [error] = told(plan, Report.ERRORS, store)
    assert (error["entity_id"], error["code"], error["reason"]) == (
        "elsewhere", "not_matched", "quantities names nothing that is selected"
    )  # fmt: skip
    assert manifest.load(plan, store).unmatched == 1


def test_ids_that_filters_exclude_are_reported(catalogue: Catalogue, store: ArtefactStore) -> None:
    known = ids(catalogue)
    plan = sheet_for(quantities=[{"id": known[lot], "copies": 2} for lot in "AC"])
    filters = plan.request.filters
    assert filters is None
    one = plan.request.model_validate({**plan.request.normalised(), "filters": {"lot_ids": [known["C"]]}})
    manifest.freeze(replace(plan, request=one), catalogue, store)
    assert manifest.unmatched(plan, store) == [{"field": "quantities", "value": known["A"]}]


def test_nothing_to_print_is_an_empty_selection(catalogue: Catalogue, store: ArtefactStore) -> None:
    plan = sheet_for(quantities=[{"id": key, "copies": 0} for key in ids(catalogue).values()])
    with pytest.raises(EmptySelection):
        manifest.freeze(plan, catalogue, store)


def test_one_lot_may_have_more_labels_than_are_drawn_at_once(
    catalogue: Catalogue, store: ArtefactStore
) -> None:
    known = ids(catalogue)
    plan = sheet_for(quantities=[{"id": key, "copies": 0} for lot, key in known.items() if lot != "C"])
    config = {**plan.request.normalised()["asset_config"]}
    config["quantities"] += [{"id": known["C"], "copies": 10_000}]
    plan = sheet_for(**config)
    made = run(plan, catalogue, store)
    found = lots_by_page(made, store)
    assert list(map(len, found)) == [24, *[30] * 332, 16]


def test_a_reprint_of_some_rows_keeps_their_quantities(catalogue: Catalogue, store: ArtefactStore) -> None:
    first = sheet_for(copies_from="quantity")
    run(first, catalogue, store)
    again = replace(
        sheet_for("22222222222222222222Cd", copies_from="quantity"),
        reprint_of=first.job_id,
        reason="jam",
        rows=((3, 3), (6, 8)),
    )
    made = run(again, catalogue, store)
    assert lots_by_page(made, store) == laid_out({"C": 75, "F": 31, "G": 1, "H": 3})
    assert manifest.load(again, store).labels == 110
    assert manifest.labels_within(first, ((3, 3), (6, 8)), store) == 110


def test_the_labels_of_a_job_are_limited(catalogue: Catalogue, store: ArtefactStore) -> None:
    plan = sheet_for(copies_from="quantity")
    found = size(catalogue, plan.selection)
    assert found == Size(8, 154)
    require_within(Limits(max_labels=154, max_pages=6), plan, found, store, loc=["body"])
    for limits, kind in (
        (Limits(max_labels=153), "too_many_labels"),
        (Limits(max_pages=5), "too_many_pages"),
    ):
        with pytest.raises(InvalidRequest) as caught:
            require_within(limits, plan, found, store, loc=["body"])
        assert [fault["type"] for fault in caught.value.details] == [kind]


def test_a_page_with_a_label_too_few_is_found(
    catalogue: Catalogue, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verification counts from the frozen rows, not from what drew them."""
    on = sheet_pages.labels_on

    def fewer(sheet: sheet_plan.SheetPlan, batch: sheet_pages.LabelBatch, *pages: int) -> object:
        copies = batch.copies.copy()
        copies[-1] -= 1
        return on(sheet, replace(batch, copies=copies), *pages)

    monkeypatch.setattr(sheet_pages, "labels_on", fewer)
    with pytest.raises(CountsDisagree, match="page 6"):
        run(sheet_for(copies_from="quantity"), catalogue, store)


def test_the_preview_shows_the_first_page_of_quantities(catalogue: Catalogue, store: ArtefactStore) -> None:
    shown = preview(sheet_for(copies_from="quantity"), catalogue, store)
    assert (shown.total_items, shown.total_labels, shown.tried_items) == (8, 154, 8)
    assert [failure.lot for failure in shown.failures] == ["."]
