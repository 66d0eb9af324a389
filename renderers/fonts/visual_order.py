"""Text as it is drawn from left to right: composed, Arabic letters joined, in display order.

Two libraries do it, and neither takes every text. What they cannot take is replaced before they see it, in
text with right-to-left letters only; other text is drawn as it stands.
"""

import re
from unicodedata import bidirectional, normalize

from arabic_reshaper import ArabicReshaper
from bidi.algorithm import get_display
from bidi.mirror import MIRRORED

#: What stands for a character that no packaged font has.
REPLACEMENT = "\ufffd"

# Hebrew to Syriac, Thaana, N'Ko … and the presentation forms.
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")

# python-bidi's algorithm is older than isolates, and stops at them: embeddings are the nearest it has.
# Which of them a FIRST STRONG ISOLATE would be depends on its text, so it has no effect.
# python-bidi's compiled algorithm knows isolates, but does not mirror brackets.
_EMBEDDINGS = {0x2066: "\u202a", 0x2067: "\u202b", 0x2068: None, 0x2069: "\u202c"}

# The reshaper drops ZERO WIDTH JOINER and then counts places as if it had not, so that ligatures come out in
# wrong places or not at all. A noncharacter joins in its stead: no text holds one when it gets there.
_ZERO_WIDTH_JOINER, _JOINER = "\u200d", "\uffff"

# Marks that a name bears are shown, though the library would leave them out.
_reshaper = ArabicReshaper({"delete_harakat": False, "delete_tatweel": False})
_reshaper.letters = {**_reshaper.letters, _JOINER: (_JOINER, _JOINER, _JOINER, _JOINER)}

# What the reshaper makes of lam with alef, and of the name of God.
_LAM, _LIGATURES = "\u0644", "\ufef5\ufef6\ufef7\ufef8\ufef9\ufefa\ufefb\ufefc\ufdf2"


def visual(text: str) -> str:
    """Return the text as it is drawn from left to right. Takes any text without lone surrogates.

    >>> visual("Jus d'orange")
    "Jus d'orange"
    """
    if text.isascii():
        return text
    text = normalize("NFC", text)
    if _RIGHT_TO_LEFT.search(text) is None:
        return text
    return str(get_display(_joined(_ordered(text))))


def characters_of(text: str) -> set[str]:
    """Return all characters that it takes to draw the text, or any beginning of its composed form.

    Where a text is cut, the last letter may take another form, and a bracket may point the other way.
    """
    shown = set(visual(text))
    if _RIGHT_TO_LEFT.search(text) is None:
        return shown
    letters = set(normalize("NFC", text))
    for letter in letters:
        shown.update((letter, MIRRORED.get(letter, letter)), *_reshaper.letters.get(letter, ()))
    return shown | set(_LIGATURES) if _LAM in letters else shown


def _ordered(text: str) -> str:
    """Return the text with a bidirectional class known to python-bidi for every character.

    Python's tables give none to what a later Unicode assigned. No packaged font has such a character either.
    """
    known = "".join(character if bidirectional(character) else REPLACEMENT for character in text)
    return known.translate(_EMBEDDINGS)


def _joined(text: str) -> str:
    """Return the text with Arabic letters in the forms that join them."""
    return _reshaper.reshape(text.replace(_ZERO_WIDTH_JOINER, _JOINER)).replace(_JOINER, "")
