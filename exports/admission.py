"""Checks before a job is created. The job checks the pages of sheets again."""

from catalogue.queries import selected
from catalogue.queries.selected import Size
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.errors import Detail, InvalidRequest, TooManyPages
from exports.jobs.plan import ExportPlan
from exports.limits import Limits
from exports.sheets.check import require_possible
from exports.sheets.templates import template_of
from exports.symbols.links import require_links_possible
from renderers.sheets.cells import page_count
from renderers.sheets.model import SheetTemplate


def size_of_allowed(plan: ExportPlan, catalogue: Catalogue, store: ArtefactStore, limits: Limits) -> Size:
    """Return the number of entities that the plan selects and of their labels, after all checks.

    Raises InvalidRequest and UnusableResolver.
    """
    require_links_possible(plan)
    require_possible(plan, catalogue, store)
    size = selected.size(catalogue, plan.selection, limit=limits.max_items + 1)
    require_within(limits, plan, size, store, loc=["body", "filters"])
    return size


def require_within(
    limits: Limits, plan: ExportPlan, size: Size, store: ArtefactStore, *, loc: list[str | int]
) -> None:
    """Raise InvalidRequest if a job of this size is too large. `loc` is the field that selects its entities."""
    count, labels = size
    if count > limits.max_items:
        message = (
            f"The selection has more than {limits.max_items:,} entities: narrow it, and export in parts."
        )
        raise InvalidRequest([Detail(loc=loc, msg=message, type="too_many_items")])
    if labels > limits.max_labels:
        message = (
            f"{count:,} entities make {labels:,} labels, and a job has {limits.max_labels:,} at most: narrow the"
            " selection, and export in parts."
        )
        raise InvalidRequest([Detail(loc=loc, msg=message, type="too_many_labels")])
    if plan.has_labels:
        try:
            require_pages(limits, plan, template_of(plan, store), labels)
        except TooManyPages as error:
            raise InvalidRequest([Detail(loc=loc, msg=str(error), type=error.code)]) from error


def require_pages(limits: Limits, plan: ExportPlan, template: SheetTemplate, labels: int) -> None:
    """Raise TooManyPages if the labels fill more pages than allowed. Rolls have no pages."""
    if plan.is_roll:
        return
    pages = page_count(template, plan.config.start_position or 1, labels)
    if pages > limits.max_pages:
        raise TooManyPages(template.id, labels, pages, limits.max_pages)
