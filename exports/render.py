"""One chunk of the manifest becomes one stored part: a ZIP fragment and its rows of the CSV files."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, cast

import polars as pl

from exports import manifest as manifests
from exports.artefacts import ArtefactStore
from exports.manifest import Chunk, Manifest
from exports.plan import ExportPlan
from exports.verify import Expected, require_decodes
from gs1.digital_link import digital_link
from gs1.element_string import element_string, hri
from gs1.errors import LabelError
from gs1.symbol_size import Environment, SymbolKind, symbol_size, x_dimension_mm
from gs1.trade_item_message import datamatrix_elements
from renderers.archive import Fragment, FragmentWriter
from renderers.file_names import member_name
from renderers.registry import ENCODERS, WRITERS, FileFormat, Symbology
from renderers.symbol import Drawing

#: Symbols drawn at once: enough for NumPy to shine, little enough to stay in some tens of megabytes.
BATCH_ROWS = 2_000

#: Symbols of one chunk that are decoded again before anything is published.
DECODED_PER_CHUNK = 50

DEFAULT_DPI = 600

MANIFEST_COLUMNS = (
    "row", "file", "scope", "entity_id", "gtin", "lot", "serial", "expiry",
    "symbology", "payload", "modules", "x_dimension_mm", "note",
)  # fmt: skip
ERROR_COLUMNS = ("row", "entity_id", "gtin", "lot", "serial", "code", "reason")

_KIND_OF = {Symbology.QR_CODE: SymbolKind.QR_CODE, Symbology.GS1_DATAMATRIX: SymbolKind.GS1_DATAMATRIX}


@dataclass(frozen=True, slots=True)
class Part:
    """One chunk's stored output. `key` is the stem its objects share; counts add up to the chunk's rows."""

    key: str
    start: int
    stop: int
    failed: int
    fragment: Fragment

    @property
    def processed(self) -> int:
        return self.stop - self.start - self.failed

    def to_document(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Part":
        values: dict[str, Any] = {**document, "fragment": Fragment.from_dict(document["fragment"])}
        return cls(**values)


@dataclass(frozen=True, slots=True)
class _Payload:
    """What one symbol carries: the encoder's bytes, and the same for people."""

    data: bytes
    text: str
    hri: str


def part_key(plan: ExportPlan, manifest: Manifest, chunk: Chunk) -> str:
    digest = manifests.content_hash(plan, manifest)
    return f"{plan.folder}/parts/{digest}/{chunk.start:010d}-{chunk.stop:010d}"


def chunk_to_part(plan: ExportPlan, manifest: Manifest, chunk: Chunk, store: ArtefactStore) -> Part:
    """Render one chunk, or return at once what an earlier attempt stored.

    The part's document is written last: where it exists, the rest is whole. Raises
    SymbolDoesNotDecode when a drawn symbol does not read back as its payload.
    """
    key = part_key(plan, manifest, chunk)
    if store.exists(f"{key}.json"):
        return Part.from_document(store.read_json(f"{key}.json"))
    failed = 0
    sample = _sample(chunk)
    with (
        store.write(f"{key}.zip") as archive,
        store.write(f"{key}.manifest.csv") as manifest_stream,
        store.write(f"{key}.errors.csv") as errors_stream,
    ):
        fragment_writer = FragmentWriter(archive)
        for frame in manifests.read_rows(plan, store, chunk, BATCH_ROWS):
            batch = _draw(plan, frame)
            for name, data in batch.files:
                fragment_writer.add(name, data, store=plan.file_format is FileFormat.PNG)
            manifest_stream.write(csv_bytes(batch.manifest_rows))
            errors_stream.write(csv_bytes(batch.error_rows))
            failed += len(batch.error_rows)
            for row, (name, data), expected in zip(batch.rows, batch.files, batch.expected, strict=True):
                if row in sample:
                    require_decodes(name, data, plan.file_format, expected)
        fragment = fragment_writer.close()
    first = _first_file_key(plan)
    if chunk.start == 0 and not store.exists(first):
        _store_first_picture(plan, manifest, chunk, store)
    part = Part(key, chunk.start, chunk.stop, failed, fragment)
    store.write_json(f"{key}.json", part.to_document())
    return part


def csv_bytes(rows: Sequence[Sequence[object]]) -> bytes:
    """Return rows as RFC 4180 lines in UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _sample(chunk: Chunk) -> set[int]:
    rows = chunk.stop - chunk.start
    step = max(1, -(-rows // DECODED_PER_CHUNK))
    return set(range(chunk.start, chunk.stop, step))


def _first_file_key(plan: ExportPlan) -> str:
    return f"{plan.folder}/first.png"


def first_picture(plan: ExportPlan, store: ArtefactStore) -> bytes | None:
    """Return the first symbol as a small PNG, for people to look at."""
    if not store.exists(_first_file_key(plan)):
        return None
    with store.open(_first_file_key(plan)) as stream:
        return stream.read()


def _store_first_picture(plan: ExportPlan, manifest: Manifest, chunk: Chunk, store: ArtefactStore) -> None:
    del manifest
    for frame in manifests.read_rows(plan, store, chunk, BATCH_ROWS):
        drawing = _drawing(plan)
        screen = Drawing(drawing.x_dimension_mm, drawing.quiet_zone_x, dpi=200)
        batch = _draw(plan, frame, file_format=FileFormat.PNG, drawing=screen)
        if batch.files:
            with store.write(_first_file_key(plan)) as stream:
                stream.write(batch.files[0][1])
            return


@dataclass(slots=True)
class _Batch:
    rows: list[int]
    files: list[tuple[str, bytes]]
    expected: list[Expected]
    manifest_rows: list[Sequence[object]]
    error_rows: list[Sequence[object]]


def _draw(
    plan: ExportPlan,
    frame: pl.DataFrame,
    *,
    file_format: FileFormat | None = None,
    drawing: Drawing | None = None,
) -> _Batch:
    """Encode and draw the frame's rows, in order; rows that cannot be encoded become error rows."""
    file_format = file_format or plan.file_format
    drawing = drawing or _drawing(plan)
    rows = list(frame.iter_rows(named=True))
    payloads, refused = _payloads(plan, rows)
    positions = list(payloads)
    config = plan.request.asset_config
    level = (config and config.error_correction) or "M"
    encoded = ENCODERS[plan.symbology]([payloads[p].data for p in positions], level)
    refused |= {positions[index]: error for index, error in encoded.refused.items()}
    drawn: dict[int, tuple[bytes, int]] = {}
    for group in encoded.groups:
        members = [positions[index] for index in group.positions.tolist()]
        files = WRITERS[file_format](
            group,
            drawing,
            [_title(plan.symbology, payloads[p]) for p in members],
            [payloads[p].text for p in members],
        )
        modules = int(group.modules.shape[1])
        drawn |= {p: (data, modules) for p, data in zip(members, files, strict=True)}
    batch = _Batch([], [], [], [], [])
    for position, row in enumerate(rows):
        number = row["row"] + 1
        identity = (row["entity_id"], row["gtin14"], row["lot_number"], row["serial_number"])
        if position not in drawn:
            error = refused[position]
            batch.error_rows.append((number, *identity, error.code, str(error)))
            continue
        data, modules = drawn[position]
        payload = payloads[position]
        parts = [part for part in identity[1:] if part]
        name = member_name(number, parts, file_format)
        batch.rows.append(row["row"])
        batch.files.append((name, data))
        batch.expected.append(Expected(plan.symbology, payload.data))
        batch.manifest_rows.append(
            (
                number,
                name,
                row["scope"],
                *identity,
                row["expiry"],
                plan.symbology,
                payload.text,
                modules,
                f"{drawing.x_dimension_mm:.3f}",
                _note(row),
            )
        )
    return batch


def _drawing(plan: ExportPlan) -> Drawing:
    config = plan.request.asset_config
    kind = _KIND_OF[plan.symbology]
    environment = Environment((config and config.environment) or "retail")
    size = symbol_size(kind, environment)
    return Drawing(
        x_dimension_mm=x_dimension_mm(kind, environment, config and config.module_size_mm),
        quiet_zone_x=size.quiet_left_x,
        dpi=(config and config.dpi) or DEFAULT_DPI,
    )


def _payloads(
    plan: ExportPlan, rows: Sequence[dict[str, Any]]
) -> tuple[dict[int, _Payload], dict[int, LabelError]]:
    make: Callable[[dict[str, Any]], _Payload] = (
        partial(_link, plan.resolver) if plan.symbology is Symbology.QR_CODE else _message
    )
    payloads: dict[int, _Payload] = {}
    refused: dict[int, LabelError] = {}
    for position, row in enumerate(rows):
        try:
            payloads[position] = make(row)
        except LabelError as error:
            refused[position] = error
    return payloads, refused


def _elements(row: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return datamatrix_elements(
        row["gtin14"], row["lot_number"], row["serial_number"], row["expiry"], row["best_before"]
    )


def _link(resolver: str | None, row: dict[str, Any]) -> _Payload:
    link = digital_link(
        resolver or "https://id.gs1.org",
        row["gtin14"],
        lot=row["lot_number"],
        serial=row["serial_number"],
        expiry=row["expiry"],
        best_before=None if row["expiry"] else row["best_before"],
    )
    return _Payload(link.encode("ascii"), link, hri(_elements(row)))


def _message(row: dict[str, Any]) -> _Payload:
    elements = _elements(row)
    text = hri(elements)
    return _Payload(element_string(elements).encode("ascii"), text, text)


def _title(symbology: Symbology, payload: _Payload) -> str:
    name = "QR Code" if symbology is Symbology.QR_CODE else "GS1 DataMatrix"
    return f"{name} {payload.hri}"


def _note(row: dict[str, Any]) -> str:
    if row["expiry"] and row["best_before"]:
        return "best before is not carried: the expiry is"
    return ""


def printed_rows(
    plan: ExportPlan, manifest: Manifest, parts: Sequence[Part], store: ArtefactStore
) -> Iterator[pl.DataFrame]:
    """Yield the manifest's rows that have a symbol, chunk by chunk."""
    del manifest
    for part in parts:
        failed: set[int] = set()
        if part.failed:
            with store.open(f"{part.key}.errors.csv") as stream:
                lines = csv.reader(io.TextIOWrapper(cast("io.BufferedReader", stream), "utf-8", newline=""))
                failed = {int(line[0]) - 1 for line in lines}
        for frame in manifests.read_rows(plan, store, Chunk(part.start, part.stop), BATCH_ROWS * 10):
            yield frame.filter(~pl.col("row").is_in(list(failed))) if failed else frame
