"""The picture of a job's first symbol or first page of labels."""

from collections.abc import Iterable

from exports.artefacts import ArtefactStore
from exports.jobs import manifest as manifests
from exports.jobs.job_id import folder_of
from exports.jobs.manifest import Chunk
from exports.jobs.plan import ExportPlan
from exports.sheets import pages as sheet_pages
from exports.sheets import plan as sheet_plan
from exports.sheets.plan import SheetPlan
from exports.symbols import symbol_files
from renderers.sheets.preview import preview

#: The first symbol that can be drawn is sought among so many rows.
_ROWS = 10
_SCREEN_DPI = 200


def store_first(plan: ExportPlan, chunk: Chunk, store: ArtefactStore) -> None:
    """Store the picture of the first symbol or page, unless it is stored. No error if nothing can be drawn."""
    if store.exists(_key(plan.job_id)):
        return
    if plan.has_labels:
        sheet = sheet_plan.load(plan, store)
        png = first_page(sheet, sheet_pages.batches(plan, sheet, store, rows_of_first_page(sheet)))
    else:
        few = Chunk(chunk.start, min(chunk.stop, chunk.start + _ROWS))
        drawn = (
            file
            for frame in manifests.read_rows(plan, store, few, _ROWS)
            for file in symbol_files.draw(plan, frame, screen_dpi=_SCREEN_DPI).files
        )
        png = next(drawn, None)
    if png is not None:
        with store.write(_key(plan.job_id)) as stream:
            stream.write(png)


def rows_of_first_page(sheet: SheetPlan) -> Chunk:
    """Return as many rows as may fill the first page, one label each."""
    labels = sheet.template.labels_per_page - (sheet.start_position - 1)
    return Chunk(0, min(sheet.rows, labels))


def first_page(sheet: SheetPlan, batches: Iterable[sheet_pages.LabelBatch]) -> bytes:
    """Return the first page as a PNG, from batches that hold all its rows."""
    return preview(sheet.document, (sheet_pages.labels_on(sheet, batch, 0, 1) for batch in batches))


def first(job_id: str, store: ArtefactStore) -> bytes | None:
    """Return the stored picture as a PNG, or None."""
    try:
        return store.read(_key(job_id))
    except FileNotFoundError:
        return None


def of_row(plan: ExportPlan, row: int, store: ArtefactStore) -> bytes | None:
    """Return the first symbol of a row, counted from 0, of a job whose symbols are files of their own. None if it has none.

    Raises FileNotFoundError if the job's rows are gone.
    """
    for frame in manifests.read_rows(plan, store, Chunk(row, row + 1), 1):
        for file in symbol_files.draw(plan, frame, screen_dpi=_SCREEN_DPI).files:
            return file
    return None


def _key(job_id: str) -> str:
    return f"{folder_of(job_id)}/first.png"
