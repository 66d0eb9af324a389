"""Display order: every Unicode text has one, and it is python-bidi's and the reshaper's if they accept the text."""

import unicodedata

import pytest
from arabic_reshaper import ArabicReshaper
from bidi.algorithm import get_display
from hypothesis import example, given
from hypothesis import strategies as st

from renderers.fonts.visual_order import REPLACEMENT, characters_of, visual

EMBEDDING, POP = "\u202a", "\u202c"
ISOLATE, POP_ISOLATE = "\u2066", "\u2069"
JOINER = "\u200d"

#: Letters that join, marks, numbers, brackets and controls, whose order and forms depend on each other.
TRICKY = "".join(
    [
        "لاأإهيب\u0640\u064e\u0651שא\u05b0a1٣ ,-+%()[]«»é\u0301…\u061c\u200b\u200c\u200d\u200e\u200f\n\t",
        *map(chr, range(0x202A, 0x202F)),
        *map(chr, range(0x2060, 0x206A)),
        "\ufdc8\uffff\ue000\U0001fae8",
    ]
)

ANY_TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from(TRICKY), max_size=200)


@pytest.mark.parametrize(
    ("text", "drawn", "reason"),
    [
        ("(01)09506000134352", "(01)09506000134352", "left to right"),
        ("e\u0301", "é", "composed, as fonts have it"),
        ("שלום", "םולש", "right to left"),
        ("שלום (abc)", "(abc) םולש", "brackets are mirrored"),
        ("سلام 12", "12 ﻡﻼﺳ", "letters joined, lam-alef one glyph, digits left to right"),
        ("عسل \U0001fae8", f"{REPLACEMENT} ﻞﺴﻋ", "an emoji of Unicode 15, which no font here has"),
        ("א\ufdc8ב", f"ב{REPLACEMENT}א", "a code point without a character"),
        ("א\uffffב", f"ב{REPLACEMENT}א", "a noncharacter"),
        (f"א {ISOLATE}b ג{POP_ISOLATE}", "b ג א", "an isolate orders its text by itself, and is not drawn"),
        (f"א {EMBEDDING}b ג{POP}", "b ג א", "so does an embedding"),
        ("א \u2068bc\u2069 ג", "ג bc א", "an isolate without a direction has no effect"),
        (f"{JOINER}لإ", "ﻺ", "a joiner joins, and is no place in the text"),
        (f"ه{JOINER} لا", "ﻻ ﻫ", "a ligature behind a joiner"),
    ],
)  # fmt: skip
def test_display_order(text: str, drawn: str, reason: str) -> None:
    if "\U0001fae8" in text and unicodedata.bidirectional("\U0001fae8"):
        drawn = drawn.replace(REPLACEMENT, "\U0001fae8")  # this Python's Unicode knows it
    assert visual(text) == drawn, reason


@given(ANY_TEXT)
@example("א\ufdc8")
@example("عسل \U0001fae8")
@example(f"{JOINER}لإ")
@example("א" + EMBEDDING * 200)
@example("א" + ISOLATE * 199)
@example(POP_ISOLATE + "א" + POP_ISOLATE)
def test_any_text_has_an_order(text: str) -> None:
    assert set(visual(text)) <= characters_of(text)


@given(ANY_TEXT, st.integers(0, 200))
@example("عسل", 2)
@example("سلام", 3)
@example("اللهم", 4)
@example("א b(c", 4)
@example("a\u0323\u0302", 1)
def test_the_characters_of_a_text_draw_its_beginnings(text: str, length: int) -> None:
    beginning = unicodedata.normalize("NFC", text)[:length].rstrip() + "…"
    assert set(visual(beginning)) <= characters_of(text) | {"…"}


def test_what_the_libraries_take_is_drawn_as_they_say() -> None:
    """Every fifth character that has a class, but isolates and joiners, in mixed surroundings."""
    reshaper = ArabicReshaper({"delete_harakat": False, "delete_tatweel": False})
    taken = [
        character
        for character in map(chr, range(0x20000))
        if unicodedata.category(character) not in {"Cn", "Cs", "Co"}
        and unicodedata.bidirectional(character) not in {"", "LRI", "RLI", "FSI", "PDI"}
        and character != JOINER
    ]
    assert len(taken) > 70_000
    for before, after in [("ש", "a 1,2"), ("م(1", ") لا")]:
        for character in taken[::5]:
            text = unicodedata.normalize("NFC", f"{before}{character}{after}")
            assert visual(text) == get_display(reshaper.reshape(text))
