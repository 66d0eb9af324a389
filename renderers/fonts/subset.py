"""Text on label sheets: which font shows a character, how wide it is, and one embedded font of a job.

Each character comes from the first of the packaged fonts that has it. The job's font has one glyph per
character and one per cluster of shaped text, sorted, so that glyph numbers follow from these units alone and every
worker of a job sets text without seeing the font. Widths are in thousandths of an em throughout. Bold text has a font
of its own with the same units; what no bold font has is shown by a regular one. A cluster looks alike in both: it is of a
bold font file where bold text has it.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import chain, pairwise
from typing import Any, TypeGuard, cast

import numpy as np
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.basePen import AbstractPen
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from numpy.typing import NDArray

from renderers.fonts.clusters import Cluster
from renderers.fonts.faces import UNITS_PER_EM, em, font_files, opened
from renderers.fonts.visual_order import REPLACEMENT, is_plain, units_of, visual
from renderers.units import MILLIMETRES_PER_POINT

FONT_NAME = "LabelSans"
ASCENT, DESCENT, CAP_HEIGHT = 950, -290, 668  # of the first font, which sets nearly all text

#: The code point by which the job's font has a cluster, if it is the first of the units: one for private use.
CLUSTERS_FROM = 0xF0000

_CODE_POINTS = 0x110000
# In seconds since 1904, as TrueType counts.
_YEAR_2000 = 3_029_529_600
# One font file holds at most 65,535 glyphs, and glyph 0 is no unit.
_MOST_UNITS = 65_534


@dataclass(frozen=True, slots=True)
class FontSubset:
    """The job's font: its units, glyph n + 1 showing the nth, their widths, and a TrueType file.

    `tag`, six capital letters, tells it from the font of other units, in its name within the file too;
    `bounds` are the least left and bottom and the greatest right and top of all glyphs.
    """

    characters: Sequence[str]
    tag: str
    widths: tuple[int, ...]
    bounds: tuple[int, int, int, int]
    font: bytes


@dataclass(frozen=True, slots=True)
class SetText:
    """Strings ready for a page: glyph numbers as hexadecimal, four digits each, and widths, shape (n,)."""

    glyphs: list[str]
    widths: NDArray[np.int64]


@lru_cache(maxsize=2)
def _tables(*, bold: bool) -> tuple[NDArray[np.int8], NDArray[np.uint16]]:
    """Return, by code point, the font that shows it (-1: none) and the width of what is shown."""
    font_of = np.full(_CODE_POINTS, -1, np.int8)
    widths = np.zeros(_CODE_POINTS, np.uint16)
    for index, file in reversed(list(enumerate(font_files(bold=bold)))):
        font = opened(file)
        metrics = cast("Any", font["hmtx"]).metrics
        scale = em(file) / cast("Any", font["head"]).unitsPerEm
        cmap = cast("dict[int, str]", font.getBestCmap())
        codes = np.fromiter(cmap, np.intp, len(cmap))
        font_of[codes] = index
        widths[codes] = [round(metrics[name][0] * scale) for name in cmap.values()]
    # Line breaks and other controls have no look of their own, whatever a font holds for them.
    font_of[:0x20] = font_of[0x7F:0xA0] = -1
    widths[font_of < 0] = widths[ord(REPLACEMENT)]
    return font_of, widths


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le"), "<u4")


def missing(units: Iterable[str]) -> set[str]:
    """Return those of the units that no packaged font has; REPLACEMENT is drawn in their place.

    >>> missing("Käse \N{EGYPTIAN HIEROGLYPH A001}") == {"\N{EGYPTIAN HIEROGLYPH A001}"}
    True
    """
    font_of, _ = _tables(bold=False)
    return {unit for unit in set(units) if len(unit) == 1 and font_of[ord(unit)] < 0}


def shown_characters(strings: Iterable[str], *, bold: bool = False) -> tuple[str, ...]:
    """Return every unit it takes to draw the strings or beginnings of them, sorted, each once.

    REPLACEMENT is always there. Characters come before clusters if a font cannot hold all of them.

    >>> shown_characters(["BAB"])
    ('A', 'B', '\ufffd')
    """
    units = {REPLACEMENT}
    for text in strings:
        units.update(text if text.isascii() else units_of(text, bold=bold))
    return tuple(sorted(sorted(units - missing(units), key=len)[:_MOST_UNITS]))


def _drawn(strings: Sequence[str], *, bold: bool) -> Sequence[Sequence[str]]:
    """Return the units of the strings from left to right. Nearly all batches are drawn as they stand."""
    return strings if is_plain("".join(strings)) else [visual(text, bold=bold) for text in strings]


def _widths_1000(strings: Sequence[str], *, bold: bool) -> NDArray[np.int64]:
    _, table = _tables(bold=bold)
    drawn = _drawn(strings, bold=bold)
    if _plain(drawn):
        return _sums(table[_codes("".join(drawn))], drawn)
    return np.array([sum(width(unit, bold=bold) for unit in units) for units in drawn], np.int64)


def _plain(drawn: Sequence[Sequence[str]]) -> TypeGuard[Sequence[str]]:
    """Return whether all units are characters of strings, which tables by code point are for."""
    return set(map(type, drawn)) <= {str}


def _sums(values: NDArray[Any], strings: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """Return the sum of each string's values, which follow each other in `values`."""
    ends = np.cumsum(np.fromiter(map(len, strings), np.intp, len(strings)))
    sums = np.concatenate(([0], np.cumsum(values, dtype=np.int64)))
    return np.diff(sums[np.concatenate(([0], ends))])


@lru_cache(maxsize=1 << 14)
def width(unit: str, *, bold: bool = False) -> int:
    """Return the width of a character or cluster, that of REPLACEMENT for a missing one."""
    cluster = Cluster.of(unit)
    return int(_tables(bold=bold)[1][ord(unit)]) if cluster is None else cluster.advance


def width_mm(text: str, size_pt: float, *, bold: bool = False) -> float:
    """Return the width of the text at a size in points, in millimetres.

    >>> round(width_mm("(01)09506000134352", 6), 2)
    21.09
    """
    return int(_widths_1000([text], bold=bold)[0]) / UNITS_PER_EM * size_pt * MILLIMETRES_PER_POINT


def max_width_1pt_mm(strings: Sequence[str], *, bold: bool = False) -> float:
    """Return the width of the widest of the strings at 1 pt, in millimetres; 0 without any."""
    if not strings:
        return 0.0
    return int(_widths_1000(strings, bold=bold).max()) / UNITS_PER_EM * MILLIMETRES_PER_POINT


class _Numbers:
    """The glyph numbers of a job's font: by code point, and by unit. `widths` are by glyph number."""

    def __init__(self, characters: Sequence[str], *, bold: bool) -> None:
        self.by_unit = {unit: number for number, unit in enumerate(characters, 1)}
        self.replacement = self.by_unit[REPLACEMENT]
        self.by_code = np.full(_CODE_POINTS, self.replacement, np.uint16)
        plain = [unit for unit in characters if len(unit) == 1]
        self.by_code[_codes("".join(plain))] = [self.by_unit[unit] for unit in plain]
        self.widths = np.array([0, *(width(unit, bold=bold) for unit in characters)], np.int64)


@lru_cache(maxsize=4)
def _numbers(characters: Sequence[str], *, bold: bool) -> _Numbers:
    return _Numbers(characters, bold=bold)


def set_text(characters: Sequence[str], strings: Sequence[str], *, bold: bool = False) -> SetText:
    """Return the strings as glyphs of the font that has `characters`, which `shown_characters` gave."""
    font = _numbers(characters, bold=bold)
    drawn = _drawn(strings, bold=bold)
    if _plain(drawn):
        numbers = font.by_code[_codes("".join(drawn))]
    else:
        units = chain.from_iterable(drawn)
        numbers = np.array([font.by_unit.get(unit, font.replacement) for unit in units], np.uint16)
    glyphs = numbers.astype(">u2").tobytes().hex()
    ends = np.cumsum([0, *map(len, drawn)])
    texts = [glyphs[begin:end] for begin, end in pairwise((4 * ends).tolist())]
    sums = np.concatenate(([0], np.cumsum(font.widths[numbers], dtype=np.int64)))
    return SetText(texts, np.diff(sums[ends]))


def make_subset(characters: Sequence[str], *, bold: bool = False) -> FontSubset:
    """Return the one font of a job; the same bytes for the same units.

    `characters` are as `shown_characters` returns them. Glyphs are copied as plain outlines, scaled to
    1000 units per em; hinting, which no printer needs, stays behind.
    """
    if len(characters) > _MOST_UNITS:
        raise ValueError(f"A font holds {_MOST_UNITS} glyphs, not {len(characters)}")
    style = "Bold" if bold else ""
    digest = sha256(("".join(characters) + style).encode()).digest()
    tag = "".join(chr(ord("A") + byte % 26) for byte in digest[:6])
    # Characters that no text holds name the glyphs of clusters.
    codes = [ord(unit) if len(unit) == 1 else CLUSTERS_FROM + at for at, unit in enumerate(characters)]
    names = [".notdef", *(f"u{code:04X}" for code in codes)]
    widths = [width(unit, bold=bold) for unit in characters]
    glyphs: dict[str, Any] = {".notdef": TTGlyphPen(None).glyph()}
    glyphs |= {name: _outline(unit, bold=bold) for name, unit in zip(names[1:], characters, strict=True)}
    builder = FontBuilder(UNITS_PER_EM, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(dict(zip(codes, names[1:], strict=True)))
    builder.setupGlyf(glyphs)
    left_sides = [glyphs[name].xMin if glyphs[name].numberOfContours else 0 for name in names]
    builder.setupHorizontalMetrics(
        dict(zip(names, zip([UNITS_PER_EM // 2, *widths], left_sides, strict=True), strict=True))
    )
    builder.setupHorizontalHeader(ascent=ASCENT, descent=DESCENT)
    builder.setupNameTable(
        {"familyName": FONT_NAME, "styleName": style or "Regular", "psName": FONT_NAME + tag}
    )
    builder.setupOS2(sCapHeight=CAP_HEIGHT, fsType=0)
    builder.setupPost(keepGlyphNames=False)
    # A date of now would make every export of the same labels differ.
    builder.updateHead(created=_YEAR_2000, modified=_YEAR_2000)
    builder.font.recalcTimestamp = False
    out = io.BytesIO()
    builder.save(out)
    head = cast("Any", builder.font["head"])
    return FontSubset(
        characters, tag, tuple(widths), (head.xMin, head.yMin, head.xMax, head.yMax), out.getvalue()
    )


def _outline(unit: str, *, bold: bool) -> Any:
    # Without composites the copy needs no other glyph of its font.
    pen = TTGlyphPen(None)
    draw(unit, pen, bold=bold)
    return pen.glyph()


def draw(unit: str, pen: AbstractPen, *, bold: bool = False) -> None:
    """Draw a unit that is not missing, UNITS_PER_EM to the em, its origin at 0, without references to other glyphs."""
    cluster = Cluster.of(unit)
    if cluster is None:
        file = font_files(bold=bold)[int(_tables(bold=bold)[0][ord(unit)])]
        font = opened(file)
        placed = [(cast("dict[int, str]", font.getBestCmap())[ord(unit)], 0, 0)]
    else:
        file = cluster.file
        font = opened(file)
        placed = [(font.getGlyphName(number), x, y) for number, x, y in cluster.glyphs]
    scale = em(file) / cast("Any", font["head"]).unitsPerEm
    glyph_set = font.getGlyphSet()
    for name, x, y in placed:
        recording = DecomposingRecordingPen(glyph_set)
        glyph_set[name].draw(recording)
        recording.replay(TransformPen(pen, (scale, 0, 0, scale, x, y)))
