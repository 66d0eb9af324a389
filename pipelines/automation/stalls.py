"""The sensor that restarts the workers of runs that make no progress."""

import dagster as dg

from accounts.store import Accounts
from exports.artefacts import ArtefactStore
from pipelines.watch.sightings import Sightings
from pipelines.watch.stalls import restart_stalled

_INTERVAL_SECONDS = 60

_SEEN = Sightings[tuple[str, int]]()


@dg.sensor(
    name="stalled_runs",
    minimum_interval_seconds=_INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Restarts the workers of runs that make no progress. Fails runs that stall repeatedly.",
)
def stalled_runs(
    context: dg.SensorEvaluationContext,
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> dg.SkipReason:
    lines = restart_stalled(context.instance, artefacts, accounts, _SEEN)
    for line in lines:
        context.log.warning(line)
    return dg.SkipReason("; ".join(lines) or "no run has stalled")
