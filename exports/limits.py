"""How large a job may be, checked before it is made, and for sheets again in it; and how much an organisation stores."""

from dataclasses import dataclass

from catalogue import selection
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.errors import Detail, InvalidRequest, StorageIsFull, TooManyPages
from exports.jobs.plan import ExportPlan
from exports.sheets.check import require_possible
from exports.sheets.templates import template_of
from exports.symbols.links import require_links_possible
from renderers.sheets.cells import page_count
from renderers.sheets.model import SheetTemplate


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_items` are the entities of a job, `max_labels` its labels and `max_pages` those of a PDF, copies counted.

    An organisation gets no new jobs while its artefacts have `max_storage_bytes` or more, None for no limit, or while
    `max_open_jobs` of its jobs have not ended.
    """

    max_items: int = 5_000_000
    max_labels: int = 20_000_000
    max_pages: int = 1_000_000
    max_storage_bytes: int | None = None
    max_open_jobs: int = 200

    def require_room(self, stored_bytes: int) -> None:
        """Raise StorageIsFull if an organisation with so many bytes of artefacts may have no more."""
        if self.max_storage_bytes is not None and stored_bytes >= self.max_storage_bytes:
            raise StorageIsFull(stored_bytes, self.max_storage_bytes)


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
    if plan.is_sheet:
        try:
            require_pages(limits, plan, template_of(plan, store), count)
        except TooManyPages as error:
            raise InvalidRequest([Detail(loc=loc, msg=str(error), type=error.code)]) from error


def require_pages(limits: Limits, plan: ExportPlan, template: SheetTemplate, count: int) -> None:
    """Raise TooManyPages where the labels of so many entities fill more pages than allowed."""
    copies = plan.config.copies or 1
    pages = page_count(template, plan.config.start_position or 1, count * copies)
    if pages > limits.max_pages:
        raise TooManyPages(template.id, count * copies, pages, limits.max_pages)
