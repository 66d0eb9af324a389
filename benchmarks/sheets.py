"""Label sheets: our page writer and reportlab in one process on one core, and the memory of a large job.

Every label is a QR Code of 37 modules with two lines of human-readable text and a name, 63 on a round-label
sheet. In the table, symbols are encoded beforehand, except by the widget: the time is for drawing,
compressing and writing. The large job encodes its symbols, as an export does. Exports of serials are timed
from the frozen manifest to the verified PDF, in seconds of one core.
"""

import io
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
from _export_stages import timed
from reportlab.graphics import renderPDF
from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.pdfgen.canvas import Canvas

from exports.designs.document import BUILT_IN, DUAL_NAME, Design
from gs1.symbol_size import SymbolKind
from renderers.fonts.subset import shown_characters
from renderers.sheets.document import SheetDocument
from renderers.sheets.model import LabelLayout, TextLine
from renderers.sheets.pdf import PdfFragmentWriter, join
from renderers.sheets.placement import LabelGroup, SheetLabels
from renderers.sheets.templates import template
from renderers.symbologies import qr_code
from tests.renderers.sheets import reportlab_sheet
from tests.sheets import jobs

TEMPLATE = template("63up_1in_letter")
PER_PAGE = TEMPLATE.labels_per_page
BATCH = 64 * PER_PAGE
LARGE = 100_000
FRAGMENTS = 10

LINKS = [
    f"https://id.gs1.org/01/09506000134352/10/lot-number-{row:05d}-a/21/serial-{row:05d}-b".encode()
    for row in range(BATCH)
]
GTINS = ["(01)09506000134352"] * BATCH
LOTS = [f"(10)LOT{row:05d}" for row in range(BATCH)]
NAMES = [f"Crème brûlée {row % 10}" for row in range(BATCH)]

# A layout made by hand: GS1's smallest X is too large for this symbol on this label.
LAYOUT = LabelLayout(
    kind=SymbolKind.QR_CODE,
    dpi=600,
    x_dots=8,
    box_left_dots=152,
    box_bottom_dots=170,
    box_width_x=37,
    box_height_x=37,
    bar_height_dots=0,
    hri=(TextLine(3.7, 4.5, 18, 4.5, ("01",)), TextLine(3.7, 2.6, 18, 4.5, ("10",))),
    lines=(TextLine(3.7, 21.8, 18, 4.5, number=0),),
)
GROUP = next(group for group in qr_code.encode(LINKS).groups if group.width_x == LAYOUT.box_width_x)
CHARACTERS = shown_characters([*GTINS[:1], *LOTS, *NAMES])


LINES = Design.model_validate(
    {
        "version": 1,
        "logo": {
            "svg": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 10"><path d="M0 10L20 0L40 10z"/></svg>',
            "height_mm": 5,
        },
        "lines": [
            {"text": "{name}", "place": "above", "weight": "bold", "optional": 1},
            {"text": "LOT {lot}"},
            {"text": "S/N {serial}"},
            {"text": "GTIN {gtin}"},
        ],
    }
)


def document(labels: int) -> SheetDocument:
    return SheetDocument(
        TEMPLATE,
        LAYOUT.dpi,
        -(-labels // PER_PAGE),
        "Benchmark",
        CHARACTERS,
        datetime(2026, 1, 1, tzinfo=UTC),
    )


def batch(first: int, count: int) -> SheetLabels:
    """Return labels from place `first` on: the same symbols every time."""
    part = type(GROUP)(np.arange(count), GROUP.modules[:count])
    group = LabelGroup(LAYOUT, part, [GTINS[:count], LOTS[:count]], [NAMES[:count]])
    return SheetLabels(first + np.arange(count), [group])


def write(labels: int, out: io.BytesIO) -> None:
    made = document(labels)
    writer = PdfFragmentWriter(made, out, 0, made.pages)
    for first in range(0, labels, BATCH):
        writer.add(batch(first, min(BATCH, labels - first)))
    writer.close()


def with_widget(labels: int, out: io.BytesIO) -> None:
    canvas = Canvas(out, pageCompression=1)
    for row in range(labels):
        drawing = Drawing(60, 60)
        drawing.add(QrCodeWidget(LINKS[row].decode(), barLevel="M", barWidth=60, barHeight=60))
        renderPDF.draw(drawing, canvas, 72 * (row % 7), 72 * (row // 7 % 9))
        if row % PER_PAGE == PER_PAGE - 1:
            canvas.showPage()
    canvas.save()


def with_paths(labels: int, out: io.BytesIO) -> None:
    canvas = Canvas(out, pageCompression=1)
    for row, modules in enumerate(GROUP.modules[:labels].tolist()):
        path = canvas.beginPath()
        x, y = 72 * (row % 7), 72 * (row // 7 % 9)
        for down, line in enumerate(modules):
            for right, dark in enumerate(line):
                if dark:
                    path.rect(x + right, y - down, 1, 1)
        canvas.drawPath(path, stroke=0, fill=1)
        if row % PER_PAGE == PER_PAGE - 1:
            canvas.showPage()
    canvas.save()


def with_reference(labels: int, out: io.BytesIO) -> None:
    out.write(reportlab_sheet.draw(document(labels), [batch(0, labels)]))


def rate(draw: Callable[[int, io.BytesIO], None], labels: int, repeats: int = 3) -> tuple[float, float]:
    """Return labels per second, the best of several runs, and bytes per label."""
    best, size = 0.0, 0
    for _ in range(repeats):
        out = io.BytesIO()
        begin = time.perf_counter()
        draw(labels, out)
        best = max(best, labels / (time.perf_counter() - begin))
        size = len(out.getvalue())
    return best, size / labels


def large_job() -> None:
    """Write and join a large job, as workers and the joining process do. Print speed, share and memory."""
    made = document(LARGE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bounds = [made.pages * part // FRAGMENTS for part in range(FRAGMENTS + 1)]
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as store, tempfile.TemporaryFile() as joined:
        fragments = []
        for first_page, last_page in pairwise(bounds):
            writer = PdfFragmentWriter(made, store, first_page, last_page)
            last = min(LARGE, last_page * PER_PAGE)
            for first in range(first_page * PER_PAGE, last, BATCH):
                qr_code.encode(LINKS[: min(BATCH, last - first)])
                writer.add(batch(first, min(BATCH, last - first)))
            fragments.append(writer.close())
        written = time.perf_counter() - begin
        store.seek(0)
        begin = time.perf_counter()
        summary = join(made, ((fragment, store) for fragment in fragments), joined)
        joining = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{LARGE:,} labels: {LARGE / written:,.0f} labels/s encoded and written, joining {joining:.2f} s, {100 * joining / (written + joining):.1f} % "
        f"of the whole, {summary.size_bytes / LARGE:.0f} bytes a label, peak memory {peak / 1024:.0f} MB "
        f"({(peak - before) / 1024:.0f} MB above what symbols and imports take)"
    )


def export_job(symbology: str, template_id: str, design: Design | None = None, name: str = "") -> None:
    """Make sheets of serials as an export does, and print the time of each step."""
    plan = jobs.plan_of("serials", symbology=symbology, sheet_template=template_id)
    plan = replace(plan, design=design)
    took = timed(plan, (jobs.serials(BATCH, first) for first in range(0, LARGE, BATCH)))
    print(
        f"{took.rows:,} serials as {symbology} on {template_id}{name}: {took.rows / took.whole:,.0f} labels/s; layout "
        f"{took.solving / took.whole:.0%}, pages {took.drawing / took.whole:.0%} ({took.rows / took.drawing:,.0f} labels/s), joined and "
        f"verified {took.joining / took.whole:.0%}"
    )


def main() -> None:
    if len(GROUP.modules) < BATCH:
        sys.exit(f"Only {len(GROUP.modules)} of {BATCH} symbols have {LAYOUT.box_width_x} modules")
    large_job()
    export_job("datamatrix", "avery_5160")
    export_job("qr", "avery_5163")
    export_job("datamatrix", "avery_5163", LINES, ", a design with four lines and a logo")
    export_job("datamatrix", "avery_5163", BUILT_IN[DUAL_NAME], ", EAN-13 beside it")
    ours, size = rate(write, 20_000)
    print(f"{'':34}{'labels/s':>10}{'ours is':>10}{'bytes/label':>13}")
    print(f"{'our page writer':34}{ours:>10,.0f}{'':>10}{size:>13.0f}")
    for name, draw, labels in (
        ("reportlab, hex masks (reference)", with_reference, PER_PAGE * 40),
        ("reportlab, one path a symbol", with_paths, PER_PAGE * 3),
        ("reportlab, QrCodeWidget", with_widget, PER_PAGE),
    ):
        theirs, size = rate(draw, labels, 2)
        print(f"{name:34}{theirs:>10,.0f}{f'{ours / theirs:,.0f} x':>10}{size:>13.0f}")


if __name__ == "__main__":
    main()
