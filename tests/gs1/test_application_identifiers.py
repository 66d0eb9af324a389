"""The table of Application Identifiers, against biip's, and every value it allows."""

import random
import re

import pytest
from biip.gs1_application_identifiers import GS1ApplicationIdentifier

from gs1.application_identifiers import APPLICATION_IDENTIFIERS, ApplicationIdentifier, matching
from gs1.check_digit import check_digit
from gs1.element_string import FNC1, parse
from gs1.element_values import require_value
from gs1.errors import Gs1Error, InvalidElementString

_CHARACTERS = {"N": "0123456789", "X": "Az09-/", "Y": "A9-/", "Z": "Az09-_"}
#: A value for each linter that allows few.
_ALLOWED = {
    "yymmd0": "270300", "yymmdd": "270331", "yyyymmdd": "20270331", "hhmi": "2359", "hh": "23", "mi": "59",
    "ss": "59", "hyphen": "-", "iso3166alpha2": "NO", "posinseqslash": "1/2",
    "iso5218": "9", "winding": "1", "yesno": "1", "zero": "0",
}  # fmt: skip


def value_of(identifier: ApplicationIdentifier, chance: random.Random, *, longest: bool) -> str:
    parts: list[str] = []
    for component in identifier.components:
        if component.is_optional and not longest:
            break
        allowed = [_ALLOWED[linter] for linter in component.linters if linter in _ALLOWED]
        length = component.max_length if longest else component.min_length
        text = "".join(chance.choices(_CHARACTERS[component.character_set], k=length))
        if "csum" in component.linters:
            text = text[:-1] + str(check_digit(text[:-1]))
        parts.append(allowed[0] if allowed else text)
    return "".join(parts)


@pytest.mark.parametrize("longest", [False, True])
@pytest.mark.parametrize("ai", APPLICATION_IDENTIFIERS)
def test_every_value_is_taken_apart(ai, longest):
    identifier = APPLICATION_IDENTIFIERS[ai]
    value = value_of(identifier, random.Random(ai), longest=longest)
    assert len(value) == (identifier.max_length if longest else identifier.min_length)
    follower = "98" if ai == "99" else "99"
    separator = FNC1 if identifier.needs_separator else ""
    assert parse(f"{FNC1}{ai}{value}{separator}{follower}x") == ((ai, value), (follower, "x"))


@pytest.mark.parametrize("ai", APPLICATION_IDENTIFIERS)
def test_one_character_more_or_less_is_refused(ai):
    identifier = APPLICATION_IDENTIFIERS[ai]
    chance = random.Random(ai)
    for value in (
        value_of(identifier, chance, longest=True) + "0",
        value_of(identifier, chance, longest=False)[:-1],
    ):
        with pytest.raises(Gs1Error):
            require_value(ai, value)


@pytest.mark.parametrize("ai", APPLICATION_IDENTIFIERS)
def test_biip_has_the_same_entry(ai):
    ours, theirs = APPLICATION_IDENTIFIERS[ai], GS1ApplicationIdentifier.extract(ai)
    assert theirs.ai == ai
    assert theirs.separator_required is ours.needs_separator
    # biip has (8010) begin with five characters, a company prefix and more.
    for longest in (True,) if ai == "8010" else (False, True):
        assert re.fullmatch(theirs.pattern, ai + value_of(ours, random.Random(ai), longest=longest))


def test_no_identifier_begins_another():
    for ai in APPLICATION_IDENTIFIERS:
        assert not any(ai[:length] in APPLICATION_IDENTIFIERS for length in range(2, len(ai)))


def test_length_is_predefined_by_two_digits():
    # GS1 General Specifications, figure 7.8.5-2.
    by_digits = {ai[:2]: identifier.predefined_length for ai, identifier in APPLICATION_IDENTIFIERS.items()}
    predefined = {digits for digits, fixed in by_digits.items() if fixed}
    assert predefined == {
        *(f"{n:02d}" for n in (0, 1, 2, 3, 11, 12, 13, 15, 16, 17, 20)), *(str(n) for n in range(31, 37)), "41",
    }  # fmt: skip
    for ai, identifier in APPLICATION_IDENTIFIERS.items():
        assert identifier.predefined_length is by_digits[ai[:2]]


@pytest.mark.parametrize(
    ("ai", "value", "code"),
    [
        ("00", "106141412345678907", "invalid_check_digit"),
        ("01", "09506000134353", "invalid_gtin"),
        ("02", "09506000134353", "invalid_gtin"),
        ("17", "271301", "invalid_date"),
        ("4326", "270300", "day_required"),
        ("7250", "20270230", "invalid_date"),
        ("7003", "2703312460", "invalid_element_string"),
        ("4330", "000100+", "invalid_element_string"),
        ("30", "12a", "invalid_digits"),
        ("30", "123456789", "invalid_length"),
        ("8010", "a1", "invalid_element_string"),  # set 39 has no small letters
        ("10", "A\u2013B", "invalid_characters"),
        ("8003", "1", "invalid_length"),
        ("8030", "ab=c", "invalid_element_string"),  # padding elsewhere than at the end
    ],
)
def test_what_is_wrong_is_said(ai, value, code):
    with pytest.raises(Gs1Error) as error:
        require_value(ai, value)
    assert error.value.code == code


def test_base64_may_be_padded():
    require_value("8030", "abcdefgh-_==")


def test_requirements_and_exclusions_are_read():
    table = APPLICATION_IDENTIFIERS
    assert table["250"].requires == tuple(
        (frozenset({key}), frozenset({"21"})) for key in ("01", "03", "8006")
    )
    assert table["3100"].excludes == {"3101", "3102", "3103", "3104", "3105"}  # not itself
    assert frozenset({"3100", "3165"}) <= table["3950"].requires[1][0]
    with pytest.raises(InvalidElementString, match=r"\(21\) cannot stand beside \(235\)"):
        parse(f"0109506000134352211{FNC1}2351")


def test_patterns_name_identifiers():
    assert matching("310n") == {f"310{n}" for n in range(6)}
    assert matching("10") == {"10"}
    assert matching("32nn") == {ai for ai in APPLICATION_IDENTIFIERS if ai.startswith("32")}
    assert matching("9999") == frozenset()


def test_what_stands_where_in_a_link():
    table = APPLICATION_IDENTIFIERS
    assert table["01"].key_qualifiers == {"22", "10", "21", "235"}
    assert [table[ai].digital_link_attribute for ai in ("17", "3103", "21", "8200")] == [
        True,
        True,
        False,
        False,
    ]
