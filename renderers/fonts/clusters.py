"""Clusters: parts of a text that HarfBuzz shapes into glyphs, and their places relative to each other.

A cluster is a consonant with its vowel signs, a ligature, or an Arabic letter in one of its forms. Whoever draws text
handles units of it: a unit is one character, drawn as the fonts have it, or a cluster. Both are strings, so that a
job's font and its plan list them alike; a cluster's unit holds all that it takes to draw it.
"""

from functools import cache, lru_cache
from itertools import groupby, pairwise
from typing import Any, NamedTuple, Self

import uharfbuzz

from renderers.fonts.faces import content, em

# The library has no type hints.
_hb: Any = uharfbuzz

#: ZERO WIDTH NON-JOINER and JOINER: they belong to the letters beside them.
JOINERS = "\u200c\u200d"

# U+001F, the unit separator: no font has it, so no text that is drawn holds it.
_SEPARATOR = "\x1f"


class PlacedGlyph(NamedTuple):
    """A glyph of a font file, and where its origin is from that of the cluster, in thousandths of an em."""

    number: int
    x: int
    y: int


class Cluster(NamedTuple):
    """The characters in their logical order, and their picture: glyphs of one font file, and the advance."""

    text: str
    file: str
    advance: int
    glyphs: tuple[PlacedGlyph, ...]

    @classmethod
    def of(cls, unit: str) -> Self | None:
        """Return what a unit says, None for a character.

        >>> Cluster.of("A")
        """
        if len(unit) == 1:
            return None
        text, file, advance, *glyphs = unit.split(_SEPARATOR)
        placed = (PlacedGlyph(*map(int, glyph.split())) for glyph in glyphs)
        return cls(text, file, int(advance), tuple(placed))

    @property
    def unit(self) -> str:
        glyphs = (f"{glyph.number} {glyph.x} {glyph.y}" for glyph in self.glyphs)
        return _SEPARATOR.join([self.text, self.file, str(self.advance), *glyphs])


class Shaped(NamedTuple):
    """Shaped text: units from left to right, and the texts that are shaped alike by themselves, in logical order."""

    units: tuple[str, ...]
    parts: tuple[str, ...]


def text_of(unit: str) -> str:
    """Return the characters that the unit stands for, in their logical order."""
    return unit.partition(_SEPARATOR)[0]


@cache
def _font(file: str) -> Any:
    font = _hb.Font(_hb.Face(content(file)))
    font.scale = (em(file), em(file))
    return font


@lru_cache(maxsize=1 << 16)
def has(file: str, character: str) -> bool:
    """Return whether the font file has a glyph for the character."""
    return _font(file).get_nominal_glyph(ord(character)) is not None


@lru_cache(maxsize=1 << 14)
def shape(text: str, file: str, script: str, *, rtl: bool) -> Shaped:
    """Return text of one script (ISO 15924) and one direction as the font file shows it.

    Characters without a picture, such as joiners, shape their neighbours and are not drawn.
    """
    buffer = _hb.Buffer()
    buffer.add_str(text)
    buffer.script = script
    buffer.direction = "rtl" if rtl else "ltr"
    buffer.flags = _hb.BufferFlags.REMOVE_DEFAULT_IGNORABLES
    _hb.shape(_font(file), buffer)
    shaped: list[tuple[Any, Any]] = list(zip(buffer.glyph_infos, buffer.glyph_positions, strict=True))
    starts: list[int] = sorted({info.cluster for info, _ in shaped})
    end_of = dict(pairwise([*starts, len(text)]))
    units: list[str] = []
    safe: set[int] = set()
    for start, each in groupby(shaped, key=lambda glyph: int(glyph[0].cluster)):
        pen, glyphs = 0, list[PlacedGlyph]()
        for info, position in each:
            glyphs.append(PlacedGlyph(info.codepoint, pen + position.x_offset, position.y_offset))
            pen += position.x_advance
            # A joiner that ends a text belongs to what is before it.
            if text[start] not in JOINERS and not info.flags & _hb.GlyphFlags.UNSAFE_TO_BREAK:
                safe.add(start)
        units.append(Cluster(text[start : end_of[start]], file, pen, tuple(glyphs)).unit)
    parts = (text[begin:end] for begin, end in pairwise(sorted({0, *safe, len(text)})))
    return Shaped(tuple(units), tuple(parts))
