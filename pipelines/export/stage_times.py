"""The end times of an export's stages, derived from its run and its stored files. Nothing is stored for this."""

from collections.abc import Mapping
from datetime import UTC, datetime

import dagster as dg

from exports.artefacts import ArtefactStore
from exports.jobs import decision
from exports.ports import ExportJob, Stage
from exports.verification import findings
from pipelines import tags
from pipelines.storage.job_runs import JobRun

#: The event that is logged when a stage ends. The last one counts, so that retries are included.
_LOGGED: Mapping[dg.DagsterEventType, Stage] = {
    dg.DagsterEventType.ASSET_OBSERVATION: Stage.DRAW,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION: Stage.VERIFY,
    dg.DagsterEventType.ASSET_MATERIALIZATION: Stage.RECORD,
}


def of(
    run: JobRun, job: ExportJob, instance: dg.DagsterInstance, artefacts: ArtefactStore
) -> Mapping[Stage, datetime]:
    """Return the end time of each stage that has ended, in the order of the stages."""
    ended = _logged(instance, run.run_id)
    if job.processed_items + job.failed_items < job.total_items:
        ended.pop(Stage.DRAW, None)  # so far only some chunks are drawn
    if tags.RESOLVED_AT in run.tags:
        ended[Stage.RESOLVE] = datetime.fromisoformat(run.tags[tags.RESOLVED_AT])
    if (verified_from := findings.began_at(job.job_id, artefacts)) is not None:
        ended[Stage.ASSEMBLE] = verified_from
    decided = decision.of(job.job_id, artefacts)
    if decided is not None and not decided.cancelled:
        ended[Stage.PUBLISH] = decided.decided_at
    return {stage: ended[stage] for stage in Stage if stage in ended}


def _logged(instance: dg.DagsterInstance, run_id: str) -> dict[Stage, datetime]:
    """Return the times of the run's last events by stage."""
    ended: dict[Stage, datetime] = {}
    for kind, stage in _LOGGED.items():
        page = instance.get_records_for_run(run_id, of_type=kind, limit=1, ascending=False)
        for record in page.records:
            ended[stage] = datetime.fromtimestamp(record.event_log_entry.timestamp, UTC)
    return ended
