"""What scanners type: every form of the same label gives the same keys."""

import pytest

from gs1.errors import Gs1Error, LabelError
from web.scanned import elements_of, keys_of

LABEL = {"gtin14": "09506000134352", "lot": "ABC123", "serial": "7"}


@pytest.mark.parametrize(
    "typed",
    [
        "010950600013435210ABC123\x1d217",
        "\x1d010950600013435210ABC123\x1d217",
        "]d2010950600013435210ABC123\x1d217",
        "]C1010950600013435210ABC123\x1d217",
        "]Q3010950600013435210ABC123\x1d217",
        "]e0010950600013435210ABC123\x1d217",
        "]d2010950600013435210ABC123<GS>217",
        "]d2010950600013435210ABC123{fnc1}217",
        "010950600013435210ABC123\u241d217",
        "(01)09506000134352(10)ABC123(21)7",
        "]Q1https://id.gs1.org/01/09506000134352/10/ABC123/21/7?17=270331",
        "HTTPS://ID.EXAMPLE.COM/labels/01/9506000134352/10/ABC123/21/7",
        "https://id.example.com/01/09506000134352/10/ABC123/21/7?linkType=gs1:pip#top",
        "  010950600013435210ABC123\x1d217\r\n",
    ],
)
def test_every_form_of_a_label_is_understood(typed: str) -> None:
    assert keys_of(typed) == LABEL


@pytest.mark.parametrize(
    ("typed", "gtin"),
    [
        ("9506000134352", "09506000134352"),
        ("]E09506000134352", "09506000134352"),
        ("]I109506000134352", "09506000134352"),
        ("012345678905", "00012345678905"),
        ("96385074", "00000096385074"),
    ],
)
def test_digits_alone_are_a_gtin(typed: str, gtin: str) -> None:
    assert elements_of(typed) == (("01", gtin),)


def test_escaped_and_encoded_values_are_the_values() -> None:
    assert dict(elements_of(r"(01)09506000134352(10)A\(21)B"))["10"] == "A(21)B"
    assert dict(elements_of("https://id.gs1.org/01/09506000134352/10/A%2F1%26"))["10"] == "A/1&"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "hello",
        "9506000134353",
        "(01)09506000134353",
        "(99999)x",
        "https://example.com/page",
        "(10)ABC",
        "]d2",
        "(01)",
    ],
)
def test_what_is_no_label_is_refused_in_words(typed: str) -> None:
    with pytest.raises(LabelError) as refused:
        keys_of(typed)
    assert isinstance(refused.value, Gs1Error)
    assert str(refused.value)
