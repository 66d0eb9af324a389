"""Text in the printer's font fits its line; other text is a picture."""

import pytest

from gs1.cset82 import CSET_82
from renderers.fonts.subset import width_mm
from renderers.sheets.placement import PlacedText
from renderers.zpl import text
from renderers.zpl.media import Media

MEDIA = Media(800, 400, 0, 0, 0)


def line(
    strings: list[str], room_mm: float = 40, *, printer_font: bool = True, size_pt: float = 8
) -> list[str]:
    placed = PlacedText(strings, 300.0, 100, size_pt, room_mm, printer_font)
    return text.fields(MEDIA, 203, placed, 0, 0)


def test_short_text_has_the_fonts_own_width() -> None:
    assert line(["(10)A_1", ""]) == ["^FO140,285^A0N,20,20^FB319,1,0,C^FD(10)A_1^FS", ""]


@pytest.mark.parametrize("character", sorted(CSET_82))
def test_every_character_is_set_to_fit_or_drawn(character: str) -> None:
    """The room is what the layout gives this very text."""
    words = character * 18
    [field] = line([words], width_mm(words, 8))
    assert field.startswith("^FO")
    assert f"^FD{words}^FS" in field or "^GFA," in field


def test_text_that_would_be_too_narrow_is_a_picture() -> None:
    [field] = line(["-" * 20], width_mm("-" * 20, 8))
    assert "^GFA," in field


@pytest.mark.parametrize("words", ["Tea", "~^\\_", "緑茶", "שלום"])
def test_a_name_is_a_picture_and_no_text(words: str) -> None:
    [field] = line([words], printer_font=False)
    assert "^FD" not in field
    assert field.startswith("^FO")
    assert "^GFA," in field


def test_the_least_size_of_the_font_is_kept() -> None:
    [field] = line(["(10)A"], size_pt=3.5)
    assert "^GFA," in field


def test_nothing_is_drawn_of_white() -> None:
    assert line(["  "], printer_font=False) == [""]
