"""The sensor that cancels exports whose submission was never answered."""

from datetime import UTC, datetime

import dagster as dg

from accounts.store import Accounts
from exports.artefacts import ArtefactStore
from pipelines.watch.left_over import sweep
from pipelines.watch.sightings import Sightings

_INTERVAL_SECONDS = 60

_SEEN = Sightings[str]()


@dg.sensor(
    name="left_over_runs",
    minimum_interval_seconds=_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Cancels exports that were created and never started, for example after a crash of the façade.",
)
def left_over_runs(
    context: dg.SensorEvaluationContext,
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> dg.SkipReason:
    cancelled = sweep(context.instance, artefacts, accounts, _SEEN, datetime.now(UTC))
    for run_id in cancelled:
        context.log.info("cancelled run %s, which was never started", run_id)
    return dg.SkipReason(f"cancelled {len(cancelled)} runs that were never started")
