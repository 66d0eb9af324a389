"""A small catalogue and an artefact store, and the export's steps in a row."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalogue.imports import ingest
from catalogue.tables import Catalogue
from exports import assemble, printed, render
from exports.artefacts import ArtefactStore
from exports.jobs import decision, manifest
from exports.jobs.decision import Artefact
from exports.jobs.plan import ExportPlan
from exports.requests.request import parse_request

NOW = datetime(2026, 11, 24, tzinfo=UTC)

#: Table by table, a catalogue of one organisation.
Import = Callable[..., Catalogue]


@pytest.fixture
def store(tmp_path: Path) -> ArtefactStore:
    return ArtefactStore(str(tmp_path / "store"))


@pytest.fixture
def imported(tmp_path: Path) -> Import:
    """Return a function that imports CSV texts, by table, for the organisation `acme`."""

    def do(**texts: str) -> Catalogue:
        catalogue = Catalogue(str(tmp_path / "catalogue"))
        files = {}
        for table, text in texts.items():
            files[table] = tmp_path / f"{table}.csv"
            files[table].write_text(text, encoding="utf-8")
        report = ingest.import_files(catalogue, "acme", rejects_dir=tmp_path / "rejects", **files)
        assert not any(table.rejected for table in report.tables)
        return catalogue

    return do


def plan_for(job_id: str = "22222222222222222222Ab", **body: object) -> ExportPlan:
    request = {"scope": "lots", "export_type": "qr_codes", "file_format": "svg", **body}
    return ExportPlan(job_id, "acme", None, "key:1", NOW, parse_request(json.dumps(request).encode()))


def run(plan: ExportPlan, catalogue: Catalogue, store: ArtefactStore) -> Artefact:
    """Do what one run does; return the committed artefact."""
    frozen = manifest.freeze(plan, catalogue, store)
    render.prepare(plan, frozen, store)
    parts = [render.chunk_to_part(plan, frozen, chunk, store) for chunk in frozen.chunks()]
    for part in parts:
        printed.prepare(plan, part, catalogue, store)
    artefact = assemble.assemble(plan, frozen, parts, store)
    committed = decision.commit(plan.job_id, artefact, store, NOW)
    printed.record(plan, parts, committed.decided_at, catalogue, store)
    return artefact
