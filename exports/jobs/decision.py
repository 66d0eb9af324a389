"""One object per job, created exclusively, decides whether its artefact counts."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasChoices, Field

from exports import documents
from exports.artefacts import ArtefactStore, canonical_json
from exports.errors import ExportCancelled
from exports.jobs.job_id import folder_of


@dataclass(frozen=True, slots=True)
class Artefact:
    """One finished, verified file under `key`; unpublished until the job's decision says `committed`.

    `processed` and `failed` count entities. `next_position` is a sheet's first free cell, from 1.
    """

    key: str
    filename: str
    size_bytes: int
    sha256: str
    processed: int
    failed: int
    next_position: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """How a job ended and when: with its artefact, or cancelled, and then without one."""

    decided_at: datetime
    # Releases before 0.2 spelled the key as the Americans do.
    artefact: Annotated[Artefact | None, Field(validation_alias=AliasChoices("artefact", "artifact"))]

    @property
    def cancelled(self) -> bool:
        return self.artefact is None


def of(job_id: str, store: ArtefactStore) -> Decision | None:
    """Return what was decided about the job; None while nothing is. Raises UnreadableDocument."""
    try:
        return documents.load(Decision, _key(job_id), store)
    except FileNotFoundError:
        return None


def commit(job_id: str, artefact: Artefact, store: ArtefactStore, now: datetime) -> Decision:
    """Decide that the artefact counts, or return that it was decided before.

    Raises ExportCancelled where a cancellation came first.
    """
    decision = _decide(job_id, Decision(now, artefact), store)
    if decision.cancelled:
        raise ExportCancelled
    return decision


def cancel(job_id: str, store: ArtefactStore, now: datetime) -> Decision:
    """Decide that the job is cancelled, and return what is decided now: a commit may have come first."""
    return _decide(job_id, Decision(now, None), store)


def require_not_cancelled(job_id: str, store: ArtefactStore) -> None:
    """Raise ExportCancelled where the job was. Long work asks this between its batches."""
    decision = of(job_id, store)
    if decision is not None and decision.cancelled:
        raise ExportCancelled


def _decide(job_id: str, wanted: Decision, store: ArtefactStore) -> Decision:
    document: dict[str, Any] = {
        "decided_at": wanted.decided_at.isoformat(),
        "artefact": asdict(wanted.artefact) if wanted.artefact else None,
    }
    if store.create(_key(job_id), canonical_json(documents.versioned(document))):
        return wanted
    decided = of(job_id, store)
    if decided is None:  # expired between the two, with the whole job
        raise FileNotFoundError(_key(job_id))
    return decided


def _key(job_id: str) -> str:
    return f"{folder_of(job_id)}/decision.json"
