"""The frozen document of a job, also one that an earlier release wrote."""

from dataclasses import replace

import pytest

from exports.jobs.plan import ExportPlan
from tests.exports.conftest import plan_for


@pytest.mark.parametrize("name", ["never_printed", "changed_since_print", "print_due"])
def test_stock_that_is_due_is_leased(name: str) -> None:
    def of(value: bool, **config: object) -> ExportPlan:
        return plan_for(filters={name: value}, asset_config=config)

    assert of(value=True).holds_lease
    assert not of(value=False).holds_lease
    assert not of(value=True, record_printed=False).holds_lease
    assert not replace(of(value=True), reprint_of="22222222222222222222Cd").holds_lease
