"""Mutation test of verification: every fault of the tables beside it is found before the commit point.

`docs/verification.md` has the table of faults and of the chance to find one bad symbol. After a change of
either, rewrite it with `make golden`.
"""

import os
from pathlib import Path

import pytest

from catalogue.tables import Catalogue
from exports import assemble, render
from exports.artefacts import ArtefactStore
from exports.jobs import decision, manifest
from exports.jobs.plan import ExportPlan
from exports.verification import findings, sample
from gs1.errors import LabelError
from tests.exports.conftest import Import, plan_for
from tests.exports.verification.file_sabotages import FILE_SABOTAGES
from tests.exports.verification.roll_sabotages import ROLL_SABOTAGES
from tests.exports.verification.sabotage import VICTIM, Sabotage
from tests.exports.verification.sheet_sabotages import SHEET_SABOTAGES

DOCUMENT = Path(__file__).parents[3] / "docs" / "verification.md"

#: Entities of a job in which every symbol is decoded, however many an entity has.
SMALL = 25

_LOTS = 24

SABOTAGES = (*FILE_SABOTAGES, *SHEET_SABOTAGES, *ROLL_SABOTAGES)


@pytest.fixture
def catalogue(imported: Import) -> Catalogue:
    """Products with every length of GTIN and one of restricted circulation, which no link may carry; lots with each kind of date."""
    products = ("9506000134352", "012345678905", "96385074", "10614141000415", "2012345678903")
    lots = [f"9506000134352,L{n:03d},2027-05-{n + 1:02d},,2026-01-31,1.250" for n in range(_LOTS - 4)]
    lots += [f"9506000134352,L{n:03d},,2027-05-{n + 1:02d},," for n in range(_LOTS - 4, _LOTS)]
    serials = [f"9506000134352,L{n:03d},S{n:04d}" for n in range(_LOTS)]
    return imported(
        products="\n".join(
            [
                "gtin,name,additional_product_identification",
                *(f"{gtin},Tea {gtin},A" for gtin in products),
                "",
            ]
        ),
        lots="\n".join(
            [
                "gtin,lot_number,expiration_date,best_before_date,production_date,net_weight_kg",
                *lots,
                "",
            ]
        ),
        serials="\n".join(["gtin,lot_number,serial_number", *serials, ""]),
    )


def _plan(sabotage: Sabotage) -> ExportPlan:
    return plan_for(**sabotage.request)


def _assembled(plan: ExportPlan, catalogue: Catalogue, store: ArtefactStore) -> None:
    frozen = manifest.freeze(plan, catalogue, store)
    render.prepare(plan, frozen, store)
    parts = [render.chunk_to_part(plan, frozen, chunk, store) for chunk in frozen.chunks()]
    assemble.assemble(plan, frozen, parts, store)


def _require_found(plan: ExportPlan, catalogue: Catalogue, store: ArtefactStore) -> None:
    with pytest.raises(LabelError):
        _assembled(plan, catalogue, store)
    # Verification itself found it: no fault that the drawing code refuses proves anything.
    assert not findings.of(plan.job_id, store)[-1].passed
    assert decision.of(plan.job_id, store) is None


@pytest.mark.parametrize(
    "request_body", {str(each.request): each.request for each in SABOTAGES}.values(), ids=str
)
def test_without_a_fault_nothing_is_found(
    catalogue: Catalogue, store: ArtefactStore, request_body: dict[str, object]
) -> None:
    plan = plan_for(**request_body)
    _assembled(plan, catalogue, store)
    assert all(finding.passed for finding in findings.of(plan.job_id, store))


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda each: each.what)
def test_every_fault_is_found_in_a_small_job(
    catalogue: Catalogue, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch, sabotage: Sabotage
) -> None:
    sabotage.do(monkeypatch)
    _require_found(_plan(sabotage), catalogue, store)


@pytest.mark.parametrize(
    "sabotage", [each for each in SABOTAGES if each.kind != "single"], ids=lambda each: each.what
)
def test_what_is_in_all_symbols_or_in_their_number_is_found_in_a_large_job(
    catalogue: Catalogue, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch, sabotage: Sabotage
) -> None:
    # A job of 24 entities that is sampled as a large one is: four of them, and each kind of row.
    monkeypatch.setattr(sample, "SMALL_JOB", 0)
    monkeypatch.setattr(sample, "DECODED_OF_LARGE", 4)
    sabotage.do(monkeypatch)
    _require_found(_plan(sabotage), catalogue, store)


def test_one_bad_symbol_of_a_large_job_is_found_where_the_sample_has_it(
    catalogue: Catalogue, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sabotage,) = (each for each in SABOTAGES if each.what == "another lot in one link")
    sabotage.do(monkeypatch)
    monkeypatch.setattr(sample, "SMALL_JOB", 0)
    monkeypatch.setattr(sample, "DECODED_OF_LARGE", 3)
    plan = _plan(sabotage)
    _assembled(plan, catalogue, store)
    assert VICTIM not in sample.rows(plan, store, manifest.Chunk(0, _LOTS), _LOTS, 1)["row"]
    monkeypatch.setattr(
        sample,
        "rows",
        lambda plan, store, *_: next(manifest.read_rows(plan, store, manifest.Chunk(VICTIM, VICTIM + 1), 1)),
    )
    assemble.discard_parts(plan, store)
    _require_found(plan, catalogue, store)


def test_all_symbols_of_a_small_job_are_decoded() -> None:
    assert all(sample.size(entities, each) == entities for entities in range(1, SMALL + 1) for each in (1, 2))


def _chances() -> list[str]:
    """Return the chance that one bad symbol, anywhere in the job, is decoded, by the number of entities."""
    lines = ["| entities | one symbol each | two symbols each |", "|---:|---:|---:|"]
    for entities in (SMALL, 50, 100, 1_000, 1_001, 10_000, 100_000, 1_000_000):
        shares = [100 * sample.size(entities, each) / entities for each in (1, 2)]
        lines.append(f"| {entities:,} | {shares[0]:.3g} % | {shares[1]:.3g} % |")
    return lines


def _faults() -> list[str]:
    found = {"systematic": "yes", "counting": "yes", "single": "by chance"}
    lines = [f"| fault | up to {SMALL} entities | more |", "|---|---|---|"]
    return lines + [f"| {each.what} | yes | {found[each.kind]} |" for each in SABOTAGES]


def _with_table(text: str, name: str, lines: list[str]) -> str:
    """Return the text with the lines between the comments `name` and `end of name`."""
    before, begin, rest = text.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- end of {name} -->")
    return f"{before}{begin}{chr(10).join(lines)}\n{end}{after}"


def test_the_document_tells_these_tables() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    expected = _with_table(_with_table(text, "chances", _chances()), "faults", _faults())
    if os.environ.get("LABELS_TEST_GOLDEN") == "write":
        DOCUMENT.write_text(expected, encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == expected


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({"module_size_mm": 0.5}, id="half pixels at the edge of ITF-14"),
        pytest.param({"environment": "distribution"}, id="the largest X"),
        pytest.param({"environment": "healthcare", "module_size_mm": 0.264}, id="low bars"),
    ],
)
@pytest.mark.parametrize("scope", ["products", "lots"])
@pytest.mark.parametrize("file_format", ["svg", "eps"])
def test_sizes_that_gs1_allows_pass(
    catalogue: Catalogue, store: ArtefactStore, scope: str, file_format: str, config: dict[str, object]
) -> None:
    plan = plan_for(scope=scope, export_type="barcodes_1d", file_format=file_format, asset_config=config)
    _assembled(plan, catalogue, store)
    assert all(finding.passed for finding in findings.of(plan.job_id, store))
