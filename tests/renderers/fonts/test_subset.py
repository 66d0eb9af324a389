"""Text on labels: a font for every script, the font's widths, and the same bytes every time."""

import io

import pytest
from fontTools.ttLib import TTFont
from hypothesis import example, given
from hypothesis import strategies as st

from renderers.fonts import subset
from renderers.fonts.subset import (
    BOLD_FONT_FILES,
    FONT_FILES,
    REPLACEMENT,
    make_subset,
    max_width_1pt_mm,
    missing,
    set_text,
    shown,
    shown_characters,
    width_mm,
)
from renderers.fonts.visual_order import visual

CSET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
TEXTS = ["(01)09506000134352", "Käse Łódź", "Ελληνικά Кириллица", "漢字カナ 한국어", "שלום", "مرحبا", CSET_82]


def opened(characters: str) -> TTFont:
    return TTFont(io.BytesIO(make_subset(characters).font))


@pytest.mark.parametrize("text", TEXTS)
def test_every_script_has_a_font(text: str) -> None:
    assert missing(visual(text)) == set()


def test_element_strings_come_from_the_first_font() -> None:
    font_of, _ = subset._tables(bold=False)
    assert {int(font_of[ord(character)]) for character in CSET_82} == {0}
    assert [int(font_of[ord(character)]) for character in "éłжم漢"] == [0, 1, 2, 2, 3]


def test_bold_text_has_every_character_of_regular_text_and_is_wider() -> None:
    regular, _ = subset._tables(bold=False)
    bold, _ = subset._tables(bold=True)
    assert (bold[regular >= 0] >= 0).all()
    assert [BOLD_FONT_FILES[bold[ord(character)]] for character in "éłж漢"] == [
        "AtkinsonHyperlegible-Bold.ttf",
        "AtkinsonHyperlegible-BoldLatinExt.ttf",
        "DejaVuSans-Bold.ttf",
        "DroidSansFallback.ttf",
    ]
    assert width_mm("Dark chocolate", 8, bold=True) > width_mm("Dark chocolate", 8)
    characters = shown_characters(["Dark"])
    assert make_subset(characters, bold=True).font != make_subset(characters).font
    assert make_subset(characters, bold=True).tag != make_subset(characters).tag


def test_glyphs_follow_the_characters() -> None:
    characters = shown_characters(TEXTS)
    assert characters == "".join(sorted(set(characters)))
    made, font = make_subset(characters), opened(characters)
    order = font.getGlyphOrder()
    assert len(order) == len(characters) + 1
    cmap = font.getBestCmap()
    assert [order.index(cmap[ord(character)]) for character in characters] == list(
        range(1, len(characters) + 1)
    )
    assert made.widths == tuple(font["hmtx"][name][0] for name in order[1:])
    assert font["head"].unitsPerEm == 1000


def test_outlines_are_those_of_the_packaged_fonts() -> None:
    """Scaled to 1000 units, bounds agree with the original's to a unit."""
    font = opened(shown_characters(["éłж漢"]))
    for index, character in enumerate("éłж漢"):
        original = subset._font(FONT_FILES[index])
        scale = 1000 / original["head"].unitsPerEm
        name = original.getBestCmap()[ord(character)]
        before, after = original["glyf"][name], font["glyf"][font.getBestCmap()[ord(character)]]
        for side in ("xMin", "yMin", "xMax", "yMax"):
            assert getattr(after, side) == pytest.approx(getattr(before, side) * scale, abs=1)
        assert font["hmtx"][font.getBestCmap()[ord(character)]][0] == pytest.approx(
            original["hmtx"][name][0] * scale, abs=0.51
        )


def test_same_bytes_every_time() -> None:
    characters = shown_characters(TEXTS)
    assert make_subset(characters) == make_subset(characters)
    assert make_subset(shown_characters(["A"])).tag != make_subset(shown_characters(["B"])).tag


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=12), max_size=8))
@example(["א\ufdc8"])
@example(["عسل \U0001fae8"])
def test_set_text_agrees_with_the_characters_one_by_one(strings: list[str]) -> None:
    characters = shown_characters(strings)
    text = set_text(characters, strings)
    widths = dict(zip(characters, (width_mm(character, 1) for character in characters), strict=True))
    for index, string in enumerate(strings):
        drawn = [c if c in characters else REPLACEMENT for c in visual(string)]
        numbers = [int(text.glyphs[index][at : at + 4], 16) for at in range(0, len(text.glyphs[index]), 4)]
        assert [characters[number - 1] for number in numbers] == drawn
        assert shown(characters, string) == "".join(drawn)
        width = sum(widths[character] for character in drawn)
        assert text.widths[index] / 1000 * 25.4 / 72 == pytest.approx(width)
    longest = max((width_mm(string, 1) for string in strings), default=0)
    assert max_width_1pt_mm(strings) == pytest.approx(longest)


def test_a_character_of_another_job_is_shown_as_missing() -> None:
    text = set_text(shown_characters(["AB"]), ["AC"])
    assert text.glyphs == ["00010003"]


def test_controls_are_missing() -> None:
    assert missing("a\tb\n\x7f") == {"\t", "\n", "\x7f"}


def test_fonts_are_packaged_with_their_licences() -> None:
    folder = subset.files("renderers.fonts")
    for name in {*FONT_FILES, *BOLD_FONT_FILES}:
        family = name.split("-")[0].removesuffix(".ttf")
        assert any(family in path.name for path in folder.iterdir() if path.name.endswith(".txt"))


def test_too_many_characters_for_a_font() -> None:
    with pytest.raises(ValueError, match="65534"):
        make_subset("x" * 65_535)
