"""The layout that all labels of an export share, solved before any of them is drawn."""

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
from renderers.sheets.errors import DoesNotFit
from renderers.sheets.model import LabelLayout, SheetTemplate
from renderers.sheets.sizing import Candidate, HriElement, LabelNeeds, Sizing
from renderers.sheets.templates import TEMPLATES

#: Text sizes to try, in points, the preferred first.
TEXT_SIZES_PT = tuple(half / 2 for half in range(16, 7, -1))

# The error looks for labels up to this much larger, in tenths of a millimetre.
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
    readable text is broken between elements only. It is below the symbol or, for matrix symbols if it has more
    room there, to the right. The product's name is added if it reduces neither the text size nor X below the
    table's target.

    Bars have the table's height at the largest X that leaves room for it. If no X does, they are truncated,
    which GS1 allows: X is then at most the target, because wide bars help little in a low symbol, and the
    bars are as high as there is room, at least 5 mm and 15 % of the symbol's width. If that does not fit
    either, X goes down to the reduced X of GS1-128. Truncated bars of EAN/UPC may not be readable in every
    direction at a retail point of sale; compare `bar_height_dots` with the table.

    Raises DoesNotFit, and XDimensionOutOfRange for a module size GS1 or the printer's dots do not allow.
    Source: GS1 General Specifications, 4.14 (human-readable text), 5.12.3 (sizes).
    """
    sizing = Sizing(kind, needs, environment, dpi)
    candidates = sizing.candidates(module_size_mm)
    outline = printable_outline(template)
    found = _largest(sizing, outline, candidates)
    if found is None:
        raise _does_not_fit(sizing, template, candidates)
    return _layout(sizing, _with_name(sizing, outline, candidates, found))


def fitting_templates(
    kind: SymbolKind,
    needs: LabelNeeds,
    *,
    environment: Environment = Environment.RETAIL,
    dpi: int = 600,
    module_size_mm: float | None = None,
    templates: Iterable[SheetTemplate] = TEMPLATES.values(),
) -> list[str]:
    """Return the ids of the templates whose labels have room, in the given order."""
    sizing = Sizing(kind, needs, environment, dpi)
    candidates = sizing.candidates(module_size_mm)
    return [sheet.id for sheet in templates if _largest(sizing, printable_outline(sheet), candidates)]


@dataclass(frozen=True, slots=True)
class _Found:
    """A size that fits, with the size of its text and the places of both."""

    candidate: Candidate
    size_pt: float
    placement: Placement


def _largest(sizing: Sizing, outline: Outline, candidates: Iterable[Candidate]) -> _Found | None:
    """Return the first candidate that fits without a name, with the largest text that does."""
    breaks = _breaks(sizing.needs.elements)
    for candidate in candidates:
        if sizing.too_wide(candidate.x_dots):
            continue
        block = sizing.block(candidate)
        # Two quick tests: the symbol without text, then with the smallest text.
        if text_below(outline, block, (), None) is None:
            continue
        smallest = _arranged(sizing, outline, block, breaks, TEXT_SIZES_PT[-1])
        if smallest is None:
            continue
        for size_pt in TEXT_SIZES_PT[:-1]:
            placement = _arranged(sizing, outline, block, breaks, size_pt)
            if placement is not None:
                return _Found(candidate, size_pt, placement)
        return _Found(candidate, TEXT_SIZES_PT[-1], smallest)
    return None


def _with_name(sizing: Sizing, outline: Outline, candidates: Iterable[Candidate], found: _Found) -> _Found:
    """Return what was found with the product's name added, or unchanged if there is no room for a name.

    Truncated bars are not truncated further for a name.
    """
    if sizing.needs.name_width_1pt_mm is None:
        return found
    breaks = _breaks(sizing.needs.elements)
    x_from, x_to = min(sizing.target_dots, found.candidate.x_dots), found.candidate.x_dots
    for candidate in candidates:
        if x_from <= candidate.x_dots <= x_to and candidate.full_height == found.candidate.full_height:
            named: _Found | None = None
            block = sizing.block(candidate)
            if not candidate.full_height:
                block = replace(block, heights=(found.placement.height_dots, block.heights[1]))
            for name_pt in reversed(TEXT_SIZES_PT):
                name = Text((), sizing.needs.name_width_1pt_mm * name_pt, name_pt)
                placement = _arranged(sizing, outline, block, breaks, found.size_pt, name)
                if placement is None:
                    break
                named = _Found(candidate, found.size_pt, placement)
            if named is not None:
                return named
    return found


def _arranged(
    sizing: Sizing,
    outline: Outline,
    block: Block,
    breaks: Iterable[_Lines],
    size_pt: float,
    name: Text | None = None,
) -> Placement | None:
    """Return the first arrangement that fits: text below, then beside; few lines, then many."""
    # The text of a linear symbol belongs under its bars.
    for arrangement in (text_below,) if sizing.linear else (text_below, text_beside):
        for lines in breaks:
            if max(width_1pt_mm for _, width_1pt_mm in lines) * size_pt > 2 * outline.half_width:
                continue
            texts = [Text(ais, width_1pt_mm * size_pt, size_pt) for ais, width_1pt_mm in lines]
            placement = arrangement(outline, block, texts, name)
            if placement is not None:
                return placement
    return None


def _breaks(elements: tuple[HriElement, ...]) -> list[_Lines]:
    """Return every way to break the elements into lines, by number of lines, then by width."""
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


def _layout(sizing: Sizing, found: _Found) -> LabelLayout:
    x_dots, placed = found.candidate.x_dots, found.placement
    return LabelLayout(
        kind=sizing.kind,
        dpi=sizing.dpi,
        x_dots=x_dots,
        box_left_dots=placed.left_dots,
        box_bottom_dots=placed.bottom_dots,
        box_width_x=sizing.needs.width_x,
        box_height_x=placed.height_dots / x_dots,
        bar_height_dots=placed.height_dots if sizing.linear else 0,
        hri=placed.hri,
        name=placed.name,
        bearer_bar_dots=sizing.size.bearer_bar_x * x_dots,
        guard_bar_dots=sizing.guard_bar_x * x_dots,
    )


def _does_not_fit(sizing: Sizing, template: SheetTemplate, candidates: list[Candidate]) -> DoesNotFit:
    """Return the error for a label that is too small, with the least size that would be enough."""
    inset = 2 * DIE_TOLERANCE_MM
    least = min(candidates, key=lambda candidate: (candidate.x_dots, candidate.full_height))
    x_mm = least.x_dots * sizing.dot_mm
    available = template.label_width_mm - inset, template.label_height_mm - inset
    limit = sizing.size.max_width_mm
    if limit is not None and sizing.too_wide(least.x_dots):
        wide_mm = sizing.outer_width_x * x_mm
        return DoesNotFit(
            f"{sizing.kind} is {wide_mm:.2f} mm wide at an X-dimension of {x_mm:.3f} mm, the least for "
            f"{sizing.dpi} dpi; GS1 allows {limit:.2f} mm.",
            needed_mm=(wide_mm, available[1]),
            available_mm=(limit, available[1]),
        )

    block, breaks = sizing.block(least), _breaks(sizing.needs.elements)

    def fits(wider: int, higher: int) -> bool:
        """Return whether a label larger by so many tenths of a millimetre would be large enough."""
        grown = replace(
            template,
            label_width_mm=template.label_width_mm + wider / 10,
            label_height_mm=template.label_height_mm + higher / 10,
        )
        return _arranged(sizing, printable_outline(grown), block, breaks, TEXT_SIZES_PT[-1]) is not None

    wider = higher = bisect_left(range(_LARGEST_GROWTH), True, key=lambda tenths: fits(tenths, tenths))
    if template.shape == "rectangle":
        wider = bisect_left(range(higher), True, key=lambda tenths: fits(tenths, higher))
        higher = bisect_left(range(higher), True, key=lambda tenths: fits(wider, tenths))
    needed = available[0] + wider / 10, available[1] + higher / 10
    return DoesNotFit(
        f"{sizing.kind} with its human-readable text needs {needed[0]:.2f} x {needed[1]:.2f} mm at an X-dimension "
        f"of {x_mm:.3f} mm and {TEXT_SIZES_PT[-1]:g} pt; a label of {template.id} has {available[0]:.2f} x "
        f"{available[1]:.2f} mm{' (round)' if template.shape == 'round' else ''}, {DIE_TOLERANCE_MM} mm inside "
        "its edge.",
        needed_mm=needed,
        available_mm=available,
    )
