"""The ops of one export. Each calls a stage and passes on references, not data."""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg

from accounts.store import Accounts
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.jobs import manifest
from exports.jobs.decision import Artefact
from exports.jobs.manifest import Chunk
from exports.jobs.parts import Part
from pipelines.export import checks, facts, mirror, progress, stages, steps
from pipelines.export.stages import Stores
from pipelines.retries import RETRIES
from pipelines.settings import ExecutorSettings, PipelineSettings

CATALOGUE_TABLES = ("products", "lots", "serials", "lifecycle_events")


@dg.op(
    ins={table: dg.In(dg.Nothing) for table in CATALOGUE_TABLES},
    out=dg.DynamicOut(Chunk),
    retry_policy=RETRIES,
    description="Freeze the selected entities into the job's manifest and cut it into chunks.",
)
def resolve(
    context: dg.OpExecutionContext,
    catalogue: dg.ResourceParam[Catalogue],
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> Iterator[dg.DynamicOutput[Chunk]]:
    with steps.attempt(context, artefacts, accounts, steps.RESOLVE) as export:
        stores = Stores(catalogue, artefacts, accounts)
        frozen = stages.resolve(export, stores, PipelineSettings().limits, ExecutorSettings().chunks)
        mirror.resolved(context.instance, context.run_id, export, frozen)
    for chunk in frozen.chunks():
        yield dg.DynamicOutput(chunk, mapping_key=f"{chunk.start:010d}")


@dg.op(
    retry_policy=RETRIES,
    description="Draw one chunk's symbols into a stored part, and write its PRINTED events, not committed yet.",
)
def render_chunk(
    context: dg.OpExecutionContext,
    chunk: Chunk,
    catalogue: dg.ResourceParam[Catalogue],
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> Part:
    with steps.attempt(context, artefacts, accounts, steps.DRAW) as export:
        tell = progress.teller(context, export.organisation, chunk)
        stores = Stores(catalogue, artefacts, accounts)
        with checks.reported_if_failed(context, export, artefacts):
            part = stages.draw(export, manifest.load(export, artefacts), chunk, stores, tell)
        # If another chunk failed meanwhile, the parts stored until then were discarded.
        steps.require_going_on(context, artefacts)
    progress.log(context, export.organisation, chunk, part.processed, part.failed)
    return part


@dg.op(
    retry_policy=RETRIES,
    description="Join the parts and the CSV files into one archive, and verify it.",
)
def assemble_parts(
    context: dg.OpExecutionContext,
    parts: list[Part],
    catalogue: dg.ResourceParam[Catalogue],
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> Artefact:
    with steps.attempt(context, artefacts, accounts, steps.JOIN) as export:
        try:
            frozen = manifest.load(export, artefacts)
            stores = Stores(catalogue, artefacts, accounts)
            drawn = stages.of_this_release(export, frozen, parts, stores)
            return stages.join(export, frozen, drawn, artefacts, accounts)
        finally:
            checks.report(context, export, artefacts)


@dg.op(
    out=dg.Out(str),
    retry_policy=RETRIES,
    description="Decide the job: committed, unless a cancellation came first.",
)
def publish(
    context: dg.OpExecutionContext,
    artefact: Artefact,
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> str:
    with steps.attempt(context, artefacts, accounts, steps.PUBLISH) as export:
        return stages.publish(export, artefact, artefacts, accounts).isoformat()


@dg.op(retry_policy=RETRIES, description="Commit a PRINTED event for every entity with a symbol, once.")
def record_printed(
    context: dg.AssetExecutionContext,
    parts: list[Part],
    artefact: Artefact,
    committed_at: str,
    catalogue: dg.ResourceParam[Catalogue],
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> None:
    op = context.op_execution_context
    with steps.attempt(op, artefacts, accounts, steps.RECORD) as export:
        mirror.committed(op.instance, op.run_id, artefact)
        frozen = manifest.load(export, artefacts)
        joined = stages.assembled(export, frozen, parts, artefacts)
        committed = datetime.fromisoformat(committed_at)
        stages.record(export, joined, committed, Stores(catalogue, artefacts, accounts))
        made = facts.of(export, frozen, artefact, artefacts, PipelineSettings().public_url)
    steps.release(op, export, artefacts, accounts)
    context.add_asset_metadata(made)
