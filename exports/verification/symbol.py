"""Compare one finished symbol file with its row of the frozen manifest and its row of `manifest.csv`."""

from collections.abc import Mapping

import numpy as np

from exports.errors import SymbolDoesNotDecode
from exports.jobs.manifest import Row
from exports.jobs.plan import ExportPlan
from exports.ports import Report
from exports.requests.export_types import Slot
from exports.symbols.symbol_files import drawing_of
from exports.verification import carried as carrying
from exports.verification import geometry
from exports.verification.carried import Carried
from exports.verification.formats import png_file
from exports.verification.formats.drawn import Drawn
from exports.verification.reading import READERS, Decoded, require_reads
from exports.verification.tables import require_note, require_row
from gs1.element_string import element_string
from gs1.errors import LabelError
from gs1.symbol_size import Environment, SymbolKind, fitting_x_dimension_mm, symbol_size
from renderers.registry import FileFormat, encoders
from renderers.symbol import MatrixSymbols, SymbolGroup
from renderers.whole_dots import WholeDots

#: Tolerances: reports round X to 0.001 mm, and PNG files have a whole number of pixels per metre.
_X_TOLERANCE_MM = 0.0006
_PIXEL_TOLERANCE = 0.005

_NAMES = {
    "qr_code": "QR Code",
    "gs1_datamatrix": "GS1 DataMatrix",
    "ean_13": "EAN-13",
    "upc_a": "UPC-A",
    "ean_8": "EAN-8",
    "itf_14": "ITF-14",
    "gs1_128": "GS1-128",
    "upc_e": "UPC-E",
    "gs1_datamatrix_rectangular": "GS1 DataMatrix",
}


def require_symbol(
    name: str, data: bytes, plan: ExportPlan, slot: Slot, row: Row, told: Mapping[str, str]
) -> None:
    """Raise SymbolDoesNotDecode unless the file and its row in the report are right for the slot and the row.

    The file is decoded and measured. The expected data come from the frozen row, X and quiet zone from the plan and
    GS1's tables, and the human-readable text from the data.
    """
    carried = carrying.of_row(slot, row, plan.resolver, plan.carry)
    drawn = READERS[plan.file_format](name, data)
    decoded = require_reads(name, drawn.picture, carried)
    environment = plan.config.environment or Environment.RETAIL
    size = symbol_size(carried.kind, environment)
    x_mm = _reported_x_mm(name, told)
    pixels_per_x = x_mm * drawn.pixels_per_mm
    if abs(pixels_per_x - round(pixels_per_x)) > _PIXEL_TOLERANCE + _X_TOLERANCE_MM * drawn.pixels_per_mm:
        raise SymbolDoesNotDecode(f"{name}: an X of {x_mm} mm is {pixels_per_x:g} pixels", value=pixels_per_x)
    height_mm = size.height_at_mm(x_mm)
    width_x = geometry.width_x(
        name,
        decoded.dark,
        decoded.position,
        carried.kind,
        size,
        round(pixels_per_x),
        None if height_mm is None else height_mm / x_mm,
    )
    rows = geometry.rows(name, decoded.dark, decoded.position, carried.kind, width_x, round(pixels_per_x))
    try:
        wanted_mm = _wanted_x_mm(plan, carried.kind, size.quiet_left_x + width_x + size.quiet_right_x)
    except LabelError as error:
        raise SymbolDoesNotDecode(f"{name}: {error}", value=x_mm) from error
    if abs(x_mm - wanted_mm) > _X_TOLERANCE_MM:
        raise SymbolDoesNotDecode(f"{name} has an X of {x_mm} mm", value=x_mm, expected=f"{wanted_mm:.3f} mm")
    _require_text(name, plan, carried, drawn, decoded, (rows, width_x), round(pixels_per_x))
    require_row(
        Report.MANIFEST,
        told,
        row,
        file=name,
        scope=row["scope"],
        expiry=row["expiry"] or "",
        symbology=carried.kind.value,
        payload=decoded.text,
        message=decoded.message,
        modules=geometry.modules_text(width_x, rows),
    )
    require_note(name, told, carried)


def _wanted_x_mm(plan: ExportPlan, kind: SymbolKind, width_x: float) -> float:
    """Return the expected X of a symbol `width_x` wide, quiet zones included. In a PNG it is whole dots."""
    config = plan.config
    environment = config.environment or Environment.RETAIL
    if plan.file_format is not FileFormat.PNG:
        return fitting_x_dimension_mm(kind, environment, config.module_size_mm, width_x)
    dots = WholeDots(kind, environment, plan.dpi)
    return dots.fitting(config.module_size_mm, width_x) * dots.dot_mm


def _reported_x_mm(name: str, told: Mapping[str, str]) -> float:
    try:
        return float(told["x_dimension_mm"])
    except ValueError as error:
        raise SymbolDoesNotDecode(f"{name} has no X in manifest.csv", value=told) from error


def _require_text(
    name: str,
    plan: ExportPlan,
    carried: Carried,
    drawn: Drawn,
    decoded: Decoded,
    extent_x: tuple[int | None, float],
    pixels_per_x: int,
) -> None:
    """Raise SymbolDoesNotDecode unless text under the symbol, title and description have the decoded data."""
    title = f"{_NAMES[carried.kind]} {carried.hri}"
    if drawn.title != title or drawn.description not in (None, decoded.text):
        raise SymbolDoesNotDecode(
            f"{name} is called {drawn.title!r}, {drawn.description!r}",
            value=(drawn.title, drawn.description),
            expected=f"{title!r}, {decoded.text!r}",
        )
    rows, width_x = extent_x
    shown = carried.hri if plan.config.hri is True or rows is None else ""
    if drawn.lines is None:
        symbol = _encoded(plan, carried) if rows is None else _of_size(rows, round(width_x))
        drawing = drawing_of(plan, carried.kind, symbol)
        png_file.require_text(name, decoded.dark, pixels_per_x, symbol, drawing, carried.hri_elements)
        return
    lines = sorted(drawn.lines, key=lambda line: (line.baseline_x, line.left_x))
    found = "".join(line.text for line in lines)
    if found != shown:
        raise SymbolDoesNotDecode(f"{name} shows the text {found!r}", value=found, expected=shown)


def _of_size(rows: int, columns: int) -> SymbolGroup:
    """Return a blank matrix symbol of this size, which determines the position of its text."""
    return MatrixSymbols(np.zeros(1, np.intp), np.zeros((1, rows, columns), np.uint8))


def _encoded(plan: ExportPlan, carried: Carried) -> SymbolGroup:
    data = carried.digits or element_string(carried.elements)
    return encoders(plan.engine)[carried.kind]([data.encode("ascii")], "M").groups[0]
