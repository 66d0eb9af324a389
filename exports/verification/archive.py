"""Check a finished ZIP before it is published: the whole file, its counts, its reports.

Its symbols and the rows of its reports were checked part by part, see `exports.verification.members`.
"""

from collections.abc import Callable, Mapping

from exports.artefacts import ArtefactStore
from exports.errors import SymbolDoesNotDecode
from exports.jobs.plan import ExportPlan
from exports.ports import Report
from exports.storage.joining import Join
from exports.verification.findings import Check, Checks, CountsDisagree, Facts
from exports.verification.tables import Entities
from renderers.archive import verification
from renderers.archive.assembler import ArchiveSummary


def checks(
    summary: ArchiveSummary,
    plan: ExportPlan,
    entities: Entities,
    decoded: int,
    written: Mapping[Report, int],
    joined: Mapping[Report, int],
    require_whole: Callable[[], None],
) -> Checks:
    """Yield the checks of the archive with the symbols of these entities. `decoded` is how many were decoded.

    `written` and `joined` are the CRC-32 of the job's reports and of the reports in the archive. `require_whole` is the
    function below, with its arguments bound. Raises CorruptArchive, CountsDisagree, SymbolDoesNotDecode.
    """
    symbols = entities.processed * len(plan.slots)

    def whole() -> Facts:
        require_whole()
        return {"bytes": summary.size_bytes, "members": summary.members}

    def counts() -> Facts:
        if summary.members != symbols + len(written):
            raise CountsDisagree("members", summary.members, symbols + len(written))
        for report, crc in written.items():
            if joined[report] != crc:
                raise SymbolDoesNotDecode(f"{report}.csv in the archive is not the job's", value=report)
        return {"members": summary.members, "entities": entities.processed, "symbols": symbols}

    yield Check.WHOLE, whole
    # The pass over the central directory has also compared the names, ignoring case.
    yield Check.NAMES, lambda: {"members": summary.members}
    yield Check.COUNTS, counts
    yield Check.SAMPLE, lambda: {"decoded": decoded, "symbols": symbols}


def require_whole(summary: ArchiveSummary, join: Join | None, key: str, store: ArtefactStore) -> None:
    """Raise CorruptArchive unless the stored archive is the one that was assembled.

    Every byte is read. If the store copied the parts' data, only the directory and the beginning and end of each copied
    range are read.
    """
    if join is None:
        with store.on_disk(key) as path, path.open("rb") as stream:
            verification.verify(stream, summary)
    else:
        with store.open(key) as archive, store.open(key, ahead=False) as ranges:
            verification.verify_copied(archive, ranges, summary, join.copied)
