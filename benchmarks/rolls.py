"""Labels on rolls as ZPL: the writer alone, and exports, on one core; and the memory of a large job.

Serials and products on 4 x 6 inches with element strings in the printer's font and a name as a picture. The writer's
symbols are encoded beforehand: the time is for commands, pictures, digests and writing. Exports go from the frozen
manifest to the verified file, in seconds of one core.
"""

import io
import resource
import time
from dataclasses import replace

import polars as pl
from _export_stages import timed

from exports.designs.document import Design
from exports.sheets import pages
from exports.sheets import plan as sheet_plan
from gs1.symbol_size import SymbolKind
from renderers.sheets.templates import DEFAULT_ROLL_ID, template
from renderers.zpl.writer import ZplFragmentWriter
from tests.rolls.jobs import plan_of
from tests.sheets import jobs

BATCH = 4_000
LARGE = 100_000
REPEATS = 5

#: Scope, symbology and resolution.
CASES = (
    ("serials", "datamatrix", 203),
    ("lots", "barcode_1d", 203),
    ("products", "barcode_1d", 203),
    ("serials", "qr", 203),
    ("serials", "qr", 600),
)

LINES = Design.model_validate(
    {
        "version": 1,
        "lines": [
            {"text": "{name}", "place": "above"},
            {"text": "LOT {lot}"},
            {"text": "S/N {serial}"},
            {"text": "GTIN {gtin}"},
        ],
    }
)


def rows_of(scope: str, count: int, first: int = 0) -> pl.DataFrame:
    if scope == "products":
        return jobs.products(count, SymbolKind.EAN_13)
    rows = jobs.serials(count, first)
    if scope == "serials":
        return rows
    return rows.with_columns(
        scope=pl.lit("lots"), lot_number="serial_number", serial_number=pl.lit(None, pl.String)
    )


def writer(scope: str, symbology: str, dpi: int) -> None:
    """Print how many labels the writer alone makes in a second."""
    plan, rows = plan_of(scope, symbology=symbology, dpi=dpi), rows_of(scope, BATCH)
    sheet = sheet_plan.plan_sheets(plan, template(DEFAULT_ROLL_ID), BATCH, lambda: iter([rows]))
    labels = pages.labels_on(sheet, pages.encode(plan, sheet, rows), 0, BATCH)
    best, size = 0.0, 0
    for _ in range(REPEATS):
        out = io.BytesIO()
        begin = time.process_time()
        made = ZplFragmentWriter(sheet.document, out)
        made.add(labels, [1] * BATCH)
        made.close()
        best = max(best, BATCH / (time.process_time() - begin))
        size = len(out.getvalue())
    print(
        f"{scope} as {symbology} at {dpi} dpi: {best:,.0f} labels/s written, {size / BATCH:,.0f} bytes a label"
    )


def export_job(scope: str, symbology: str, dpi: int, design: Design | None = None, name: str = "") -> None:
    """Make a roll as an export does, and print the time of each step."""
    plan = replace(plan_of(scope, symbology=symbology, dpi=dpi), design=design)
    frames = (rows_of(scope, BATCH, first) for first in range(0, LARGE, BATCH))
    took = timed(plan, [rows_of(scope, LARGE)] if scope == "products" else frames)
    print(
        f"{took.rows:,} {scope} as {symbology} at {dpi} dpi{name}: {took.rows / took.whole:,.0f} labels/s; "
        f"layout {took.rows / took.solving:,.0f}, encoded and written with reports {took.rows / took.drawing:,.0f}, joined and "
        f"verified {took.rows / took.joining:,.0f}; peak memory "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB so far"
    )


def main() -> None:
    for case in CASES:
        writer(*case)
    for case in CASES:
        export_job(*case)
    export_job("serials", "datamatrix", 203, LINES, ", with three plain lines")


if __name__ == "__main__":
    main()
