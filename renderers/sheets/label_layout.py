"""The layout that all labels of an export share, solved before any of them is drawn."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from gs1.symbol_size import Environment, SymbolKind
from renderers.sheets.arrangement import (
    Item,
    Placement,
    Text,
    text_below,
    text_beside,
)
from renderers.sheets.bodies import Body, OneSymbol, Trial, breaks
from renderers.sheets.errors import DoesNotFit
from renderers.sheets.model import DIE_TOLERANCE_MM, LabelLayout, Outline, SheetTemplate, printable_outline
from renderers.sheets.sizing import (
    TEXT_SIZES_PT,
    Candidate,
    LabelNeeds,
    LineNeeds,
    LogoNeeds,
    Sizing,
)
from renderers.sheets.templates import TEMPLATES

# The error looks for labels up to this much larger, in tenths of a millimetre.
_LARGEST_GROWTH = 5000

_STEPS = range(len(TEXT_SIZES_PT))

#: What stands on a label besides its symbols and their human-readable text, in the order of the design.
Around: TypeAlias = Sequence[LineNeeds | LogoNeeds]

_Chosen: TypeAlias = tuple[tuple[LineNeeds | LogoNeeds, Item], ...]


def solve(
    template: SheetTemplate,
    kind: SymbolKind,
    needs: LabelNeeds,
    *,
    around: Around = (),
    environment: Environment = Environment.RETAIL,
    dpi: int = 600,
    module_size_mm: float | None = None,
) -> LabelLayout:
    """Return the layout of labels with one symbol, as `solve_label` does."""
    body = OneSymbol(Sizing(kind, needs, environment, dpi))
    return solve_label(template, body, around, module_size_mm)[0]


def solve_label(
    template: SheetTemplate,
    body: Body,
    around: Around = (),
    module_size_mm: float | None = None,
    *,
    text_sizes_pt: Sequence[float] = TEXT_SIZES_PT,
) -> tuple[LabelLayout, ...]:
    """Return the layout with the largest X in whole dots, and then the largest text, that the label holds.

    X stays within the limits of the symbol specification table, or is the whole dots nearest to
    `module_size_mm`. The quiet zone is kept and everything stays DIE_TOLERANCE_MM inside the edge. Human-
    readable text is broken between elements only. It is below the symbol or, for matrix symbols if it has more
    room there, to the right. Where lines must not be left out, or there are two symbols, text is larger before X
    exceeds the table's target. The other lines are added, those first that are left out last, if they reduce neither the text size nor X below the
    target. `text_sizes_pt` are the sizes of human-readable text, the preferred first.

    Bars have the table's height at the largest X that leaves room for it. If no X does, they are truncated,
    which GS1 allows: X is then at most the target, because wide bars help little in a low symbol, and the
    bars are as high as there is room, at least 5 mm and 15 % of the symbol's width. If that does not fit
    either, X goes down to the reduced X of GS1-128. Truncated bars of EAN/UPC may not be readable in every
    direction at a retail point of sale; compare `bar_height_dots` with the table.

    There is one layout for each symbol. Raises DoesNotFit, and XDimensionOutOfRange for a module size GS1 or the
    printer's dots do not allow.
    Source: GS1 General Specifications, 4.14 (human-readable text), 5.12.3 (sizes).
    """
    search = _search(template, body, module_size_mm, text_sizes_pt)
    required = [each for each in around if each.optional is None]
    found = search.largest(required)
    if found is None:
        raise _does_not_fit(search, template, required)
    # Of equally important ones the later is added last.
    for each in sorted(around, key=lambda each: -(each.optional or 0)):
        if each.optional is not None:
            found = search.with_more(found, each)
    return found.trial.layouts(found.placement)


def fits(
    template: SheetTemplate,
    body: Body,
    around: Around = (),
    module_size_mm: float | None = None,
    *,
    text_sizes_pt: Sequence[float] = TEXT_SIZES_PT,
) -> bool:
    """Return whether `solve_label` would find a layout. Raises XDimensionOutOfRange."""
    search = _search(template, body, module_size_mm, text_sizes_pt)
    smallest = _smallest(each for each in around if each.optional is None)
    return any(search.arranged(candidate, _STEPS[-1], smallest) for candidate in search.candidates)


def fitting_templates(
    kind: SymbolKind,
    needs: LabelNeeds,
    *,
    environment: Environment = Environment.RETAIL,
    dpi: int = 600,
    module_size_mm: float | None = None,
    templates: Iterable[SheetTemplate] = TEMPLATES.values(),
) -> list[str]:
    """Return the ids of the templates whose labels have room for one symbol and its text, in the given order."""
    body = OneSymbol(Sizing(kind, needs, environment, dpi))
    return [sheet.id for sheet in templates if fits(sheet, body, module_size_mm=module_size_mm)]


@dataclass(frozen=True, slots=True)
class _Found:
    """A size that fits, the step of its text size, what stands around the symbols, and the places of all."""

    candidate: Candidate
    step: int
    chosen: _Chosen
    trial: Trial
    placement: Placement


@dataclass(frozen=True, slots=True)
class _Search:
    """The labels of an export on one template."""

    body: Body
    outline: Outline
    candidates: tuple[Candidate, ...]
    text_sizes_pt: Sequence[float]

    def largest(self, required: Around) -> _Found | None:
        """Return the preferred size that fits with what is required, and as much of its text as there is room for."""
        shares = range(max((len(each.widths_1pt_mm) for each in required), default=1))
        looks = [
            (step, tuple((each, each.item(share, step)) for each in required))
            for share in shares
            for step in _STEPS
        ]
        ample = [each for each in self.candidates if each.full_height and self.body.is_ample(each)]
        for step, chosen in looks if required or self.body.prefers_text else ():
            found = next(filter(None, (self.arranged(each, step, chosen) for each in ample)), None)
            if found is not None:
                return found
        for candidate in self.candidates:
            if self.arranged(candidate, _STEPS[-1], _smallest(required)) is not None:
                return next(filter(None, (self.arranged(candidate, *look) for look in looks)))
        return None

    def with_more(self, found: _Found, more: LineNeeds | LogoNeeds) -> _Found:
        """Return what was found with one thing more, or unchanged if there is no room for it.

        Truncated bars are not truncated further for it.
        """
        smaller = [
            each
            for each in self.candidates[self.candidates.index(found.candidate) :]
            if each.full_height == found.candidate.full_height
            and (each == found.candidate or self.body.is_ample(each))
        ]
        least_height = 0 if found.candidate.full_height else found.placement.height_dots
        for share in range(len(more.widths_1pt_mm)):
            for candidate in smaller:
                larger: _Found | None = None
                for step in reversed(_STEPS):
                    chosen = (*found.chosen, (more, more.item(share, step)))
                    fitting = self.arranged(candidate, found.step, chosen, least_height)
                    if fitting is None:
                        break
                    larger = fitting
                if larger is not None:
                    return larger
        return found

    def arranged(
        self, candidate: Candidate, step: int, chosen: _Chosen, least_height: int = 0
    ) -> _Found | None:
        """Return the first arrangement that fits: text below, then beside; few lines, then many."""
        size_pt = self.text_sizes_pt[step]
        above = [item for each, item in _outermost_logo(chosen, first=True) if each.above]
        below = [item for each, item in _outermost_logo(chosen, first=False) if not each.above]
        ways = breaks(self.body.elements)
        for trial in self.body.trials(candidate, size_pt):
            block = trial.block
            if least_height:
                block = replace(block, heights=(least_height, block.heights[1]))
            # A quick test without text.
            if text_below(self.outline, block, ()) is None:
                continue
            for arrangement in (text_below,) if self.body.texts_only_below else (text_below, text_beside):
                for lines in ways:
                    widest = max((width_1pt_mm for _, width_1pt_mm in lines), default=0) * size_pt
                    if widest > 2 * self.outline.half_width:
                        continue
                    texts = [Text(ais, width_1pt_mm * size_pt, size_pt) for ais, width_1pt_mm in lines]
                    placement = arrangement(self.outline, block, texts, above, below)
                    if placement is not None:
                        return _Found(candidate, step, chosen, trial, placement)
        return None


def _search(
    template: SheetTemplate, body: Body, module_size_mm: float | None, text_sizes_pt: Sequence[float]
) -> _Search:
    return _Search(
        body, printable_outline(template), tuple(body.candidates(module_size_mm)), tuple(text_sizes_pt)
    )


def _outermost_logo(chosen: _Chosen, *, first: bool) -> _Chosen:
    """Return what is chosen in the order of the design, the logo at one end."""
    by_number = sorted(chosen, key=lambda each: each[0].number)
    return tuple(sorted(by_number, key=lambda each: isinstance(each[0], LogoNeeds) is not first))


def _smallest(required: Iterable[LineNeeds | LogoNeeds]) -> _Chosen:
    return tuple((each, each.item(len(each.widths_1pt_mm), _STEPS[-1])) for each in required)


def _does_not_fit(search: _Search, template: SheetTemplate, required: Around) -> DoesNotFit:
    """Return the error for a label that is too small, with the least size that would be enough."""
    inset = 2 * DIE_TOLERANCE_MM
    least = min(search.candidates, key=lambda each: (each.x_dots, each.linear_x_dots, each.full_height))
    available = template.label_width_mm - inset, template.label_height_mm - inset
    sized = search.body.sized(least)
    for sizing, x_dots in sized:
        limit, x_mm = sizing.size.max_width_mm, x_dots * sizing.dot_mm
        if limit is not None and sizing.too_wide(x_dots):
            wide_mm = sizing.outer_width_x * x_mm
            return DoesNotFit(
                f"{sizing.kind} is {wide_mm:.2f} mm wide at an X-dimension of {x_mm:.3f} mm, the least for "
                f"{sizing.dpi} dpi; GS1 allows {limit:.2f} mm.",
                needed_mm=(wide_mm, available[1]),
                available_mm=(limit, available[1]),
            )

    def enough(wider: int, higher: int) -> bool:
        """Return whether a label larger by so many tenths of a millimetre would be large enough."""
        grown = replace(
            template,
            label_width_mm=template.label_width_mm + wider / 10,
            label_height_mm=template.label_height_mm + higher / 10,
        )
        larger = replace(search, outline=printable_outline(grown))
        return larger.arranged(least, _STEPS[-1], _smallest(required)) is not None

    wider = higher = bisect_left(range(_LARGEST_GROWTH), True, key=lambda tenths: enough(tenths, tenths))
    if template.shape == "rectangle":
        wider = bisect_left(range(higher), True, key=lambda tenths: enough(tenths, higher))
        higher = bisect_left(range(higher), True, key=lambda tenths: enough(wider, tenths))
    needed = available[0] + wider / 10, available[1] + higher / 10
    kinds = " and ".join(str(sizing.kind) for sizing, _ in sized)
    xs = " and ".join(f"{x_dots * sizing.dot_mm:.3f} mm" for sizing, x_dots in sized)
    text = "human-readable text" + (" and what its design needs" if required else "")
    return DoesNotFit(
        f"{kinds} with its {text} needs {needed[0]:.2f} x {needed[1]:.2f} mm at an X-dimension "
        f"of {xs} and {search.text_sizes_pt[-1]:g} pt; a label of {template.id} has "
        f"{available[0]:.2f} x {available[1]:.2f} mm{' (round)' if template.shape == 'round' else ''}, "
        f"{DIE_TOLERANCE_MM} mm inside its edge.",
        needed_mm=needed,
        available_mm=available,
    )
