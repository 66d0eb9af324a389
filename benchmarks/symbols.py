"""Symbols per second and core, from payload to file, beside other people's libraries; and peak memory.

    python benchmarks/symbols.py [--quick]

Engines take turns in rounds, and the result is the median of their CPU time: a busy machine slows all of
them. Everybody makes whole files in memory. "segno" and "python-barcode" are those libraries with their own
writers; "…, our writer" is the reference engine, which leaves only the encoding to them. zint, in C, checks
no Application Identifiers here, as our encoders do not. libdmtx writes no files. "smallest size" is its
search over all schemes, the only way to the batch engine's sizes, timed up to the modules. "pylibdmtx" is the
common call, timed up to the pixels; its symbols are not GS1. With our writer, libdmtx uses single schemes.

Then the stages of a whole part, in microseconds of CPU time a label: encoding, writing, deflating and inflating to
verify, each alone. Their sum is the floor of a part, which `whole` is compared with: it has names, reports, headers,
digests and the reading of the frozen manifest besides. A sheet's pages are deflated where they are written. CPU time
grows with the machine's load too, if less than time does, so that load is printed and the ratio is what counts.
"""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
from _figures import Aim, heading, row
from _symbol_cases import BATCH, CASES, Case, Maker, engines, payloads
from isal import isal_zlib

from catalogue.schema import MANIFEST
from catalogue.tables import CatalogueVersion
from exports import render
from exports.artefacts import ArtefactStore
from exports.jobs.manifest import Chunk, Manifest
from exports.jobs.plan import ExportPlan
from exports.requests.request import parse_request
from exports.sheets import pages
from exports.sheets import plan as sheet_plan
from exports.symbols import encoding, symbol_files
from exports.symbols.payloads import payloads as carried_by
from gs1.check_digit import check_digit
from renderers.archive.records import LEVEL, RAW
from renderers.registry import WRITERS, FileFormat
from renderers.sheets.pdf import PdfFragmentWriter

MOST_SYMBOLS = 5 * BATCH

#: The stages of a part, whose sum is its floor.
STAGES = ("encode", "write", "deflate", "inflate")
FLOOR_RATIO = 1.3

#: Scope, request and the most microseconds that a label may take, by what they are called.
PARTS: dict[str, tuple[str, dict[str, object], float | None]] = {
    "QR Code svg": ("serials", {"export_type": "qr_codes", "file_format": "svg"}, 35),
    "QR Code png": ("serials", {"export_type": "qr_codes", "file_format": "png"}, None),
    "GS1 DataMatrix svg": ("serials", {"export_type": "datamatrix", "file_format": "svg"}, None),
    "GS1 DataMatrix png": ("serials", {"export_type": "datamatrix", "file_format": "png"}, None),
    "EAN-13 svg": ("products", {"export_type": "barcodes_1d", "file_format": "svg"}, None),
    "GS1-128 eps": ("serials", {"export_type": "barcodes_1d", "file_format": "eps"}, None),
    "QR Code and GS1-128 png": ("serials", {"export_type": "codes_combined", "file_format": "png"}, None),
    "sheets": (
        "serials",
        {"export_type": "sheet_pdf", "file_format": "pdf", "asset_config": {"sheet_template": "avery_5160"}},
        None,
    ),
}


def seconds(make: Maker, batch: Sequence[bytes]) -> float:
    start = time.process_time()
    if make(batch) < 100 * len(batch):
        raise RuntimeError("files are missing")
    return time.process_time() - start


def speeds(case: Case, rounds: int, seconds_each: float) -> dict[str, float]:
    """Return each engine's symbols per second of CPU time."""
    makers = engines(case)
    supply = payloads(case.kind, MOST_SYMBOLS)
    counts: dict[str, int] = {}
    for name, make in makers.items():
        first = BATCH if name == "batch engine" else 10
        make(supply[:first])  # tables and caches that a process fills once
        taken = seconds(make, supply[:first])
        counts[name] = max(first, min(MOST_SYMBOLS, int(first * seconds_each / max(taken, 1e-4))))
    taken_by: dict[str, list[float]] = {name: [] for name in makers}
    for _ in range(rounds):
        for name, make in makers.items():
            taken_by[name].append(seconds(make, supply[: counts[name]]) / counts[name])
    return {name: 1 / statistics.median(taken) for name, taken in taken_by.items()}


def print_speeds(case: Case, rounds: int, seconds_each: float) -> None:
    measured = speeds(case, rounds, seconds_each)
    ours = measured["batch engine"]
    print(f"\n{case.name}")
    for name, speed in measured.items():
        line = f"  {name:28}{speed:11,.0f} /s"
        if name != "batch engine":
            ratio = ours / speed
            line += f"{ratio:10,.1f} x"
            if aim := case.aims.get(name):
                line += f"   aim {aim:g} x: {'met' if ratio >= aim else 'MISSED'}"
        print(line, flush=True)


def print_memory(counts: Sequence[int]) -> None:
    """Print the peak memory of child processes that draw this many symbols in batches."""
    print(f"\npeak memory, every kind as SVG in batches of {BATCH:,}")
    script = Path(__file__).with_name("_symbol_memory.py")

    def peak(count: int) -> int:
        done = subprocess.run(
            [sys.executable, str(script), str(count)], capture_output=True, check=True, text=True
        )
        return int(done.stdout)

    with ThreadPoolExecutor(2) as pool:
        for count, size in zip(counts, pool.map(peak, counts), strict=True):
            print(f"  {count:>9,} symbols{size / 2**20:9.0f} MiB", flush=True)


def manifest_rows(scope: str, count: int) -> pl.DataFrame:
    """Return rows of a manifest: products, or serials of a lot for each thousand."""
    rows = pl.select(row=pl.int_range(count, dtype=pl.Int64))["row"]
    item = rows if scope == "products" else rows // 1_000
    keys = [f"0950600{number:06d}" for number in item.to_list()]
    known = pl.DataFrame(
        {
            "row": rows,
            "scope": [scope] * count,
            "entity_id": [f"0191d2c4-7a10-7000-8000-{number:012d}" for number in rows],
            "gtin14": [f"{key}{check_digit(key)}" for key in keys],
            "lot_number": [None if scope == "products" else f"LOT{number:05d}" for number in item],
            "serial_number": [None if scope == "products" else f"{number:08d}" for number in rows],
            "product_name": ["Product"] * count,
            "copies": [1] * count,
            "first_label": rows,
        }
    )
    return known.cast({name: MANIFEST[name] for name in known.columns}).match_to_schema(
        MANIFEST, missing_columns="insert"
    )


class Stages:
    """Seconds of CPU time by stage, each added up over the batches of a part."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def timed(self, stage: str) -> Generator[None]:
        start = time.process_time()
        yield
        self.seconds[stage] += time.process_time() - start


class TimedPart:
    """A chunk of a job, drawn whole and stage by stage."""

    def __init__(self, folder: str, scope: str, body: dict[str, object], count: int) -> None:
        self.count = count
        self.rows = manifest_rows(scope, count)
        request = parse_request(json.dumps({"scope": scope, **body}).encode())
        self.plan = ExportPlan("benchmark", "acme", None, "key:1", datetime.now(UTC), request)
        self.store = ArtefactStore(folder)
        with self.store.write(f"{self.plan.folder}/manifest.parquet") as stream:
            pq.write_table(self.rows.to_arrow(), stream, compression="zstd")
        render.prepare(self.plan, self._manifest(0), self.store)

    def _manifest(self, number: int) -> Manifest:
        return Manifest(self.count, str(number), CatalogueVersion(0, 0, 0, 0), 0)

    def whole(self, number: int) -> float:
        """Return the seconds of the part with this number: one that is stored would not be drawn again."""
        start = time.process_time()
        render.chunk_to_part(self.plan, self._manifest(number), Chunk(0, self.count), self.store)
        return time.process_time() - start

    def stages(self) -> list[float]:
        stages = Stages()
        for batch in self.rows.iter_slices(render.BATCH_ROWS):
            if self.plan.has_labels:
                self._sheet(batch, stages)
            else:
                self._files(batch, stages)
        return list(stages.seconds.values())

    def _files(self, batch: pl.DataFrame, stages: Stages) -> None:
        write, level = WRITERS[self.plan.file_format], self.plan.config.error_correction or "M"
        for slot in self.plan.slots:
            carried = carried_by(slot, None, batch)
            with stages.timed("encode"):
                groups = list(encoding.groups(carried, {}, level, self.plan.engine))
            for kind, group in groups:
                drawing = symbol_files.drawing_of(self.plan, kind, group)
                captions = symbol_files.captions(carried[group.positions], shown=drawing.hri)
                with stages.timed("write"):
                    files = write(group, drawing, captions)
                if self.plan.file_format is FileFormat.PNG:
                    continue  # deflated where it is written, and stored as it is
                sizes = list(map(len, files))
                with stages.timed("deflate"):
                    deflated = [isal_zlib.compress(file, LEVEL, RAW) for file in files]
                with stages.timed("inflate"):
                    for data, size in zip(deflated, sizes, strict=True):
                        isal_zlib.decompress(data, RAW, size)

    def _sheet(self, batch: pl.DataFrame, stages: Stages) -> None:
        sheet = sheet_plan.load(self.plan, self.store)
        last_page = sheet.document.pages
        carried = carried_by(sheet.slot, None, batch)
        with stages.timed("encode"):
            list(encoding.groups(carried, {}, sheet.level, self.plan.engine))
        labels = pages.labels_on(sheet, pages.encode(self.plan, sheet, batch), 0, last_page)
        writer = PdfFragmentWriter(sheet.document, io.BytesIO(), 0, last_page)
        with stages.timed("write"):
            writer.add(labels)


def print_parts(rounds: int, count: int) -> None:
    heading(f"a part of {count:,} labels, µs of CPU a label", (*STAGES, "floor", "whole", "ratio"))
    for name, (scope, body, most) in PARTS.items():
        with tempfile.TemporaryDirectory() as folder:
            part = TimedPart(folder, scope, body, count)
            part.whole(0)  # tables and caches that a process fills once
            # In turns, so that a load that comes and goes is in both.
            measured = [(*part.stages(), part.whole(number)) for number in range(1, rounds + 1)]
        *stages, whole = (1e6 * statistics.median(seconds) / count for seconds in zip(*measured, strict=True))
        floor = sum(stages)
        row(name, [*stages, floor, whole, whole / floor], 2, Aim.most(FLOOR_RATIO, whole / floor))
        if most is not None:
            row("  whole", [whole], 1, Aim.most(most, whole))
    print(f"  load of the machine, {os.cpu_count()} cores: {os.getloadavg()[0]:.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one short round; memory up to 100,000 symbols")
    quick = parser.parse_args().quick
    for case in CASES:
        print_speeds(case, rounds=1 if quick else 5, seconds_each=0.1 if quick else 0.2)
    print_parts(rounds=1 if quick else 5, count=10_000 if quick else 25_000)
    print_memory((10_000, 100_000) if quick else (10_000, 100_000, 1_000_000))


if __name__ == "__main__":
    main()
