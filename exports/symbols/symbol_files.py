"""Draws rows of a manifest as symbol files, in batches. Rows that cannot be drawn become errors with a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exports.jobs.plan import ExportPlan
from exports.reports.rows import error_rows
from exports.symbols import drawn, encoding
from exports.symbols.file_names import member_names
from exports.symbols.notes import NOTES, NoteCode
from exports.symbols.payloads import PLACES, payloads
from exports.symbols.refusals import refusals
from gs1.errors import LabelError
from gs1.symbol_size import Environment, SymbolKind, fitting_x_dimension_mm, symbol_size, x_dimension_mm
from renderers.registry import WRITERS, FileFormat
from renderers.symbol import Captions, Drawing, QuietZone, SymbolGroup
from renderers.whole_dots import WholeDots

#: What the manifest says about symbols of one size.
_SIZE = pl.Schema(dict.fromkeys(("modules", "x_dimension_mm", NoteCode.X_REDUCED.value), pl.String()))


class DrawnBatch(NamedTuple):
    """The results for the rows of a batch, in their order. Every row is in the symbols or in the errors.

    `symbols` has the columns of `exports.symbols.drawn`, and `files` has the file of each. `errors` has the columns of
    `errors.csv`.
    """

    symbols: pl.DataFrame
    files: list[bytes]
    errors: pl.DataFrame


def draw(plan: ExportPlan, rows: pl.DataFrame, *, screen_dpi: int | None = None) -> DrawnBatch:
    """Encode and draw rows of a manifest. An entity fails whole if one of its symbols cannot be made.

    With `screen_dpi` the files are PNGs for a screen of that resolution, whatever the plan's format.
    """
    refused: dict[int, LabelError] = {}
    for slot in plan.slots:
        refused = refusals(slot, plan.resolver, plan.config.environment, rows, plan.carry) | refused
    carried = [payloads(slot, plan.resolver, rows, plan.carry) for slot in plan.slots]
    drawn_of = [_draw_symbols(plan, each, refused, screen_dpi) for each in carried]
    kept = [position for position in range(rows.height) if position not in refused]
    tables: list[pl.DataFrame] = []
    for slot, each, (_, sizes) in zip(plan.slots, carried, drawn_of, strict=True):
        table = drawn.symbols(rows, each, sizes)[kept]
        names = member_names(table, slot.value if plan.slots[1:] else None, plan.file_format.value)
        tables.append(table.with_columns(file=names))
    return DrawnBatch(
        pl.concat(tables, how="diagonal").sort("row", maintain_order=True),
        [files[position] for position in kept for files, _ in drawn_of],
        error_rows(rows, refused),
    )


def drawing_of(plan: ExportPlan, kind: SymbolKind, group: SymbolGroup) -> Drawing:
    """Return how the group's symbols are put on paper, by the plan and GS1's table.

    X in a PNG is whole dots of the printer, so that the resolution of the file is the printer's.
    Raises XDimensionOutOfRange or SymbolTooWide.
    """
    config = plan.config
    environment = config.environment or Environment.RETAIL
    size = symbol_size(kind, environment)
    quiet = QuietZone(size.quiet_left_x, size.quiet_right_x, size.quiet_top_x, size.quiet_bottom_x)
    width_x = quiet.left + group.width_x + quiet.right
    if plan.file_format is FileFormat.PNG:
        dots = WholeDots(kind, environment, plan.dpi)
        x_mm = dots.fitting(config.module_size_mm, width_x) * dots.dot_mm
    else:
        x_mm = fitting_x_dimension_mm(kind, environment, config.module_size_mm, width_x)
    linear = size.height_mm is not None
    return Drawing(
        x_dimension_mm=x_mm,
        quiet_zone=quiet,
        dpi=plan.dpi,
        bar_height_mm=size.height_at_mm(x_mm),
        bearer_bar_x=size.bearer_bar_x,
        # A linear symbol always has its text (GS1 General Specifications, 4.14); a matrix symbol where asked for.
        hri=linear or config.hri is True,
    )


def _draw_symbols(
    plan: ExportPlan, carried: pl.DataFrame, refused: dict[int, LabelError], screen_dpi: int | None
) -> tuple[Sequence[bytes], pl.DataFrame]:
    """Return the files of one slot's symbols by position, and their sizes.

    The first reason of each row that cannot be drawn is added to `refused`.
    """
    write = WRITERS[plan.file_format if screen_dpi is None else FileFormat.PNG]
    files = [b""] * carried.height
    sizes: list[tuple[NDArray[np.intp], Mapping[str, object]]] = []
    level = plan.config.error_correction or "M"
    for kind, group in encoding.groups(carried, refused, level, plan.engine):
        members = group.positions.tolist()
        try:
            drawing = drawing_of(plan, kind, group)
        except LabelError as error:
            refused |= dict.fromkeys(members, error) | refused
            continue
        size = (group.modules_text, f"{drawing.x_dimension_mm:.3f}", _x_reduced(plan, kind, drawing))
        sizes.append((group.positions, dict(zip(_SIZE, size, strict=True))))
        if screen_dpi is not None:
            drawing = replace(drawing, dpi=screen_dpi)
        texts = captions(carried[members], shown=drawing.hri)
        for position, data in zip(members, write(group, drawing, texts), strict=True):
            files[position] = data
    return files, drawn.sizes(carried.height, sizes, _SIZE)


def captions(carried: pl.DataFrame, *, shown: bool) -> Captions:
    """Return the texts of symbols. The human-readable one is left empty where it is not shown."""
    elements = [carried[place].to_list() for place in PLACES if shown and place in carried.columns]
    return Captions(
        titles=carried["title"].to_list(),
        descriptions=carried["text"].to_list(),
        elements=[[each for each in label if each] for label in zip(*elements, strict=True)]
        if shown
        else [()] * carried.height,
    )


def _x_reduced(plan: ExportPlan, kind: SymbolKind, drawing: Drawing) -> str | None:
    """Return the note about a symbol that has a smaller X than asked for."""
    environment, requested_mm = plan.config.environment or Environment.RETAIL, plan.config.module_size_mm
    wanted_mm = x_dimension_mm(kind, environment, requested_mm)
    if plan.file_format is FileFormat.PNG:
        dots = WholeDots(kind, environment, plan.dpi)
        wanted_mm = dots.nearest(requested_mm) * dots.dot_mm
    if drawing.x_dimension_mm == wanted_mm:
        return None
    return NOTES[NoteCode.X_REDUCED].format(f"{wanted_mm:.3f}")
