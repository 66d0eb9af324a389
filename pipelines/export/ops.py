"""The ops of one export. Each calls functions of `exports` and hands on references, not data."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from accounts.store import Accounts
from catalogue import lifecycle
from catalogue.tables import Catalogue
from exports import assemble, render
from exports.artefacts import ArtefactStore
from exports.jobs import decision, leases, manifest
from exports.jobs.decision import Artefact
from exports.jobs.manifest import Chunk, Manifest
from exports.jobs.parts import Part, key_of, stored
from exports.jobs.plan import ExportPlan
from exports.previews import pictures
from pipelines import tags
from pipelines.export import checks, mirror, progress, steps
from pipelines.settings import PipelineSettings

CATALOGUE_TABLES = ("products", "lots", "serials", "lifecycle_events")


@dg.op(
    ins={table: dg.In(dg.Nothing) for table in CATALOGUE_TABLES},
    out=dg.DynamicOut(Chunk),
    retry_policy=steps.RETRIES,
    description="Freeze the selected entities into the job's manifest and cut it into chunks.",
)
def resolve(
    context: dg.OpExecutionContext,
    catalogue: dg.ResourceParam[Catalogue],
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> Iterator[dg.DynamicOutput[Chunk]]:
    with steps.attempt(context, artefacts, accounts, "the list of entities") as export:
        if manifest.is_frozen(export, artefacts):
            leases.keep(export, accounts)
        else:
            leases.acquire(export, accounts, artefacts)
        frozen = manifest.freeze(export, catalogue, artefacts)
        render.prepare(export, frozen, artefacts, PipelineSettings().limits)
        counts = {tags.TOTAL_ITEMS: str(frozen.rows), tags.UNMATCHED: str(frozen.unmatched)}
        context.instance.add_run_tags(context.run_id, counts)
    for chunk in frozen.chunks():
        yield dg.DynamicOutput(chunk, mapping_key=f"{chunk.start:010d}")


@dg.op(
    retry_policy=steps.RETRIES,
    description="Draw one chunk's symbols into a stored part.",
)
def render_chunk(
    context: dg.OpExecutionContext,
    chunk: Chunk,
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> Part:
    with steps.attempt(context, artefacts, accounts, "the symbols") as export:
        leases.keep(export, accounts)
        tell = progress.teller(context, export.organisation, chunk)
        part = render.chunk_to_part(export, manifest.load(export, artefacts), chunk, artefacts, tell)
        # Another chunk may have failed meanwhile, which discards all parts stored until then.
        steps.require_going_on(context, artefacts)
    progress.log(context, export.organisation, chunk, part.processed, part.failed)
    return part


@dg.op(
    retry_policy=steps.RETRIES,
    description="Join the parts and the CSV files into one archive, and verify it.",
)
def assemble_parts(
    context: dg.OpExecutionContext,
    parts: list[Part],
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> Artefact:
    with steps.attempt(context, artefacts, accounts, "the artefact") as export:
        leases.keep(export, accounts)
        try:
            frozen = manifest.load(export, artefacts)
            return assemble.assemble(
                export, frozen, _of_this_release(export, frozen, parts, artefacts, accounts), artefacts
            )
        finally:
            checks.report(context, export, artefacts)


@dg.op(
    out=dg.Out(str),
    retry_policy=steps.RETRIES,
    description="Decide the job: committed, unless a cancellation came first.",
)
def publish(
    context: dg.OpExecutionContext,
    artefact: Artefact,
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> str:
    with steps.attempt(context, artefacts, accounts, "the decision to publish") as export:
        leases.keep(export, accounts)
        stored = {tags.STORED_BYTES: str(artefact.size_bytes)}
        context.instance.add_run_tags(context.run_id, stored)
        committed = decision.commit(export.job_id, artefact, artefacts, datetime.now(UTC))
        return committed.decided_at.isoformat()


@dg.op(retry_policy=steps.RETRIES, description="Record a PRINTED event for every entity with a symbol, once.")
def record_printed(
    context: dg.OpExecutionContext,
    parts: list[Part],
    artefact: Artefact,
    committed_at: str,
    catalogue: dg.ResourceParam[Catalogue],
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> str:
    with steps.attempt(context, artefacts, accounts, "the record of what was printed") as export:
        mirror.committed(context.instance, context.run_id, artefact)
        frozen = manifest.load(export, artefacts)
        committed = datetime.fromisoformat(committed_at)
        recorded = lifecycle.is_recorded(catalogue, export.organisation, export.job_id, committed)
        if export.holds_lease and not recorded:
            leases.keep(export, accounts)
        assembled = [_assembled(export, frozen, part, artefacts) for part in _distinct(parts)]
        assemble.record_printed(export, assembled, committed, catalogue, artefacts)
        picture = pictures.first(export, artefacts)
    steps.release(context, export, artefacts, accounts)
    context.add_output_metadata(
        {
            "organisation": export.organisation,
            "request": dg.MetadataValue.json(export.request.normalised()),
            "catalogue_version": dg.MetadataValue.json(frozen.to_document()["catalogue_version"]),
            "total_items": frozen.rows,
            "processed_items": artefact.processed,
            "failed_items": artefact.failed,
            "unmatched": frozen.unmatched,
            "artefact": artefact.filename,
            "artefact_bytes": artefact.size_bytes,
            "artefact_sha256": artefact.sha256,
            "printed_recorded": export.records_printed,
            "picture": _picture(picture),
        }
    )
    return artefact.key


def _of_this_release(
    export: ExportPlan, frozen: Manifest, parts: list[Part], artefacts: ArtefactStore, accounts: Accounts
) -> list[Part]:
    """Return the parts, drawn anew where another release drew them before the run was resumed."""
    drawn: list[Part] = []
    for part in _distinct(parts):
        leases.keep(export, accounts)
        drawn.append(render.chunk_to_part(export, frozen, Chunk(part.start, part.stop), artefacts))
    return drawn


def _assembled(export: ExportPlan, frozen: Manifest, part: Part, artefacts: ArtefactStore) -> Part:
    """Return the part that went into the artefact: the one this release drew anew, if it did."""
    key = key_of(export, frozen, Chunk(part.start, part.stop))
    return stored(key, artefacts) or part


def _distinct(parts: list[Part]) -> list[Part]:
    """Return the parts in order without duplicates.

    If `resolve` is killed between two of its outputs, it yields all of them again, and Dagster passes the first
    ones on twice.
    """
    return sorted({part.start: part for part in parts}.values(), key=lambda part: part.start)


def _picture(png: bytes | None) -> dg.MarkdownMetadataValue:
    if png is None:
        return dg.MetadataValue.md("none")
    return dg.MetadataValue.md(
        f"![what it looks like](data:image/png;base64,{base64.b64encode(png).decode()})"
    )
