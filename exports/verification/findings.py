"""The findings of verification, stored with the artefact."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeAlias, TypeVar

from exports import documents
from exports.artefacts import ArtefactStore
from exports.errors import ExportError
from exports.jobs.job_id import folder_of
from gs1.errors import LabelError

#: The counts of a check, or why it failed.
Facts: TypeAlias = dict[str, int | str]


class Check(StrEnum):
    """The checks of an artefact before it is published. Sheets have no names to compare."""

    WHOLE = "artefact_is_whole"
    NAMES = "names_are_distinct"
    COUNTS = "counts_reconcile"
    SAMPLE = "sample_decodes"


_Seen = TypeVar("_Seen")

#: Checks in their order. Each returns its facts, or raises an error.
Checks: TypeAlias = Iterable[tuple[Check, Callable[[], Facts]]]


class CountsDisagree(ExportError):
    """The number of pieces in the artefact or a report differs from the number of drawn or failed entities."""

    code = "counts_disagree"

    def __init__(self, what: str, found: int, expected: int) -> None:
        super().__init__(
            f"The artefact has {found} {what}, not {expected}.", value=found, expected=f"{expected} {what}"
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check."""

    check: Check
    passed: bool
    facts: Facts


@dataclass(frozen=True, slots=True)
class _Findings:
    """`began_at` is when the checks of the finished artefact began, None if what was drawn failed one before."""

    findings: list[Finding]
    began_at: datetime | None = None


def require_all(job_id: str, checks: Checks, store: ArtefactStore) -> None:
    """Run the checks in turn and store their findings.

    If a check raises, those after it are not run and have no finding.
    """
    began_at = datetime.now(UTC)
    findings: list[Finding] = []
    for check, look in checks:
        facts = require(job_id, check, look, store, findings, began_at)
        findings.append(Finding(check, passed=True, facts=facts))
    _store(job_id, findings, store, began_at)


def require(
    job_id: str,
    check: Check,
    look: Callable[[], _Seen],
    store: ArtefactStore,
    before: Sequence[Finding] = (),
    began_at: datetime | None = None,
) -> _Seen:
    """Return the result of the check. If it raises, store the error as its finding, after those in `before`."""
    try:
        return look()
    except LabelError as error:
        found = Finding(check, passed=False, facts={"reason": str(error), "code": error.code})
        _store(job_id, [*before, found], store, began_at)
        raise


def _store(job_id: str, findings: Sequence[Finding], store: ArtefactStore, began_at: datetime | None) -> None:
    fields = asdict(_Findings(list(findings))) | {"began_at": began_at and began_at.isoformat()}
    store.write_json(key(job_id), documents.versioned(fields))


def of(job_id: str, store: ArtefactStore) -> list[Finding]:
    """Return the findings for the job's artefact. Empty if it has not been verified yet."""
    found = documents.find(_Findings, key(job_id), store)
    return found.findings if found else []


def began_at(job_id: str, store: ArtefactStore) -> datetime | None:
    """Return when the verification of the finished artefact began. None if it has not, or an earlier release did it."""
    found = documents.find(_Findings, key(job_id), store)
    return found.began_at if found else None


def key(job_id: str) -> str:
    return f"{folder_of(job_id)}/findings.json"
