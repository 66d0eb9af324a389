"""Solves the layouts of a job's labels: one for each kind of symbol, or two for each pair of kinds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exports.jobs.plan import ExportPlan
from exports.sheets.needs import Measures, SymbolExtent
from gs1.errors import LabelError, XDimensionOutOfRange
from gs1.symbol_size import Environment
from renderers.sheets.bodies import Body, OneSymbol, TwoSymbols
from renderers.sheets.errors import DoesNotFit
from renderers.sheets.label_layout import Around, fits, solve_label
from renderers.sheets.model import LabelLayout, SheetTemplate
from renderers.sheets.sizing import Sizing


@dataclass(frozen=True, slots=True)
class Solved:
    """The layouts of labels. `whole` is true if every label of the job fits."""

    layouts: list[LabelLayout]
    whole: bool


def solve_layouts(
    plan: ExportPlan, template: SheetTemplate, first: Measures, second: Measures | None, around: Around
) -> Solved:
    """Return layouts for as many labels as possible. `second` are the linear symbols beside those of `first`.

    Raises DoesNotFit if no label fits, XDimensionOutOfRange if no X suits any.
    """
    found: list[LabelLayout] = []
    whole = True
    refusal: LabelError | None = None
    sizes_pt = plan.label_design.sizes_pt(None)
    for sizes in _sizes(first, second):
        for body in _bodies(plan, first, second, sizes):
            try:
                module_mm = plan.config.module_size_mm
                found += solve_label(template, body, around, module_mm, text_sizes_pt=sizes_pt)
                break
            except (DoesNotFit, XDimensionOutOfRange) as error:
                refusal, whole = error, False
    if refusal is not None and not found:
        raise refusal
    return Solved(found, whole)


def fits_whole(
    plan: ExportPlan, template: SheetTemplate, first: Measures, second: Measures | None, around: Around
) -> bool:
    """Return whether every label of the job fits. Kinds that no X suits do not count: no template is at fault."""
    for sizes in _sizes(first, second):
        body = next(_bodies(plan, first, second, sizes))
        try:
            sizes_pt = plan.label_design.sizes_pt(None)
            if not fits(template, body, around, plan.config.module_size_mm, text_sizes_pt=sizes_pt):
                return False
        except XDimensionOutOfRange:
            continue
    return True


#: The sizes of one symbol or of both, the widest first.
_Sizes = Sequence[tuple[SymbolExtent, ...]]


def _sizes(first: Measures, second: Measures | None) -> Iterator[_Sizes]:
    """Yield the sizes of each kind or pair of kinds, in the order in which they are tried."""
    for kind in first.kinds:
        ones = first.sizes(kind)
        if second is None:
            yield [(one,) for one in ones]
            continue
        for other_kind in second.kinds:
            others = second.sizes(other_kind)
            # First less wide matrix symbols, then less wide bars too.
            yield [*((one, others[0]) for one in ones), *((ones[-1], other) for other in others[1:])]


def _bodies(plan: ExportPlan, first: Measures, second: Measures | None, sizes: _Sizes) -> Iterator[Body]:
    environment, dpi = plan.config.environment or Environment.RETAIL, plan.dpi
    for one, *other in sizes:
        # Linear symbols always have their text.
        hri = plan.label_design.hri or one.height_x is None
        body = Sizing(one.kind, first.needs(one, hri=hri), environment, dpi)
        if second is None:
            yield OneSymbol(body)
        else:
            yield TwoSymbols(body, Sizing(other[0].kind, second.needs(other[0]), environment, dpi))
