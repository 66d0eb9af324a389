"""The pages and cells that labels take when they fill sheets from a start position, cell after cell."""

from renderers.sheets.errors import InvalidStartPosition
from renderers.sheets.model import SheetTemplate

#: Pages of one file: each takes two of the 8,388,607 indirect objects that a PDF/A may have, and the rest is for the
#: page tree and bookmarks. Source: ISO 19005-2:2011, 6.1.13.
MOST_PAGES = 4_000_000


def page_count(template: SheetTemplate, start_position: int, labels: int) -> int:
    """Return how many pages the labels take, 0 without labels. Raises InvalidStartPosition.

    >>> from renderers.sheets.templates import TEMPLATES
    >>> page_count(TEMPLATES["avery_5160"], 30, 2)
    2
    """
    return -(-(_first_cell(template, start_position) + labels) // template.labels_per_page) if labels else 0


def first_free_position(template: SheetTemplate, start_position: int, labels: int) -> int:
    """Return the cell after the last label, counted from 1, where the next export can start.

    It is 1, on a new page, if the last page is full. Raises InvalidStartPosition.

    >>> from renderers.sheets.templates import TEMPLATES
    >>> first_free_position(TEMPLATES["avery_5160"], 28, 3)
    1
    """
    return (_first_cell(template, start_position) + labels) % template.labels_per_page + 1


def _first_cell(template: SheetTemplate, start_position: int) -> int:
    if not 1 <= start_position <= template.labels_per_page:
        raise InvalidStartPosition(
            f"A sheet of {template.id} has no label {start_position}",
            value=start_position,
            expected=f"1 to {template.labels_per_page}",
            field="start_position",
        )
    return start_position - 1
