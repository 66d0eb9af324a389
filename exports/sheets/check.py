"""Refuses sheet requests of which no label can be made, before there is a job."""

import polars as pl

from catalogue import selection
from catalogue.selection import Scope
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.errors import Detail, InvalidRequest
from exports.jobs.plan import ExportPlan
from exports.sheets.needs import measure
from exports.sheets.plan import calibration_of, choices, plan_sheets
from exports.sheets.templates import template_of, usable_by
from gs1.errors import LabelError, XDimensionOutOfRange
from gs1.symbol_size import Environment
from renderers.sheets.cells import page_count
from renderers.sheets.document import require_on_page
from renderers.sheets.errors import DoesNotFit, InvalidStartPosition, LeavesPage, NotARoll, UnknownTemplate
from renderers.sheets.label_layout import fitting_templates

#: Rows that proposed templates must fit.
_TRIED_ROWS = 200

#: Products that are tried one by one. Selections of more are not checked here.
_MOST_PRODUCTS = 2_000


def require_possible(plan: ExportPlan, catalogue: Catalogue, store: ArtefactStore) -> None:
    """Raise InvalidRequest if no label of the selection can be made as the request says.

    If the symbol does not fit the template, the error names the millimetres needed and available, and templates
    that fit. Requests for a ZIP and empty selections pass.
    """
    if not plan.has_labels:
        return
    try:
        template = template_of(plan, store)
        page_count(template, plan.config.start_position or 1, 1)
        require_on_page(template, calibration_of(plan))
    except (UnknownTemplate, NotARoll, InvalidStartPosition, LeavesPage) as error:
        raise _fault(error.field or "sheet_template", error) from error
    least = _least(plan, catalogue)
    if least is None or least.is_empty():
        return
    try:
        plan_sheets(plan, template, least.height, lambda: iter([least]))
    except DoesNotFit as error:
        raise _fault("sheet_template", error, _advice(plan, catalogue, store)) from error
    except XDimensionOutOfRange as error:
        raise _fault(error.field or "module_size_mm", error) from error
    except LabelError:
        return  # no fault of the sheet: the job reports it for each entity


def _least(plan: ExportPlan, catalogue: Catalogue) -> pl.DataFrame | None:
    """Return rows of which at least one fits if any row of the selection does. None if there are too many to try."""
    if plan.request.scope is not Scope.PRODUCTS:
        return selection.least(catalogue, plan.selection)
    rows = list(selection.resolve(catalogue, plan.selection, limit=_MOST_PRODUCTS + 1))
    products = pl.concat(rows) if rows else None
    return None if products is None or products.height > _MOST_PRODUCTS else products


def _advice(plan: ExportPlan, catalogue: Catalogue, store: ArtefactStore) -> str:
    """Return which templates hold the first labels of the selection, with the smallest symbol the request allows."""
    slot, level = choices(plan)[-1]
    rows = selection.resolve(catalogue, plan.selection, limit=_TRIED_ROWS)
    measures = measure(slot, level, plan.resolver, rows)
    fitting = [sheet.turned(plan.config.rotate or 0) for sheet in usable_by(plan, store)]
    for kind in measures.kinds:
        try:
            ids = fitting_templates(
                kind,
                measures.needs(measures.sizes(kind)[0], None),
                environment=plan.config.environment or Environment.RETAIL,
                dpi=plan.dpi,
                module_size_mm=plan.config.module_size_mm,
                templates=fitting,
            )
        except XDimensionOutOfRange:
            continue  # no template is at fault
        fitting = [template for template in fitting if template.id in ids]
    if not fitting:
        return "No registered template would do."
    return f"Templates that would do: {', '.join(template.id for template in fitting)}."


def _fault(field: str, error: LabelError, advice: str = "") -> InvalidRequest:
    detail = Detail(
        loc=["body", "asset_config", field], msg=" ".join(filter(None, (str(error), advice))), type=error.code
    )
    return InvalidRequest([detail])
