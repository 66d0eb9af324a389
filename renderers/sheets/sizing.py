"""The needs of an export's labels, and the sizes in whole printer dots that their symbols may have."""

import math
from dataclasses import dataclass

from gs1.symbol_size import Environment, SymbolKind, SymbolSize
from renderers.sheets.arrangement import Block, Item, Picture, Text
from renderers.sheets.model import Align
from renderers.symbol import GUARD_BAR_X
from renderers.whole_dots import WholeDots

# Bars lower than this cannot be read by hand-held scanners without aiming: 5 mm, or 15 % of the symbol's
# width where that is more. Source: ISO/IEC 15417 and ISO/IEC 16390, annexes on application parameters.
_LEAST_BAR_HEIGHT_MM = 5.0
_LEAST_BAR_HEIGHT_BY_WIDTH = 0.15

_WITH_GUARD_BARS = frozenset({SymbolKind.EAN_13, SymbolKind.EAN_8, SymbolKind.UPC_A, SymbolKind.UPC_E})

# Tolerance for rounding errors between millimetres and dots, in dots.
_ROUNDING = 1e-9


#: Text sizes to try, in points, the preferred first.
TEXT_SIZES_PT = tuple(half / 2 for half in range(16, 7, -1))


@dataclass(frozen=True, slots=True)
class HriElement:
    """An element of the human-readable text and its greatest width at 1 pt in millimetres.

    The width is that of "(01)09506000134352" as drawn; EAN/UPC and ITF-14 show bare digits: `ai` is empty.
    """

    ai: str
    width_1pt_mm: float


@dataclass(frozen=True, slots=True)
class LineNeeds:
    """A line of the design: its number there, and the room it needs.

    `widths_1pt_mm` are the greatest widths at 1 pt, in millimetres: the first is that of the whole text, the others
    are those to which it may be shortened. `sizes_pt` are as many as TEXT_SIZES_PT, the preferred first. Lines with the
    least `optional` are left out first, those without it never.
    """

    number: int
    widths_1pt_mm: tuple[float, ...]
    above: bool = True
    sizes_pt: tuple[float, ...] = TEXT_SIZES_PT
    align: Align | None = None
    bold: bool = False
    optional: int | None = None
    printer_font: bool = False

    def item(self, share: int, step: int) -> Item:
        """Return the line at one of its widths and sizes. Behind the last width is the last again."""
        width_1pt_mm = self.widths_1pt_mm[min(share, len(self.widths_1pt_mm) - 1)]
        size_pt = self.sizes_pt[step]
        return Text(
            (), width_1pt_mm * size_pt, size_pt, self.align, self.number, self.bold, self.printer_font
        )


@dataclass(frozen=True, slots=True)
class LogoNeeds:
    """The design's logo. It stands outermost, above or below all lines. Its `number` is behind all lines'."""

    number: int
    width_mm: float
    height_mm: float
    above: bool = True
    align: Align | None = None
    optional: int | None = None

    @property
    def widths_1pt_mm(self) -> tuple[float, ...]:
        return (self.width_mm,)

    def item(self, share: int, step: int) -> Item:
        """Return the logo, which has one size."""
        del share, step
        return Picture(self.width_mm, self.height_mm, self.align)


@dataclass(frozen=True, slots=True)
class LabelNeeds:
    """The room that an export's labels need: the largest symbol and the widest human-readable text.

    `width_x` is the width of the largest symbol without quiet zone, `height_x` its height, None for linear
    symbols, `units_per_x` that of BarSymbols. Elements are in their order on the label; those on one line
    follow each other without a space.
    """

    width_x: float
    height_x: float | None
    elements: tuple[HriElement, ...]
    units_per_x: int = 1

    def __post_init__(self) -> None:
        if not self.elements and self.height_x is None:
            raise ValueError("A linear symbol needs human-readable text")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An X to try, and whether bars must have their full height. `linear_x_dots` is X of a second, linear symbol."""

    x_dots: int
    full_height: bool
    linear_x_dots: int = 0


@dataclass(frozen=True, slots=True)
class Sizing:
    """The sizes that GS1, the printer and the needs of the labels allow, whatever the template."""

    kind: SymbolKind
    needs: LabelNeeds
    environment: Environment
    dpi: int

    @property
    def dots(self) -> WholeDots:
        return WholeDots(self.kind, self.environment, self.dpi, self.needs.units_per_x)

    @property
    def size(self) -> SymbolSize:
        return self.dots.size

    @property
    def dot_mm(self) -> float:
        return self.dots.dot_mm

    @property
    def outer_width_x(self) -> float:
        return self.size.quiet_left_x + self.needs.width_x + self.size.quiet_right_x

    @property
    def linear(self) -> bool:
        return self.needs.height_x is None

    @property
    def guard_bar_x(self) -> int:
        return GUARD_BAR_X if self.kind in _WITH_GUARD_BARS else 0

    @property
    def target_dots(self) -> int:
        return min(self.dots.at_least(self.size.x_target_mm), self.dots.at_most(self.size.x_max_mm))

    def candidates(self, module_size_mm: float | None) -> list[Candidate]:
        """Return the sizes to try, the preferred first.

        They are every X from the table's largest down, or the whole dots nearest to `module_size_mm` within
        the table's limits. Raises XDimensionOutOfRange if `module_size_mm` is outside these limits, or no
        whole dots are inside them.
        """
        size, step = self.size, -self.needs.units_per_x
        least, most = self.dots.limits()
        if module_size_mm is None:
            allowed = list(range(most, least - 1, step))
            truncated = [x for x in allowed if x <= self.target_dots]
        else:
            allowed = truncated = [self.dots.nearest(module_size_mm)]
        tried = [Candidate(x, full_height=True) for x in allowed]
        if self.linear:
            tried += [Candidate(x, full_height=False) for x in truncated]
        if size.x_reduced_mm is not None and module_size_mm is None:
            reduced = range(least + step, self.dots.at_least(size.x_reduced_mm) - 1, step)
            tried += [Candidate(x, full) for full in (True, False) for x in reduced]
        return tried

    def too_wide(self, x_dots: int) -> bool:
        """Return whether the symbol with its quiet zones is wider than GS1 allows at this X."""
        limit = self.size.max_width_mm
        return limit is not None and self.outer_width_x * x_dots * self.dot_mm > limit + _ROUNDING

    def block(self, candidate: Candidate) -> Block:
        """Return the symbol of this size with its margins."""
        x, size, needs = candidate.x_dots, self.size, self.needs
        width = math.ceil(needs.width_x * x - _ROUNDING)
        bearer, guard = size.bearer_bar_x * x, self.guard_bar_x * x
        nominal_mm = size.height_at_mm(x * self.dot_mm)
        if needs.height_x is not None or nominal_mm is None:
            height = math.ceil((needs.height_x or needs.width_x) * x - _ROUNDING)
            heights = (height, height)
            text_gap = size.quiet_bottom_x * x
        else:
            height = math.ceil(nominal_mm / self.dot_mm - _ROUNDING)
            least_mm = max(_LEAST_BAR_HEIGHT_MM, _LEAST_BAR_HEIGHT_BY_WIDTH * width * self.dot_mm)
            least = min(height, math.ceil(least_mm / self.dot_mm))
            heights = (height if candidate.full_height else least, height)
            # Text stands one X under the bars. Source: ISO/IEC 15420, human-readable interpretation.
            text_gap = bearer + x
        return Block(
            self.dot_mm,
            width,
            heights,
            left=size.quiet_left_x * x,
            right=size.quiet_right_x * x,
            top=size.quiet_top_x * x + bearer,
            bottom=size.quiet_bottom_x * x + max(bearer, guard),
            text_gap=text_gap,
            # Digits stand between the guard bars they belong to.
            text_within_box=bool(guard),
        )
