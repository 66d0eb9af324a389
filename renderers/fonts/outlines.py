"""Outlines of characters, so that readers of a file need no font.

Text under symbols is in Atkinson Hyperlegible Regular: made so that 0 and O, or 1, I and l, are not mistaken for each
other. Characters that it lacks come from the other packaged fonts.
"""

import io
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any, TypeAlias, cast

from fontTools.pens.basePen import BasePen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont

from renderers.errors import RenderError
from renderers.fonts.subset import BOLD_FONT_FILES, FONT_FILES, UNITS_PER_EM

Point: TypeAlias = tuple[float, float]

# All measures below and in `Glyph` are font units, UNITS_PER_EM to the em, y upwards from the baseline.

#: The highest and the lowest ink of the digits.
DIGIT_TOP, DIGIT_BOTTOM = 680, -12
#: The highest and the lowest ink of all characters of GS1's set 82.
INK_TOP, INK_BOTTOM = 715, -192
#: How far a character's ink may reach beyond its advance on either side ("j", "q").
OVERHANG = 60


class CharacterNotInFont(RenderError):
    """The text holds a character that no packaged font has."""

    code = "character_not_in_font"


@dataclass(frozen=True, slots=True)
class Contour:
    """A closed line of pieces, each ending where the next begins: (end,) straight, (control, end) quadratic."""

    start: Point
    pieces: tuple[tuple[Point] | tuple[Point, Point], ...]


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character's outline, filled by the nonzero rule, and the distance to the next character's origin."""

    advance: int
    contours: tuple[Contour, ...]


class _Recorder(BasePen):
    """Records contours; BasePen splits composite glyphs and runs of quadratic curves."""

    def __init__(self, glyphs: object) -> None:
        super().__init__(glyphs)
        self.contours: list[Contour] = []
        self._start: Point = (0, 0)
        self._pieces: list[tuple[Point] | tuple[Point, Point]] = []

    def _moveTo(self, pt: Point) -> None:  # noqa: N802 - the names are fontTools'
        self._start, self._pieces = pt, []

    def _lineTo(self, pt: Point) -> None:  # noqa: N802
        self._pieces.append((pt,))

    def _qCurveToOne(self, pt1: Point, pt2: Point) -> None:  # noqa: N802
        self._pieces.append((pt1, pt2))

    def _closePath(self) -> None:  # noqa: N802
        self.contours.append(Contour(self._start, tuple(self._pieces)))


@cache
def _font(file: str) -> TTFont:
    content = (resources.files("renderers.fonts") / file).read_bytes()
    return TTFont(io.BytesIO(content), lazy=True)


@lru_cache(maxsize=1024)
def glyph(character: str, *, bold: bool = False) -> Glyph:
    """Return the outline of one character, from the first packaged font that has it. Raises CharacterNotInFont.

    >>> glyph("0").advance
    648
    """
    for file in BOLD_FONT_FILES if bold else FONT_FILES:
        font = _font(file)
        name = (font.getBestCmap() or {}).get(ord(character))
        if name is None:
            continue
        glyphs = font.getGlyphSet()
        recorder = _Recorder(glyphs)
        scale = UNITS_PER_EM / cast("Any", font["head"]).unitsPerEm
        glyphs[name].draw(recorder if scale == 1 else TransformPen(recorder, (scale, 0, 0, scale, 0, 0)))
        return Glyph(round(glyphs[name].width * scale), tuple(recorder.contours))
    raise CharacterNotInFont(
        f"No font has a picture of {character!r}.",
        value=character,
        expected="a character of the packaged fonts",
    )


@lru_cache(maxsize=1024)
def glyph_in_cell(character: str, pitch: int | None, *, bold: bool = False) -> Glyph:
    """Return the glyph in whole font units; with a pitch, its ink is centred in a cell that wide.

    The ink is centred, not the advance: the 1 has more room on its right than on its left. Raises
    CharacterNotInFont.
    """
    outline = glyph(character, bold=bold)
    across = [point[0] for contour in outline.contours for piece in contour.pieces for point in piece]
    shift = 0.0 if pitch is None or not across else (pitch - min(across) - max(across)) / 2

    def whole(point: Point) -> Point:
        return round(point[0] + shift), round(point[1])

    contours = tuple(
        Contour(
            whole(contour.start),
            tuple(
                (whole(piece[0]),) if len(piece) == 1 else (whole(piece[0]), whole(piece[1]))
                for piece in contour.pieces
            ),
        )
        for contour in outline.contours
    )
    return Glyph(outline.advance if pitch is None else pitch, contours)
