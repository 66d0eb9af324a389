"""The job of small exports: one step that makes the asset `label_export`, with the same stages as the larger job.

The overhead of one step equals the time to draw hundreds of labels, so a small export has one step only.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import dagster as dg

from accounts.store import Accounts
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.jobs import decision, manifest
from exports.jobs.decision import Artefact
from exports.jobs.job_id import job_id_for
from exports.jobs.manifest import Manifest
from exports.jobs.near import near
from exports.jobs.parts import Part
from exports.jobs.plan import ExportPlan
from pipelines.export import checks, facts, mirror, progress, stages, steps
from pipelines.export.assets import (
    CATALOGUE_ASSETS,
    DESCRIPTION,
    KINDS,
    LABEL_EXPORT_SMALL_JOB,
    ORGANISATIONS,
    OWNERS,
)
from pipelines.export.checks import LABEL_EXPORT
from pipelines.export.stages import Stores
from pipelines.retries import RETRIES
from pipelines.settings import PipelineSettings


@dg.multi_asset(
    name="small_export",
    specs=[
        dg.AssetSpec(
            LABEL_EXPORT,
            deps=[table.key for table in CATALOGUE_ASSETS],
            description=DESCRIPTION,
            kinds=KINDS,
            owners=OWNERS,
        )
    ],
    partitions_def=ORGANISATIONS,
    retry_policy=RETRIES,
    description="One small job's labels, from the selection to the record of what was printed.",
)
def label_export_small(
    context: dg.AssetExecutionContext,
    catalogue: dg.ResourceParam[Catalogue],
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> dg.MaterializeResult[Any]:
    op = context.op_execution_context
    with near(artefacts, job_id_for(op.run_id)) as here:
        made = _export(op, Stores(catalogue, here, accounts))
    context.add_asset_metadata(made)
    return dg.MaterializeResult(asset_key=LABEL_EXPORT)


def _export(op: dg.OpExecutionContext, stores: Stores) -> Mapping[str, Any]:
    """Do all stages, or only those after publishing if the job is committed. Return the materialization's metadata."""
    artefacts, accounts = stores.artefacts, stores.accounts
    with steps.attempt(op, artefacts, accounts, steps.RESOLVE) as export:
        frozen = manifest.find(export, artefacts)
        committed = frozen and decision.require_not_cancelled(export.job_id, artefacts)
        if frozen is None or committed is None:
            frozen = stages.resolve(export, stores, PipelineSettings().limits)
            mirror.resolved(op.instance, op.run_id, export, frozen)
    if committed is None or committed.artefact is None:
        artefact, parts, committed_at = _publish(op, export, frozen, stores)
    else:
        artefact, committed_at = committed.artefact, committed.decided_at
        parts = stages.published(export, frozen, artefact, artefacts)
    with steps.attempt(op, artefacts, accounts, steps.RECORD, export):
        mirror.committed(op.instance, op.run_id, artefact)
        stages.record(export, parts, committed_at, stores)
        made = facts.of(export, frozen, artefact, artefacts, PipelineSettings().public_url)
    steps.release(op, export, artefacts, accounts)
    return made


def _publish(
    op: dg.OpExecutionContext, export: ExportPlan, frozen: Manifest, stores: Stores
) -> tuple[Artefact, Sequence[Part], datetime]:
    """Draw, join and publish. Return the artefact, its parts and the time of publishing."""
    artefacts, accounts = stores.artefacts, stores.accounts
    parts: list[Part] = []
    with steps.attempt(op, artefacts, accounts, steps.DRAW, export):
        for chunk in frozen.chunks():
            tell = progress.teller(op, export.organisation, chunk)
            with checks.reported_if_failed(op, export, artefacts):
                part = stages.draw(export, frozen, chunk, stores, tell)
            progress.log(op, export.organisation, chunk, part.processed, part.failed)
            parts.append(part)
    with steps.attempt(op, artefacts, accounts, steps.JOIN, export):
        try:
            artefact = stages.join(export, frozen, parts, artefacts, accounts)
        finally:
            checks.report(op, export, artefacts)
    with steps.attempt(op, artefacts, accounts, steps.PUBLISH, export):
        # Run monitoring may have failed the run meanwhile.
        steps.require_not_failed(op)
        return artefact, parts, stages.publish(export, artefact, artefacts, accounts)


#: The catalogue's assets and this step. It is a separate job because a repository may define an asset only once.
label_export_small_job = dg.define_asset_job(
    LABEL_EXPORT_SMALL_JOB,
    selection=dg.AssetSelection.assets(label_export_small),
    description="Makes one small label export in a single step. The API starts it; what is started here has its steps.",
)
