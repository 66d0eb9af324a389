"""Read text that was drawn as outlines, by comparing the contours with those of the font."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import TypeAlias

from gs1.cset82 import CSET_82
from renderers.fonts.outlines import Point, glyph

#: A contour: the step to its start, then the step to the end of each piece.
Steps: TypeAlias = Sequence[Point]

#: Tolerance in font units: contours begin and end on whole font units, rounded after centring.
_TOLERANCE = 1.0


def character(contours: Sequence[Steps]) -> str | None:
    """Return the character with these contours, or None if there is none.

    The step to a contour's start is relative to the start of the contour before, the first to the character's origin.
    The character may be moved along the line. y points up. All lengths are in font units.
    """
    lengths = tuple(map(len, contours))
    for candidate, steps in _candidates().get(lengths, ()):
        if (
            all(
                abs(x - there[0]) <= _TOLERANCE and abs(y - there[1]) <= _TOLERANCE
                for number, (contour, other) in enumerate(zip(contours, steps, strict=True))
                for (x, y), there in list(zip(contour, other, strict=True))[0 if number else 1 :]
            )
            and abs(contours[0][0][1] - steps[0][0][1]) <= _TOLERANCE
        ):
            return candidate
    return None


@cache
def _candidates() -> dict[tuple[int, ...], list[tuple[str, list[list[Point]]]]]:
    """Return the characters of human-readable text with their steps, by the number of steps of each contour."""
    found: dict[tuple[int, ...], list[tuple[str, list[list[Point]]]]] = {}
    for text in sorted(CSET_82 | {"(", ")"}):
        steps: list[list[Point]] = []
        origin: Point = (0, 0)
        for contour in glyph(text).contours:
            places = [origin, contour.start, *(piece[-1] for piece in contour.pieces)]
            steps.append([(to[0] - at[0], to[1] - at[1]) for at, to in pairwise(places)])
            origin = contour.start
        found.setdefault(tuple(map(len, steps)), []).append((text, steps))
    return found
