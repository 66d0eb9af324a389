"""The sensor that makes a partition of each organisation."""

import dagster as dg

from accounts.store import Accounts
from pipelines.automation.organisations import new_organisations
from pipelines.export.assets import ORGANISATIONS


def test_an_organisation_is_offered_before_its_first_export(
    dagster: dg.DagsterInstance, accounts: Accounts
) -> None:
    def evaluate() -> list[str]:
        context = dg.build_sensor_context(dagster, resources={"accounts": accounts})
        result = new_organisations(context)
        if isinstance(result, dg.SkipReason):
            return []
        [request] = result.dynamic_partitions_requests
        dagster.add_dynamic_partitions(ORGANISATIONS.name, request.partition_keys)
        return list(request.partition_keys)

    accounts.create_organisation("beta")
    assert evaluate() == ["acme", "beta"]
    assert evaluate() == []
    accounts.create_organisation("gamma")
    assert evaluate() == ["gamma"]
