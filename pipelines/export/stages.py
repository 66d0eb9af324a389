"""The stages of an export, as plain functions over its plan. The steps of both jobs call them.

Each stage reuses what an earlier attempt stored, so it may be called again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from accounts.store import Accounts
from catalogue import lifecycle
from catalogue.tables import Catalogue
from exports import assemble, printed, render
from exports.artefacts import ArtefactStore
from exports.jobs import decision, leases, manifest
from exports.jobs.decision import Artefact
from exports.jobs.manifest import Chunk, Manifest
from exports.jobs.parts import FOLDER, OnProgress, Part, key_of, stored
from exports.jobs.plan import ExportPlan
from exports.limits import Limits
from exports.ports import Report
from exports.reports import files as reports


@dataclass(frozen=True, slots=True)
class Stores:
    """Where an export reads and writes."""

    catalogue: Catalogue
    artefacts: ArtefactStore
    accounts: Accounts


def resolve(export: ExportPlan, stores: Stores, limits: Limits, chunks: int = 1) -> Manifest:
    """Freeze the selected entities into at least `chunks` chunks, and solve the layout of sheets."""
    frozen = manifest.find(export, stores.artefacts)
    if frozen is None:
        leases.acquire(export, stores.accounts, stores.artefacts)
        frozen = manifest.freeze(export, stores.catalogue, stores.artefacts, chunks)
    else:
        leases.keep(export, stores.accounts)
    render.prepare(export, frozen, stores.artefacts, limits)
    return frozen


def draw(
    export: ExportPlan,
    frozen: Manifest,
    chunk: Chunk,
    stores: Stores,
    on_progress: OnProgress = lambda _drawn, _failed: None,
) -> Part:
    """Draw one chunk's symbols into a stored part, and write the events that `record` commits."""
    leases.keep(export, stores.accounts)
    part = render.chunk_to_part(export, frozen, chunk, stores.artefacts, on_progress)
    printed.prepare(export, part, stores.catalogue, stores.artefacts)
    return part


def of_this_release(
    export: ExportPlan, frozen: Manifest, parts: Sequence[Part], stores: Stores
) -> list[Part]:
    """Return the parts in order. Redraw those that another release drew before the run was resumed."""
    return [draw(export, frozen, Chunk(part.start, part.stop), stores) for part in _distinct(parts)]


def join(
    export: ExportPlan, frozen: Manifest, parts: Sequence[Part], artefacts: ArtefactStore, accounts: Accounts
) -> Artefact:
    """Join the parts of this release into one artefact, and verify it."""
    leases.keep(export, accounts)
    return assemble.assemble(export, frozen, parts, artefacts)


def publish(export: ExportPlan, artefact: Artefact, artefacts: ArtefactStore, accounts: Accounts) -> datetime:
    """Commit the job. Return the time of the decision. Raises ExportCancelled if it was cancelled before."""
    leases.keep(export, accounts)
    return decision.commit(export.job_id, artefact, artefacts, datetime.now(UTC)).decided_at


def assembled(
    export: ExportPlan, frozen: Manifest, parts: Sequence[Part], artefacts: ArtefactStore
) -> list[Part]:
    """Return the parts that were joined into the artefact: the redrawn part where this release redrew one."""
    keys = {part.start: key_of(export, frozen, Chunk(part.start, part.stop)) for part in parts}
    return [
        part if part.key == keys[part.start] else stored(keys[part.start], artefacts) or part
        for part in _distinct(parts)
    ]


def published(
    export: ExportPlan, frozen: Manifest, artefact: Artefact, artefacts: ArtefactStore
) -> list[Part]:
    """Return a published artefact's rows as one part, without its drawings.

    The failed rows come from the job's error report, because the parts may be removed or be another release's.
    """
    key = f"{export.folder}/{FOLDER}/published"
    if artefact.failed:
        artefacts.copy(reports.key(export.job_id, Report.ERRORS), f"{key}.errors.csv")
    return [Part(key, 0, frozen.rows, artefact.failed, None)]


def record(export: ExportPlan, parts: Sequence[Part], committed_at: datetime, stores: Stores) -> None:
    """Record one PRINTED event for every entity with a symbol in the artefact of these parts."""
    if export.holds_lease and not lifecycle.is_recorded(
        stores.catalogue, export.organisation, export.job_id, committed_at
    ):
        leases.keep(export, stores.accounts)
    printed.record(export, parts, committed_at, stores.catalogue, stores.artefacts)


def _distinct(parts: Sequence[Part]) -> list[Part]:
    """Return the parts in order without duplicates.

    If `resolve` is killed between two outputs, the retry yields all of them again, so Dagster passes the first ones on
    twice.
    """
    return sorted({part.start: part for part in parts}.values(), key=lambda part: part.start)
