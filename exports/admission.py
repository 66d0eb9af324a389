"""What is checked before a job is made, and for the pages of sheets again in it."""

from catalogue import selection
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


def count_of_allowed(plan: ExportPlan, catalogue: Catalogue, store: ArtefactStore, limits: Limits) -> int:
    """Return how many entities the plan selects, after every check that needs no job.

    Raises InvalidRequest and UnusableResolver for a plan that no job can be made of.
    """
    require_links_possible(plan)
    require_possible(plan, catalogue, store)
    count = selection.count(catalogue, plan.selection, limit=limits.max_items + 1)
    require_within(limits, plan, count, store, loc=["body", "filters"])
    return count


def require_within(
    limits: Limits, plan: ExportPlan, count: int, store: ArtefactStore, *, loc: list[str | int]
) -> None:
    """Raise InvalidRequest where a job of so many entities is too large; `loc` is what chose them."""
    if count > limits.max_items:
        message = (
            f"The selection has more than {limits.max_items:,} entities: narrow it, and export in parts."
        )
        raise InvalidRequest([Detail(loc=loc, msg=message, type="too_many_items")])
    labels = count * (plan.config.copies or 1)
    if labels > limits.max_labels:
        message = (
            f"{count:,} entities make {labels:,} labels, and a job has {limits.max_labels:,} at most: narrow the"
            " selection, and export in parts."
        )
        raise InvalidRequest([Detail(loc=loc, msg=message, type="too_many_labels")])
    if plan.has_labels:
        try:
            require_pages(limits, plan, template_of(plan, store), count)
        except TooManyPages as error:
            raise InvalidRequest([Detail(loc=loc, msg=str(error), type=error.code)]) from error


def require_pages(limits: Limits, plan: ExportPlan, template: SheetTemplate, count: int) -> None:
    """Raise TooManyPages where the labels of so many entities fill more pages than allowed. Rolls have no pages."""
    if plan.is_roll:
        return
    copies = plan.config.copies or 1
    pages = page_count(template, plan.config.start_position or 1, count * copies)
    if pages > limits.max_pages:
        raise TooManyPages(template.id, count * copies, pages, limits.max_pages)
