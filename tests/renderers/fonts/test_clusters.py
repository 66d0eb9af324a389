"""Shaping: words of each script are drawn with the glyphs and at the places that HarfBuzz gives for the whole word."""

from importlib.resources import files

import pytest
import uharfbuzz as hb
from fontTools.ttLib import TTFont

from renderers.fonts.clusters import Cluster, text_of
from renderers.fonts.faces import FONT_FILES, opened
from renderers.fonts.subset import missing, shown_characters, width_mm
from renderers.fonts.visual_order import visual

DEVANAGARI, THAI, TAMIL, BENGALI, KHMER, ARABIC = (
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansThai-Regular.ttf",
    "NotoSansTamil-Regular.ttf",
    "NotoSansBengali-Regular.ttf",
    "NotoSansKhmer-Regular.ttf",
    "DejaVuSans.ttf",
)

#: Font, text, its glyphs from left to right by their names in the font, recorded and looked at; reason.
WORDS = [
    (
        DEVANAGARI,
        "क्षि",
        "ivowelsign06deva kassadeva",
        "the conjunct of k and ss, and the sign of i before it",
    ),
    (
        DEVANAGARI,
        "नमस्ते",
        "nadeva madeva saprehalfdeva tadeva evowelsigndeva",
        "half of s before t, the sign of e above",
    ),
    (DEVANAGARI, "धर्म", "dhadeva madeva rephdeva", "r above the letter that follows it"),
    (
        THAI,
        "น้ำผึ้ง",
        "uni0E19 uni0E4D uni0E49.small uni0E32 uni0E1C uni0E36 uni0E49.small uni0E07",
        "the tone mark under the ring of am, another raised above a vowel",
    ),
    (
        THAI,
        "ปี่",
        "uni0E1B uni0E35.narrow uni0E48.small",
        "a tall consonant moves the vowel and the tone to the left",
    ),
    (
        TAMIL,
        "கொழும்பு",
        "evowelsigntamil katamil aavowelsigntamil lllauvowelsigntamil maprehalftamil pauvowelsigntamil",
        "the sign of o on both sides of k, and u joined with its letter",
    ),
    (BENGALI, "কি", "ivowelsignbeng kabeng", "the sign of i before k"),
    (BENGALI, "রাষ্ট্র", "rabeng aavowelsignbeng ssattarabeng", "the conjunct of ss, tt and r"),
    (KHMER, "ខ្មែរ", "uni17C2 uni1781 uni17D21798 uni179A", "m below kh, and the vowel before both"),
    (ARABIC, "سلام", "uni0645 uniFEFC uniFEB3", "lam-alef"),
    (
        ARABIC,
        "مُحَمَّد",
        "uniFEAA uni0651064E uniFEE4 uni064E uniFEA4 uni064F uniFEE3",
        "vowel signs above and below joined letters",
    ),
]


def by_harfbuzz(file: str, text: str) -> list[tuple[str, int, int]]:
    """Return name, x and y of each glyph of a text, which HarfBuzz takes as a whole."""
    size = 800 if "Khmer" in file else 1000
    font = hb.Font(hb.Face(files("renderers.fonts").joinpath(file).read_bytes()))
    font.scale = (size, size)
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    hb.shape(font, buffer)
    pen, placed = 0, list[tuple[str, int, int]]()
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        placed.append(
            (font.glyph_to_string(info.codepoint), pen + position.x_offset, position.y_offset),
        )
        pen += position.x_advance
    return [*placed, ("end", pen, 0)]


def as_drawn(text: str, *, bold: bool = False) -> list[tuple[str, int, int]]:
    pen, placed = 0, list[tuple[str, int, int]]()
    for unit in visual(text, bold=bold):
        cluster = Cluster.of(unit)
        assert cluster is not None
        font = hb.Font(hb.Face(files("renderers.fonts").joinpath(cluster.file).read_bytes()))
        placed += [(font.glyph_to_string(glyph.number), pen + glyph.x, glyph.y) for glyph in cluster.glyphs]
        pen += cluster.advance
    return [*placed, ("end", pen, 0)]


def unshaped(font: TTFont, text: str) -> list[str]:
    return [font.getBestCmap()[ord(character)] for character in text]


@pytest.mark.parametrize(("file", "word", "glyphs", "reason"), WORDS)
def test_words_are_shaped(file: str, word: str, glyphs: str, reason: str) -> None:
    drawn = as_drawn(word)
    assert drawn == by_harfbuzz(file, word), reason
    names = [name for name, _, _ in drawn[:-1]]
    assert " ".join(names) == glyphs, reason
    plain = unshaped(opened(file), word)
    assert names != (plain[::-1] if file == ARABIC else plain), reason


@pytest.mark.parametrize(("file", "word"), [(file, word) for file, word, *_ in WORDS])
def test_bold_words_are_shaped_by_a_bold_font(file: str, word: str) -> None:
    bold = file.replace("-Regular", "-Bold") if "-Regular" in file else file.replace(".ttf", "-Bold.ttf")
    assert as_drawn(word, bold=True) == by_harfbuzz(bold, word)
    assert all(unit in shown_characters([word], bold=True) for unit in visual(word, bold=True))
    assert width_mm(word, 8, bold=True) > width_mm(word, 8)


@pytest.mark.parametrize("text", ["አማርኛ ቡና", "ქართული ღვინო ᲥᲐᲠᲗᲣᲚᲘ", "Հայերեն սուրճ", "Ελληνικά", "漢字"])  # fmt: skip
def test_scripts_without_shaping_are_characters(text: str) -> None:
    assert visual(text) == text
    assert missing(visual(text)) == set()


def test_a_unit_holds_its_cluster() -> None:
    [unit] = visual("क्षि")
    cluster = Cluster.of(unit)
    assert cluster is not None
    assert cluster.unit == unit
    assert text_of(unit) == cluster.text == "क्षि"
    assert cluster.file in FONT_FILES
