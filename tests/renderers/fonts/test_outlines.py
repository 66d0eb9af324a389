"""Outlines: the writers' measures are those of the font, and the font has every character."""

import io
from importlib import resources

import pytest
from fontTools.ttLib import TTFont

from gs1.cset82 import CSET_82
from renderers.fonts import outlines
from renderers.fonts.subset import CAP_HEIGHT, UNITS_PER_EM, width_mm

CHARACTERS = sorted({*CSET_82, "(", ")"})


def points(character: str) -> list[tuple[float, float]]:
    return [
        point for contour in outlines.glyph(character).contours for piece in contour.pieces for point in piece
    ]


def test_measures_are_the_fonts() -> None:
    file = resources.files("renderers.fonts") / "AtkinsonHyperlegible-Regular.ttf"
    font = TTFont(io.BytesIO(file.read_bytes()))
    assert font["head"].unitsPerEm == UNITS_PER_EM
    assert font["OS/2"].sCapHeight == CAP_HEIGHT


@pytest.mark.parametrize("character", CHARACTERS)
def test_every_character_is_within_the_measures(character: str) -> None:
    glyph = outlines.glyph(character)
    assert glyph.contours
    assert all(outlines.INK_BOTTOM <= y <= outlines.INK_TOP for _, y in points(character))
    assert all(-outlines.OVERHANG <= x <= glyph.advance + outlines.OVERHANG for x, _ in points(character))
    if character.isdigit():
        assert all(outlines.DIGIT_BOTTOM <= y <= outlines.DIGIT_TOP for _, y in points(character))


def test_characters_look_different() -> None:
    """What people confuse in other fonts: 0 and O, 1, I and l."""
    assert len({outlines.glyph(character).contours for character in "0Oo"}) == 3
    assert len({outlines.glyph(character).contours for character in "1Il"}) == 3
    assert len(outlines.glyph("0").contours) > len(outlines.glyph("O").contours)


@pytest.mark.parametrize("digit", "0123456789")
def test_digits_are_centred_in_cells(digit: str) -> None:
    across = [
        x
        for contour in outlines.glyph_in_cell(digit, 700).contours
        for piece in contour.pieces
        for x, _ in piece
    ]
    assert outlines.glyph_in_cell(digit, 700).advance == 700
    assert min(across) + max(across) == pytest.approx(700, abs=1)


def test_a_character_without_a_picture_is_refused() -> None:
    with pytest.raises(outlines.CharacterNotInFont) as caught:
        outlines.glyph("\N{EGYPTIAN HIEROGLYPH A001}")
    assert (caught.value.value, caught.value.code) == (
        "\N{EGYPTIAN HIEROGLYPH A001}",
        "character_not_in_font",
    )


@pytest.mark.parametrize("character", "緑ש→")
def test_other_fonts_have_what_the_first_lacks(character: str) -> None:
    outline = outlines.glyph(character)
    assert outline.contours
    assert outline.advance == round(
        width_mm(character, 1000) / width_mm("0", 1000) * outlines.glyph("0").advance
    )
