"""Move the stored state of sensors that earlier releases named differently."""

import time
from collections.abc import Mapping

import dagster as dg

from pipelines.storage.dagster_storage import InstigatorState, InstigatorType, RemoteInstigatorOrigin

#: Name of a sensor in earlier releases -> its name now.
RENAMED: Mapping[str, str] = {
    # Before 0.2.
    "standing_plans": "export_schedules"
}


def take_over(instance: dg.DagsterInstance) -> None:
    """Move each renamed sensor's cursor, times and status to its new name. Call it before the daemon runs.

    A state that the new name already has is kept, because an earlier start may have been interrupted between the two
    writes. The old name's ticks are removed, because nothing would show or prune them.
    """
    storage = instance.schedule_storage
    if storage is None:
        return
    states = storage.all_instigator_state(instigator_type=InstigatorType.SENSOR)
    present = {state.selector_id for state in states}
    for old in states:
        if old.instigator_name not in RENAMED:
            continue
        origin = RemoteInstigatorOrigin(
            repository_origin=old.origin.repository_origin, instigator_name=RENAMED[old.instigator_name]
        )
        new = InstigatorState(origin, old.instigator_type, old.status, old.instigator_data)
        if new.selector_id not in present:
            storage.add_instigator_state(new)
        storage.purge_ticks(old.instigator_origin_id, old.selector_id, before=time.time())
        storage.delete_instigator_state(old.instigator_origin_id, old.selector_id)
