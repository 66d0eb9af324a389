"""The sensor that makes a partition of each organisation, so that Dagster's UI offers it for a first export."""

import dagster as dg

from accounts.store import Accounts
from pipelines.export.assets import ORGANISATIONS

_INTERVAL_SECONDS = 60


@dg.sensor(
    name="organisations",
    minimum_interval_seconds=_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Adds a partition for each new organisation (labels org create), for exports from this UI.",
)
def new_organisations(
    context: dg.SensorEvaluationContext, accounts: dg.ResourceParam[Accounts]
) -> dg.SensorResult | dg.SkipReason:
    known = set(context.instance.get_dynamic_partitions(str(ORGANISATIONS.name)))
    new = [each.slug for each in accounts.organisations() if each.slug not in known]
    if not new:
        return dg.SkipReason("every organisation has its partition")
    return dg.SensorResult(dynamic_partitions_requests=[ORGANISATIONS.build_add_request(new)])
