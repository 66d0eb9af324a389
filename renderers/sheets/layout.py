"""The one layout all labels of a job share, solved before any is rendered; and which cells they take."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

from gs1.symbol_size import Environment, SymbolKind
from renderers.sheets.arrangement import (
    DIE_TOLERANCE_MM,
    Block,
    Outline,
    Placement,
    Text,
    printable_outline,
    text_below,
    text_beside,
)
from renderers.sheets.errors import DoesNotFit, InvalidStartPosition
from renderers.sheets.model import LabelLayout, SheetTemplate
from renderers.sheets.sizing import Candidate, HriElement, Job, LabelNeeds
from renderers.sheets.templates import TEMPLATES

__all__ = [
    "HriElement", "LabelNeeds", "first_free_position", "fitting_templates", "page_count", "place", "solve",
]  # fmt: skip

#: Text sizes tried, in points, the preferred first.
TEXT_SIZES_PT = tuple(half / 2 for half in range(16, 7, -1))

# How much larger a label the error looks for at most, in tenths of a millimetre.
_LARGEST_GROWTH = 5000

#: Lines of human-readable text: the Application Identifiers of each and its width at 1 pt, in millimetres.
_Lines: TypeAlias = tuple[tuple[tuple[str, ...], float], ...]


def solve(
    template: SheetTemplate,
    kind: SymbolKind,
    needs: LabelNeeds,
    *,
    environment: Environment = Environment.RETAIL,
    dpi: int = 600,
    module_size_mm: float | None = None,
) -> LabelLayout:
    """Return the layout with the largest X in whole dots, and then the largest text, that the label holds.

    X stays within the limits of the symbol specification table, or is the whole dots nearest to
    `module_size_mm`. The quiet zone is kept and everything stays DIE_TOLERANCE_MM inside the edge. Human-
    readable text is broken between elements only, and stands below the symbol or, for matrix symbols where
    that leaves more room for it, to the right. The product's name is added where it costs no text size, and
    no X below the table's target; else it is left out.

    Bars have the table's height at the largest X that leaves room for it. Where none does GS1 lets them be
    truncated: then X is at most the target, as a low symbol gains little from wide bars, and the bars are
    as high as there is room, at least 5 mm and 15 % of the symbol's width. Where even that does not fit,
    X goes down to what GS1 allows GS1-128 in such cases. Truncated bars of EAN/UPC may no longer be read at
    a retail point of sale in every direction: `bar_height_dots` tells.

    Raises DoesNotFit, and XDimensionOutOfRange for a module size GS1 or the printer's dots do not allow.
    Source: GS1 General Specifications, 4.14 (human-readable text), 5.12.3 (sizes).
    """
    job = Job(kind, needs, environment, dpi)
    candidates = job.candidates(module_size_mm)
    outline = printable_outline(template)
    found = _largest(job, outline, candidates)
    if found is None:
        raise _does_not_fit(job, template, candidates)
    return _layout(job, _with_name(job, outline, candidates, found))


def fitting_templates(
    kind: SymbolKind,
    needs: LabelNeeds,
    *,
    environment: Environment = Environment.RETAIL,
    dpi: int = 600,
    module_size_mm: float | None = None,
    templates: Iterable[SheetTemplate] = TEMPLATES.values(),
) -> list[str]:
    """Return the ids of the templates whose labels hold what is needed, in the order given."""
    job = Job(kind, needs, environment, dpi)
    candidates = job.candidates(module_size_mm)
    return [sheet.id for sheet in templates if _largest(job, printable_outline(sheet), candidates)]


@dataclass(frozen=True, slots=True)
class _Found:
    """A size that fits, and how."""

    candidate: Candidate
    size_pt: float
    placement: Placement


def _largest(job: Job, outline: Outline, candidates: Iterable[Candidate]) -> _Found | None:
    """Return the first candidate that fits without a name, with the largest text that does."""
    breaks = _breaks(job.needs.elements)
    for candidate in candidates:
        if job.too_wide(candidate.x_dots):
            continue
        block = job.block(candidate)
        # Most of what is too large is so by itself; and what does not fit with the smallest text never does.
        if text_below(outline, block, (), None) is None:
            continue
        smallest = _arranged(job, outline, block, breaks, TEXT_SIZES_PT[-1])
        if smallest is None:
            continue
        for size_pt in TEXT_SIZES_PT[:-1]:
            placement = _arranged(job, outline, block, breaks, size_pt)
            if placement is not None:
                return _Found(candidate, size_pt, placement)
        return _Found(candidate, TEXT_SIZES_PT[-1], smallest)
    return None


def _with_name(job: Job, outline: Outline, candidates: Iterable[Candidate], found: _Found) -> _Found:
    """Return what was found with the product's name added, or as it is where there is no room for one.

    Truncated bars give nothing away for a name.
    """
    if job.needs.name_width_1pt_mm is None:
        return found
    breaks = _breaks(job.needs.elements)
    x_from, x_to = min(job.target_dots, found.candidate.x_dots), found.candidate.x_dots
    for candidate in candidates:
        if x_from <= candidate.x_dots <= x_to and candidate.full_height == found.candidate.full_height:
            named: _Found | None = None
            block = job.block(candidate)
            if not candidate.full_height:
                block = replace(block, heights=(found.placement.height_dots, block.heights[1]))
            for name_pt in reversed(TEXT_SIZES_PT):
                name = Text((), job.needs.name_width_1pt_mm * name_pt, name_pt)
                placement = _arranged(job, outline, block, breaks, found.size_pt, name)
                if placement is None:
                    break
                named = _Found(candidate, found.size_pt, placement)
            if named is not None:
                return named
    return found


def _arranged(
    job: Job,
    outline: Outline,
    block: Block,
    breaks: Iterable[_Lines],
    size_pt: float,
    name: Text | None = None,
) -> Placement | None:
    """Return the first arrangement that fits: text below before beside, few lines before many."""
    # The text of a linear symbol belongs under its bars.
    for arrangement in (text_below,) if job.linear else (text_below, text_beside):
        for lines in breaks:
            if max(width_1pt_mm for _, width_1pt_mm in lines) * size_pt > 2 * outline.half_width:
                continue
            texts = [Text(ais, width_1pt_mm * size_pt, size_pt) for ais, width_1pt_mm in lines]
            placement = arrangement(outline, block, texts, name)
            if placement is not None:
                return placement
    return None


def _breaks(elements: tuple[HriElement, ...]) -> list[_Lines]:
    """Return every way to break the elements into lines, few lines before many, then narrow before wide."""
    ways: list[_Lines] = []
    for pattern in range(2 ** (len(elements) - 1)):
        ends = [i + 1 for i in range(len(elements) - 1) if pattern >> i & 1] + [len(elements)]
        ways.append(
            tuple(
                (
                    tuple(element.ai for element in elements[start:end]),
                    sum(element.width_1pt_mm for element in elements[start:end]),
                )
                for start, end in pairwise([0, *ends])
            )
        )
    return sorted(ways, key=lambda lines: (len(lines), max(width for _, width in lines)))


def _layout(job: Job, found: _Found) -> LabelLayout:
    x_dots, placed = found.candidate.x_dots, found.placement
    return LabelLayout(
        kind=job.kind,
        dpi=job.dpi,
        x_dots=x_dots,
        box_left_dots=placed.left_dots,
        box_bottom_dots=placed.bottom_dots,
        box_width_x=job.needs.width_x,
        box_height_x=placed.height_dots / x_dots,
        bar_height_dots=placed.height_dots if job.linear else 0,
        hri=placed.hri,
        name=placed.name,
        bearer_bar_dots=job.size.bearer_bar_x * x_dots,
        guard_bar_dots=job.guard_bar_x * x_dots,
    )


def _does_not_fit(job: Job, template: SheetTemplate, candidates: list[Candidate]) -> DoesNotFit:
    """Return the error for a label too small, with the least one of its kind that would do."""
    inset = 2 * DIE_TOLERANCE_MM
    least = min(candidates, key=lambda candidate: (candidate.x_dots, candidate.full_height))
    x_mm = least.x_dots * job.dot_mm
    available = template.label_width_mm - inset, template.label_height_mm - inset
    limit = job.size.max_width_mm
    if limit is not None and job.too_wide(least.x_dots):
        wide_mm = job.outer_width_x * x_mm
        return DoesNotFit(
            f"{job.kind} is {wide_mm:.2f} mm wide at an X-dimension of {x_mm:.3f} mm, the least for "
            f"{job.dpi} dpi; GS1 allows {limit:.2f} mm.",
            needed_mm=(wide_mm, available[1]),
            available_mm=(limit, available[1]),
        )

    block, breaks = job.block(least), _breaks(job.needs.elements)

    def fits(wider: int, higher: int) -> bool:
        """Return whether a label larger by so many tenths of a millimetre would do."""
        grown = replace(
            template,
            label_width_mm=template.label_width_mm + wider / 10,
            label_height_mm=template.label_height_mm + higher / 10,
        )
        return _arranged(job, printable_outline(grown), block, breaks, TEXT_SIZES_PT[-1]) is not None

    wider = higher = bisect_left(range(_LARGEST_GROWTH), True, key=lambda tenths: fits(tenths, tenths))
    if template.shape == "rectangle":
        wider = bisect_left(range(higher), True, key=lambda tenths: fits(tenths, higher))
        higher = bisect_left(range(higher), True, key=lambda tenths: fits(wider, tenths))
    needed = available[0] + wider / 10, available[1] + higher / 10
    return DoesNotFit(
        f"{job.kind} with its human-readable text needs {needed[0]:.2f} x {needed[1]:.2f} mm at an X-dimension "
        f"of {x_mm:.3f} mm and {TEXT_SIZES_PT[-1]:g} pt; a label of {template.id} has {available[0]:.2f} x "
        f"{available[1]:.2f} mm{' (round)' if template.shape == 'round' else ''}, {DIE_TOLERANCE_MM} mm inside "
        "its edge.",
        needed_mm=needed,
        available_mm=available,
    )


def place(template: SheetTemplate, start_position: int, label_index: int) -> tuple[int, int]:
    """Return page and cell of a label, all counted from 0, but for the start position, counted from 1.

    Raises InvalidStartPosition unless the sheet has a cell of that number.

    >>> place(TEMPLATES["avery_5160"], 30, 1)
    (1, 0)
    """
    return divmod(_first_cell(template, start_position) + label_index, template.labels_per_page)


def page_count(template: SheetTemplate, start_position: int, labels: int) -> int:
    """Return how many pages the labels take, 0 where there are none. Raises InvalidStartPosition.

    >>> page_count(TEMPLATES["avery_5160"], 30, 2)
    2
    """
    return -(-(_first_cell(template, start_position) + labels) // template.labels_per_page) if labels else 0


def first_free_position(template: SheetTemplate, start_position: int, labels: int) -> int:
    """Return the cell after the last label, counted from 1, which is where the next job starts.

    It is 1, on a new page, where the last page is full. Raises InvalidStartPosition.

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
