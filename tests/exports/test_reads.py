"""Reads for the façade, from a real catalogue and a real artefact store."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import polars as pl
import pytest

from accounts.identity import Organisation
from accounts.store import Accounts
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.errors import ExportNotFound, InvalidRequest, TrayTaken
from exports.jobs import decision
from exports.jobs.job_id import folder_of
from exports.ports import ExportJob, JobStatus, Page, Report, ReportFormat
from exports.previews import preview
from exports.printers import profile
from exports.printers.trays import Trays
from exports.reads import ExportReads
from exports.reports.files import head
from exports.requests.request import parse_request
from exports.sheets.templates import templates_in
from renderers.sheets.templates import TEMPLATES
from tests.exports.conftest import NOW, Import, plan_for, run

ACME = Organisation("acme", "Acme")
PLAN = plan_for()


@pytest.fixture
def catalogue(imported: Import) -> Catalogue:
    return imported(
        products="gtin,name\n09506000134352,Tea\n",
        lots="gtin,lot_number\n09506000134352,L1\n09506000134352,L2\n",
    )


@pytest.fixture
def reads(catalogue: Catalogue, store: ArtefactStore) -> ExportReads:
    return ExportReads(catalogue, store)


def job(*reports: Report) -> ExportJob:
    """Return the state of `PLAN`'s job, as far as reads look at it."""
    return ExportJob(
        job_id=PLAN.job_id,
        organisation="acme",
        status=JobStatus.COMPLETED,
        total_items=2,
        processed_items=2,
        failed_items=0,
        unmatched=0,
        error=None,
        error_code=None,
        output_filename=None,
        file_size_bytes=None,
        sha256=None,
        created_at=NOW,
        started_at=NOW,
        finished_at=NOW,
        reports=frozenset(reports),
    )


def test_a_preview_begins_at_the_free_cell_of_the_printers_tray_and_takes_nothing(
    reads: ExportReads, store: ArtefactStore, tmp_path: Path
) -> None:
    accounts = Accounts(f"sqlite:///{tmp_path}/accounts.db")
    accounts.create_organisation("acme")
    trays = Trays(accounts.printers, templates_in(store), job_is_unknown)
    desk = b'{"sheet_template": "avery_5160", "next_position": 7}'
    profile.save(accounts.printers, trays.templates, "acme", "desk", desk, changed_by="key:1")
    config = {"sheet_template": "avery_5160", "symbology": "datamatrix"}

    def page(**settings: object) -> bytes:
        body = {
            "scope": "lots",
            "export_type": "sheet_pdf",
            "file_format": "pdf",
            "asset_config": config | settings,
        }
        found = replace(reads, trays=trays).preview(ACME, parse_request(json.dumps(body).encode()))
        return found.pictures[0].png

    assert page(printer="desk") == page(start_position=7) != page()
    assert accounts.printers.get("acme", "desk").taken_by is None
    accounts.printers.take("acme", "desk", PLAN.job_id, "avery_5160", 7)
    with pytest.raises(TrayTaken):
        page(printer="desk")
    assert page(printer="desk", start_position=7) == page(start_position=7)
    accounts.close()


def job_is_unknown(organisation: str, job_id: str) -> NoReturn:
    raise ExportNotFound(job_id)


def test_an_artefact_is_read_once_it_is_committed(
    reads: ExportReads, catalogue: Catalogue, store: ArtefactStore
) -> None:
    assert reads.artefact_path(job()) is None
    with pytest.raises(ExportNotFound):
        reads.open_artefact(job())
    artefact = run(PLAN, catalogue, store)
    path = reads.artefact_path(job())
    assert path is not None
    with reads.open_artefact(job()) as stream:
        assert stream.read() == path.read_bytes()
    assert path.stat().st_size == artefact.size_bytes
    assert reads.artefact_url(job(), 60) is None, "a local disk has no presigned URLs"


def test_a_cancelled_job_has_no_artefact(reads: ExportReads, store: ArtefactStore) -> None:
    decision.cancel(PLAN.job_id, store, NOW)
    assert reads.artefact_path(job()) is None
    assert reads.artefact_url(job(), 60) is None
    with pytest.raises(ExportNotFound):
        reads.open_artefact(job())


def test_an_artefact_in_an_object_store_has_a_presigned_url(
    reads: ExportReads, catalogue: Catalogue, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    artefact = run(PLAN, catalogue, store)
    monkeypatch.setattr(
        ArtefactStore, "presigned_url", lambda self, key, ttl, name: f"https://{key}?{ttl}&{name}"
    )
    assert reads.artefact_url(job(), 60) == f"https://{artefact.key}?60&{artefact.filename}"


def test_a_deleted_artefact_is_not_found(
    reads: ExportReads, catalogue: Catalogue, store: ArtefactStore
) -> None:
    store.delete(run(PLAN, catalogue, store).key)
    assert reads.artefact_path(job()) is None
    with pytest.raises(ExportNotFound):
        reads.open_artefact(job())


def test_only_reports_that_the_job_has_are_opened(reads: ExportReads, store: ArtefactStore) -> None:
    key = f"{folder_of(PLAN.job_id)}/errors.csv"
    with store.write(key) as stream:
        stream.write(b"row\r\n")
    with reads.open_report(job(Report.ERRORS), Report.ERRORS) as stream:
        assert stream.read() == b"row\r\n"
    with pytest.raises(ExportNotFound):
        reads.open_report(job(Report.MANIFEST), Report.ERRORS)
    store.delete(key)
    with pytest.raises(ExportNotFound):
        reads.open_report(job(Report.ERRORS), Report.ERRORS)


def test_a_report_is_opened_in_the_format_wanted(reads: ExportReads, store: ArtefactStore) -> None:
    content = head(Report.ERRORS) + b"1,'=id,09506000134352,''-1,,x,no\r\n"
    with store.write(f"{folder_of(PLAN.job_id)}/errors.csv") as stream:
        stream.write(content)
    with reads.open_report(job(Report.ERRORS), Report.ERRORS, ReportFormat.CSV) as stream:
        assert stream.read() == content
    with reads.open_report(job(Report.ERRORS), Report.ERRORS, ReportFormat.PARQUET) as stream:
        [row] = pl.read_parquet(stream).rows(named=True)
    assert (row["row"], row["entity_id"], row["lot"], row["serial"]) == (1, "=id", "'-1", None)
    with reads.open_report(job(Report.ERRORS), Report.ERRORS, ReportFormat.XLSX) as stream:
        assert zipfile.is_zipfile(stream)
    for wanted in ReportFormat:
        with pytest.raises(ExportNotFound):
            reads.open_report(job(Report.ERRORS), Report.MANIFEST, wanted)


def test_the_print_history_is_paged_and_filtered(
    reads: ExportReads, catalogue: Catalogue, store: ArtefactStore
) -> None:
    run(PLAN, catalogue, store)
    nothing = {"gtin14": None, "lot": None, "serial": None}
    second = reads.print_history("acme", Page(2, 1), **nothing)
    assert (second.total, [event.lot_number for event in second.events]) == (2, ["L2"])
    [event] = reads.print_history("acme", Page(1, 10), **{**nothing, "lot": "L1"}).events
    assert (event.event_type, event.gtin14, event.job_id) == ("PRINTED", "09506000134352", PLAN.job_id)
    assert reads.print_history("other", Page(1, 10), **nothing).total == 0


def test_a_preview_stores_nothing(reads: ExportReads, store: ArtefactStore) -> None:
    shown = reads.preview(ACME, PLAN.request)
    assert (shown.total_items, shown.tried_items, len(shown.pictures)) == (2, 2, 2)
    assert not store.exists("")
    sheet = plan_for(
        export_type="sheet_pdf", file_format="pdf", asset_config={"sheet_template": "nothing_like_it"}
    )
    with pytest.raises(InvalidRequest):
        reads.preview(ACME, sheet.request)


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize(
    "filters", [{}, {"never_printed": True}, {"print_due": True}, {"changed_since_print": True}]
)
def test_a_preview_at_once_is_of_the_first_rows(
    reads: ExportReads,
    imported: Import,
    monkeypatch: pytest.MonkeyPatch,
    rows: int,
    filters: dict[str, bool],
) -> None:
    """A selection of no more than so many rows is previewed as it is without; of more, its first GTINs are."""
    imported(
        lots="gtin,lot_number\n04006381333931,L3\n04006381333931,L4\n",
        products="gtin,name\n04006381333931,Ink\n",
    )
    monkeypatch.setattr(preview, "AT_ONCE_ROWS", rows)
    few, many = (
        plan_for(filters={**filters, **gtins}).request for gtins in ({"gtins": ["09506000134352"]}, {})
    )
    whole = reads.preview(ACME, few)
    shown = reads.preview(ACME, few, at_once=True)
    assert shown.is_whole == (rows == 2)
    if shown.is_whole:
        assert shown == whole
    first = reads.preview(ACME, many, at_once=True)
    assert not first.is_whole
    assert (first.total_items, first.printed.never_printed) == (0, 0)
    # The GTIN that comes first has two lots.
    assert first.tried_items == (0 if "changed_since_print" in filters else 2 * rows)
    assert reads.preview(ACME, many).is_whole


def test_an_organisation_without_templates_has_those_of_the_service(reads: ExportReads) -> None:
    assert reads.templates("acme") == list(TEMPLATES.values())
