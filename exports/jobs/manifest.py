"""The manifest: the selected entities, frozen to Parquet. All later steps read only this."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC
from io import BufferedReader
from typing import Any, TypeAlias, cast

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from catalogue.queries import selected
from catalogue.selection import manifest_schema
from catalogue.tables import Catalogue, CatalogueVersion
from exports import documents
from exports.artefacts import ArtefactStore, canonical_json
from exports.errors import EmptySelection
from exports.jobs import decision
from exports.jobs.job_id import folder_of
from exports.jobs.plan import RELEASE, ExportPlan
from exports.requests.row_ranges import RowRanges

#: Rows of one chunk: one or two seconds of rendering, so that little is repeated after a crash. Large jobs have larger
#: chunks, because each chunk costs 0.1 s for its process and libraries. Chunks are smaller if there are many workers.
CHUNK_ROWS, LARGE_CHUNK_ROWS, SMALLEST_CHUNK_ROWS = 25_000, 50_000, 10_000
_LARGE_FROM = 200_000

_FRAME_ROWS = 50_000


#: One row of a manifest, by column.
Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows [start, stop) of the manifest: the unit of rendering and of retrying."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """The frozen rows of one job: their number, the digest of their file, and the catalogue version.

    They are cut into chunks of `chunk_rows`. Releases before 0.3 stored neither that nor the number of labels; in their
    manifests each row has the same number of labels.
    """

    rows: int
    sha256: str
    catalogue_version: CatalogueVersion
    unmatched: int
    chunk_rows: int | None = None
    labels: int | None = None

    def chunks(self) -> list[Chunk]:
        size = self.chunk_rows or _usual_chunk_rows(self.rows)
        return [Chunk(start, min(start + size, self.rows)) for start in range(0, self.rows, size)]

    def to_document(self) -> dict[str, Any]:
        return asdict(self)


def chunk_rows(rows: int, chunks: int) -> int:
    """Return the rows per chunk: enough for at least `chunks` chunks, but not below the smallest size."""
    return min(_usual_chunk_rows(rows), max(SMALLEST_CHUNK_ROWS, -(-rows // chunks)))


def _usual_chunk_rows(rows: int) -> int:
    return CHUNK_ROWS if rows < _LARGE_FROM else LARGE_CHUNK_ROWS


def freeze(plan: ExportPlan, catalogue: Catalogue, store: ArtefactStore, chunks: int = 1) -> Manifest:
    """Resolve the plan's selection and store its rows. A second call returns the stored manifest.

    The rows are cut into at least `chunks` chunks, unless these would be too small. Raises EmptySelection.
    """
    if (frozen := find(plan, store)) is not None:
        return frozen
    if plan.reprint_of is not None:
        return _copied(plan, plan.reprint_of, store, chunks)
    version = catalogue.version()
    # Frozen with the rows, so that a job resumed or reprinted on a later day has the same content.
    as_of = plan.submitted_at.astimezone(UTC).date()
    rows = labels = 0
    with store.write(f"{plan.folder}/manifest.parquet") as stream:
        writer: pq.ParquetWriter | None = None
        # Arrow tables, not Polars frames: this process needs the most memory, and Polars would take 40 MB more.
        for table in selected.resolve_tables(catalogue, plan.selection, version=version, as_of=as_of):
            decision.require_not_cancelled(plan.job_id, store)
            writer = writer or pq.ParquetWriter(stream, table.schema, compression="zstd")
            writer.write_table(table)
            rows += table.num_rows
            labels = _labels_to(_frame(table.slice(table.num_rows - 1)))
        if writer is None or rows == 0:
            raise EmptySelection
        writer.close()
    digest = _digest(f"{plan.folder}/manifest.parquet", store)
    unmatched = [asdict(key) for key in selected.unmatched(catalogue, plan.selection, version=version)]
    manifest = Manifest(rows, digest, version, len(unmatched), chunk_rows(rows, chunks), labels)
    store.write_json(f"{plan.folder}/unmatched.json", documents.versioned({"unmatched": unmatched}))
    store.write_json(f"{plan.folder}/manifest.json", documents.versioned(manifest.to_document()))
    return manifest


def _copied(plan: ExportPlan, original: str, store: ArtefactStore, chunks: int) -> Manifest:
    """Copy the original job's rows. A reprint repeats what was printed, even if the catalogue has changed.

    If the plan names rows, only those are copied. They are numbered again from the start.
    """
    source = folder_of(original)
    if plan.rows is not None:
        return _picked(plan, plan.rows, source, store, chunks)
    for name in ("manifest.parquet", "unmatched.json", "manifest.json"):
        store.copy(f"{source}/{name}", f"{plan.folder}/{name}")
    return load(plan, store)


def _picked(plan: ExportPlan, ranges: RowRanges, source: str, store: ArtefactStore, chunks: int) -> Manifest:
    whole = _stored(source, store)
    key, rows, labels = f"{plan.folder}/manifest.parquet", 0, 0
    with store.open(f"{source}/manifest.parquet") as stream, store.write(key) as out:
        file = pq.ParquetFile(stream)
        schema = file.schema_arrow
        with pq.ParquetWriter(out, schema, compression="zstd") as writer:
            for group in range(file.num_row_groups):
                decision.require_not_cancelled(plan.job_id, store)
                frame = _with_labels(plan, _frame(file.read_row_group(group)))
                picked = frame.filter(_within(frame["row"], ranges))
                if picked.height:
                    numbers = pl.int_range(rows, rows + picked.height, dtype=pl.Int64, eager=True)
                    copies = pl.col("copies")
                    picked = picked.with_columns(row=numbers, first_label=labels + copies.cum_sum() - copies)
                    rows, labels = rows + picked.height, _labels_to(picked)
                    writer.write_table(picked.select(schema.names).to_arrow().cast(schema))
    size = chunk_rows(rows, chunks)
    manifest = Manifest(
        rows, _digest(key, store), whole.catalogue_version, unmatched=0, chunk_rows=size, labels=labels
    )
    store.write_json(f"{plan.folder}/unmatched.json", {"unmatched": []})
    store.write_json(f"{plan.folder}/manifest.json", manifest.to_document())
    return manifest


def labels_within(plan: ExportPlan, ranges: RowRanges, store: ArtefactStore) -> int:
    """Return the number of labels of these rows of the plan's job."""
    frames = read_rows(plan, store, Chunk(0, load(plan, store).rows), _FRAME_ROWS)
    return sum(int(frame.filter(_within(frame["row"], ranges))["copies"].sum()) for frame in frames)


def _within(rows: pl.Series, ranges: RowRanges) -> pl.Series:
    """Return which rows, counted from 0, are in one of the ranges. The ranges ascend and are counted from 1."""
    numbers = rows.to_numpy() + 1
    firsts, lasts = np.array(ranges, np.int64).T
    before = np.searchsorted(firsts, numbers, side="right") - 1
    return pl.Series((before >= 0) & (numbers <= lasts[before]))


def _digest(key: str, store: ArtefactStore) -> str:
    with store.open(key) as stream:
        return hashlib.file_digest(cast("BufferedReader", stream), "sha256").hexdigest()


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table is never a series
    return frame


def is_frozen(plan: ExportPlan, store: ArtefactStore) -> bool:
    return store.exists(f"{plan.folder}/manifest.json")


def find(plan: ExportPlan, store: ArtefactStore) -> Manifest | None:
    """Return the job's manifest, or None if it is not frozen."""
    try:
        return load(plan, store)
    except FileNotFoundError:
        return None


def load(plan: ExportPlan, store: ArtefactStore) -> Manifest:
    return _stored(plan.folder, store)


def _stored(folder: str, store: ArtefactStore) -> Manifest:
    return documents.load(Manifest, f"{folder}/manifest.json", store)


def unmatched(plan: ExportPlan, store: ArtefactStore) -> list[dict[str, str]]:
    """Return the listed GTINs and ids that matched nothing, as `{field, value}`."""
    return list(store.read_json(f"{plan.folder}/unmatched.json")["unmatched"])


def label_count(plan: ExportPlan, manifest: Manifest) -> int:
    """Return the number of labels of the manifest's rows, also if an earlier release froze them."""
    return manifest.rows * (plan.config.copies or 1) if manifest.labels is None else manifest.labels


def first_label(plan: ExportPlan, store: ArtefactStore, row: int) -> int:
    """Return the number of labels of the rows before this one."""
    if not plan.counts_each:
        return row * (plan.config.copies or 1)
    (rows,) = read_rows(plan, store, Chunk(row, row + 1), 1)
    return int(rows.item(0, "first_label"))


def _with_labels(plan: ExportPlan, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the columns of this release.

    In manifests of earlier releases all rows have the same number of labels.
    """
    schema = manifest_schema(plan.attributes)
    whole = rows.match_to_schema(schema, missing_columns="insert")
    copies = plan.config.copies or 1
    return whole.with_columns(
        pl.col("copies").fill_null(copies), pl.col("first_label").fill_null(pl.col("row") * copies)
    )


def _labels_to(rows: pl.DataFrame) -> int:
    """Return the number of labels of all rows up to the last of these."""
    return int(rows.item(-1, "first_label") + rows.item(-1, "copies"))


def read_rows(
    plan: ExportPlan, store: ArtefactStore, chunk: Chunk, batch_rows: int
) -> Iterator[pl.DataFrame]:
    """Yield the chunk's rows in frames of at most `batch_rows`, reading only its row groups.

    Columns that an old manifest lacks are null, except the columns of the labels.
    """
    with store.open(f"{plan.folder}/manifest.parquet") as stream:
        file = pq.ParquetFile(stream)
        first = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            low, high = max(chunk.start - first, 0), min(chunk.stop - first, rows)
            if low < high:
                whole = _with_labels(plan, _frame(file.read_row_group(group).slice(low, high - low)))
                yield from whole.iter_slices(batch_rows)
            first += rows


def content_hash(plan: ExportPlan, manifest: Manifest) -> str:
    """Return a digest of the rows and of everything that determines their symbols. Parts have it in their keys.

    It includes the running release, because another release may draw differently and an artefact must be drawn by one
    release.
    """
    request = plan.request.normalised()
    shaping = {
        "rows": manifest.sha256,
        "resolver": plan.resolver,
        "export_type": request["export_type"],
        "file_format": request["file_format"],
        "asset_config": request.get("asset_config"),
        "engine": plan.engine.value,
        "release": RELEASE,
    }
    for name in ("design", "from_printer"):
        if (model := getattr(plan, name)) is not None:
            shaping[name] = model.model_dump(mode="json", exclude_none=True)
    return hashlib.sha256(canonical_json(shaping)).hexdigest()[:16]
