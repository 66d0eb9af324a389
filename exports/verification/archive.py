"""Verification of a finished ZIP before it is published: the whole file, its counts, a sample of its symbols.

The sampled symbols are found by their names in the central directory. Only the sought entries are kept: the
standard library's reader would hold an object for each of a million members.
"""

from pathlib import Path

from exports.artefacts import ArtefactStore
from exports.errors import SymbolDoesNotDecode
from exports.jobs import decision
from exports.jobs.plan import ExportPlan
from exports.symbols import symbol_files
from exports.verification import sample
from exports.verification.findings import Check, Checks, CountsDisagree, Facts
from exports.verification.reading import require_decodes
from renderers.archive import directory, verification
from renderers.archive.assembler import ArchiveSummary

#: Symbols decoded between two looks at whether the job was cancelled: a second's worth of the slowest.
_CANCEL_EVERY = 50


def checks(
    summary: ArchiveSummary,
    plan: ExportPlan,
    processed: int,
    rows: int,
    reports: int,
    store: ArtefactStore,
    path: Path,
) -> Checks:
    """Yield what is to be checked of the archive of `processed` entities out of `rows`.

    Raises CorruptArchive, CountsDisagree, SymbolDoesNotDecode.
    """
    symbols = processed * len(plan.slots)

    def whole() -> Facts:
        with path.open("rb") as stream:
            verification.verify(stream, summary)
        return {"bytes": summary.size_bytes, "members": summary.members}

    def counts() -> Facts:
        if summary.members != symbols + reports:
            raise CountsDisagree("members", summary.members, symbols + reports)
        return {"members": summary.members, "entities": processed, "symbols": symbols}

    yield Check.WHOLE, whole
    # The pass over every byte has compared the names as well, letter case aside.
    yield Check.NAMES, lambda: {"members": summary.members}
    yield Check.COUNTS, counts
    yield (
        Check.SAMPLE,
        lambda: {"decoded": require_sample_reads(path, plan, rows, store), "symbols": symbols},
    )


def require_sample_reads(path: Path, plan: ExportPlan, rows: int, store: ArtefactStore) -> int:
    """Return how many members were decoded, each saying just what its row of the manifest asks for.

    Raises SymbolDoesNotDecode where one does not, or is not there; ExportCancelled.
    """
    files = symbol_files.draw(plan, sample.rows(plan, store, rows, len(plan.slots))).files
    with path.open("rb") as stream:
        found = directory.entries_of(stream, {file.name for file in files})
        for number, file in enumerate(files):
            if number % _CANCEL_EVERY == 0:
                decision.require_not_cancelled(plan.job_id, store)
            if file.name not in found:
                raise SymbolDoesNotDecode(f"{file.name} is not in the archive", value=file.name)
            data = directory.content(stream, found[file.name])
            require_decodes(file.name, data, plan.file_format, file.expected)
    return len(files)
