"""The asset checks of label exports: the findings of the verification before publishing.

The run verifies its parts and the artefact before publishing (`exports.render`, `exports.assemble`), and logs the
findings as evaluations of these checks. So a check needs no step of its own, and a job that fails a check still has the
evaluation.
"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import cast

import dagster as dg

from exports.artefacts import ArtefactStore
from exports.jobs.job_id import job_id_for
from exports.jobs.plan import ExportPlan
from exports.verification import findings
from exports.verification.findings import Check
from gs1.errors import LabelError
from pipelines.storage.databases.pool import events_together

LABEL_EXPORT = dg.AssetKey("label_export")

_MEANING: Mapping[Check, str] = {
    Check.WHOLE: "Every byte of the finished file was read and is what was written.",
    Check.NAMES: "No two files in the archive have the same name, ignoring case.",
    Check.COUNTS: "The file holds exactly the symbols, labels and reports of the manifest's entities.",
    Check.SAMPLE: "Symbols read back from the parts that the file was joined from say what the manifest asks for.",
}

SPECS = [dg.AssetCheckSpec(check.value, asset=LABEL_EXPORT, description=_MEANING[check]) for check in Check]


def report(context: dg.OpExecutionContext, export: ExportPlan, artefacts: ArtefactStore) -> None:
    """Log the findings on the job's artefact as check evaluations of the run. Log nothing if there are no findings."""
    found_now = list(findings.of(export.job_id, artefacts))
    with events_together(context.instance):
        for found in found_now:
            evaluation = dg.AssetCheckEvaluation(
                asset_key=LABEL_EXPORT,
                check_name=found.check.value,
                passed=found.passed,
                metadata={"job_id": export.job_id, **found.facts},
                partition=export.organisation,
            )
            # `log_event` accepts evaluations too, although its annotation does not list them.
            context.log_event(cast("dg.AssetObservation", evaluation))


@contextmanager
def reported_if_failed(
    context: dg.OpExecutionContext, export: ExportPlan, artefacts: ArtefactStore
) -> Generator[None]:
    """Log the findings if the block raises, because a failed check may be the reason."""
    try:
        yield
    except LabelError:
        report(context, export, artefacts)
        raise


@dg.multi_asset_check(name="label_export_checks", specs=SPECS, can_subset=True)
def label_export_checks(
    context: dg.AssetCheckExecutionContext, artefacts: dg.ResourceParam[ArtefactStore]
) -> Iterator[dg.AssetCheckResult]:
    """Return the findings on the newest export again, when the checks are started in the UI."""
    newest = context.instance.get_latest_materialization_event(LABEL_EXPORT)
    if newest is None:
        return
    job_id = job_id_for(newest.run_id)
    for found in findings.of(job_id, artefacts):
        if dg.AssetCheckKey(LABEL_EXPORT, found.check.value) in context.selected_asset_check_keys:
            yield dg.AssetCheckResult(
                check_name=found.check.value, passed=found.passed, metadata={"job_id": job_id, **found.facts}
            )
