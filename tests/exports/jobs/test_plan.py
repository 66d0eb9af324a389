"""The frozen plan of a job, also if an earlier release wrote it."""

from dataclasses import replace

import pytest

from exports.artefacts import ArtefactStore, canonical_json
from exports.jobs import plan
from exports.jobs.plan import RELEASE, ExportPlan
from exports.requests.row_ranges import parse_rows
from exports.requests.words import in_words
from tests.exports.conftest import plan_for


def test_a_plan_survives_its_document(store: ArtefactStore) -> None:
    made = replace(plan_for(), reprint_of="22222222222222222222Cd", reason="jam", rows=parse_rows("1-3,9"))
    plan.save(made, store)
    assert plan.load(made.job_id, store) == made
    assert made.release == RELEASE != ""


def test_a_plan_of_an_earlier_release_is_read(store: ArtefactStore) -> None:
    made = plan_for()
    document = made.to_document()
    del document["rows"], document["release"]
    store.create(f"{made.folder}/request.json", canonical_json(document))
    assert plan.load(made.job_id, store) == replace(made, release="")


@pytest.mark.parametrize("name", ["never_printed", "changed_since_print", "print_due"])
def test_stock_that_is_due_is_leased(name: str) -> None:
    def of(value: bool, **config: object) -> ExportPlan:
        return plan_for(filters={name: value}, asset_config=config)

    assert of(value=True).holds_lease
    assert not of(value=False).holds_lease
    assert not of(value=True, record_printed=False).holds_lease
    assert not replace(of(value=True), reprint_of="22222222222222222222Cd").holds_lease


def test_a_plan_in_words() -> None:
    made = plan_for()
    asked = made.words
    assert asked == in_words(made.request)
    again = replace(made, reprint_of="22222222222222222222Cd", reason="jam")
    assert again.words == f"What job 22222222222222222222Cd printed, all rows: {asked}"
    rows = ("rows 1-3, 9", "1-3,9"), ("4 ranges of rows", "1,3,5,7")
    for words, named in rows:
        some = replace(again, rows=parse_rows(named))
        assert some.words == f"What job 22222222222222222222Cd printed, {words}: {asked}"
