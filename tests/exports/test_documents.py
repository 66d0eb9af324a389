"""Documents of other releases: unknown fields are ignored, later versions are refused."""

from collections.abc import Callable
from typing import Any

import pytest

from catalogue.tables import Catalogue
from exports import documents, render
from exports.artefacts import ArtefactStore
from exports.errors import UnreadableDocument
from exports.jobs import decision, manifest, parts
from exports.jobs import plan as plans
from exports.jobs.decision import Artefact
from exports.jobs.plan import ExportPlan
from exports.sheets import plan as sheet_plans
from exports.verification import findings
from exports.verification.findings import Check
from tests.exports.conftest import NOW, Import, plan_for

#: What reads each document of a job.
READERS: dict[str, Callable[[ExportPlan, ArtefactStore], object]] = {
    "request.json": lambda plan, store: plans.load(plan.job_id, store),
    "manifest.json": manifest.load,
    "sheet.json": sheet_plans.load,
    "part": lambda plan, store: parts.stored(_part_key(plan, store), store),
    "findings.json": lambda plan, store: findings.of(plan.job_id, store),
    "decision.json": lambda plan, store: decision.of(plan.job_id, store),
}


def _part_key(plan: ExportPlan, store: ArtefactStore) -> str:
    frozen = manifest.load(plan, store)
    return parts.key_of(plan, frozen, frozen.chunks()[0])


def _key(name: str, plan: ExportPlan, store: ArtefactStore) -> str:
    return f"{_part_key(plan, store)}.json" if name == "part" else f"{plan.folder}/{name}"


@pytest.fixture
def plan(imported: Import, store: ArtefactStore) -> ExportPlan:
    """A job that has stored each of its documents."""
    catalogue: Catalogue = imported(
        products="gtin,name\n9506000134352,Dark chocolate\n", lots="gtin,lot_number\n9506000134352,L1\n"
    )
    made = plan_for(export_type="sheet_pdf", file_format="pdf")
    plans.save(made, store)
    frozen = manifest.freeze(made, catalogue, store)
    render.prepare(made, frozen, store)
    render.chunk_to_part(made, frozen, frozen.chunks()[0], store)
    findings.require_all(made.job_id, [(Check.WHOLE, lambda: {"members": 1})], store)
    decision.commit(made.job_id, Artefact("key", "a.pdf", 9, "00", 1, 0, next_position=2), store, NOW)
    return made


def _of_a_later_release(document: Any) -> Any:
    """Return the document with one more field in each object, but for those whose fields are open or the client's."""
    if isinstance(document, list):
        return [_of_a_later_release(member) for member in document]
    if not isinstance(document, dict):
        return document
    kept = {
        name: value if name in {"request", "facts", "notes"} else _of_a_later_release(value)
        for name, value in document.items()
    }
    return {**kept, "added_later": {"a": 1}}


@pytest.mark.parametrize("name", READERS)
def test_fields_of_a_later_release_are_ignored(name: str, plan: ExportPlan, store: ArtefactStore) -> None:
    key, read = _key(name, plan, store), READERS[name]
    known = read(plan, store)
    assert known
    document = store.read_json(key)
    assert document["version"] == 1
    store.write_json(key, _of_a_later_release(document))
    assert read(plan, store) == known


@pytest.mark.parametrize("name", READERS)
def test_documents_without_a_version_are_read(name: str, plan: ExportPlan, store: ArtefactStore) -> None:
    key, read = _key(name, plan, store), READERS[name]
    known = read(plan, store)
    document = store.read_json(key)
    del document["version"]
    store.write_json(key, document)
    assert read(plan, store) == known


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"version":2,"decided_at":"2026-11-24T00:00:00Z","artefact":null}', "version 2"),
        (b'{"version":1,"artefact":null}', "decided_at: Field required"),
        (
            b'{"version":1,"decided_at":"yesterday","artefact":null}',
            "decided_at: Input should be a valid datetime",
        ),
        (b'{"version":1,', "the whole: Invalid JSON"),
        (b"[]", "the whole"),
    ],
)
def test_what_cannot_be_understood_is_named(text: bytes, reason: str, store: ArtefactStore) -> None:
    with store.write("exports/job/decision.json") as stream:
        stream.write(text)
    with pytest.raises(UnreadableDocument) as refused:
        documents.load(decision.Decision, "exports/job/decision.json", store)
    assert refused.value.value == "exports/job/decision.json"
    assert reason in str(refused.value)
