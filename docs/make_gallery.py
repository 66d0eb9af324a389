"""Writes docs/gallery: one symbol of each kind at true size, and labels of several designs, as the exports draw them."""
# ruff: noqa: INP001 - a script, not a package

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from xml.etree import ElementTree as ET

import polars as pl

from catalogue.schema import MANIFEST
from exports.designs.document import Design
from exports.jobs.plan import ExportPlan
from exports.previews.pictures import first_page
from exports.requests.export_types import ExportType
from exports.requests.request import ExportRequest
from exports.sheets.pages import encode
from exports.sheets.plan import plan_sheets
from exports.symbols.drawn import manifest_rows
from exports.symbols.symbol_files import draw
from exports.verification.reading import SYMBOLOGY_IDENTIFIERS
from gs1.symbol_size import SymbolKind
from renderers.sheets.templates import TEMPLATES

GALLERY = Path(__file__).parent / "gallery"
PAGE, PAGE_OF_LABELS = "README.md", "labels.md"

_INTRODUCTION = """\
# Gallery

One symbol of each kind, as the exports draw it: SVG files in millimetres, quiet zones inside, text as
outlines. A browser shows them at true size where a CSS millimetre is one; print at 100 % to measure.
`make gallery` writes this page, and a test fails where it is not current. [Labels](labels.md) of several designs
are on a page of their own.
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


_INTRODUCTION_OF_LABELS = """\
# Labels

Labels of several [designs](../designs.md) on sheets, drawn by PDFium from the PDF of an export, each with the design
that it is of. `make gallery` writes this page, and a test fails where it is not current.
"""

_LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40"><path d="M0 40 L30 4 L52 30 L66 14 L88 40 Z"/>'
    '<circle cx="104" cy="12" r="9"/></svg>'
)
_NAME = {"text": "{name}", "place": "above", "weight": "bold", "optional": 1}


@dataclass(frozen=True, slots=True)
class Label:
    """One label of the page: its design, of which entity, and why it is worth a look. Sizes in millimetres."""

    name: str
    heading: str
    remark: str
    design: Mapping[str, object]
    entity: Mapping[str, str]
    scope: str = "lots"
    size: tuple[float, float] = (100, 50)
    config: Mapping[str, object] = field(default_factory=dict[str, object])

    def drawn(self) -> bytes:
        """Return the picture as a PNG."""
        width, height = self.size
        sheet = replace(
            TEMPLATES["thermal_4x6in"], id="label", page_width_mm=width, page_height_mm=height,
            label_width_mm=width, label_height_mm=height,
        )  # fmt: skip
        request = ExportRequest.model_validate(
            {
                "scope": self.scope,
                "export_type": "sheet_pdf",
                "file_format": "pdf",
                "asset_config": {"dpi": 300, **self.config},
            }
        )
        plan = ExportPlan(
            "gallery", "gallery", None, "gallery", datetime(2026, 1, 1, tzinfo=UTC), request,
            design=Design.model_validate(self.design),
        )  # fmt: skip
        row = {
            "row": 0,
            "scope": self.scope,
            "entity_id": self.name,
            "copies": 1,
            "first_label": 0,
            **self.entity,
        }
        rows = pl.DataFrame([row], schema=MANIFEST)
        solved = plan_sheets(plan, sheet, 1, lambda: iter([rows]))
        return first_page(solved, [encode(plan, solved, rows)])

    def section(self) -> str:
        shown = {key: value for key, value in self.design.items() if key != "logo"}
        if "logo" in self.design:
            shown["logo"] = {**cast("Mapping[str, object]", self.design["logo"]), "svg": "<svg …>"}
        document = json.dumps(shown, indent=1, ensure_ascii=False)
        return f"## {self.heading}\n\n{self.remark}\n\n![{self.heading}]({self.name}.png)\n\n```json\n{document}\n```\n"


_CHOCOLATE = {**_LOT, "product_name": "Dark chocolate, 70 %", "lot_number": "L20260331"}

LABELS = (
    Label(
        "label-default", "Today's label",
        "The design `default`: a matrix symbol with its human-readable text, and the name where there is room.",
        {"version": 1, "lines": [{"text": "{name}", "place": "above", "optional": 1}]}, _CHOCOLATE,
    ),
    Label(
        "label-own-words", "Own words, a logo and bold text",
        "Titles in the design's own words, a date that people read, and large text.",
        {
            "version": 1,
            "logo": {"svg": _LOGO, "height_mm": 7},
            "smallest_mm": 1.8,
            "largest_mm": 2.6,
            "lines": [{**_NAME, "largest_mm": 3.2}, {"text": "LOT {lot}"}, {"text": "EXP {expiry:DD MMM YYYY}"}],
        },
        _CHOCOLATE,
    ),
    Label(
        "label-data-titles", "GS1's data titles in place of human-readable text",
        "`hri` is false; each value has GS1's title. The date has no day, and none is made up.",
        {
            "version": 1,
            "symbology": "datamatrix",
            "hri": False,
            "lines": [
                {"text": "{gtin.title} {gtin}"},
                {"text": "{lot.title} {lot}"},
                {"text": "{expiry.title} {expiry:DD MMM YYYY}"},
            ],
        },
        {**_CHOCOLATE, "expiry": "270400"},
    ),
    Label(
        "label-right-to-left", "Text from right to left",
        "Values keep their order within it.",
        {
            "version": 1,
            "lines": [
                {**_NAME, "align": "right"},
                {"text": "تشغيلة {lot}", "align": "right"},
                {"text": "ينتهي في {expiry:DD/MM/YYYY}", "align": "right"},
                {"text": "תוקף {expiry:DD MMM YYYY} אצווה {lot}", "align": "right"},
            ],
        },
        {**_CHOCOLATE, "product_name": "شوكولاتة داكنة"},
    ),
    Label(
        "label-chinese", "Chinese",
        "A date format with words between its parts.",
        {
            "version": 1,
            "lines": [_NAME, {"text": "批号 {lot}"}, {"text": "有效期至 {expiry:YYYY年MM月DD日}"}],
        },
        {**_CHOCOLATE, "product_name": "黑巧克力 70 %"},
    ),
    Label(
        "label-dual-ean-13", "Dual marking: QR Code and EAN-13",
        "The design `dual`: the lot and its expiry for scanners that read 2D symbols, the product for all others.",
        {"version": 1, "linear": "gtin", "lines": [_NAME]}, _CHOCOLATE,
    ),
    Label(
        "label-dual-upc-a", "Dual marking: GS1 DataMatrix and UPC-A",
        "With a line of its own words.",
        {"version": 1, "symbology": "datamatrix", "linear": "gtin", "hri": False,
         "lines": [_NAME, {"text": "LOT {lot}   EXP {expiry:MM/YYYY}"}]},
        {**_CHOCOLATE, "gtin14": "00012345678905"},
    ),
    Label(
        "label-dual-itf-14", "Dual marking: QR Code and ITF-14",
        "A grouping of trade items, on a label that is higher than wide.",
        {"version": 1, "linear": "gtin", "lines": [_NAME]},
        {**_CHOCOLATE, "gtin14": "10614141000415"}, size=(100, 75),
    ),
    Label(
        "label-dual-small", "Dual marking on a small label",
        "EAN-8 above GS1 DataMatrix, which is not wide enough to stand beside it.",
        {"version": 1, "symbology": "datamatrix", "linear": "gtin", "hri": False, "lines": [{"text": "LOT {lot}"}]},
        {**_CHOCOLATE, "gtin14": "00000096385074"}, size=(30, 40),
    ),
    Label(
        "label-dual-gs1-128", "A matrix symbol and GS1-128",
        "`linear` is `element_string`.",
        {"version": 1, "symbology": "datamatrix", "linear": "element_string", "lines": [_NAME]}, _CHOCOLATE,
        size=(130, 80),
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
    labels = [_INTRODUCTION_OF_LABELS]
    for label in LABELS:
        files[f"{label.name}.png"] = label.drawn()
        labels.append(label.section())
    files[PAGE_OF_LABELS] = "\n".join(labels).encode()
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
