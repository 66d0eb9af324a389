"""What a label is built around: one symbol, or a matrix symbol and a linear one near each other.

Two symbols keep the quiet zones of both. All of the matrix symbol is within 50 mm of the centre of the linear one, so
that both are in a scanner's view at once. Source: GS1, 2D Barcodes at Retail Point-of-Sale Implementation Guideline,
release 1.0 (May 2024), as cited by Packaging Technology Today, October 2025; the number of its section is not confirmed.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby, islice, pairwise
from typing import Protocol, TypeAlias

from renderers.sheets.arrangement import Block, Placement, Text
from renderers.sheets.model import LabelLayout, TextLine
from renderers.sheets.sizing import Candidate, HriElement, Sizing

#: How far the matrix symbol may reach from the centre of the linear one, in millimetres.
NEAR_MM = 50.0

#: More elements than this are not broken in every way.
MANY_ELEMENTS, _WAYS_OF_MANY = 5, 4

#: Lines of human-readable text: the Application Identifiers of each and its width at 1 pt, in millimetres.
Lines: TypeAlias = tuple[tuple[tuple[str, ...], float], ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """A body of one size: the room it takes, and the layouts it has once it is placed."""

    block: Block
    layouts: Callable[[Placement], tuple[LabelLayout, ...]]


class Body(Protocol):
    """What the search for a layout has to know. Candidates are in the order of preference, of one height each."""

    @property
    def texts_only_below(self) -> bool: ...
    @property
    def prefers_text(self) -> bool:
        """Whether text is larger before X exceeds its target, even without lines that must be there."""
        ...

    @property
    def elements(self) -> tuple[HriElement, ...]:
        """The human-readable text that is placed with the design's lines."""
        ...

    def sized(self, candidate: Candidate) -> tuple[tuple[Sizing, int], ...]:
        """Return each symbol with its X in dots."""
        ...

    def candidates(self, module_size_mm: float | None) -> Sequence[Candidate]: ...
    def is_ample(self, candidate: Candidate) -> bool:
        """Return whether X of each symbol is at least the target."""
        ...

    def trials(self, candidate: Candidate, size_pt: float) -> Iterator[Trial]:
        """Yield the bodies of this size, of which the first that fits is taken. None if GS1 allows none."""
        ...


@dataclass(frozen=True, slots=True)
class OneSymbol:
    """A symbol with its human-readable text below or beside it."""

    sizing: Sizing

    prefers_text = False

    @property
    def texts_only_below(self) -> bool:
        # The text of a linear symbol belongs under its bars.
        return self.sizing.linear

    @property
    def elements(self) -> tuple[HriElement, ...]:
        return self.sizing.needs.elements

    def sized(self, candidate: Candidate) -> tuple[tuple[Sizing, int], ...]:
        return ((self.sizing, candidate.x_dots),)

    def candidates(self, module_size_mm: float | None) -> list[Candidate]:
        return self.sizing.candidates(module_size_mm)

    def is_ample(self, candidate: Candidate) -> bool:
        return candidate.x_dots >= self.sizing.target_dots

    def trials(self, candidate: Candidate, size_pt: float) -> Iterator[Trial]:
        del size_pt
        if not self.sizing.too_wide(candidate.x_dots):
            yield Trial(
                self.sizing.block(candidate),
                lambda placed: (
                    _layout(
                        self.sizing,
                        candidate.x_dots,
                        (placed.left_dots, placed.bottom_dots),
                        placed.height_dots,
                        placed,
                    ),
                ),
            )


@dataclass(frozen=True, slots=True)
class TwoSymbols:
    """A matrix symbol and a linear one with its text under the bars: beside each other, or the linear one above."""

    matrix: Sizing
    linear: Sizing

    texts_only_below = False
    prefers_text = True

    @property
    def elements(self) -> tuple[HriElement, ...]:
        return self.matrix.needs.elements

    def sized(self, candidate: Candidate) -> tuple[tuple[Sizing, int], ...]:
        return (self.matrix, candidate.x_dots), (self.linear, candidate.linear_x_dots)

    def candidates(self, module_size_mm: float | None) -> list[Candidate]:
        """Return pairs of X from the largest down: the one that is larger, measured by its target, is reduced next."""
        matrix = [each.x_dots for each in self.matrix.candidates(module_size_mm)]
        linear = self.linear.candidates(module_size_mm)
        found: list[Candidate] = []
        for full_height in (True, False):
            bars = [each.x_dots for each in linear if each.full_height == full_height]
            at, of_bars = 0, 0
            while at < len(matrix) and of_bars < len(bars):
                found.append(Candidate(matrix[at], full_height, bars[of_bars]))
                matrix_share = matrix[at] / self.matrix.target_dots
                if matrix_share >= bars[of_bars] / self.linear.target_dots and at + 1 < len(matrix):
                    at += 1
                elif of_bars + 1 < len(bars):
                    of_bars += 1
                else:
                    at += 1
        return found

    def is_ample(self, candidate: Candidate) -> bool:
        return (
            candidate.x_dots >= self.matrix.target_dots and candidate.linear_x_dots >= self.linear.target_dots
        )

    def trials(self, candidate: Candidate, size_pt: float) -> Iterator[Trial]:
        if self.linear.too_wide(candidate.linear_x_dots):
            return
        matrix = self.matrix.block(candidate)
        bars = self.linear.block(replace(candidate, x_dots=candidate.linear_x_dots))
        for lines in breaks(self.linear.needs.elements):
            texts = [Text(ais, width_1pt_mm * size_pt, size_pt) for ais, width_1pt_mm in lines]
            room = bars.width if bars.text_within_box else bars.outer_width
            if max(text.width_mm for text in texts) <= room * bars.dot_mm:
                for arranged in (_beside, _above):
                    pair = arranged(matrix, bars, texts)
                    if pair.reach_mm <= NEAR_MM:
                        yield Trial(
                            pair.block, lambda placed, pair=pair: self._layouts(candidate, pair, placed)
                        )
                return

    def _layouts(self, candidate: Candidate, pair: "_Pair", placed: Placement) -> tuple[LabelLayout, ...]:
        """Return the layout of the matrix symbol, with the design's lines, and that of the linear one."""
        places = pair.places(placed.height_dots)
        left, bottom = placed.left_dots, placed.bottom_dots
        dot = pair.block.dot_mm
        matrix = _layout(
            self.matrix,
            candidate.x_dots,
            (left + places.matrix[0], bottom + places.matrix[1]),
            pair.matrix.heights[0],
            placed,
        )
        x, y = left + places.bars[0], bottom + places.bars[1]
        hri = _under_bars(pair.texts, (x + pair.bars.width / 2) * dot, (y - pair.bars.text_gap) * dot)
        own = replace(placed, hri=hri, lines=(), logo=None)
        linear = _layout(self.linear, candidate.linear_x_dots, (x, y), places.bar_height, own)
        return replace(matrix, partner=linear.kind), replace(linear, partner=matrix.kind)


@dataclass(frozen=True, slots=True)
class _Places:
    """The lower left corners of both boxes, from that of the pair, and the height of the bars; in dots."""

    matrix: tuple[int, int]
    bars: tuple[int, int]
    bar_height: int


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two symbols as one block. `texts` are under the bars."""

    block: Block
    matrix: Block
    bars: Block
    texts: Sequence[Text]
    places: Callable[[int], _Places]

    @property
    def reach_mm(self) -> float:
        """How far the matrix symbol reaches from the centre of the linear one."""
        places = self.places(self.block.heights[1])
        x = places.matrix[0] - places.bars[0] - self.bars.width / 2
        y = places.matrix[1] - places.bars[1] - places.bar_height / 2
        across = max(abs(x), abs(x + self.matrix.width))
        up = max(abs(y), abs(y + self.matrix.heights[0]))
        return math.hypot(across, up) * self.block.dot_mm


def _under(bars: Block, texts: Sequence[Text]) -> int:
    """Return the height of what is below the bars, in dots."""
    text_mm = sum(text.height_mm + text.leading_mm for text in texts) - texts[-1].leading_mm
    return max(bars.bottom, math.ceil(bars.text_gap + text_mm / bars.dot_mm))


def _beside(matrix: Block, bars: Block, texts: Sequence[Text]) -> _Pair:
    """Return the matrix symbol to the left of the bars, each centred vertically."""
    # The zones do not overlap: a digit of EAN-13 and UPC-A and the bearer bars of ITF-14 stand in that of the bars.
    gap = matrix.right + bars.left
    under = _under(bars, texts)
    column = matrix.bottom + matrix.heights[0] + matrix.top
    heights = tuple(max(column, under + height + bars.top) for height in bars.heights)

    def places(height: int) -> _Places:
        bar_height = min(bars.heights[1], height - under - bars.top)
        return _Places(
            (0, (height - column) // 2 + matrix.bottom),
            (matrix.width + gap, (height - under - bar_height - bars.top) // 2 + under),
            bar_height,
        )

    width = matrix.width + gap + bars.width
    return _Pair(
        _block(bars, texts, width, (heights[0], heights[1]), matrix.left, bars.right),
        matrix,
        bars,
        texts,
        places,
    )


def _above(matrix: Block, bars: Block, texts: Sequence[Text]) -> _Pair:
    """Return the bars above the matrix symbol, each centred horizontally."""
    under = _under(bars, texts) + math.ceil(texts[-1].leading_mm / bars.dot_mm)
    column = matrix.bottom + matrix.heights[0] + matrix.top
    width = max(matrix.outer_width, bars.outer_width)
    low, high = (column + under + height + bars.top for height in bars.heights)

    def places(height: int) -> _Places:
        return _Places(
            ((width - matrix.width) // 2, matrix.bottom),
            ((width - bars.outer_width) // 2 + bars.left, column + under),
            height - column - under - bars.top,
        )

    return _Pair(_block(bars, texts, width, (low, high), 0, 0), matrix, bars, texts, places)


def _block(
    bars: Block, texts: Sequence[Text], width: int, heights: tuple[int, int], left: int, right: int
) -> Block:
    # Room above, so that a line is as far from the pair as from another line.
    gap = math.ceil(texts[-1].leading_mm / bars.dot_mm)
    return Block(bars.dot_mm, width, heights, left, right, top=0, bottom=0, text_gap=gap)


def _under_bars(texts: Sequence[Text], axis_mm: float, top_mm: float) -> tuple[TextLine, ...]:
    lines: list[TextLine] = []
    for text in texts:
        lines.append(text.line(axis_mm - text.width_mm / 2, top_mm, "centre"))
        top_mm -= text.height_mm + text.leading_mm
    return tuple(lines)


@lru_cache(maxsize=64)
def breaks(elements: tuple[HriElement, ...]) -> tuple[Lines, ...]:
    """Return the ways to break the elements into lines, by number of lines, then by width.

    Of more than MANY_ELEMENTS, only the narrowest few ways are tried for each number of lines: each element doubles the
    ways, and on nearly every label the narrowest fits if any does.
    """
    if not elements:
        return ((),)
    ways: list[Lines] = []
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
    ways.sort(key=lambda lines: (len(lines), max(width for _, width in lines)))
    if len(elements) <= MANY_ELEMENTS:
        return tuple(ways)
    by_lines = groupby(ways, key=len)
    return tuple(way for _, alike in by_lines for way in islice(alike, _WAYS_OF_MANY))


def _layout(
    sizing: Sizing, x_dots: int, corner: tuple[int, int], height_dots: int, placed: Placement
) -> LabelLayout:
    return LabelLayout(
        kind=sizing.kind,
        dpi=sizing.dpi,
        x_dots=x_dots,
        box_left_dots=corner[0],
        box_bottom_dots=corner[1],
        box_width_x=sizing.needs.width_x,
        box_height_x=height_dots / x_dots,
        bar_height_dots=height_dots if sizing.linear else 0,
        hri=placed.hri,
        lines=placed.lines,
        bearer_bar_dots=sizing.size.bearer_bar_x * x_dots,
        guard_bar_dots=sizing.guard_bar_x * x_dots,
        logo=placed.logo,
    )
