"""What the labels of a job carry and show, as it is recorded of each.

It follows from the frozen manifest, the plan and the sheets' layout, a column at a time: a million labels take a second.
A test compares it with what is drawn.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import polars as pl

from catalogue.lifecycle import PRINTED, REPRINTED, Printing
from catalogue.selection import Scope
from exports.artefacts import ArtefactStore
from exports.jobs.parts import Part, printed_rows
from exports.jobs.plan import ExportPlan
from exports.requests.export_types import Slot
from exports.sheets import plan as sheet_plan
from exports.sheets.pages import fitted_name
from exports.sheets.plan import SheetPlan
from exports.symbols.payloads import payload_maker
from renderers.sheets.model import LabelLayout

#: The elements of a label, by Application Identifier, in the order of an element string.
_Elements = Mapping[str, pl.Expr]


def printing(plan: ExportPlan, committed_at: datetime, store: ArtefactStore) -> Printing:
    """Return what all labels of the job have in common."""
    slots = _slots(plan, _sheet(plan, store))
    return Printing(
        plan.job_id,
        committed_at,
        event_type=PRINTED if plan.reprint_of is None else REPRINTED,
        actor=plan.requested_by,
        reason=plan.reason,
        symbols=",".join(slots),
        resolver=plan.link_resolver if Slot.QR in slots else None,
    )


def labels(plan: ExportPlan, parts: Sequence[Part], store: ArtefactStore) -> Iterator[pl.DataFrame]:
    """Yield the entities that have a symbol, with the values it carries and the lines on the label.

    The columns are those of `catalogue.schema.PRINTED`, and more.
    """
    sheet = _sheet(plan, store)
    slots = _slots(plan, sheet)
    scope = plan.request.scope
    short = scope is Scope.SERIALS and slots == (Slot.LINEAR,)
    carried = _elements(short=short)
    for rows in printed_rows(plan, parts, store):
        if scope is Scope.PRODUCTS and Slot.LINEAR in slots:
            rows = _with_digits(rows)  # noqa: PLW2901 - the same rows
        lines = _symbol_lines(plan) if sheet is None else _sheet_lines(sheet, rows, carried)
        yield rows.with_columns(
            _known("lot_number", left_out=short).alias("carried_lot"),
            _known("expiry", left_out=short).alias("carried_expiry"),
            pl.when(pl.col("expiry").is_null())
            .then(_known("best_before", left_out=short))
            .alias("carried_best_before"),
            _stacked(lines).alias("lines"),
        )


def _sheet(plan: ExportPlan, store: ArtefactStore) -> SheetPlan | None:
    return sheet_plan.load(plan, store) if plan.is_sheet else None


def _slots(plan: ExportPlan, sheet: SheetPlan | None) -> tuple[Slot, ...]:
    return plan.slots if sheet is None else (sheet.slot,)


def _known(column: str, *, left_out: bool) -> pl.Expr:
    return pl.lit(None, pl.String) if left_out else pl.col(column)


def _elements(*, short: bool) -> _Elements:
    """Return the texts `(AI)value`, null where there is no value. Both dates have the place of (17).

    The short form is that of a GS1-128 of a serial.
    """

    def text(ai: str, column: str) -> pl.Expr:
        return pl.lit(f"({ai})") + pl.col(column)

    gtin, serial = text("01", "gtin14"), text("21", "serial_number")
    if short:
        return {"01": gtin, "21": serial}
    date = pl.coalesce(text("17", "expiry"), text("15", "best_before"))
    return {"01": gtin, "17": date, "10": text("10", "lot_number"), "21": serial}


def _with_digits(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the products with the symbol that carries the GTIN alone (`kind`), and its `digits`."""
    distinct = rows.unique(["gtin14", "carrier"], maintain_order=True)
    payloads = list(map(payload_maker(Slot.LINEAR, None), distinct.iter_rows(named=True)))
    shown = distinct.select("gtin14", "carrier").with_columns(
        pl.Series("kind", [payload.kind.value for payload in payloads], pl.String),
        pl.Series("digits", [payload.hri for payload in payloads], pl.String),
    )
    return rows.join(shown, on=["gtin14", "carrier"], how="left", nulls_equal=True, maintain_order="left")


def _symbol_lines(plan: ExportPlan) -> list[pl.Expr]:
    """Return the text of each symbol that shows one. A linear symbol always does."""
    lines: list[pl.Expr] = []
    for slot in plan.slots:
        if slot is Slot.LINEAR and plan.request.scope is Scope.PRODUCTS:
            lines.append(pl.col("digits"))
        elif slot is Slot.LINEAR or plan.config.hri is True:
            short = slot is Slot.LINEAR and plan.request.scope is Scope.SERIALS
            lines.append(_joined(_elements(short=short).values()))
    return lines


def _sheet_lines(sheet: SheetPlan, rows: pl.DataFrame, elements: _Elements) -> list[pl.Expr]:
    """Return the label's lines from top to bottom. Each layout is for one kind of symbol."""
    if "kind" not in rows.columns:
        (layout,) = sheet.layouts
        return _layout_lines(layout, rows, elements)
    digits = {"": pl.col("digits")}
    of_kind = [
        pl.when(pl.col("kind") == layout.kind.value).then(_stacked(_layout_lines(layout, rows, digits)))
        for layout in sheet.layouts
    ]
    return [pl.coalesce(of_kind)]


def _layout_lines(layout: LabelLayout, rows: pl.DataFrame, elements: _Elements) -> list[pl.Expr]:
    lines = [
        (line.baseline_mm, _joined(elements[ai] for ai in line.ais if ai in elements)) for line in layout.hri
    ]
    if layout.name is not None:
        fitted = {name: fitted_name(name, layout.name) for name in rows["product_name"].unique().drop_nulls()}
        shown = {name: text or None for name, text in fitted.items()}
        names = pl.col("product_name").replace_strict(
            list(shown), list(shown.values()), default=None, return_dtype=pl.String
        )
        lines.append((layout.name.baseline_mm, names))
    return [text for _, text in sorted(lines, key=lambda line: -line[0])]


def _stacked(lines: Iterable[pl.Expr]) -> pl.Expr:
    # Where there are no lines at all, the text is empty.
    return pl.concat_str([*lines, pl.lit(None, pl.String)], separator="\n", ignore_nulls=True)


def _joined(elements: Iterable[pl.Expr]) -> pl.Expr:
    """Return the elements as one line, null where the label has none of them."""
    text = pl.concat_str([pl.lit(""), *elements], ignore_nulls=True)
    return pl.when(text != "").then(text)
