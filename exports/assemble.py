"""Join the parts into one artefact and verify it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import BinaryIO

import polars as pl

from exports.artefacts import ArtefactStore
from exports.errors import AllItemsFailed
from exports.jobs import decision
from exports.jobs import manifest as manifests
from exports.jobs.decision import Artefact
from exports.jobs.manifest import Chunk, Manifest
from exports.jobs.parts import Fragment, Part
from exports.jobs.plan import ExportPlan
from exports.ports import Report
from exports.reports import files as reports
from exports.sheets import plan as sheet_plan
from exports.sheets.plan import SheetPlan
from exports.storage.joining import Join, Piece, composite_sha256
from exports.verification import archive as verify_archive
from exports.verification import findings
from exports.verification import sheet as verify_sheet
from exports.verification.rolls import whole as verify_roll
from exports.verification.tables import Entities
from renderers.archive.assembler import ArchiveSummary, Assembler
from renderers.archive.fragments import ArchiveFragment
from renderers.digested_stream import DigestedStream
from renderers.sheets import pdf
from renderers.sheets.pdf import PdfFragment, PdfSummary
from renderers.zpl import writer as zpl
from renderers.zpl.writer import ZplFragment, ZplSummary

_COPY_BYTES = 1 << 20
_FRAME_ROWS = 50_000


def assemble(plan: ExportPlan, manifest: Manifest, parts: Sequence[Part], store: ArtefactStore) -> Artefact:
    """Join the parts in order, write the reports, and verify the stored artefact.

    The findings are stored with it, see `exports.verification.findings`. Raises AllItemsFailed if no entity could be
    drawn, CorruptArchive or CorruptFragment if the stored bytes differ from the written ones, CountsDisagree,
    SymbolDoesNotDecode, ExportCancelled.
    """
    failed = sum(part.failed for part in parts)
    processed = sum(part.processed for part in parts)
    if processed + failed != manifest.rows:
        msg = f"{processed} drawn and {failed} failed of {manifest.rows}"
        raise ValueError(msg)
    unmatched = manifests.unmatched(plan, store)
    written = reports.write(plan, parts, unmatched, store)
    entities = Entities(processed, failed, len(unmatched))
    if processed == 0:
        raise AllItemsFailed(manifest.rows)
    key = f"{plan.folder}/artefact"
    next_position: int | None = None
    join: Join | None = None
    if plan.has_labels:
        sheet = sheet_plan.load(plan, store)
        if plan.is_roll:
            summary = _join_roll(plan, parts, key, store)
            checks = partial(verify_roll.checks, summary, plan, sheet, entities, store)
        else:
            next_position = sheet.next_position
            summary = _join_pages(plan, sheet, parts, key, store)
            checks = partial(verify_sheet.checks, summary, plan, sheet, entities, store)
        with store.on_disk(key) as path:
            findings.require_all(plan.job_id, checks(path), store)
    else:
        summary, joined, join = _join_members(plan, parts, written, key, store)
        decoded = sum(part.decoded for part in parts)
        whole = partial(verify_archive.require_whole, summary, join, key, store)
        checks = verify_archive.checks(summary, plan, entities, decoded, written, joined, whole)
        findings.require_all(plan.job_id, checks, store)
    return Artefact(
        key,
        plan.output_filename(processed),
        summary.size_bytes,
        summary.sha256,
        processed,
        failed,
        next_position,
        dict(sum((Counter(part.notes) for part in parts), Counter[str]())),
        composite_sha256(join.pieces) if join else "",
        tuple(piece.size_bytes for piece in join.pieces) if join else (),
    )


def _join_members(
    plan: ExportPlan, parts: Sequence[Part], written: Iterable[Report], key: str, store: ArtefactStore
) -> tuple[ArchiveSummary, Mapping[Report, int], Join | None]:
    """Return the archive, the CRC-32 of each report in it, and the Join if the store copied the parts."""
    fragments = [(f"{part.key}.data", part.fragment) for part in parts]
    copied_bytes = sum(fragment.data_bytes for _, fragment in fragments if fragment)
    with store.join(key, copied_bytes) as out, Assembler(out) as assembler:
        for source, fragment in fragments:
            decision.require_not_cancelled(plan.job_id, store)
            if isinstance(fragment, ArchiveFragment):
                _append(assembler, out, source, fragment, store)
        joined = {
            report: assembler.add(f"{report}.csv", _blocks(reports.key(plan.job_id, report), store))
            for report in written
        }
        return assembler.close(), joined, out if isinstance(out, Join) else None


def _append(
    assembler: Assembler,
    out: DigestedStream | Join,
    source: str,
    fragment: ArchiveFragment,
    store: ArtefactStore,
) -> None:
    if isinstance(out, Join):
        begin, end = fragment.data_bytes, fragment.data_bytes + fragment.directory_bytes
        piece = Piece(fragment.data_bytes, fragment.sha256)
        copy = partial(store.copy_into, out, source, piece)
        assembler.append_copied(fragment, store.read_range(source, begin, end), copy)
    else:
        with store.open(source) as stream:
            assembler.append_fragment(stream, fragment)


def _join_pages(
    plan: ExportPlan, sheet: SheetPlan, parts: Sequence[Part], key: str, store: ArtefactStore
) -> PdfSummary:
    def frames() -> Iterator[pl.DataFrame]:
        return manifests.read_rows(plan, store, Chunk(0, sheet.rows), _FRAME_ROWS)

    pages = (
        (fragment, stream)
        for fragment, stream in _fragments(plan, parts, store)
        if isinstance(fragment, PdfFragment)
    )
    with store.write(key) as out:
        return pdf.join(sheet.document, pages, out, sheet_plan.bookmarks(sheet, frames))


def _join_roll(plan: ExportPlan, parts: Sequence[Part], key: str, store: ArtefactStore) -> ZplSummary:
    labels = (
        (fragment, stream)
        for fragment, stream in _fragments(plan, parts, store)
        if isinstance(fragment, ZplFragment)
    )
    with store.write(key) as out:
        return zpl.join(labels, out)


def _fragments(
    plan: ExportPlan, parts: Sequence[Part], store: ArtefactStore
) -> Iterator[tuple[Fragment, BinaryIO]]:
    for part in parts:
        decision.require_not_cancelled(plan.job_id, store)
        if part.fragment is not None:
            with store.open(f"{part.key}.data") as stream:
                yield part.fragment, stream


def _blocks(key: str, store: ArtefactStore) -> Iterator[bytes]:
    with store.open(key) as stream:
        while block := stream.read(_COPY_BYTES):
            yield block


def discard_parts(plan: ExportPlan, store: ArtefactStore) -> None:
    """Remove the parts. The artefact has the same bytes."""
    store.delete_folder(f"{plan.folder}/parts")


def discard(plan: ExportPlan, store: ArtefactStore) -> None:
    """Remove what a job without an artefact has stored, except its request, its decision and its errors."""
    discard_parts(plan, store)
    store.delete(reports.key(plan.job_id, Report.MANIFEST))
    for name in ("artefact", "manifest.parquet", "first.png", "sheet.json", "findings.json"):
        store.delete(f"{plan.folder}/{name}")
