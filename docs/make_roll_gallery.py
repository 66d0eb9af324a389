"""Writes docs/rolls: labels of rolls as ZPL, and as zpl-renderer-js draws them, which shares no code with ours."""
# ruff: noqa: INP001 - a script, not a package

import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from catalogue.schema import MANIFEST
from exports.designs.document import Design
from exports.symbols.drawn import manifest_rows
from tests.rolls.jobs import drawn, plan_of
from tests.rolls.zpl_renderer import Draw, renderer

ROLLS = Path(__file__).parent / "rolls"
PAGE = "README.md"

_INTRODUCTION = """\
# Labels on rolls

Labels for a printer of 203 dots per inch, a dot a pixel, as [zpl-renderer-js](https://www.npmjs.com/package/zpl-renderer-js)
draws the ZPL beside them. It is no printer: the font of the element strings is like that of printers and not the same.
`make gallery-rolls` writes this page, and a test fails where its ZPL is not current.
"""

_TEA = {"gtin14": "09506000134352", "product_name": "Käse-Tee ~ 緑茶 ^ 1 kg"}
_LOT = {**_TEA, "lot_number": "A_1-27", "expiry": "270331"}
_SERIAL = {**_LOT, "serial_number": "S0001"}


_LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 24"><path fill-rule="evenodd" d="M12 0a12 12 0 1 1 0 24a12 12 0 1 '
    '1 0-24zM12 5a7 7 0 1 0 0 14a7 7 0 1 0 0-14z"/><path d="M30 22L38 2h6l8 20h-6l-1.6-4.4h-7L36 22zM39 13.4h4L41 7.6z"/></svg>'
)


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One label of the page: what is asked for, of which entity, and why it is worth a look."""

    name: str
    heading: str
    remark: str
    scope: str
    entity: Mapping[str, str]
    config: Mapping[str, object] = field(default_factory=dict[str, object])
    design: Mapping[str, object] | None = None


EXHIBITS = (
    Exhibit(
        "datamatrix", "GS1 DataMatrix",
        "The printer draws the symbol. `|1` is FNC1; the `_` of the lot is itself. The name is a picture.",
        "serials", _SERIAL, {"symbology": "datamatrix", "sheet_template": "thermal_2x1in"},
    ),
    Exhibit(
        "qr", "QR Code",
        "The symbol is a picture of our modules, because printers choose mask and size themselves.",
        "lots", _LOT, {"symbology": "qr", "sheet_template": "thermal_2x1in"},
    ),
    Exhibit(
        "gs1-128", "GS1-128",
        "The code sets are stated, so the printer's bars are those that the label was laid out for.",
        "serials", {**_SERIAL, "serial_number": "AB12"}, {"symbology": "barcode_1d"},
    ),
    Exhibit(
        "itf-14", "ITF-14, turned",
        "`rotate: 90` lays the label out for its long side. Bearer bars are boxes.",
        "products", {**_TEA, "gtin14": "10614141000415"}, {"symbology": "barcode_1d", "rotate": 90},
    ),
    Exhibit(
        "ean-13", "EAN-13",
        "Guard bars and digits are drawn beside the printer's symbol.",
        "products", _TEA, {"symbology": "barcode_1d"},
    ),
    Exhibit(
        "upc-a", "UPC-A",
        "The first and the last digit have long bars.",
        "products", {**_TEA, "gtin14": "00012345678905"}, {"symbology": "barcode_1d"},
    ),
    Exhibit(
        "design", "A design with a logo",
        "Plain lines are in the printer's font; the name, bold lines and those in other letters are pictures in whole dots, "
        "and so is the logo.",
        "serials", _SERIAL, {"symbology": "datamatrix"},
        {
            "hri": False, "smallest_mm": 2.5, "largest_mm": 4,
            "logo": {"svg": _LOGO, "height_mm": 14},
            "lines": [
                {"text": "{name}", "weight": "bold", "place": "above"},
                {"text": "LOT {lot}"}, {"text": "S/N {serial}"}, {"text": "USE BY {expiry:DD MMM YYYY}", "weight": "bold"},
                {"text": "תוקף {expiry:DD/MM/YYYY} אצווה {lot}"},
                {"text": "انتهاء الصلاحية {expiry:YYYY/MM/DD}", "weight": "bold"},
                {"text": "หมดอายุ {expiry:DD/MM/YYYY}", "weight": "bold"}, {"text": "ยี่ห้อของเรา ชาเขียว"},
                {"text": "समाप्ति {expiry:DD/MM/YYYY}", "weight": "bold"}, {"text": "हरी चाय श्रीलंका"},
            ],
        },
    ),
)  # fmt: skip


def zpl_of(exhibit: Exhibit) -> tuple[str, tuple[int, int], dict[str, str]]:
    """Return the label's ZPL, its size in dots, and its row of `manifest.csv`."""
    row = {"row": 0, "scope": exhibit.scope, "entity_id": exhibit.name, **exhibit.entity}
    rows = pl.DataFrame([row], schema=MANIFEST)
    plan = plan_of(exhibit.scope, **exhibit.config)
    if exhibit.design is not None:
        plan = replace(plan, design=Design.model_validate({"version": 1, **exhibit.design}))
    sheet, batch, zpl = drawn(plan, rows)
    width, height = sheet.document.page_dots
    size = (height, width) if sheet.document.rotate in {90, 270} else (width, height)
    return zpl, size, manifest_rows(batch.symbols).row(0, named=True)


def gallery(draw: Draw) -> dict[str, bytes]:
    """Return the files by name."""
    files: dict[str, bytes] = {}
    page = [_INTRODUCTION]
    for exhibit in EXHIBITS:
        zpl, size, row = zpl_of(exhibit)
        [picture] = draw(zpl, size, 203)
        out = io.BytesIO()
        Image.fromarray(np.where(picture < 128, 0, 255).astype(np.uint8)).convert("1").save(
            out, "PNG", optimize=True
        )
        files |= {f"{exhibit.name}.zpl": zpl.encode(), f"{exhibit.name}.png": out.getvalue()}
        facts = f"`{row['payload']}`, X {row['x_dimension_mm']} mm, {len(zpl):,} bytes"
        page.append(
            f"## {exhibit.heading}\n\n{exhibit.remark}\n\n![{exhibit.heading}]({exhibit.name}.png)\n\n"
            f"{facts}: [{exhibit.name}.zpl]({exhibit.name}.zpl)\n"
        )
    files[PAGE] = "\n".join(page).encode()
    return files


def main() -> None:
    """Write the files, and delete those of labels that are no longer shown."""
    ROLLS.mkdir(exist_ok=True)
    with renderer() as draw:
        files = gallery(draw)
    for path in ROLLS.iterdir():
        if path.name not in files:
            path.unlink()
    for name, content in files.items():
        (ROLLS / name).write_bytes(content)


if __name__ == "__main__":
    main()
