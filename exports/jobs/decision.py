"""The commit point of a job: one object, created exclusively, that says `committed` or `cancelled`."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasChoices, Field

from exports import documents
from exports.artefacts import ArtefactStore, canonical_json
from exports.errors import ExportCancelled
from exports.jobs.job_id import folder_of
from renderers.pickles import restorable


@restorable
@dataclass(frozen=True, slots=True)
class Artefact:
    """One finished, verified file under `key`. It is published when the job's decision says `committed`.

    `processed` and `failed` count entities. `next_position` is a sheet's first free cell, from 1. `notes` counts the
    notes of the symbols by code. `sha256` is the digest of all bytes. It is None if the storage copied some of them,
    because then nobody has read all bytes. In that case `composite_sha256` is the digest of pieces of `piece_bytes`,
    see `exports.storage.joining`.
    """

    key: str
    filename: str
    size_bytes: int
    sha256: str | None
    processed: int
    failed: int
    next_position: int | None = None
    notes: dict[str, int] = field(default_factory=dict[str, int], hash=False)
    composite_sha256: str = field(default_factory=str)
    piece_bytes: tuple[int, ...] = field(default_factory=tuple[int, ...])


@dataclass(frozen=True, slots=True)
class Decision:
    """How and when a job ended. `artefact` is None if it was cancelled."""

    decided_at: datetime
    # Releases before 0.2 wrote the key "artifact".
    artefact: Annotated[Artefact | None, Field(validation_alias=AliasChoices("artefact", "artifact"))]

    @property
    def cancelled(self) -> bool:
        return self.artefact is None


def of(job_id: str, store: ArtefactStore) -> Decision | None:
    """Return the job's decision, or None if there is none yet. Raises UnreadableDocument."""
    return documents.find(Decision, key(job_id), store)


def commit(job_id: str, artefact: Artefact, store: ArtefactStore, now: datetime) -> Decision:
    """Commit the artefact, or return the earlier commit.

    Raises ExportCancelled if the job was cancelled first.
    """
    decision = _decide(job_id, Decision(now, artefact), store)
    if decision.cancelled:
        raise ExportCancelled
    return decision


def cancel(job_id: str, store: ArtefactStore, now: datetime) -> Decision:
    """Cancel the job and return its decision. The decision is a commit if the job was committed before."""
    return _decide(job_id, Decision(now, None), store)


def require_not_cancelled(job_id: str, store: ArtefactStore) -> Decision | None:
    """Return the job's decision, if there is one. Called between the batches of long work.

    Raises ExportCancelled if the job was cancelled.
    """
    decision = of(job_id, store)
    if decision is not None and decision.cancelled:
        raise ExportCancelled
    return decision


def _decide(job_id: str, wanted: Decision, store: ArtefactStore) -> Decision:
    document: dict[str, Any] = {
        "decided_at": wanted.decided_at.isoformat(),
        "artefact": asdict(wanted.artefact) if wanted.artefact else None,
    }
    if store.create(key(job_id), canonical_json(documents.versioned(document))):
        return wanted
    decided = of(job_id, store)
    if decided is None:  # the job expired and was removed in between
        raise FileNotFoundError(key(job_id))
    return decided


def key(job_id: str) -> str:
    """Return the key of the job's decision in the artefact store."""
    return f"{folder_of(job_id)}/decision.json"
