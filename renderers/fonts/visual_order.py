"""Text as it is drawn from left to right: composed, shaped, in display order.

HarfBuzz shapes runs of one font, script and direction, and orders nothing beyond them; python-bidi orders the runs.
Text of scripts that need neither is drawn as it stands, character by character: Latin, Greek, Cyrillic, CJK,
Georgian, Armenian, Ethiopic.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import chain, groupby
from typing import Any
from unicodedata import bidirectional, category, is_normalized, normalize

from bidi import algorithm
from bidi.mirror import MIRRORED
from fontTools.unicodedata import script as script_of

from renderers.fonts.clusters import JOINERS, has, shape
from renderers.fonts.faces import font_files

#: What stands for a character that no packaged font has.
REPLACEMENT = "\ufffd"

ELLIPSIS = "…"

#: The most characters of a text that is cut.
_MOST_SHOWN = 1_000

#: Scripts whose letters change with their neighbours, or bear signs around them. ISO 15924.
_SHAPED_SCRIPTS = frozenset({"Arab", "Beng", "Deva", "Khmr", "Laoo", "Nkoo", "Taml", "Thai"})

# Marks of all scripts, and the blocks from Hebrew to Myanmar, of Khmer, and of the presentation forms.
_NOT_PLAIN = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0590-\u109f\u1780-\u17ff\u19e0-\u19ff\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
    "\ufb1d-\ufdff\ufe20-\ufe2f\ufe70-\ufefc]"
)
# Hebrew to Syriac, Thaana, N'Ko … and the presentation forms.
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")

# python-bidi's algorithm is older than isolates, and stops at them: embeddings are the nearest it has.
# Which of them a FIRST STRONG ISOLATE would be depends on its text, so it has no effect.
# python-bidi's compiled algorithm knows isolates, but tells no levels.
_EMBEDDINGS = {"\u2066": "\u202a", "\u2067": "\u202b", "\u2068": "\u200b", "\u2069": "\u202c"}

# ARABIC TATWEEL joins letters, though all scripts share it.
_TATWEEL = "\u0640"

#: Characters of a letter with its marks, and of text shaped at once. More are shaped apart, so that the work grows
#: with the text. Unicode's Stream-Safe Text Format has 30 marks at most. Source: UAX 15, section 13.
_MOST_MARKS, _MOST_SHAPED = 30, 128

#: A font file and a script: what shapes a run. None for characters that are drawn as they stand.
_Face = tuple[str, str] | None


def visual(text: str, *, bold: bool = False) -> Sequence[str]:
    """Return the units of the text as they are drawn from left to right. Takes any text without lone surrogates.

    A unit is a character or a cluster, see `renderers.fonts.clusters`.

    >>> visual("Jus d'orange")
    "Jus d'orange"
    """
    if is_plain(text):
        return text
    text = normalize("NFC", text)
    return text if _NOT_PLAIN.search(text) is None else _drawn(text, bold=bold)


def is_plain(text: str) -> bool:
    """Return whether the text, and so each part of it, is drawn as it stands, character by character."""
    return text.isascii() or (is_normalized("NFC", text) and _NOT_PLAIN.search(text) is None)


def units_of(text: str, *, bold: bool = False) -> set[str]:
    """Return all units that it takes to draw the text, or what `cut` leaves of it.

    Where a text is cut, the last letter may take another form, and a bracket may point the other way.
    """
    shown = set(visual(text, bold=bold))
    if _NOT_PLAIN.search(normalize("NFC", text)) is None:
        return shown
    for letters, rtl in _runs(normalize("NFC", text)):
        for face, piece in _pieces(letters, bold=bold):
            parts = piece if face is None else shape("".join(piece), *face, rtl=rtl).parts
            for part in parts:
                shown |= _beginnings(part, rtl=rtl, bold=bold)
    return shown


def cut(
    text: str, fits: Callable[[str], bool], before: str = "", after: str = "", *, bold: bool = False
) -> str:
    """Return the longest beginning of a text that fits, an ellipsis behind it and others around; nothing if none does.

    It can be drawn with `units_of` the whole and the ellipsis. At most 1,000 characters are tried: no line has room for more.

    >>> cut("Green tea", lambda shown: len(shown) <= 7)
    'Green…'
    """
    text = normalize("NFC", text)[:_MOST_SHOWN]

    def shown(kept: int) -> str:
        return before + text[:kept].rstrip() + ELLIPSIS + after

    kept = bisect_left(range(1, len(text) + 1), True, key=lambda kept: not fits(shown(kept)))
    known = units_of(before + text + after, bold=bold) | {ELLIPSIS}
    while kept and not known.issuperset(visual(shown(kept), bold=bold)):
        kept -= 1
    return shown(kept) if kept else ""


@lru_cache(maxsize=4096)
def _drawn(text: str, *, bold: bool) -> tuple[str, ...]:
    return tuple(chain.from_iterable(_units(letters, rtl=rtl, bold=bold) for letters, rtl in _runs(text)))


@lru_cache(maxsize=1 << 14)
def _beginnings(part: str, *, rtl: bool, bold: bool) -> frozenset[str]:
    """Return the units of every beginning of a text, and of brackets in both directions."""
    shown: set[str] = set()
    for end in range(1, len(part) + 1):
        shown.update(_units(_letters(part[:end]), rtl=rtl, bold=bold))
    return frozenset(shown | {MIRRORED.get(unit, unit) for unit in shown})


def _units(letters: Iterable[str], *, rtl: bool, bold: bool) -> list[str]:
    """Return the units of a run of one direction from left to right."""
    drawn: list[Sequence[str]] = []
    for face, piece in _pieces(letters, bold=bold):
        if face is not None:
            drawn.append(shape("".join(piece), *face, rtl=rtl).units)
            continue
        # Controls such as joiners have no picture.
        shown = [character for character in "".join(piece) if category(character) != "Cf"]
        drawn.append([MIRRORED.get(unit, unit) for unit in reversed(shown)] if rtl else shown)
    return list(chain.from_iterable(reversed(drawn) if rtl else drawn))


def _letters(text: str) -> list[str]:
    """Return the text in pieces of a character with the marks and joiners behind it; joiners may lead the first."""
    letters: list[str] = []
    for character in text:
        last = letters[-1] if letters else ""
        led = not last.strip(JOINERS)
        extends = character in JOINERS or category(character).startswith("M")
        if 0 < len(last) <= _MOST_MARKS and (led or (extends and category(last[0]) not in {"Cc", "Cf"})):
            letters[-1] += character
        else:
            letters.append(character)
    return letters


def _base(letter: str) -> str:
    return (letter.lstrip(JOINERS) or letter)[0]


@lru_cache(maxsize=1 << 14)
def _face(letter: str, *, bold: bool) -> _Face:
    """Return the first font file that has the letter with all its marks, if it is to be shaped."""
    base = _base(letter)
    script = "Arab" if base == _TATWEEL else script_of(base)
    shown = letter.translate(dict.fromkeys(map(ord, JOINERS)))
    if (script not in _SHAPED_SCRIPTS and len(shown) <= 1) or category(base) == "Cc":
        return None
    files = font_files(bold=bold)
    file = next((file for file in files if all(has(file, each) for each in shown)), None)
    return None if file is None else (file, script)


def _pieces(letters: Iterable[str], *, bold: bool) -> Iterator[tuple[_Face, list[str]]]:
    """Yield letters that follow each other and have the same face, in their logical order."""
    for face, group in groupby(letters, partial(_face, bold=bold)):
        piece: list[str] = []
        size = 0
        for letter in group:
            size += len(letter)
            if piece and size > _MOST_SHAPED:
                yield face, piece
                piece, size = [], len(letter)
            piece.append(letter)
        yield face, piece


def _runs(text: str) -> Iterator[tuple[list[str], bool]]:
    """Yield the runs of one direction from left to right, each with its letters in logical order."""
    letters = _letters(text)
    if _RIGHT_TO_LEFT.search(text) is None:
        yield letters, False
        return
    ordered = "".join(map(_ordered, letters))
    storage: dict[str, Any] = algorithm.get_empty_storage()
    storage["base_level"] = algorithm.get_base_level(ordered)
    storage["base_dir"] = ("L", "R")[storage["base_level"]]
    algorithm.get_embedding_levels(ordered, storage)
    for entry, letter in zip(storage["chars"], letters, strict=True):
        entry["letter"] = letter
    algorithm.explicit_embed_and_overrides(storage)
    algorithm.resolve_weak_types(storage)
    algorithm.resolve_neutral_types(storage, debug=False)
    algorithm.resolve_implicit_levels(storage, debug=False)
    algorithm.reorder_resolved_levels(storage, debug=False)
    entries: list[dict[str, Any]] = storage["chars"]
    for level, group in groupby(entries, key=lambda entry: int(entry["level"])):
        run = [str(entry["letter"]) for entry in group]
        yield (run[::-1], True) if level % 2 else (run, False)


def _ordered(letter: str) -> str:
    """Return the character that stands for a letter in the order: one with a class that python-bidi knows.

    Python's tables give no class to what a later Unicode assigned. No packaged font has such a character either.
    """
    base = _base(letter)
    return _EMBEDDINGS.get(base, base) if bidirectional(base) else REPLACEMENT
