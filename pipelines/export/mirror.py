"""Copy a job's facts from the artefact store and the catalogue into its run's tags, for polls and lists.

The fact is stored first, then the copy. If a process is killed in between, the run reads the fact itself: a cancelled
run at its next step, a published run when the step is retried.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime

import dagster as dg

from catalogue import lifecycle
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.jobs import decision, manifest
from exports.jobs.decision import Artefact
from exports.jobs.job_id import job_id_for
from exports.jobs.manifest import Manifest
from exports.jobs.plan import ExportPlan
from pipelines import tags
from pipelines.storage.job_runs import JobRun


def cancel(instance: dg.DagsterInstance, run_id: str, artefacts: ArtefactStore) -> bool:
    """Decide that the job is cancelled. Return False if it was published before."""
    if not decision.cancel(job_id_for(run_id), artefacts, datetime.now(UTC)).cancelled:
        return False
    instance.add_run_tags(run_id, {tags.CANCELLED: tags.TRUE})
    return True


def resolved(instance: dg.DagsterInstance, run_id: str, export: ExportPlan, frozen: Manifest) -> None:
    """Tag the run with the counts of entities, labels, and listed keys that match nothing, and with the time."""
    counts = {
        tags.TOTAL_ITEMS: str(frozen.rows),
        tags.TOTAL_LABELS: str(manifest.label_count(export, frozen)),
        tags.UNMATCHED: str(frozen.unmatched),
        tags.RESOLVED_AT: datetime.now(UTC).isoformat(),
    }
    instance.add_run_tags(run_id, counts)


def committed(instance: dg.DagsterInstance, run_id: str, artefact: Artefact) -> None:
    """Tag the run with its committed artefact. Call it before the labels are recorded as printed."""
    copied = {tags.ARTEFACT: json.dumps(asdict(artefact)), tags.STORED_BYTES: str(artefact.size_bytes)}
    instance.add_run_tags(run_id, copied)


def artefact_of(run_id: str, run_tags: Mapping[str, str], artefacts: ArtefactStore) -> Artefact | None:
    """Return the committed artefact. Runs of releases before 0.2 have no such tag, so it is read from the store."""
    if tags.ARTEFACT in run_tags:
        return Artefact(**json.loads(run_tags[tags.ARTEFACT]))
    decided = decision.of(job_id_for(run_id), artefacts)
    return decided and decided.artefact


def settle(instance: dg.DagsterInstance, run: JobRun, catalogue: Catalogue, artefacts: ArtefactStore) -> None:
    """Tag a run that failed after publishing with whether its labels are recorded as printed."""
    recorded = is_recorded(run, catalogue, artefacts)
    instance.add_run_tags(run.run_id, {tags.RECORDED: tags.TRUE if recorded else tags.FALSE})


def is_recorded(run: JobRun, catalogue: Catalogue, artefacts: ArtefactStore) -> bool:
    """Return whether the catalogue records the job's labels as printed. False if the job was never committed."""
    job_id = job_id_for(run.run_id)
    decided = decision.of(job_id, artefacts)
    if decided is None or decided.cancelled:
        return False
    return lifecycle.is_recorded(catalogue, run.tags[tags.ORGANISATION], job_id, decided.decided_at)
