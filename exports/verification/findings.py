"""What was found when a finished artefact was looked at, kept beside it for whoever asks."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TypeAlias

from exports import documents
from exports.artefacts import ArtefactStore
from exports.errors import ExportError
from exports.jobs.job_id import folder_of
from gs1.errors import LabelError

#: What a check counted, or the reason for which it failed.
Facts: TypeAlias = dict[str, int | str]


class Check(StrEnum):
    """What is looked at before an artefact is published; sheets have no names to compare."""

    WHOLE = "artefact_is_whole"
    NAMES = "names_are_distinct"
    COUNTS = "counts_reconcile"
    SAMPLE = "sample_decodes"


#: What is to be checked, in this order; each returns its facts, or raises what it found wrong.
Checks: TypeAlias = Iterable[tuple[Check, Callable[[], Facts]]]


class CountsDisagree(ExportError):
    """The artefact does not hold as many pieces as the manifest has entities drawn."""

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
    findings: list[Finding]


def require_all(job_id: str, checks: Checks, store: ArtefactStore) -> None:
    """Do the checks in turn and store what they find, also where one of them raises what it found wrong.

    The checks after that one are not done, and nothing is found of them.
    """
    findings: list[Finding] = []
    try:
        for check, look in checks:
            try:
                findings.append(Finding(check, passed=True, facts=look()))
            except LabelError as error:
                findings.append(
                    Finding(check, passed=False, facts={"reason": str(error), "code": error.code})
                )
                raise
    finally:
        store.write_json(key(job_id), documents.versioned(asdict(_Findings(findings))))


def of(job_id: str, store: ArtefactStore) -> list[Finding]:
    """Return what was found of the job's artefact; nothing while it has not been looked at."""
    try:
        return documents.load(_Findings, key(job_id), store).findings
    except FileNotFoundError:
        return []


def key(job_id: str) -> str:
    return f"{folder_of(job_id)}/findings.json"
