"""The steps of one export: thin, each hands references to the functions of `exports`."""

import base64
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import dagster as dg

from accounts.store import Accounts
from catalogue.tables import Catalogue
from exports import assemble, decision, leases, manifest, pictures, plan, render
from exports.artefacts import ArtefactStore
from exports.decision import Artifact
from exports.errors import ExportCancelled
from exports.job_id import job_id_for
from exports.manifest import Chunk
from exports.parts import Part
from exports.plan import ExportPlan
from gs1.errors import LabelError
from pipelines import checks, progress, tags

CATALOGUE_TABLES = ("products", "lots", "serials", "lifecycle_events")


@contextmanager
def _step(
    context: dg.OpExecutionContext, artefacts: ArtefactStore, accounts: Accounts
) -> Generator[ExportPlan]:
    """Yield the job's plan; a deliberate error ends the run at once, with its reason in the run's tags."""
    export = plan.load(job_id_for(context.run_id), artefacts)
    try:
        decision.require_not_cancelled(export.job_id, artefacts)
        yield export
    except LabelError as error:
        leases.release(export, accounts)
        if isinstance(error, ExportCancelled):
            assemble.discard(export, artefacts)
        context.instance.add_run_tags(context.run_id, {tags.ERROR: str(error), tags.ERROR_CODE: error.code})
        raise dg.Failure(str(error), allow_retries=False) from error


@dg.op(
    ins={table: dg.In(dg.Nothing) for table in CATALOGUE_TABLES},
    out=dg.DynamicOut(Chunk),
    description="Freeze the selected entities into the job's manifest and cut it into chunks.",
)
def resolve(
    context: dg.OpExecutionContext,
    catalogue: dg.ResourceParam[Catalogue],
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> Iterator[dg.DynamicOutput[Chunk]]:
    with _step(context, artefacts, accounts) as export:
        if manifest.is_frozen(export, artefacts):
            leases.keep(export, accounts)
        else:
            leases.acquire(export, accounts, artefacts)
        frozen = manifest.freeze(export, catalogue, artefacts)
        render.prepare(export, frozen, artefacts)
        counts = {tags.TOTAL_ITEMS: str(frozen.rows), tags.UNMATCHED: str(frozen.unmatched)}
        context.instance.add_run_tags(context.run_id, counts)
    for chunk in frozen.chunks():
        yield dg.DynamicOutput(chunk, mapping_key=f"{chunk.start:010d}")


@dg.op(
    retry_policy=dg.RetryPolicy(max_retries=2, delay=1),
    description="Draw one chunk's symbols into a stored part.",
)
def render_chunk(
    context: dg.OpExecutionContext,
    chunk: Chunk,
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> Part:
    with _step(context, artefacts, accounts) as export:
        leases.keep(export, accounts)
        tell = progress.teller(context, export.organisation, chunk)
        part = render.chunk_to_part(export, manifest.load(export, artefacts), chunk, artefacts, tell)
    progress.log(context, export.organisation, chunk, part.processed, part.failed)
    return part


@dg.op(description="Join the parts and the CSV files into one archive, and verify it.")
def assemble_parts(
    context: dg.OpExecutionContext,
    parts: list[Part],
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> Artifact:
    with _step(context, artefacts, accounts) as export:
        leases.keep(export, accounts)
        try:
            return assemble.assemble(export, manifest.load(export, artefacts), parts, artefacts)
        finally:
            checks.report(context, export, artefacts)


@dg.op(out=dg.Out(str), description="Decide the job: committed, unless a cancellation came first.")
def publish(
    context: dg.OpExecutionContext,
    artifact: Artifact,
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> str:
    with _step(context, artefacts, accounts) as export:
        leases.keep(export, accounts)
        committed = decision.commit(export.job_id, artifact, artefacts, datetime.now(UTC))
        return committed.decided_at.isoformat()


@dg.op(description="Record a PRINTED event for every entity with a symbol, once.")
def record_printed(
    context: dg.OpExecutionContext,
    parts: list[Part],
    artifact: Artifact,
    committed_at: str,
    catalogue: dg.ResourceParam[Catalogue],
    artefacts: dg.ResourceParam[ArtefactStore],
    accounts: dg.ResourceParam[Accounts],
) -> str:
    with _step(context, artefacts, accounts) as export:
        frozen = manifest.load(export, artefacts)
        assemble.record_printed(export, parts, datetime.fromisoformat(committed_at), catalogue, artefacts)
        leases.release(export, accounts)
        assemble.discard_parts(export, artefacts)
    picture = pictures.first(export, artefacts)
    context.add_output_metadata(
        {
            "organisation": export.organisation,
            "request": dg.MetadataValue.json(export.request.normalised()),
            "catalogue_version": dg.MetadataValue.json(frozen.to_document()["catalogue_version"]),
            "total_items": frozen.rows,
            "processed_items": artifact.processed,
            "failed_items": artifact.failed,
            "unmatched": frozen.unmatched,
            "artefact": artifact.filename,
            "artefact_bytes": artifact.size_bytes,
            "artefact_sha256": artifact.sha256,
            "printed_recorded": export.records_printed,
            "picture": _picture(picture),
        }
    )
    return artifact.key


def _picture(png: bytes | None) -> dg.MarkdownMetadataValue:
    if png is None:
        return dg.MetadataValue.md("none")
    return dg.MetadataValue.md(
        f"![what it looks like](data:image/png;base64,{base64.b64encode(png).decode()})"
    )
