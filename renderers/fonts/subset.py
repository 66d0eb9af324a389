"""Text on label sheets: which font shows a character, how wide it is, and one embedded font of a job.

Each character comes from the first of the packaged fonts that has it. The job's font has one glyph per
character, in code point order, so that glyph numbers follow from the characters alone and every worker of a
job sets text without seeing the font. Widths are in thousandths of an em throughout. Bold text has a font of its
own with the same characters; a character that no bold font has is shown by a regular one.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from importlib.resources import files
from itertools import pairwise
from typing import Any, cast

import numpy as np
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from numpy.typing import NDArray

from renderers.fonts.visual_order import REPLACEMENT, characters_of, visual
from renderers.units import MILLIMETRES_PER_POINT

# The order is that of preference: one face for Latin text, then wide coverage, then CJK.
FONT_FILES = (
    "AtkinsonHyperlegible-Regular.ttf",
    "AtkinsonHyperlegible-LatinExt.ttf",
    "DejaVuSans.ttf",
    "DroidSansFallback.ttf",
)
BOLD_FONT_FILES = (
    "AtkinsonHyperlegible-Bold.ttf",
    "AtkinsonHyperlegible-BoldLatinExt.ttf",
    "DejaVuSans-Bold.ttf",
    *FONT_FILES,
)

FONT_NAME = "LabelSans"
UNITS_PER_EM = 1000
ASCENT, DESCENT, CAP_HEIGHT = 950, -290, 668  # of the first font, which sets nearly all text

_CODE_POINTS = 0x110000
# In seconds since 1904, as TrueType counts.
_YEAR_2000 = 3_029_529_600
# One font file holds at most 65,535 glyphs, and glyph 0 is no character.
_MOST_CHARACTERS = 65_534


@dataclass(frozen=True, slots=True)
class FontSubset:
    """The job's font: its characters, glyph n + 1 showing the nth, their widths, and a TrueType file.

    `tag`, six capital letters, tells it from the subset of other characters, in its name within the file too;
    `bounds` are the least left and bottom and the greatest right and top of all glyphs.
    """

    characters: str
    tag: str
    widths: tuple[int, ...]
    bounds: tuple[int, int, int, int]
    font: bytes


@dataclass(frozen=True, slots=True)
class SetText:
    """Strings ready for a page: glyph numbers as hexadecimal, four digits each, and widths, shape (n,)."""

    glyphs: list[str]
    widths: NDArray[np.int64]


@cache
def _font(file: str) -> TTFont:
    content = files("renderers.fonts").joinpath(file).read_bytes()
    return TTFont(io.BytesIO(content), lazy=True)


def _files(*, bold: bool) -> tuple[str, ...]:
    return BOLD_FONT_FILES if bold else FONT_FILES


@lru_cache(maxsize=2)
def _tables(*, bold: bool) -> tuple[NDArray[np.int8], NDArray[np.uint16]]:
    """Return, by code point, the font that shows it (-1: none) and the width of what is shown."""
    font_of = np.full(_CODE_POINTS, -1, np.int8)
    widths = np.zeros(_CODE_POINTS, np.uint16)
    for index, file in reversed(list(enumerate(_files(bold=bold)))):
        font = _font(file)
        metrics = cast("Any", font["hmtx"]).metrics
        scale = UNITS_PER_EM / cast("Any", font["head"]).unitsPerEm
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


def missing(characters: Iterable[str]) -> set[str]:
    """Return those of the characters that no packaged font has; REPLACEMENT is drawn in their place.

    >>> missing("Käse \N{EGYPTIAN HIEROGLYPH A001}") == {"\N{EGYPTIAN HIEROGLYPH A001}"}
    True
    """
    font_of, _ = _tables(bold=False)
    return {character for character in set(characters) if font_of[ord(character)] < 0}


def shown_characters(strings: Iterable[str]) -> str:
    """Return every character it takes to draw the strings or beginnings of them, sorted, each once.

    REPLACEMENT is always there.

    >>> shown_characters(["BAB"])
    'AB\ufffd'
    """
    characters = {REPLACEMENT}
    for text in strings:
        characters.update(text if text.isascii() else characters_of(text))
    return "".join(sorted(characters - missing(characters)))


def _drawn(strings: Sequence[str]) -> Sequence[str]:
    """Return the strings from left to right. Nearly all batches are ASCII, which is as it is drawn."""
    return strings if "".join(strings).isascii() else [visual(text) for text in strings]


def _widths_1000(strings: Sequence[str], *, bold: bool) -> NDArray[np.int64]:
    _, table = _tables(bold=bold)
    drawn = _drawn(strings)
    return _sums(table[_codes("".join(drawn))], drawn)


def _sums(values: NDArray[Any], strings: Sequence[str]) -> NDArray[np.int64]:
    """Return the sum of each string's values, which follow each other in `values`."""
    ends = np.cumsum(np.fromiter(map(len, strings), np.intp, len(strings)))
    sums = np.concatenate(([0], np.cumsum(values, dtype=np.int64)))
    return np.diff(sums[np.concatenate(([0], ends))])


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


@lru_cache(maxsize=4)
def _glyph_numbers(characters: str) -> NDArray[np.uint16]:
    """Return the glyph number of every code point in the font of these characters."""
    numbers = np.full(_CODE_POINTS, characters.index(REPLACEMENT) + 1, np.uint16)
    numbers[_codes(characters)] = np.arange(1, len(characters) + 1)
    return numbers


def shown(characters: str, text: str) -> str:
    """Return the text as the font that has `characters` shows it, from left to right.

    >>> shown("AB\ufffd", "ABC")
    'AB\ufffd'
    """
    return "".join(character if character in characters else REPLACEMENT for character in visual(text))


def set_text(characters: str, strings: Sequence[str], *, bold: bool = False) -> SetText:
    """Return the strings as glyphs of the font that has `characters`, which `shown_characters` gave."""
    drawn = _drawn(strings)
    codes = _codes("".join(drawn))
    numbers = _glyph_numbers(characters)[codes]
    _, widths = _tables(bold=bold)
    shown = _codes(characters)[numbers.astype(np.intp) - 1]
    glyphs = numbers.astype(">u2").tobytes().hex()
    ends = np.cumsum([0, *(4 * len(text) for text in drawn)]).tolist()
    return SetText([glyphs[begin:end] for begin, end in pairwise(ends)], _sums(widths[shown], drawn))


def make_subset(characters: str, *, bold: bool = False) -> FontSubset:
    """Return the one font of a job; the same bytes for the same characters.

    `characters` are as `shown_characters` returns them. Glyphs are copied as plain outlines, scaled to
    1000 units per em; hinting, which no printer needs, stays behind.
    """
    if len(characters) > _MOST_CHARACTERS:
        raise ValueError(f"A font holds {_MOST_CHARACTERS} characters, not {len(characters)}")
    font_of, all_widths = _tables(bold=bold)
    font_files = _files(bold=bold)
    style = "Bold" if bold else ""
    tag = "".join(chr(ord("A") + byte % 26) for byte in sha256((characters + style).encode()).digest()[:6])
    names = [".notdef", *(f"u{ord(character):04X}" for character in characters)]
    widths = [int(all_widths[ord(character)]) for character in characters]
    glyphs: dict[str, Any] = {".notdef": TTGlyphPen(None).glyph()}
    for name, character in zip(names[1:], characters, strict=True):
        glyphs[name] = _outline(_font(font_files[font_of[ord(character)]]), ord(character))
    builder = FontBuilder(UNITS_PER_EM, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(
        {ord(character): name for name, character in zip(names[1:], characters, strict=True)}
    )
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


def _outline(font: TTFont, code: int) -> Any:
    glyph_set = font.getGlyphSet()
    scale = UNITS_PER_EM / cast("Any", font["head"]).unitsPerEm
    # Without composites the copy needs no other glyph of its font.
    recording = DecomposingRecordingPen(glyph_set)
    glyph_set[cast("dict[int, str]", font.getBestCmap())[code]].draw(recording)
    pen = TTGlyphPen(None)
    recording.replay(TransformPen(pen, (scale, 0, 0, scale, 0, 0)))
    return pen.glyph()
