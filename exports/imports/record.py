"""The stored documents of an import: the request, written once, and the outcome, written once at the end."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from exports.artefacts import ArtefactStore
from exports.documents import find, versioned
from exports.imports.ports import ImportRequest, Rows, TableCounts, UnderstoodFile
from exports.imports.upload import folder_of


@dataclass(frozen=True, slots=True)
class Asked:
    """The request, its requester and its time. `upload` is the key of the file in the store."""

    job_id: str
    organisation: str
    requested_by: str
    submitted_at: datetime
    request: ImportRequest
    upload: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome: counts, or why the whole file was refused. `suffixes` are the suffixes of the files of rows."""

    finished_at: datetime
    tables: tuple[TableCounts, ...] = ()
    file: UnderstoodFile | None = None
    suffixes: dict[Rows, str] | None = None
    error: str | None = None


_ASKED, _OUTCOME = TypeAdapter(Asked), TypeAdapter(Outcome)


def save_asked(asked: Asked, store: ArtefactStore) -> None:
    """Store the request."""
    store.write_json(_asked_key(asked.job_id), versioned(_ASKED.dump_python(asked, mode="json")))


def find_asked(job_id: str, store: ArtefactStore) -> Asked | None:
    """Return the request, or None if there is no such import. Raises UnreadableDocument."""
    return find(Asked, _asked_key(job_id), store)


def save_outcome(job_id: str, outcome: Outcome, store: ArtefactStore) -> None:
    """Store the outcome."""
    store.write_json(_outcome_key(job_id), versioned(_OUTCOME.dump_python(outcome, mode="json")))


def find_outcome(job_id: str, store: ArtefactStore) -> Outcome | None:
    """Return the outcome, or None before the end. Raises UnreadableDocument."""
    return find(Outcome, _outcome_key(job_id), store)


def rows_key(job_id: str, rows: Rows, suffix: str) -> str:
    """Return the key of the file with these rows."""
    return f"{folder_of(job_id)}/{rows}{suffix}"


def _asked_key(job_id: str) -> str:
    return f"{folder_of(job_id)}/asked.json"


def _outcome_key(job_id: str) -> str:
    return f"{folder_of(job_id)}/outcome.json"
