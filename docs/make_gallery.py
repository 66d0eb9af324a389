"""Writes docs/gallery: one symbol of each kind at true size, as the exports draw it, with what it carries."""
# ruff: noqa: INP001 - a script, not a package

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import polars as pl

from catalogue.schema import MANIFEST
from exports.jobs.plan import ExportPlan
from exports.requests.export_types import ExportType
from exports.requests.request import ExportRequest
from exports.symbols.drawn import manifest_rows
from exports.symbols.symbol_files import draw
from exports.verification.reading import SYMBOLOGY_IDENTIFIERS
from gs1.symbol_size import SymbolKind

GALLERY = Path(__file__).parent / "gallery"
PAGE = "README.md"

_INTRODUCTION = """\
# Gallery

One symbol of each kind, as the exports draw it: SVG files in millimetres, quiet zones inside, text as
outlines. A browser shows them at true size where a CSS millimetre is one; print at 100 % to measure.
`make gallery` writes this page, and a test fails where it is not current.
"""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One symbol of the page: what is asked for, of which entity, and why it is worth a look."""

    name: str
    heading: str
    remark: str
    export_type: ExportType
    scope: str
    entity: Mapping[str, str]
    config: Mapping[str, object] = field(default_factory=dict[str, object])


_TEA = {"gtin14": "09506000134352"}
_LOT = {**_TEA, "lot_number": "ABC123", "expiry": "270331"}
_SERIAL = {**_LOT, "serial_number": "S0001"}
_MATRIX_TEXT = {"hri": True}

EXHIBITS = (
    Exhibit(
        "qr-code-product", "QR Code of a product",
        "A GS1 Digital Link of a product.",
        ExportType.QR_CODES, "products", _TEA,
    ),
    Exhibit(
        "qr-code-serial", "QR Code of a serial, with text",
        "A unit, with its lot and expiry. The text under a matrix symbol is drawn where `hri` asks for it; it "
        "shows the Application Identifiers, not the link.",
        ExportType.QR_CODES, "serials", _SERIAL, _MATRIX_TEXT,
    ),
    Exhibit(
        "gs1-datamatrix", "GS1 DataMatrix of a serial, with text",
        "The same unit as an element string.",
        ExportType.DATAMATRIX, "serials", _SERIAL, _MATRIX_TEXT,
    ),
    Exhibit(
        "gs1-datamatrix-rectangular", "Rectangular GS1 DataMatrix of a lot, with text",
        "For labels and packs that are too low for a square.",
        ExportType.DATAMATRIX, "lots", _LOT, {**_MATRIX_TEXT, "symbology": "datamatrix_rectangular"},
    ),
    Exhibit(
        "ean-13", "EAN-13",
        "A GTIN with one leading zero in its 14 digits.",
        ExportType.BARCODES_1D, "products", _TEA,
    ),
    Exhibit(
        "upc-a", "UPC-A",
        "Two to five leading zeros.",
        ExportType.BARCODES_1D, "products", {"gtin14": "00012345678905"},
    ),
    Exhibit(
        "upc-e", "UPC-E",
        "A UPC-A whose zeros can be left out, where the catalogue declares the carrier `upce`. Eight digits stand below "
        "it for the twelve of the UPC-A, which a scanner reports.",
        ExportType.BARCODES_1D, "products", {"gtin14": "00012345000065", "carrier": "upce"},
    ),
    Exhibit(
        "ean-8", "EAN-8",
        "Six or more leading zeros.",
        ExportType.BARCODES_1D, "products", {"gtin14": "00000096385074"},
    ),
    Exhibit(
        "itf-14", "ITF-14",
        "No leading zero: a grouping of trade items. Bearer bars stand above and below.",
        ExportType.BARCODES_1D, "products", {"gtin14": "10614141000415"},
    ),
    Exhibit(
        "gs1-128", "GS1-128 of a lot",
        "A lot with its expiry.",
        ExportType.BARCODES_1D, "lots", _LOT,
    ),
    Exhibit(
        "gs1-128-widest", "GS1-128 of the longest lot",
        "The longest lot there is, without two digits in a row: its X-dimension is reduced until the symbol is "
        "within 165.10 mm.",
        ExportType.BARCODES_1D, "lots", {**_LOT, "lot_number": "a1b2c3d4e5f6g7h8i9j0"},
    ),
    Exhibit(
        "gs1-datamatrix-healthcare", "GS1 DataMatrix for healthcare",
        "The least X-dimension, for regulated healthcare.",
        ExportType.DATAMATRIX, "lots", _LOT, {"environment": "healthcare", "module_size_mm": 0.254},
    ),
)  # fmt: skip


def gallery() -> dict[str, bytes]:
    """Return the gallery's files by name: the page and its pictures, the same bytes every time."""
    files: dict[str, bytes] = {}
    page = [_INTRODUCTION]
    for exhibit in EXHIBITS:
        symbol, row = _drawn(exhibit)
        files[f"{exhibit.name}.svg"] = symbol
        page.append(_section(exhibit, symbol, row))
    files[PAGE] = "\n".join(page).encode()
    return files


def _drawn(exhibit: Exhibit) -> tuple[bytes, dict[str, str]]:
    """Return the exhibit's file and its row of `manifest.csv`, with the file's title."""
    request = ExportRequest.model_validate(
        {
            "scope": exhibit.scope,
            "export_type": exhibit.export_type.value,
            "file_format": "svg",
            "asset_config": dict(exhibit.config),
        }
    )
    plan = ExportPlan("gallery", "gallery", None, "gallery", datetime(2026, 1, 1, tzinfo=UTC), request)
    row = {"row": 0, "scope": exhibit.scope, "entity_id": exhibit.name, **exhibit.entity}
    drawn = draw(plan, pl.DataFrame([row], schema=MANIFEST))
    [symbol], [line] = drawn.files, manifest_rows(drawn.symbols).rows(named=True)
    return symbol, line | {"title": drawn.symbols["title"][0]}


def _section(exhibit: Exhibit, symbol: bytes, row: dict[str, str]) -> str:
    picture = ET.fromstring(symbol).attrib  # noqa: S314 - drawn by us, a line above
    width, height = (float(picture[side].removesuffix("mm")) for side in ("width", "height"))
    reported = " or ".join(
        f"`{identifier}`" for identifier in sorted(SYMBOLOGY_IDENTIFIERS[SymbolKind(row["symbology"])])
    )
    facts = [
        ("symbology", f"`{row['symbology']}`"),
        ("carries", f"`{row['payload']}`"),
        ("a scanner reports", reported),
        ("X-dimension", f"{row['x_dimension_mm']} mm"),
        ("size with quiet zones", f"{width:.2f} × {height:.2f} mm"),
        ("rows x columns", row["modules"])
        if "x" in row["modules"]
        else ("width of the symbol", f"{row['modules']} X"),
        ("made by", f"`{exhibit.export_type}`, scope `{exhibit.scope}`"),
    ]
    facts += [("note in the manifest", row["note"])] if row["note"] else []
    table = "".join(f"| {name} | {value} |\n" for name, value in facts)
    return (
        f"## {exhibit.heading}\n\n{exhibit.remark}\n\n"
        f"![{row['title']}]({exhibit.name}.svg)\n\n"
        f"| | |\n|---|---|\n{table}"
    )


def main() -> None:
    """Write the files, and delete pictures that are no longer in the gallery."""
    GALLERY.mkdir(exist_ok=True)
    files = gallery()
    for path in GALLERY.iterdir():
        if path.name not in files:
            path.unlink()
    for name, content in files.items():
        (GALLERY / name).write_bytes(content)


if __name__ == "__main__":
    main()
