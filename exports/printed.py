"""The data and text of each label of a job, for its PRINTED event.

They are computed from the frozen manifest, the plan and the sheets' layout, column by column: a million labels take a
second. A test compares them with the drawn labels.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import polars as pl

from catalogue import lifecycle
from catalogue.lifecycle import COMMITTABLE, PRINTED, REPRINTED, Printing
from catalogue.selection import Scope
from catalogue.tables import Catalogue, DataFile
from exports import documents
from exports.artefacts import ArtefactStore
from exports.jobs.parts import Part, printed_rows
from exports.jobs.plan import ExportPlan
from exports.requests.export_types import LINEAR, Slot, carries_gtin_alone
from exports.sheets import plan as sheet_plan
from exports.sheets.lines import recorded, shown, with_lines
from exports.sheets.plan import SheetPlan
from exports.symbols.payloads import Carry, bracketed, elements, hri, payloads

#: The columns of the values that have one of their own.
_COLUMN_OF = {"10": "carried_lot", "17": "carried_expiry", "15": "carried_best_before"}
_KEYS = frozenset({"01", "21"})


@dataclass(frozen=True, slots=True)
class _Written:
    """The data file of one part's events, and the time when its labels were drawn."""

    file: DataFile
    drawn_at: datetime

    def to_document(self) -> dict[str, object]:
        return documents.versioned({"file": asdict(self.file), "drawn_at": self.drawn_at.isoformat()})


def prepare(plan: ExportPlan, part: Part, catalogue: Catalogue, store: ArtefactStore) -> None:
    """Write the events of a part just drawn, unless an earlier attempt did. They are invisible until `record`."""
    key = _key(part)
    if plan.records_printed and part.processed and not store.exists(key):
        drawn_at = datetime.now(UTC)
        common, rows = printing(plan, drawn_at, store), labels(plan, [part], store)
        file = lifecycle.write(catalogue, plan.organisation, common, rows)
        store.write_json(key, _Written(file, drawn_at).to_document())


def record(
    plan: ExportPlan,
    parts: Sequence[Part],
    committed_at: datetime,
    catalogue: Catalogue,
    store: ArtefactStore,
) -> int | None:
    """Commit the events of all parts at once. Return their number, or None if not wanted or recorded before.

    Events of a part that `prepare` did not write, or wrote too long ago, are written now with the time of the decision.
    """
    if not plan.records_printed:
        return None
    written = {part: found for part in parts if (found := _fresh(part, store)) is not None}
    others = [part for part in parts if part.processed and part not in written]
    return lifecycle.record_printed(
        catalogue,
        plan.organisation,
        printing(plan, committed_at, store),
        labels(plan, others, store),
        list(written.values()),
    )


def _key(part: Part) -> str:
    return f"{part.key}.events.json"


def _fresh(part: Part, store: ArtefactStore) -> DataFile | None:
    found = documents.find(_Written, _key(part), store)
    return found.file if found and datetime.now(UTC) - found.drawn_at < COMMITTABLE else None


def printing(plan: ExportPlan, occurred_at: datetime, store: ArtefactStore) -> Printing:
    """Return the values that all labels of the job drawn at this time have in common."""
    slots = _slots(plan, _sheet(plan, store))
    return Printing(
        plan.job_id,
        occurred_at,
        event_type=PRINTED if plan.reprint_of is None else REPRINTED,
        actor=plan.requested_by,
        reason=plan.reason,
        symbols=",".join(slots),
        resolver=plan.link_resolver if Slot.QR in slots else None,
        carry=None if plan.carry is None else ",".join(plan.carry),
    )


def labels(plan: ExportPlan, parts: Sequence[Part], store: ArtefactStore) -> Iterator[pl.DataFrame]:
    """Yield the entities that have a symbol, with the values in the symbol and the lines on the label.

    The columns include those of `catalogue.schema.PRINTED`.
    """
    sheet = _sheet(plan, store)
    slots = _slots(plan, sheet)
    scope, carry = plan.request.scope, plan.carry
    for rows in printed_rows(plan, parts, store):
        yield rows.with_columns(
            **_carried(slots, scope, carry),
            lines=_symbol_lines(plan, rows) if sheet is None else _sheet_lines(plan, sheet, rows),
        )


def _carried(slots: Sequence[Slot], scope: Scope, carry: Carry) -> dict[str, pl.Expr]:
    """Return the values that the symbols of a label carry between them."""
    # What one symbol has no room for, the other carries; a GTIN alone has neither lot nor date.
    with_elements = [slot for slot in slots if not carries_gtin_alone(slot, scope)]
    fullest = next((slot for slot in with_elements if slot not in LINEAR), None) or next(
        iter(with_elements), None
    )
    found = {} if fullest is None else elements(fullest, carry)
    more = [element for place, element in found.items() if place not in _COLUMN_OF and place not in _KEYS]
    values = {
        column: found[place].value if place in found else pl.lit(None, pl.String)
        for place, column in _COLUMN_OF.items()
    }
    return {**values, "carried_more": _unless_empty(bracketed(more)) if more else pl.lit(None, pl.String)}


def _unless_empty(text: pl.Expr) -> pl.Expr:
    return pl.when(text != "").then(text)


def _sheet(plan: ExportPlan, store: ArtefactStore) -> SheetPlan | None:
    return sheet_plan.load(plan, store) if plan.has_labels else None


def _slots(plan: ExportPlan, sheet: SheetPlan | None) -> tuple[Slot, ...]:
    return plan.slots if sheet is None else sheet.slots


def _symbol_lines(plan: ExportPlan, rows: pl.DataFrame) -> pl.Expr:
    """Return the human-readable text of the symbols, one line each. A linear symbol always has one."""
    shown = [slot for slot in plan.slots if slot in LINEAR or plan.config.hri is True]
    carried = [payloads(slot, plan.resolver, rows, plan.carry) for slot in shown]
    return _stacked(labels.select(hri(labels)).to_series() for labels in carried)


def _sheet_lines(plan: ExportPlan, sheet: SheetPlan, rows: pl.DataFrame) -> pl.Expr:
    """Return the label's lines from top to bottom. There is a layout for each kind or pair of kinds of symbols."""
    first, *others = (payloads(slot, plan.resolver, rows, plan.carry) for slot in sheet.slots)
    first = with_lines(first, plan.label_design, rows)
    of_kind: list[pl.Expr] = []
    for layout in sheet.layouts:
        if not others:
            here, layouts = first["kind"] == layout.kind.value, [(layout, first)]
        else:
            partner = next(
                (
                    each
                    for each in sheet.layouts
                    if (each.kind, each.partner) == (layout.partner, layout.kind)
                ),
                None,
            )
            if partner is None or layout.kind.value not in first["kind"]:
                continue
            here = (first["kind"] == layout.kind.value) & (others[0]["kind"] == partner.kind.value)
            layouts = [(layout, first), (partner, others[0])]
        lines = [
            (line.baseline_mm, recorded(shown(line, plan.label_design, labels)))
            for each, labels in layouts
            for line in (*each.hri, *each.lines)
        ]
        texts = [text for _, text in sorted(lines, key=lambda line: -line[0])]
        of_kind.append(pl.when(pl.lit(here)).then(_stacked(texts)))
    return pl.coalesce(of_kind)


def _stacked(lines: Iterable[pl.Series]) -> pl.Expr:
    """Return the non-empty lines of each label as one text, which is empty if there are no lines."""
    texts = [pl.when(pl.lit(line) != "").then(pl.lit(line)) for line in lines]
    return pl.concat_str([*texts, pl.lit(None, pl.String)], separator="\n", ignore_nulls=True)
