"""Events are written part by part when the parts are drawn, and committed once, when the job is decided."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from catalogue.lifecycle import COMMITTABLE, history
from catalogue.maintenance import vacuum
from catalogue.tables import Catalogue
from exports import printed, render
from exports.artefacts import ArtefactStore
from exports.jobs import manifest
from exports.jobs.parts import Part
from exports.jobs.plan import ExportPlan
from tests.exports.conftest import Import, plan_for

GTIN = "9506000134352"
LOTS = 7
#: When `plan_for`'s jobs are decided here: not when their parts are drawn, which is now.
DECIDED = datetime(2026, 1, 1, tzinfo=UTC)
LONG_AGO = (datetime.now(UTC) - timedelta(days=8)).timestamp()


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "CHUNK_ROWS", 3)


@pytest.fixture
def catalogue(imported: Import) -> Catalogue:
    lots = "".join(f"{GTIN},L{number}\n" for number in range(LOTS))
    return imported(products=f"gtin,name\n{GTIN},Tea\n", lots=f"gtin,lot_number\n{lots}")


def drawn(plan: ExportPlan, catalogue: Catalogue, store: ArtefactStore) -> list[Part]:
    frozen = manifest.freeze(plan, catalogue, store)
    parts = [render.chunk_to_part(plan, frozen, chunk, store) for chunk in frozen.chunks()]
    for part in parts:
        printed.prepare(plan, part, catalogue, store)
    return parts


def events(catalogue: Catalogue) -> pl.DataFrame:
    return history(catalogue, "acme")[0]


def files(catalogue: Catalogue) -> list[Path]:
    return sorted(Path(catalogue.table_uri("lifecycle_events")).glob("org=acme/*.parquet"))


def test_they_are_one_commit_with_the_time_of_drawing(catalogue: Catalogue, store: ArtefactStore) -> None:
    before = catalogue.version()
    begin = datetime.now(UTC)
    parts = drawn(plan_for(), catalogue, store)
    assert (len(parts), len(files(catalogue)), events(catalogue).height) == (3, 3, 0)
    assert catalogue.version() == before
    end = datetime.now(UTC)
    assert printed.record(plan_for(), parts, DECIDED, catalogue, store) == LOTS
    found = events(catalogue)
    assert found["lot_number"].sort().to_list() == [f"L{number}" for number in range(LOTS)]
    assert found["occurred_at"].n_unique() == len(parts)
    assert found["occurred_at"].is_between(begin, end).all()
    assert catalogue.version().lifecycle_events == before.lifecycle_events + 1
    assert printed.record(plan_for(), parts, DECIDED, catalogue, store) is None
    assert len(files(catalogue)) == len(parts)


def test_a_step_tried_again_keeps_the_events_of_the_part(catalogue: Catalogue, store: ArtefactStore) -> None:
    drawn(plan_for(), catalogue, store)
    assert len(drawn(plan_for(), catalogue, store)) == len(files(catalogue)) == 3


def test_of_a_part_drawn_twice_one_file_is_committed(catalogue: Catalogue, store: ArtefactStore) -> None:
    parts = drawn(plan_for(), catalogue, store)
    # The first attempt was killed before it told where its events are.
    store.delete(f"{parts[0].key}.events.json")
    parts = drawn(plan_for(), catalogue, store)
    assert len(files(catalogue)) == 4
    assert printed.record(plan_for(), parts, DECIDED, catalogue, store) == LOTS
    assert events(catalogue).height == LOTS


def test_parts_without_events_get_them_with_the_time_of_the_decision(
    catalogue: Catalogue, store: ArtefactStore
) -> None:
    first, *others = drawn(plan_for(), catalogue, store)
    store.delete(f"{first.key}.events.json")
    assert printed.record(plan_for(), [first, *others], DECIDED, catalogue, store) == LOTS
    assert events(catalogue).filter(pl.col("occurred_at") == DECIDED).height == first.processed


def test_events_that_the_upkeep_may_remove_are_written_anew(
    catalogue: Catalogue, store: ArtefactStore
) -> None:
    plan = plan_for()
    parts = drawn(plan, catalogue, store)
    for part in parts:
        key = f"{part.key}.events.json"
        told = (datetime.now(UTC) - COMMITTABLE).isoformat()
        store.write_json(key, {**store.read_json(key), "drawn_at": told})
    for file in files(catalogue):
        os.utime(file, (LONG_AGO, LONG_AGO))
    assert vacuum(catalogue)["lifecycle_events"] == len(parts)
    assert printed.record(plan, parts, DECIDED, catalogue, store) == LOTS
    assert events(catalogue).height == LOTS


def test_the_upkeep_removes_what_a_failed_job_wrote_and_keeps_what_is_recorded(
    catalogue: Catalogue, store: ArtefactStore
) -> None:
    parts = drawn(plan_for(), catalogue, store)
    printed.record(plan_for(), parts, DECIDED, catalogue, store)
    recorded = files(catalogue)
    drawn(plan_for("22222222222222222222Cd"), catalogue, store)
    assert len(files(catalogue)) == 2 * len(recorded)
    for file in files(catalogue):
        os.utime(file, (LONG_AGO, LONG_AGO))
    vacuum(catalogue)
    assert files(catalogue) == recorded
    assert events(catalogue).height == LOTS


def test_a_correction_between_drawing_and_decision_is_a_change(
    catalogue: Catalogue, store: ArtefactStore, imported: Import
) -> None:
    parts = drawn(plan_for(), catalogue, store)
    imported(lots=f"gtin,lot_number,expiration_date\n{GTIN},L3,2027-01-31\n")
    printed.record(plan_for(), parts, datetime.now(UTC), catalogue, store)
    plan = plan_for("22222222222222222222Cd", filters={"changed_since_print": True})
    frozen = manifest.freeze(plan, catalogue, store)
    [rows] = manifest.read_rows(plan, store, manifest.Chunk(0, frozen.rows), frozen.rows)
    assert rows["lot_number"].to_list() == ["L3"]


def test_a_job_that_does_not_record_writes_no_events(catalogue: Catalogue, store: ArtefactStore) -> None:
    plan = plan_for(asset_config={"record_printed": False})
    parts = drawn(plan, catalogue, store)
    assert printed.record(plan, parts, DECIDED, catalogue, store) is None
    assert files(catalogue) == []


def test_a_part_whose_entities_all_failed_has_no_events(store: ArtefactStore, imported: Import) -> None:
    # GTINs of restricted circulation, which no link may carry.
    catalogue = imported(products="gtin,name\n2012345678903,Counter cheese\n")
    plan = plan_for(scope="products")
    [part] = drawn(plan, catalogue, store)
    assert part.processed == 0
    assert printed.record(plan, [part], DECIDED, catalogue, store) == 0
    assert files(catalogue) == []
