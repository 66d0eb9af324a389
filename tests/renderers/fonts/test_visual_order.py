"""Display order: every Unicode text has one, it is python-bidi's, and it holds what beginnings of the text need."""

import unicodedata

import pytest
from bidi.algorithm import get_display
from hypothesis import example, given
from hypothesis import strategies as st

from renderers.fonts.clusters import text_of
from renderers.fonts.subset import missing
from renderers.fonts.visual_order import cut, units_of, visual

EMBEDDING, POP = "\u202a", "\u202c"
ISOLATE, POP_ISOLATE = "\u2066", "\u2069"
JOINER, NON_JOINER = "\u200d", "\u200c"

#: Letters that join or are shaped, marks, numbers, brackets and controls, whose order and forms depend on each other.
TRICKY = "".join(
    [
        "لاأإهيب\u0640\u064e\u0651שא\u05b0a1٣ ,-+%()[]«»é\u0301…\u061c\u200b\u200c\u200d\u200e\u200f\n\t",
        "क्षिरेน้ำแகொরেক্ខ្មែ\u0e4d",
        *map(chr, range(0x202A, 0x202F)),
        *map(chr, range(0x2060, 0x206A)),
        "\ufdc8\uffff\ue000\U0001fae8",
    ]
)

ANY_TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from(TRICKY), max_size=200)


@pytest.mark.parametrize(
    ("text", "drawn", "reason"),
    [
        ("(01)09506000134352", "( 0 1 ) 0 9 5 0 6 0 0 0 1 3 4 3 5 2", "left to right"),
        ("e\u0301", "é", "composed, as fonts have it"),
        ("x\u0302y", "x\u0302 y", "a mark is drawn with its letter"),
        ("שלום", "ם ו ל ש", "right to left"),
        ("שלום(abc)", "( a b c ) ם ו ל ש", "brackets are mirrored"),
        ("سلام.12", "1 2 . م لا س", "lam-alef is one picture, digits are left to right"),
        ("क्षि.กำ.கொ", "क्षि . กำ . கொ", "vowel signs are drawn with their consonant"),
        ("שक्षिא", "א क्षि ש", "text of other scripts within right to left"),
        ("عسل\U0001fae8", "\U0001fae8 ل س ع", "a character of a later Unicode, which no font here has"),
        ("א\ufdc8ב", "ב \ufdc8 א", "a code point without a character"),
        ("א\uffffב", "ב \uffff א", "a noncharacter"),
        (f"א{ISOLATE}bג{POP_ISOLATE}", "b ג א", "an isolate orders its text by itself, and is not drawn"),
        (f"א{EMBEDDING}bג{POP}", "b ג א", "so does an embedding"),
        ("א\u2068bc\u2069ג", "ג b c א", "an isolate without a direction has no effect"),
        (f"{JOINER}لإ", f"{JOINER}لإ", "a joiner joins, and has no picture"),
        (f"ه{JOINER}.لا", f"لا . ه{JOINER}", "a ligature behind a joiner"),
        (f"می{NON_JOINER}خ", f"{NON_JOINER}خ ی م", "a non-joiner keeps letters apart"),
    ],
)  # fmt: skip
def test_display_order(text: str, drawn: str, reason: str) -> None:
    assert " ".join(map(text_of, visual(text))) == drawn, reason


@given(ANY_TEXT)
@example("א\ufdc8")
@example("عسل \U0001fae8")
@example(f"{JOINER}لإ")
@example("א" + EMBEDDING * 200)
@example("א" + ISOLATE * 199)
@example(POP_ISOLATE + "א" + POP_ISOLATE)
def test_any_text_has_an_order(text: str) -> None:
    assert set(visual(text)) <= units_of(text)


@given(ANY_TEXT, st.integers(0, 200))
@example("א b(c", 4)
@example("\u200d\u0e1c", 2)
@example("(\u07ef(\u07df", 3)
@example("\u0bf8\u0bd7\u0b95", 3)
def test_the_units_of_a_text_draw_what_is_cut(text: str, length: int) -> None:
    shown = cut(text, lambda shown: len(shown) <= length)
    assert len(shown) <= length
    assert set(visual(shown)) <= units_of(text) | {"…"}


@pytest.mark.parametrize(
    "text",
    [
        "سلام اللهم مُحَمَّد می\u200cخواهم", "שָׁלוֹם תה", "a\u0323\u0302x\u0302", "क्षत्रिय नमस्ते धर्म श्रृंगार",
        "น้ำผึ้งปี่กุ้ง", "রাষ্ট্র র্কি স্ত্রী", "ខ្មែរ កម្ពុជា ស្ត្រី", "கொழும்பு தேநீர்",
    ],
)  # fmt: skip
def test_names_are_cut_at_any_character(text: str) -> None:
    text = unicodedata.normalize("NFC", text)
    for length in range(1, len(text)):
        assert cut(text, lambda shown, most=length + 1: len(shown) <= most) == text[:length].rstrip() + "…"


def test_text_without_shaping_is_in_the_order_of_the_library() -> None:
    """Every fifth character that has a class, but isolates, controls, marks and letters that are shaped."""
    taken = [
        character
        for character in map(chr, range(0x20000))
        if unicodedata.category(character)[0] not in {"C", "M"}
        and unicodedata.bidirectional(character)
        and len(visual(f"ש{character}")) == 2
        and not any(len(unit) > 1 for unit in visual(f"ש{character}"))
    ]
    assert len(taken) > 60_000
    for before, after in [("ש", "a 1,2"), ("ש(1", ") אב")]:
        for character in taken[::5]:
            text = unicodedata.normalize("NFC", f"{before}{character}{after}")
            if not any(len(unit) > 1 for unit in visual(text)):
                assert "".join(visual(text)) == get_display(text)


def test_characters_without_a_font_are_missing() -> None:
    assert missing(visual("Tea \N{EGYPTIAN HIEROGLYPH A001}")) == {"\N{EGYPTIAN HIEROGLYPH A001}"}
    assert missing(visual("ก\N{EGYPTIAN HIEROGLYPH A001}")) == {"\N{EGYPTIAN HIEROGLYPH A001}"}
    assert missing(visual("\N{TELUGU LETTER KA}\N{TELUGU VOWEL SIGN I}")) == {
        "\N{TELUGU LETTER KA}",
        "\N{TELUGU VOWEL SIGN I}",
    }


@pytest.mark.parametrize(
    "hostile",
    [
        "a" + "\u0301\u0323" * 5_000,
        "ص" * 10_000,
        "क्" * 5_000,
        "ก" + "\u0e49" * 10_000,
        JOINER * 10_000 + "ل",
        "א" + "\u202e" * 10_000,
    ],
)
def test_hostile_text_is_bounded(hostile: str) -> None:
    """Clusters have no more characters than are shaped at once, so that a font grows with its texts, not their square."""
    units = units_of(hostile)
    assert max(len(text_of(unit)) for unit in units) <= 160
    assert sum(len(text_of(unit)) for unit in units) <= 160 * len(hostile)
