"""The export's functions in a row, without Dagster: what one run does."""

import csv
import io
import zipfile
from pathlib import Path

import pytest

from catalogue.imports import ingest
from catalogue.queries import selected
from catalogue.tables import Catalogue
from exports import render
from exports.artefacts import ArtefactStore
from exports.errors import EmptySelection, ExportCancelled
from exports.jobs import decision, manifest
from exports.jobs.plan import load, save
from exports.previews.preview import preview
from exports.symbols import symbol_files
from tests.exports.conftest import NOW, Import, plan_for, run


@pytest.fixture
def catalogue(imported: Import) -> Catalogue:
    rows = "\n".join(f"9506000134352,L/{i:03d}+a,2027-05-{1 + i % 28:02d}" for i in range(40))
    return imported(
        products="gtin,name\n9506000134352,Dark chocolate\n",
        lots=f"gtin,lot_number,expiration_date\n{rows}\n",
    )


@pytest.mark.parametrize(
    ("export_type", "file_format"),
    [
        ("qr_codes", "svg"),
        ("qr_codes", "png"),
        ("datamatrix", "svg"),
        ("datamatrix", "png"),
        ("barcodes_1d", "svg"),
        ("barcodes_1d", "eps"),
    ],
)
def test_every_manifest_row_names_a_file_that_is_there(
    catalogue: Catalogue, store: ArtefactStore, export_type: str, file_format: str
) -> None:
    artefact = run(plan_for(export_type=export_type, file_format=file_format), catalogue, store)
    with store.open(artefact.key) as stream, zipfile.ZipFile(stream) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode("utf-8-sig"))))
        names = set(archive.namelist())
        assert archive.testzip() is None
    assert {row["file"] for row in rows} | {"manifest.csv"} == names
    assert [int(row["row"]) for row in rows] == list(range(1, 41))
    assert rows[0]["lot"] == "L/000+a"
    assert rows[0]["expiry"] == "270501"
    # 0.495 mm is 11.7 dots of 600 dpi.
    assert rows[0]["x_dimension_mm"] == ("0.508" if file_format == "png" else "0.495")
    assert artefact.processed == 40
    assert artefact.failed == 0


def test_the_chunking_does_not_show_in_the_bytes(
    catalogue: Catalogue, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(plan_for(), catalogue, store)
    monkeypatch.setattr(manifest, "CHUNK_ROWS", 7)
    pieces = run(plan_for("22222222222222222222Cd"), catalogue, store)
    assert whole.sha256 == pieces.sha256


def test_a_stored_part_is_not_rendered_again(
    catalogue: Catalogue, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for()
    frozen = manifest.freeze(plan, catalogue, store)
    chunk = frozen.chunks()[0]
    first = render.chunk_to_part(plan, frozen, chunk, store)
    monkeypatch.setattr(symbol_files, "draw", None)
    assert render.chunk_to_part(plan, frozen, chunk, store) == first


def test_the_manifest_stays_as_it_was_frozen(
    catalogue: Catalogue, store: ArtefactStore, tmp_path: Path
) -> None:
    plan = plan_for()
    before = manifest.freeze(plan, catalogue, store)
    more = tmp_path / "more.csv"
    more.write_text("gtin,lot_number\n9506000134352,NEW\n", encoding="utf-8")
    ingest.import_files(catalogue, "acme", lots=more, rejects_dir=tmp_path / "rejects")
    assert manifest.freeze(plan, catalogue, store) == before


def test_a_plan_survives_its_document(store: ArtefactStore) -> None:
    plan = plan_for(filters={"gtins": ["9506000134352"], "never_printed": True})
    save(plan, store)
    assert load(plan.job_id, store) == plan


def test_printed_entities_are_not_selected_again(catalogue: Catalogue, store: ArtefactStore) -> None:
    run(plan_for(), catalogue, store)
    fresh = plan_for("22222222222222222222Ef", filters={"never_printed": True})
    assert selected.count(catalogue, fresh.selection) == 0
    with pytest.raises(EmptySelection):
        manifest.freeze(fresh, catalogue, store)


def test_notes_are_counted_by_their_code(imported: Import, store: ArtefactStore) -> None:
    lots = ("OLD,2026-01-31,", "NEW,2027-01-31,2027-01-01", "OLDER,2025-12,2025-11-30")
    catalogue = imported(
        products="gtin,name\n9506000134352,Dark chocolate\n",
        lots="\n".join(
            [
                "gtin,lot_number,expiration_date,best_before_date",
                *(f"9506000134352,{lot}" for lot in lots),
                "",
            ]
        ),
    )
    for job_id, body in (
        ("22222222222222222222Ab", {}),
        ("22222222222222222222Cd", {"export_type": "sheet_pdf", "file_format": "pdf"}),
    ):
        config = {"asset_config": {"sheet_template": "avery_5160"}} if body else {}
        plan = plan_for(job_id, **body, **config)
        assert run(plan, catalogue, store).notes == {"expired": 2, "not_carried": 2}
        assert preview(plan, catalogue, store).notes == {"expired": 2, "not_carried": 2}


def test_a_proof_records_nothing(catalogue: Catalogue, store: ArtefactStore) -> None:
    run(plan_for(asset_config={"record_printed": False}), catalogue, store)
    fresh = plan_for("22222222222222222222Ef", filters={"never_printed": True})
    assert selected.count(catalogue, fresh.selection) == 40


def test_an_id_that_matches_nothing_is_reported(catalogue: Catalogue, store: ArtefactStore) -> None:
    plan = plan_for(filters={"gtins": ["9506000134352", "614141007349"]})
    artefact = run(plan, catalogue, store)
    with store.open(artefact.key) as stream, zipfile.ZipFile(stream) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("errors.csv").decode("utf-8-sig"))))
    assert [(row["gtin"], row["code"]) for row in rows] == [("00614141007349", "not_matched")]
    assert manifest.load(plan, store).unmatched == 1


def test_whoever_decides_first_decides(catalogue: Catalogue, store: ArtefactStore) -> None:
    plan = plan_for()
    assert decision.cancel(plan.job_id, store, NOW).cancelled
    with pytest.raises(ExportCancelled):
        run(plan, catalogue, store)
    other = plan_for("22222222222222222222Ef")
    run(other, catalogue, store)
    assert not decision.cancel(other.job_id, store, NOW).cancelled
