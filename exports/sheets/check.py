"""Refuses sheet requests of which no label can be made, before there is a job."""

import polars as pl

from catalogue.queries import selected
from catalogue.selection import Scope, Selection
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.errors import Detail, InvalidRequest
from exports.jobs.plan import ExportPlan
from exports.sheets.needs import around, measure, measure_lines
from exports.sheets.plan import calibration_of, choices, plan_sheets
from exports.sheets.solving import fits_whole
from exports.sheets.templates import template_of, usable_by
from gs1.errors import LabelError, XDimensionOutOfRange
from renderers.sheets.cells import page_count
from renderers.sheets.document import require_on_page
from renderers.sheets.errors import DoesNotFit, InvalidStartPosition, LeavesPage, NotARoll, UnknownTemplate
from renderers.sheets.model import SheetTemplate

#: Rows that proposed templates must fit.
_TRIED_ROWS = 200

#: Of larger selections, the rows whose labels are tried before those of all.
_FIRST_ROWS = 2_000

#: Products that are tried one by one. Selections of more are not checked here.
_MOST_PRODUCTS = 2_000


def require_possible(
    plan: ExportPlan, catalogue: Catalogue, store: ArtefactStore, first: Selection | None = None
) -> None:
    """Raise InvalidRequest if no label of the selection can be made as the request says.

    If the symbol does not fit the template, the error names the millimetres needed and available, and templates
    that fit. Requests for a ZIP and empty selections pass. `first` is the `beginning` of the selection, if it is known.
    """
    if not plan.has_labels:
        return
    try:
        template = template_of(plan, store)
        page_count(template, plan.config.start_position or 1, 1)
        require_on_page(template, calibration_of(plan))
    except (UnknownTemplate, NotARoll, InvalidStartPosition, LeavesPage) as error:
        raise _fault(error.field or "sheet_template", error) from error
    try:
        # All are read only if none of the first ones fits.
        if plan.request.scope is Scope.PRODUCTS or not _fits(
            plan, template, _least(plan, first or _first(plan, catalogue), catalogue)
        ):
            _require_fit(plan, template, _least(plan, plan.selection, catalogue))
    except DoesNotFit as error:
        raise _fault("sheet_template", error, _advice(plan, catalogue, store)) from error
    except XDimensionOutOfRange as error:
        raise _fault(error.field or "module_size_mm", error) from error
    except LabelError:
        return  # no fault of the sheet: the job reports it for each entity


def _first(plan: ExportPlan, catalogue: Catalogue) -> Selection:
    return selected.beginning(catalogue, plan.selection, _FIRST_ROWS)[0]


def _fits(plan: ExportPlan, template: SheetTemplate, least: pl.DataFrame | None) -> bool:
    try:
        _require_fit(plan, template, least)
    except DoesNotFit:
        return False
    return least is not None and not least.is_empty()


def _require_fit(plan: ExportPlan, template: SheetTemplate, least: pl.DataFrame | None) -> None:
    if least is not None and not least.is_empty():
        plan_sheets(plan, template, least.height, lambda: iter([least]))


def _least(plan: ExportPlan, chosen: Selection, catalogue: Catalogue) -> pl.DataFrame | None:
    """Return rows of which at least one fits if any row of the selection does. None if there are too many to try."""
    if plan.request.scope is not Scope.PRODUCTS:
        return selected.least(catalogue, chosen)
    rows = list(selected.resolve(catalogue, chosen, limit=_MOST_PRODUCTS + 1))
    products = pl.concat(rows) if rows else None
    return None if products is None or products.height > _MOST_PRODUCTS else products


def _advice(plan: ExportPlan, catalogue: Catalogue, store: ArtefactStore) -> str:
    """Return which templates hold the first labels of the selection, with the smallest symbols the request allows."""
    rows = list(selected.resolve(catalogue, plan.selection, limit=_TRIED_ROWS))
    # The last two: the smallest square and, where it is allowed, the rectangle.
    measured = [measure(*choice, plan.resolver, iter(rows), plan.carry) for choice in choices(plan)[-2:]]
    firsts = [measures for measures in measured if measures.complete] or measured
    second = (
        measure(plan.second_slot, "M", plan.resolver, iter(rows), plan.carry) if plan.second_slot else None
    )
    needed = around(plan.label_design, measure_lines(plan.label_design, iter(rows)))
    known = [sheet.turned(plan.config.rotate or 0) for sheet in usable_by(plan, store)]
    fitting = [
        template
        for template in known
        if any(fits_whole(plan, template, first, second, needed) for first in firsts)
    ]
    if not fitting:
        return "No registered template would do."
    return f"Templates that would do: {', '.join(template.id for template in fitting)}."


def _fault(field: str, error: LabelError, advice: str = "") -> InvalidRequest:
    detail = Detail(
        loc=["body", "asset_config", field], msg=" ".join(filter(None, (str(error), advice))), type=error.code
    )
    return InvalidRequest([detail])
