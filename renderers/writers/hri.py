"""Position and size of human-readable text. Lines break only between elements, and text is never cut."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from renderers.fonts.outlines import (
    DIGIT_BOTTOM,
    DIGIT_TOP,
    INK_BOTTOM,
    INK_TOP,
    OVERHANG,
    glyph,
)
from renderers.fonts.subset import CAP_HEIGHT, UNITS_PER_EM
from renderers.symbol import HriZone
from renderers.writers.made_once import MadeOnce

# Digits of EAN/UPC are 2.75 mm high where X is 0.33 mm, and grow with X; they keep 1 X from the bars.
# Source: GS1 General Specifications, 5.2.5 (human readable interpretation; 0.5 X is the least).
_DIGIT_HEIGHT_X = 2.75 / 0.33
_DIGIT_EM_X = _DIGIT_HEIGHT_X * UNITS_PER_EM / (DIGIT_TOP - DIGIT_BOTTOM)
_GAP_X = 1.0
# The font's digits are wider than OCR-B's. With this factor, even a 4 keeps 0.75 X from the bars beside its 7 X.
_DIGIT_STRETCH = 0.85

# Height of capitals under other symbols, and the least step to which they shrink before the text is broken into lines
# or the file is made wider.
_LINEAR_CAP_MM, _LINEAR_LEAST_STEP = 3.0, 9
_MATRIX_CAP_MM, _MATRIX_LEAST_STEP = 2.0, 13
# Sizes are multiples of a twentieth, so that few sizes are needed and files with similar texts look the same.
_STEPS = 20


@dataclass(frozen=True, slots=True)
class TextRun:
    """Characters [start, stop) of a text on one line, centred at `centre_x`, over the baseline `baseline_x`.

    Lengths are in X from the file's upper left corner; `em_x` is the size. `stretch` widens the characters.
    With a `pitch`, in font units, each is centred in a cell that wide; else they follow each other.
    """

    start: int
    stop: int | None
    centre_x: float
    baseline_x: float
    em_x: float
    stretch: float = 1.0
    pitch: int | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """The line breaks of one text, its size, and the width it needs."""

    lines: tuple[tuple[int, int | None], ...]
    em_x: float
    width_x: float

    @property
    def height_x(self) -> float:
        """Height from the symbol, with the gap under it, to the lowest descender."""
        return _GAP_X + self.em_x * (len(self.lines) - 1 + (INK_TOP - INK_BOTTOM) / UNITS_PER_EM)

    def runs(self, centre_x: float, top_x: float) -> tuple[TextRun, ...]:
        """Return the lines, one em apart; the first begins a gap below `top_x`."""
        first = top_x + _GAP_X + self.em_x * INK_TOP / UNITS_PER_EM
        return tuple(
            TextRun(start, stop, centre_x, first + number * self.em_x, self.em_x)
            for number, (start, stop) in enumerate(self.lines)
        )


_advances = MadeOnce[str, int](lambda character: glyph(character).advance)


def advance(text: str, pitch: int | None = None) -> int:
    """Return the width of the text in font units."""
    return sum(map(_advances.__getitem__, text)) if pitch is None else pitch * len(text)


def zone_height_x(zones: Sequence[HriZone]) -> float:
    """Return the height that digits in guard-bar places need below the bars, in X."""
    return _GAP_X + _DIGIT_HEIGHT_X * max(zone.size for zone in zones)


def in_zones(zones: Sequence[HriZone], left_x: float, bars_bottom_x: float) -> tuple[TextRun, ...]:
    """Return the runs of digits in guard-bar places, all on one baseline, each digit in a cell of its own."""
    baseline_x = bars_bottom_x + zone_height_x(zones) + _DIGIT_EM_X * DIGIT_BOTTOM / UNITS_PER_EM
    runs: list[TextRun] = []
    for zone in zones:
        em_x = _DIGIT_EM_X * zone.size
        cell_x = zone.width_x / (zone.stop - zone.start)
        pitch = round(cell_x / (em_x * _DIGIT_STRETCH) * UNITS_PER_EM)
        centre_x = left_x + zone.centre_x
        runs.append(TextRun(zone.start, zone.stop, centre_x, baseline_x, em_x, _DIGIT_STRETCH, pitch))
    return tuple(runs)


def fit(elements: Sequence[str], room_x: float, x_dimension_mm: float, *, linear: bool) -> Setting:
    """Return the setting of the text in `room_x`: one line if legible, otherwise a line for each element.

    If the lines are too wide even at the least legible size, the setting is wider than the room.
    """
    cap_mm, least = (_LINEAR_CAP_MM, _LINEAR_LEAST_STEP) if linear else (_MATRIX_CAP_MM, _MATRIX_LEAST_STEP)
    step_em_x = cap_mm / x_dimension_mm * UNITS_PER_EM / CAP_HEIGHT / _STEPS
    lines: tuple[tuple[int, int | None], ...] = ((0, None),)
    widths = [advance(element) for element in elements]
    units = sum(widths)
    step = _largest_step(units, room_x, step_em_x)
    if step < least:
        starts = [0, *accumulate(map(len, elements[:-1]))]
        lines = tuple(zip(starts, [*starts[1:], None], strict=True))
        units = max(widths)
        step = _largest_step(units, room_x, step_em_x)
    if step >= least:
        return Setting(lines, step * step_em_x, room_x)
    # Whole X, so that the symbol in the middle stays on a grid of half X.
    width_x = math.ceil((units + 2 * OVERHANG) * least * step_em_x / UNITS_PER_EM)
    return Setting(lines, least * step_em_x, width_x)


def _largest_step(units: int, room_x: float, step_em_x: float) -> int:
    return min(_STEPS, math.floor(room_x * UNITS_PER_EM / (units + 2 * OVERHANG) / step_em_x))
