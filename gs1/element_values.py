"""Whether a value is what its Application Identifier takes: characters, lengths, check digits, dates."""

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from types import MappingProxyType

from gs1.application_identifiers import APPLICATION_IDENTIFIERS, ApplicationIdentifier, Component
from gs1.check_digit import check_digit
from gs1.cset82 import CSET_82_CLASS, require_cset_82_up_to
from gs1.dates import require_day, require_yymmdd, yymmdd
from gs1.errors import InvalidCheckDigit, InvalidDigits, InvalidElementString, InvalidLength
from gs1.gtin import require_gtin_14

#: The character sets of the dictionary. Source: GS1 General Specifications, 7.11 (sets 82, 39 and 64).
_CLASSES: Mapping[str, str] = MappingProxyType(
    {"N": "[0-9]", "X": CSET_82_CLASS, "Y": "[#\\-/0-9A-Z]", "Z": "[\\-0-9A-Z_a-z]"}
)

#: What some linters allow, as regular expressions of a whole component.
_FORMS: Mapping[str, str] = MappingProxyType(
    {
        "hh": "(?:[01][0-9]|2[0-3])",
        "hhmi": "(?:[01][0-9]|2[0-3])[0-5][0-9]",
        "hyphen": "-",
        "iso3166alpha2": "[A-Z]{2}",
        "iso5218": "[0129]",
        "mi": "[0-5][0-9]",
        "posinseqslash": "[1-9]/[1-9]",
        "ss": "[0-5][0-9]",
        "winding": "[019]",
        "yesno": "[01]",
        "zero": "0",
    }
)


def require_value(ai: str, value: str) -> None:
    """Raise unless the value is one that the Application Identifier `ai` takes.

    Raises InvalidGtin, InvalidCheckDigit, InvalidDate, InvalidDigits, InvalidLength, InvalidCharacters, or
    InvalidElementString for a form with none of these faults. Codes of countries, currencies and the like,
    company prefixes and the check characters of (8013) and (8014) are not looked at.
    Source: GS1 Barcode Syntax Dictionary, the components of each AI.

    >>> require_value("7003", "2703311430")
    """
    fullmatch, checks = _form(ai)
    match = fullmatch(value)
    if match is None:
        _refuse(APPLICATION_IDENTIFIERS[ai], value)
    else:
        for group, check in checks:
            if match[group] is not None:
                check(match[group])


@cache
def _form(
    ai: str,
) -> tuple[Callable[[str], re.Match[str] | None], tuple[tuple[int, Callable[[str], object]], ...]]:
    """Return the regular expression of the AI's values, and what else is checked of which group."""
    components = APPLICATION_IDENTIFIERS[ai].components
    checks = tuple(
        (group, _CHECKS[linter])
        for group, component in enumerate(components, start=1)
        for linter in component.linters
        if linter in _CHECKS
    )
    pattern = ""
    # An optional component may be absent only together with those behind it.
    for component in reversed(components):
        pattern = f"({_pattern(component)}){pattern}"
        if component.is_optional:
            pattern = f"(?:{pattern})?"
    return re.compile(pattern).fullmatch, checks


def _pattern(component: Component) -> str:
    forms = [_FORMS[linter] for linter in component.linters if linter in _FORMS]
    if forms:
        return forms[0]
    if component.character_set == "Z":
        # Base64 may end with padding. Such a component is the only one of its AI.
        return f"(?=.{{{component.min_length},{component.max_length}}}$){_CLASSES['Z']}+={{0,2}}"
    return f"{_CLASSES[component.character_set]}{{{component.min_length},{component.max_length}}}"


def _refuse(identifier: ApplicationIdentifier, value: str) -> None:
    """Raise the error that says most about a value that does not have the AI's form."""
    ai, least, most = identifier.ai, identifier.min_length, identifier.max_length
    sets = {component.character_set for component in identifier.components}
    if identifier.components[0].linters == ("yymmd0",) and len(identifier.components) == 1:
        require_yymmdd(value)
    if sets == {"X"} and len(identifier.components) == 1 and least == 1:
        require_cset_82_up_to(value, f"({ai})", most)
    if not least <= len(value) <= most:
        wanted = f"{most}" if least == most else f"{least} to {most}"
        raise InvalidLength(
            f"({ai}) {value!r} has {len(value)} characters, expected {wanted}",
            value=value,
            expected=f"{wanted} characters",
        )
    if sets == {"N"} and not (value.isascii() and value.isdigit()):
        raise InvalidDigits(
            f"({ai}) {value!r} is not all digits 0–9", value=value, expected="ASCII digits 0–9"
        )
    raise InvalidElementString(
        f"({ai}) {value!r} does not have the form of {identifier.title or 'its AI'}",
        value=value,
        expected=" ".join(
            f"{part.character_set}{part.min_length}..{part.max_length}" for part in identifier.components
        ),
    )


# A chunk has few products but many labels: each number is checked once, not once per label.
@lru_cache(maxsize=65_536)
def _require_check_digit(key: str) -> None:
    if len(key) == 14:
        require_gtin_14(key)
        return
    expected = check_digit(key[:-1])
    if key[-1] != str(expected):
        raise InvalidCheckDigit(
            f"{key} has check digit {key[-1]}, expected {expected}",
            value=key,
            expected=f"check digit {expected}",
        )


_CHECKS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        "csum": _require_check_digit,
        "yymmd0": require_yymmdd,
        "yymmdd": lambda text: require_day(require_yymmdd(text), "date"),
        "yyyymmdd": lambda text: yymmdd(f"{text[:4]}-{text[4:6]}-{text[6:]}"),
    }
)
