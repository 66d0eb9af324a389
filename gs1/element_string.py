"""Element strings, (01)…(10)…: as a message with FNC1, as human-readable text, and parsed."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

from gs1.application_identifiers import APPLICATION_IDENTIFIERS, ApplicationIdentifier, Content
from gs1.cset82 import require_cset_82_up_to
from gs1.dates import require_yymmdd
from gs1.errors import InvalidDigits, InvalidElementString, InvalidLength
from gs1.gtin import require_gtin_14

#: Ordered pairs of Application Identifier and value.
ElementString: TypeAlias = tuple[tuple[str, str], ...]

#: FNC1 as text: scanners send this character for a separator. At the start of a message it means that GS1 data
#: follow.
FNC1 = "\x1d"

# What stands for an opening parenthesis within a value.
_ESCAPED = r"\("

# A chunk has few products but many labels: each GTIN is checked once, not once per label.
_cached_gtin = lru_cache(maxsize=65_536)(require_gtin_14)


def element_string(elements: Sequence[tuple[str, str]]) -> str:
    r"""Return the message a GS1 symbol encodes, with FNC1 as `\x1d` at the start and between.

    FNC1 follows a value without predefined length unless it is the last. Raises InvalidElementString for
    an unknown, repeated or contradicting AI, a message without (01), and where an AI of predefined length
    follows one without; InvalidGtin, InvalidDate, InvalidDigits, InvalidLength or InvalidCharacters for values.
    Source: GS1 General Specifications, 7.8 (processing of data).

    >>> element_string([("01", "09506000134352"), ("10", "AB"), ("21", "7")])
    '\x1d010950600013435210AB\x1d217'
    """
    _require_coherent([ai for ai, _ in elements])
    parts: list[str] = []
    separate = False
    for ai, value in elements:
        identifier = APPLICATION_IDENTIFIERS[ai]
        if separate and identifier.predefined_length:
            raise InvalidElementString(
                f"({ai}) has a predefined length and must stand before AIs without",
                value=ai,
                expected="AIs of predefined length first",
            )
        _CHECKS[identifier.content](identifier, value)
        parts += (FNC1 if separate or not parts else "", ai, value)
        separate = identifier.needs_separator
    return "".join(parts)


def hri(elements: Sequence[tuple[str, str]]) -> str:
    """Return the human readable interpretation: each AI in parentheses, which are not encoded.

    The values are not checked: `element_string` does that for the same elements.
    Source: GS1 General Specifications, 4.14, human readable interpretation rules.

    >>> hri([("01", "09506000134352"), ("10", "ABC123")])
    '(01)09506000134352(10)ABC123'
    """
    return "".join(hri_elements(elements))


def hri_elements(elements: Sequence[tuple[str, str]]) -> list[str]:
    """Return the elements of the human readable interpretation; what breaks it into lines breaks it between them.

    >>> hri_elements([("01", "09506000134352"), ("10", "A(21)B")])
    ['(01)09506000134352', '(10)A(21)B']
    """
    return [f"({ai}){value}" for ai, value in elements]


def bracketed(elements: Sequence[tuple[str, str]]) -> str:
    r"""Return the elements with their AIs in parentheses, as text that can be taken apart again.

    An opening parenthesis within a value is written `\(`, so that each one without a backslash begins an AI. That is
    enough, for an AI is digits; and a backslash is in no value, because the GS1 set of 82 characters has none.
    Source: GS1 Barcode Syntax Engine, which reads bracketed element strings of this form.

    >>> bracketed([("01", "09506000134352"), ("10", "A(21)B")])
    '(01)09506000134352(10)A\\(21)B'
    """
    return "".join([f"({ai}){value.replace('(', _ESCAPED)}" for ai, value in elements])


def parse(message: str) -> ElementString:
    r"""Return the elements of a message, with or without the FNC1 at its start.

    An unnecessary separator after a value of predefined length is skipped, as GS1 requires of scanners. Raises
    InvalidElementString if the message cannot be parsed, and otherwise the errors of `element_string`.
    Source: GS1 General Specifications, 7.8.6, and figure 7.8.5-2.

    >>> parse("010950600013435210AB\x1d217")
    (('01', '09506000134352'), ('10', 'AB'), ('21', '7'))
    """
    position = 1 if message.startswith(FNC1) else 0
    if position == len(message):
        raise InvalidElementString("The message is empty", value=message, expected="at least (01)")
    elements: list[tuple[str, str]] = []
    while position < len(message):
        identifier = _identifier_at(message, position)
        start = position + len(identifier.ai)
        if identifier.predefined_length:
            stop = start + identifier.max_length
        else:
            found = message.find(FNC1, start)
            stop = len(message) if found < 0 else found
        value = message[start:stop]
        _CHECKS[identifier.content](identifier, value)
        elements.append((identifier.ai, value))
        position = stop
        if message.startswith(FNC1, position):
            position += 1
            if position == len(message):
                raise InvalidElementString(
                    "The message ends with a separator", value=message, expected="no FNC1 at the end"
                )
    _require_coherent([ai for ai, _ in elements])
    return tuple(elements)


def _identifier_at(message: str, position: int) -> ApplicationIdentifier:
    # No AI of the table is a prefix of another, so at most one length matches.
    for length in (2, 3):
        identifier = APPLICATION_IDENTIFIERS.get(message[position : position + length])
        if identifier is not None:
            return identifier
    raise InvalidElementString(
        f"No Application Identifier known here: {message[position : position + 4]!r}",
        value=message,
        expected=f"one of {', '.join(APPLICATION_IDENTIFIERS)}",
    )


def _require_coherent(ais: list[str]) -> None:
    present = set(ais)
    if len(present) != len(ais):
        raise InvalidElementString(
            f"An Application Identifier is repeated: {' '.join(ais)}", value=ais, expected="each AI once"
        )
    for ai in ais:
        identifier = APPLICATION_IDENTIFIERS.get(ai)
        if identifier is None:
            raise InvalidElementString(
                f"({ai}) is not an Application Identifier this system writes",
                value=ai,
                expected=f"one of {', '.join(APPLICATION_IDENTIFIERS)}",
            )
        if not identifier.excludes.isdisjoint(present):
            raise InvalidElementString(
                f"({ai}) cannot stand beside ({'), ('.join(sorted(identifier.excludes & present))})",
                value=ais,
                expected=f"({ai}) without ({'), ('.join(sorted(identifier.excludes))})",
            )
    if "01" not in present:
        raise InvalidElementString("The message names no trade item", value=ais, expected="(01)")


def _require_gtin(identifier: ApplicationIdentifier, value: str) -> None:
    del identifier
    _cached_gtin(value)


def _require_date(identifier: ApplicationIdentifier, value: str) -> None:
    del identifier
    require_yymmdd(value)


def _require_digits(identifier: ApplicationIdentifier, value: str) -> None:
    if len(value) != identifier.max_length:
        raise InvalidLength(
            f"({identifier.ai}) {value!r} has {len(value)} digits, expected {identifier.max_length}",
            value=value,
            expected=f"{identifier.max_length} digits",
        )
    if not (value.isascii() and value.isdigit()):
        raise InvalidDigits(
            f"({identifier.ai}) {value!r} is not all digits 0–9", value=value, expected="ASCII digits 0–9"
        )


def _require_text(identifier: ApplicationIdentifier, value: str) -> None:
    require_cset_82_up_to(value, f"({identifier.ai})", identifier.max_length)


_CHECKS: Mapping[Content, Callable[[ApplicationIdentifier, str], None]] = MappingProxyType(
    {
        Content.GTIN: _require_gtin,
        Content.DATE: _require_date,
        Content.DIGITS: _require_digits,
        Content.CSET_82: _require_text,
    }
)
