"""What reports tell of labels: where they are, what is to be noted, and why there is none."""

from collections.abc import Iterator
from functools import lru_cache

import polars as pl

from exports.jobs.plan import ExportPlan
from exports.sheets.lines import without_font
from exports.sheets.plan import SheetPlan
from exports.symbols.notes import NOTES, NoteCode
from gs1.errors import LabelError, XDimensionOutOfRange
from gs1.symbol_size import Environment, SymbolKind
from renderers.sheets.errors import DoesNotFit
from renderers.sheets.model import LabelLayout
from renderers.symbol import BarSymbols, SymbolGroup
from renderers.whole_dots import WholeDots


def places(plan: ExportPlan, sheet: SheetPlan, rows: pl.DataFrame) -> pl.Series:
    """Return where each entity's first label is, as people count: pages and labels from 1.

    Labels on a roll are called by their row, because failed entities have none.
    """
    if plan.is_roll:
        return rows.select(file=pl.format("label {}", 1 + pl.col("row"))).to_series()
    cell, per_page = sheet.cell(0) + pl.col("first_label"), sheet.template.labels_per_page
    places = rows.select(file=pl.format("page {} label {}", 1 + cell // per_page, 1 + cell % per_page))
    return places.to_series()


def notes(sheet: SheetPlan, names: pl.Series) -> Iterator[pl.Expr]:
    scale_percent = sheet.document.calibration.scale_percent
    if scale_percent != 100:
        yield pl.lit(NOTES[NoteCode.SCALED].format(f"{scale_percent:g}")).alias(NoteCode.SCALED.value)
    absent = {name: _absent(name) for name in names.unique().drop_nulls()}
    texts = {name: NOTES[NoteCode.NO_FONT].format(found) for name, found in absent.items() if found}
    if texts:
        told = names.replace_strict(texts, default=None, return_dtype=pl.String)
        yield pl.when(pl.col("named")).then(pl.lit(told)).alias(NoteCode.NO_FONT.value)


def refusal(
    plan: ExportPlan, sheet: SheetPlan, kind: SymbolKind, group: SymbolGroup, layout: LabelLayout | None
) -> LabelError:
    """Return why symbols have no label: no X suits their kind, or they are too large."""
    template = sheet.template
    units = group.units_per_x if isinstance(group, BarSymbols) else 1
    try:
        WholeDots(kind, plan.config.environment or Environment.RETAIL, plan.dpi, units).nearest(
            plan.config.module_size_mm
        )
    except XDimensionOutOfRange as error:
        return error
    room = 0.0 if layout is None else layout.box_width_x
    width_mm_needed = group.width_x * (layout.x_dimension_mm if layout else 0.0)
    return DoesNotFit(
        f"{kind} of {group.width_x:g} X does not fit a label of {template.id}, where {room:g} X is the most "
        "that leaves room for the text",
        needed_mm=(width_mm_needed, width_mm_needed),
        available_mm=(template.label_width_mm, template.label_height_mm),
    )


@lru_cache(maxsize=1024)
def _absent(name: str) -> str:
    """Return the characters of a name that no font has, as text for people."""
    return " ".join(sorted(map(ascii, without_font(name))))
