"""The manifest: the selected entities, frozen. All later work reads only this."""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC
from io import BufferedReader
from typing import Any, cast

import polars as pl
import pyarrow.parquet as pq

from catalogue import selection
from catalogue.schema import MANIFEST
from catalogue.tables import Catalogue, CatalogueVersion
from exports import documents
from exports.artefacts import ArtefactStore, canonical_json
from exports.errors import EmptySelection
from exports.jobs import decision
from exports.jobs.job_id import folder_of
from exports.jobs.plan import ExportPlan

#: Rows of one chunk: a second of rendering or two, so that little is done again after a crash. A large job has
#: larger ones, for each chunk costs a tenth of a second: a process, and what its libraries set up.
CHUNK_ROWS, LARGE_CHUNK_ROWS = 25_000, 50_000
_LARGE_FROM = 200_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows [start, stop) of the manifest: the unit of rendering and of retrying."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """The frozen rows of one job: how many, the digest of their file, and the catalogue they came from."""

    rows: int
    sha256: str
    catalogue_version: CatalogueVersion
    unmatched: int

    def chunks(self) -> list[Chunk]:
        size = CHUNK_ROWS if self.rows < _LARGE_FROM else LARGE_CHUNK_ROWS
        return [Chunk(start, min(start + size, self.rows)) for start in range(0, self.rows, size)]

    def to_document(self) -> dict[str, Any]:
        return asdict(self)


def freeze(plan: ExportPlan, catalogue: Catalogue, store: ArtefactStore) -> Manifest:
    """Resolve the plan's selection into the store once; a second call returns what the first froze.

    Raises EmptySelection where nothing matches.
    """
    if is_frozen(plan, store):
        return load(plan, store)
    if plan.reprint_of is not None:
        return _copied(plan, plan.reprint_of, store)
    version = catalogue.version()
    # Frozen with the rows: a job resumed or reprinted on a later day says what it said.
    as_of = plan.submitted_at.astimezone(UTC).date()
    rows = 0
    with store.write(f"{plan.folder}/manifest.parquet") as stream:
        writer: pq.ParquetWriter | None = None
        for frame in selection.resolve(catalogue, plan.selection, version=version, as_of=as_of):
            decision.require_not_cancelled(plan.job_id, store)
            table = frame.match_to_schema(MANIFEST).to_arrow()
            writer = writer or pq.ParquetWriter(stream, table.schema, compression="zstd")
            writer.write_table(table)
            rows += frame.height
        if writer is None or rows == 0:
            raise EmptySelection
        writer.close()
    with store.open(f"{plan.folder}/manifest.parquet") as stream:
        digest = hashlib.file_digest(cast("BufferedReader", stream), "sha256").hexdigest()
    unmatched = [asdict(key) for key in selection.unmatched(catalogue, plan.selection, version=version)]
    manifest = Manifest(rows, digest, version, len(unmatched))
    store.write_json(f"{plan.folder}/unmatched.json", documents.versioned({"unmatched": unmatched}))
    store.write_json(f"{plan.folder}/manifest.json", documents.versioned(manifest.to_document()))
    return manifest


def _copied(plan: ExportPlan, original: str, store: ArtefactStore) -> Manifest:
    """Take over the original's rows, which are what it printed, whatever the catalogue says today."""
    source = folder_of(original)
    for name in ("manifest.parquet", "unmatched.json", "manifest.json"):
        store.copy(f"{source}/{name}", f"{plan.folder}/{name}")
    return load(plan, store)


def is_frozen(plan: ExportPlan, store: ArtefactStore) -> bool:
    return store.exists(f"{plan.folder}/manifest.json")


def load(plan: ExportPlan, store: ArtefactStore) -> Manifest:
    return documents.load(Manifest, f"{plan.folder}/manifest.json", store)


def unmatched(plan: ExportPlan, store: ArtefactStore) -> list[dict[str, str]]:
    """Return the listed GTINs and ids that matched nothing, as `{field, value}`."""
    return list(store.read_json(f"{plan.folder}/unmatched.json")["unmatched"])


def read_rows(
    plan: ExportPlan, store: ArtefactStore, chunk: Chunk, batch_rows: int
) -> Iterator[pl.DataFrame]:
    """Yield the chunk's rows in frames of at most `batch_rows`, reading only its row groups.

    A column that manifests did not have when this one was frozen is null: a reprint may be of an old job.
    """
    with store.open(f"{plan.folder}/manifest.parquet") as stream:
        file = pq.ParquetFile(stream)
        first = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            low, high = max(chunk.start - first, 0), min(chunk.stop - first, rows)
            if low < high:
                frame = pl.from_arrow(file.read_row_group(group).slice(low, high - low))
                assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table is never a series
                whole = frame.match_to_schema(MANIFEST, missing_columns="insert")
                yield from whole.iter_slices(batch_rows)
            first += rows


def content_hash(plan: ExportPlan, manifest: Manifest) -> str:
    """Return what names a job's parts: the rows and everything that shapes their symbols."""
    request = plan.request.normalised()
    shaping = {
        "rows": manifest.sha256,
        "resolver": plan.resolver,
        "export_type": request["export_type"],
        "file_format": request["file_format"],
        "asset_config": request.get("asset_config"),
        "engine": plan.engine.value,
    }
    return hashlib.sha256(canonical_json(shaping)).hexdigest()[:16]
