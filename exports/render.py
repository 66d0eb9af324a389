"""Render one chunk of the manifest into one stored part: ZIP members or pages, and its rows of the CSV files."""

from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from typing import BinaryIO

from exports.admission import require_pages
from exports.artefacts import ArtefactStore
from exports.jobs import decision, parts
from exports.jobs import manifest as manifests
from exports.jobs.manifest import Chunk, Manifest
from exports.jobs.parts import Drawn, OnProgress, Part
from exports.jobs.plan import ExportPlan
from exports.limits import Limits
from exports.previews import pictures
from exports.reports.csv_rows import csv_bytes
from exports.sheets import pages as sheet_pages
from exports.sheets import plan as sheet_plan
from exports.sheets.templates import template_of
from exports.symbols import symbol_files
from exports.symbols.drawn import manifest_rows
from exports.symbols.notes import counts_by_code
from exports.verification import members
from renderers.archive.fragments import ArchiveFragment, ArchiveFragmentWriter
from renderers.registry import FileFormat

#: Symbols drawn at once. Large enough for NumPy and Polars, under 100 MB.
BATCH_ROWS = 5_000


def prepare(plan: ExportPlan, manifest: Manifest, store: ArtefactStore, limits: Limits | None = None) -> None:
    """Solve the layout of sheets once, for all chunks. Does nothing for other exports.

    Raises DoesNotFit if no label fits, UnknownTemplate, InvalidStartPosition, LeavesPage, and TooManyPages if the
    selection has grown since it was submitted.
    """
    if plan.has_labels:
        template = template_of(plan, store)
        require_pages(limits or Limits(), plan, template, manifests.label_count(plan, manifest))
        sheet_plan.solve(plan, template, manifest, store)


def chunk_to_part(
    plan: ExportPlan,
    manifest: Manifest,
    chunk: Chunk,
    store: ArtefactStore,
    on_progress: OnProgress = lambda _drawn, _failed: None,
) -> Part:
    """Render one chunk, or return the part that an earlier attempt stored.

    After every batch, `on_progress` gets the numbers of entities drawn and failed so far in this chunk.

    Raises ExportCancelled. A part of a ZIP is verified at once: raises CorruptArchive if it does not inflate to the
    drawn bytes, CountsDisagree, SymbolDoesNotDecode. Sheets are verified as a finished artefact.
    """
    key = parts.key_of(plan, manifest, chunk)
    if (part := parts.stored(key, store)) is not None:
        return part
    with ExitStack() as stack:
        data, manifest_csv, errors_csv = (
            stack.enter_context(store.write(f"{key}.{name}"))
            for name in ("data", "manifest.csv", "errors.csv")
        )
        if plan.has_labels:
            sheet = sheet_plan.load(plan, store)
            drawn = sheet_pages.draw(
                plan,
                sheet,
                chunk,
                store,
                on_progress,
                pages=data,
                manifest_csv=manifest_csv,
                errors_csv=errors_csv,
            )
        else:
            drawn = _draw_members(plan, chunk, store, on_progress, data, manifest_csv, errors_csv)
    part = Part(key, chunk.start, chunk.stop, drawn.failed, drawn.fragment, drawn.notes)
    if isinstance(drawn.fragment, ArchiveFragment):
        decoded = members.require_right(plan, part, drawn.fragment, manifest.rows, store)
        part = replace(part, decoded=decoded)
    if chunk.start == 0:
        pictures.store_first(plan, chunk, store)
    store.write_json(f"{key}.json", part.to_document())
    return part


def _draw_members(
    plan: ExportPlan,
    chunk: Chunk,
    store: ArtefactStore,
    on_progress: OnProgress,
    data: BinaryIO,
    manifest_csv: BinaryIO,
    errors_csv: BinaryIO,
) -> Drawn:
    """Write the chunk's symbols as members of a ZIP."""
    drawn = failed = 0
    notes: Counter[str] = Counter()
    writer = ArchiveFragmentWriter(data)
    compressed = plan.file_format is FileFormat.PNG
    for frame in manifests.read_rows(plan, store, chunk, BATCH_ROWS):
        decision.require_not_cancelled(plan.job_id, store)
        batch = symbol_files.draw(plan, frame)
        writer.add(batch.symbols["file"].to_list(), batch.files, store=compressed)
        manifest_csv.write(csv_bytes(manifest_rows(batch.symbols)))
        errors_csv.write(csv_bytes(batch.errors))
        notes.update(counts_by_code(batch.symbols))
        failed += batch.errors.height
        drawn += frame.height - batch.errors.height
        on_progress(drawn, failed)
    return Drawn(writer.close(), failed, dict(notes))
