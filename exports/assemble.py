"""Joins the parts into one artefact, verifies it, and records what was printed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import BinaryIO

import polars as pl

from catalogue import lifecycle
from catalogue.tables import Catalogue
from exports import printed
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
from exports.verification import archive as verify_archive
from exports.verification import findings
from exports.verification import roll as verify_roll
from exports.verification import sheet as verify_sheet
from exports.verification.tables import Entities
from renderers.archive.assembler import ArchiveSummary, Assembler
from renderers.archive.fragments import ArchiveFragment
from renderers.sheets import pdf
from renderers.sheets.pdf import PdfFragment, PdfSummary
from renderers.zpl import writer as zpl
from renderers.zpl.writer import ZplFragment, ZplSummary

_COPY_BYTES = 1 << 20
_FRAME_ROWS = 50_000


def assemble(plan: ExportPlan, manifest: Manifest, parts: Sequence[Part], store: ArtefactStore) -> Artefact:
    """Join the parts in order, write the reports, and verify the stored artefact.

    The findings are stored beside it, see `exports.verification.findings`. Raises AllItemsFailed if no entity could be
    drawn, CorruptArchive or CorruptFragment if the stored bytes do not read back, CountsDisagree,
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
    if plan.is_roll:
        sheet = sheet_plan.load(plan, store)
        summary = _join_roll(plan, parts, key, store)
        checks = partial(verify_roll.checks, summary, plan, sheet, entities, store)
    elif plan.has_labels:
        sheet = sheet_plan.load(plan, store)
        next_position = sheet.next_position
        summary = _join_pages(plan, sheet, parts, key, store)
        checks = partial(verify_sheet.checks, summary, plan, sheet, entities, store)
    else:
        summary = _join_members(plan, parts, written, key, store)
        checks = partial(verify_archive.checks, summary, plan, entities, written, store)
    with store.on_disk(key) as path:
        findings.require_all(plan.job_id, checks(path), store)
    filename = plan.output_filename(processed)
    notes = sum((Counter(part.notes) for part in parts), Counter[str]())
    return Artefact(
        key, filename, summary.size_bytes, summary.sha256, processed, failed, next_position, dict(notes)
    )


def _join_members(
    plan: ExportPlan, parts: Sequence[Part], written: Sequence[Report], key: str, store: ArtefactStore
) -> ArchiveSummary:
    with store.write(key) as out, Assembler(out) as assembler:
        for fragment, stream in _fragments(plan, parts, store):
            if isinstance(fragment, ArchiveFragment):
                assembler.append_fragment(stream, fragment)
        for report in written:
            assembler.add(f"{report}.csv", _blocks(reports.key(plan.job_id, report), store))
        return assembler.close()


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


def record_printed(
    plan: ExportPlan,
    parts: Sequence[Part],
    committed_at: datetime,
    catalogue: Catalogue,
    store: ArtefactStore,
) -> int | None:
    """Record an event for every entity with a symbol, once per job. None if not asked for, or recorded before."""
    if not plan.records_printed:
        return None
    printing = printed.printing(plan, committed_at, store)
    labels = printed.labels(plan, parts, store)
    return lifecycle.record_printed(catalogue, plan.organisation, printing, labels)


def discard_parts(plan: ExportPlan, store: ArtefactStore) -> None:
    """Remove the parts. The artefact holds the same bytes."""
    store.delete_folder(f"{plan.folder}/parts")


def discard(plan: ExportPlan, store: ArtefactStore) -> None:
    """Remove what a job without artefact has stored, except its request, its decision and its errors."""
    discard_parts(plan, store)
    store.delete(reports.key(plan.job_id, Report.MANIFEST))
    for name in ("artefact", "manifest.parquet", "first.png", "sheet.json", "findings.json"):
        store.delete(f"{plan.folder}/{name}")
