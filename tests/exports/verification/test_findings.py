"""The finished file is verified, and the findings are stored with the artefact."""

from collections.abc import Sequence

import pytest

from catalogue.tables import Catalogue
from exports import assemble, render
from exports.artefacts import ArtefactStore
from exports.errors import SymbolDoesNotDecode
from exports.jobs import manifest
from exports.jobs.decision import Artefact
from exports.jobs.manifest import Chunk
from exports.jobs.plan import ExportPlan
from exports.verification import findings, sample
from exports.verification.findings import Check, CountsDisagree
from renderers.archive.fragments import ArchiveFragmentWriter
from renderers.archive.records import CorruptArchive
from tests.exports.conftest import Import, plan_for, run

LOTS = 120


@pytest.fixture
def catalogue(imported: Import) -> Catalogue:
    rows = "\n".join(f"9506000134352,L{i:03d},2027-05-{1 + i % 28:02d}" for i in range(LOTS))
    return imported(
        products="gtin,name\n9506000134352,Dark chocolate\n96385074,Mint\n",
        lots=f"gtin,lot_number,expiration_date\n{rows}\n96385074,M,\n",
    )


@pytest.mark.parametrize(
    ("body", "found"),
    [
        pytest.param(
            {},
            {
                Check.WHOLE: {"members": 122},
                Check.NAMES: {"members": 122},
                Check.COUNTS: {"entities": 121, "symbols": 121},
                Check.SAMPLE: {"decoded": 50, "symbols": 121},
            },
            id="fifty of a small job are decoded",
        ),
        pytest.param(
            {"filters": {"gtins": ["96385074"]}, "export_type": "barcodes_1d", "file_format": "eps"},
            {Check.COUNTS: {"symbols": 1}, Check.SAMPLE: {"decoded": 1}},
            id="one alone",
        ),
        pytest.param(
            {"export_type": "sheet_pdf", "file_format": "pdf", "asset_config": {"copies": 3}},
            {Check.COUNTS: {"labels": 363}, Check.SAMPLE: {"decoded": 50, "labels": 363}},
            id="a sheet has no names",
        ),
        pytest.param(
            {"export_type": "roll_labels", "file_format": "zpl", "asset_config": {"copies": 3}},
            {Check.COUNTS: {"labels": 363}, Check.SAMPLE: {"decoded": 50, "labels": 363}},
            id="neither has a roll",
        ),
    ],
)
def test_what_was_found_can_be_read_again(
    catalogue: Catalogue, store: ArtefactStore, body: dict, found: dict
) -> None:
    plan = plan_for(**body)
    assert findings.of(plan.job_id, store) == []
    run(plan, catalogue, store)
    read = {finding.check: finding for finding in findings.of(plan.job_id, store)}
    assert all(finding.passed for finding in read.values())
    assert set(read) == set(Check) - ({Check.NAMES} if plan.has_labels else set())
    for check, facts in found.items():
        assert facts.items() <= read[check].facts.items()


def _assembled_from(plan: ExportPlan, catalogue: Catalogue, store: ArtefactStore) -> Artefact:
    frozen = manifest.freeze(plan, catalogue, store)
    parts = [render.chunk_to_part(plan, frozen, chunk, store) for chunk in frozen.chunks()]
    return assemble.assemble(plan, frozen, parts, store)


def test_a_symbol_under_anothers_name_is_found_in_its_part(
    catalogue: Catalogue, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OneForAll(ArchiveFragmentWriter):
        """Writes the first symbol under every name."""

        def add(self, names: Sequence[str], contents: Sequence[bytes], *, store: bool = False) -> None:
            super().add(names, [contents[0]] * len(names), store=store)

    monkeypatch.setattr(render, "ArchiveFragmentWriter", OneForAll)
    plan = plan_for()
    with pytest.raises(SymbolDoesNotDecode):
        _assembled_from(plan, catalogue, store)
    [last] = findings.of(plan.job_id, store)
    assert (last.check, last.passed, last.facts["code"]) == (Check.SAMPLE, False, "symbol_does_not_decode")


def test_a_damaged_archive_is_found(
    catalogue: Catalogue, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined = assemble._join_members

    def damaged(plan: ExportPlan, parts: object, written: object, key: str, store: ArtefactStore) -> object:
        summary = joined(plan, parts, written, key, store)
        path = store.local_path(key)
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 1
        path.write_bytes(raw)
        return summary

    monkeypatch.setattr(assemble, "_join_members", damaged)
    plan = plan_for()
    with pytest.raises(CorruptArchive):
        _assembled_from(plan, catalogue, store)
    (found,) = findings.of(plan.job_id, store)
    assert (found.check, found.passed) == (Check.WHOLE, False)


def test_a_report_that_is_missing_does_not_reconcile(
    catalogue: Catalogue, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined = assemble._join_members
    monkeypatch.setattr(
        assemble,
        "_join_members",
        lambda plan, parts, written, key, store: joined(plan, parts, [], key, store),
    )
    with pytest.raises(CountsDisagree, match="121 members, not 122"):
        _assembled_from(plan_for(), catalogue, store)


def test_a_large_sample_has_both_ends_and_each_kind_of_row(
    catalogue: Catalogue, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for()
    frozen = manifest.freeze(plan, catalogue, store)
    monkeypatch.setattr(sample, "SMALL_JOB", 0)
    monkeypatch.setattr(sample, "DECODED_OF_LARGE", 5)
    rows = sample.rows(plan, store, Chunk(0, frozen.rows), frozen.rows, 1)
    chosen = rows["row"].to_list()
    assert chosen == sorted(set(chosen))
    assert {0, 30, 60, 90, 120} <= set(chosen)
    assert set(rows["gtin14"]) == {"09506000134352", "00000096385074"}
    assert len(chosen) <= 7


def test_nothing_is_left_of_the_findings_of_a_cancelled_job(
    catalogue: Catalogue, store: ArtefactStore
) -> None:
    plan = plan_for()
    run(plan, catalogue, store)
    assemble.discard(plan, store)
    assert findings.of(plan.job_id, store) == []
