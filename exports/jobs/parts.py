"""The stored output of one chunk."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, TypeAlias, cast

import polars as pl

from exports import documents
from exports.artefacts import ArtefactStore
from exports.jobs import manifest as manifests
from exports.jobs.manifest import Chunk, Manifest
from exports.jobs.plan import ExportPlan
from renderers.archive.fragments import ArchiveFragment
from renderers.pickles import restorable
from renderers.sheets.pdf import PdfFragment
from renderers.zpl.writer import ZplFragment

#: The content of a part's `{key}.data`: ZIP members, pages of labels, or labels of a roll.
Fragment: TypeAlias = ArchiveFragment | PdfFragment | ZplFragment

_FRAME_ROWS = 20_000

#: The folder of parts in the job's folder.
FOLDER = "parts"

#: A function of (entities of the chunk drawn so far, failed so far).
OnProgress: TypeAlias = Callable[[int, int], None]


class Drawn(NamedTuple):
    """What was written for one chunk: the fragment, the number of failed entities, and note counts by code."""

    fragment: Fragment | None
    failed: int
    notes: dict[str, int]


@restorable
@dataclass(frozen=True, slots=True)
class Part:
    """One chunk's stored output. `key` is the common prefix of its objects. Counts add up to the chunk's rows.

    `decoded` is the number of its symbols that were read back. `fragment` describes `{key}.data`, and is None if no
    page of the sheets begins in the chunk. `notes` counts the notes of its symbols by code.
    """

    key: str
    start: int
    stop: int
    failed: int
    fragment: Fragment | None
    notes: dict[str, int] = field(default_factory=dict[str, int], hash=False)
    decoded: int = field(default_factory=int)

    @property
    def processed(self) -> int:
        return self.stop - self.start - self.failed

    def to_document(self) -> dict[str, Any]:
        return documents.versioned(asdict(self))


def key_of(plan: ExportPlan, manifest: Manifest, chunk: Chunk) -> str:
    digest = manifests.content_hash(plan, manifest)
    return f"{plan.folder}/{FOLDER}/{digest}/{chunk.start:010d}-{chunk.stop:010d}"


def stored(key: str, store: ArtefactStore) -> Part | None:
    """Return the part of an earlier attempt, or None. Its document is written last, so the part is complete."""
    return documents.find(Part, f"{key}.json", store)


def printed_rows(plan: ExportPlan, parts: Sequence[Part], store: ArtefactStore) -> Iterator[pl.DataFrame]:
    """Yield the manifest's rows that have a symbol, chunk by chunk."""
    for part in parts:
        failed: list[int] = []
        if part.failed:
            with store.open(f"{part.key}.errors.csv") as stream:
                lines = csv.reader(io.TextIOWrapper(cast("io.BufferedReader", stream), "utf-8", newline=""))
                # Skip the header of a job's report, and the keys at its end that match no row.
                failed = [int(line[0]) - 1 for line in lines if line[0].isdecimal()]
        for frame in manifests.read_rows(plan, store, Chunk(part.start, part.stop), _FRAME_ROWS):
            yield frame.filter(~pl.col("row").is_in(failed)) if failed else frame
