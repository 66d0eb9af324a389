"""Sheet jobs with generated manifests, and their PDF files, made as in exports."""

import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO

import polars as pl
import pyarrow.parquet as pq

from catalogue.schema import MANIFEST
from catalogue.tables import CatalogueVersion
from exports import assemble, render
from exports.artefacts import ArtefactStore
from exports.jobs.decision import Artefact
from exports.jobs.manifest import Chunk, Manifest
from exports.jobs.plan import ExportPlan
from exports.requests.request import parse_request
from exports.sheets import pages as sheet_pages
from exports.sheets import plan as sheet_plan
from exports.sheets.plan import SheetPlan
from gs1.check_digit import check_digit
from gs1.symbol_size import SymbolKind
from renderers.sheets import pdf
from renderers.sheets.templates import template

GTIN = "09506000134352"
NOW = datetime(2026, 11, 24, tzinfo=UTC)

#: How the GTINs, in 14 digits, begin that get this symbol.
STARTS = {
    SymbolKind.EAN_13: "0950600",
    SymbolKind.UPC_A: "0061414",
    SymbolKind.EAN_8: "0000009506",
    SymbolKind.ITF_14: "1950600",
    SymbolKind.UPC_E: "0001200000",
}


def plan_of(scope: str = "lots", job_id: str = "22222222222222222222Ab", **config: Any) -> ExportPlan:
    request = {"scope": scope, "export_type": "sheet_pdf", "file_format": "pdf", "asset_config": config}
    return ExportPlan(job_id, "acme", None, "key:1", NOW, parse_request(json.dumps(request).encode()))


def lots(count: int, *, names: Sequence[str] = ("Dark chocolate",)) -> pl.DataFrame:
    """Return rows of lots `L0000`, `L0001` …, the products' names in turn, each with a GTIN of its own."""
    gtins = [_gtin(STARTS[SymbolKind.EAN_13], number) for number in range(len(names))]
    each = -(-count // len(names)) if count else 1
    return _frame(
        scope="lots",
        gtin14=[gtins[row // each] for row in range(count)],
        lot_number=[f"L{row:04d}" for row in range(count)],
        product_name=[names[row // each] for row in range(count)],
    )


def products(count: int, kind: SymbolKind) -> pl.DataFrame:
    """Return rows of products whose GTINs get this symbol."""
    return _frame(
        scope="products",
        gtin14=[_gtin(STARTS[kind], row) for row in range(count)],
        product_name=["Dark chocolate"] * count,
        carrier=["upce" if kind is SymbolKind.UPC_E else None] * count,
    )


def serials(count: int, first: int = 0) -> pl.DataFrame:
    numbers = range(first, first + count)
    return _frame(
        first=first,
        scope="serials",
        gtin14=[GTIN] * count,
        lot_number=[f"LOT{number // 500:05d}" for number in numbers],
        serial_number=[f"S{number:08d}" for number in numbers],
        product_name=["Dark chocolate"] * count,
    )


def frozen(plan: ExportPlan, frames: Iterable[pl.DataFrame], store: ArtefactStore) -> Manifest:
    """Store the rows as the manifest of the job, as if a catalogue had been asked."""
    count = 0
    with store.write(f"{plan.folder}/manifest.parquet") as stream, _writer(stream) as writer:
        for rows in frames:
            copies = plan.config.copies or 1
            counted = rows.with_columns(copies=pl.lit(copies, pl.Int64), first_label=pl.col("row") * copies)
            writer.write_table(counted.to_arrow())
            count += rows.height
    manifest = Manifest(count, "0" * 64, CatalogueVersion(0, 0, 0, 0), 0)
    store.write_json(f"{plan.folder}/unmatched.json", {"unmatched": []})
    store.write_json(f"{plan.folder}/manifest.json", manifest.to_document())
    return manifest


def _writer(stream: BinaryIO) -> pq.ParquetWriter:
    return pq.ParquetWriter(stream, pl.DataFrame(schema=MANIFEST).to_arrow().schema, compression="zstd")


def exported(plan: ExportPlan, store: ArtefactStore, *frames: pl.DataFrame) -> Artefact:
    """Return the verified artefact of a job with these rows."""
    return finished(plan, frozen(plan, frames, store), store)


def finished(plan: ExportPlan, manifest: Manifest, store: ArtefactStore) -> Artefact:
    render.prepare(plan, manifest, store)
    parts = [render.chunk_to_part(plan, manifest, chunk, store) for chunk in manifest.chunks()]
    return assemble.assemble(plan, manifest, parts, store)


def content(artefact: Artefact, store: ArtefactStore) -> bytes:
    with store.open(artefact.key) as stream:
        return stream.read()


def sheets(plan: ExportPlan, rows: pl.DataFrame, store: ArtefactStore) -> tuple[SheetPlan, bytes]:
    """Return the sheets' plan and PDF, without looking at them as an export does before it is published.

    Raises DoesNotFit.
    """
    manifest = frozen(plan, [rows], store)
    sheet = sheet_plan.solve(plan, template(plan.config.sheet_template or ""), manifest, store)
    made, out = io.BytesIO(), io.BytesIO()
    fragment = sheet_pages.draw(
        plan, sheet, Chunk(0, rows.height), store, lambda _drawn, _failed: None,
        pages=made, manifest_csv=io.BytesIO(), errors_csv=io.BytesIO(),
    ).fragment  # fmt: skip
    assert isinstance(fragment, pdf.PdfFragment)
    made.seek(0)
    pdf.join(sheet.document, [(fragment, made)], out)
    return sheet, out.getvalue()


def _gtin(start: str, number: int) -> str:
    digits = f"{start}{number:0{13 - len(start)}d}"
    return f"{digits}{check_digit(digits)}"


def _frame(scope: str, gtin14: Sequence[str], first: int = 0, **columns: Sequence[str]) -> pl.DataFrame:
    count = len(gtin14)
    numbers = range(first, first + count)
    given = {
        "row": list(numbers),
        "scope": [scope] * count,
        "entity_id": [f"E{number}" for number in numbers],
        "gtin14": gtin14,
        "copies": [1] * count,
        "first_label": list(numbers),
        **columns,
    }
    return pl.DataFrame({name: given.get(name, [None] * count) for name in MANIFEST.names()}, schema=MANIFEST)
