"""Element strings, (01)…(10)…: as a message with FNC1, as human-readable text, and parsed."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

from gs1.application_identifiers import APPLICATION_IDENTIFIERS, ApplicationIdentifier
from gs1.element_values import require_value
from gs1.errors import InvalidElementString

#: Ordered pairs of Application Identifier and value.
ElementString: TypeAlias = tuple[tuple[str, str], ...]

#: FNC1 as text: scanners send this character for a separator. At the start of a message it means that GS1 data
#: follow.
FNC1 = "\x1d"

# An opening parenthesis within a value of a bracketed element string.
_ESCAPED = r"\("
_BRACKETED = re.compile(r"\(([0-9]{2,4})\)((?:[^(\\]|\\\()*)")


def element_string(elements: Sequence[tuple[str, str]]) -> str:
    r"""Return the message a GS1 symbol encodes, with FNC1 as `\x1d` at the start and between.

    FNC1 follows a value without predefined length unless it is the last. Raises InvalidElementString for
    an empty message, an unknown, repeated or contradicting AI, one that lacks an AI it needs, such as (10)
    without (01), and where an AI of predefined length follows one without; for values what
    `gs1.element_values.require_value` raises.
    Source: GS1 General Specifications, 7.8 (processing of data).

    >>> element_string([("01", "09506000134352"), ("10", "AB"), ("21", "7")])
    '\x1d010950600013435210AB\x1d217'
    """
    parts: list[str] = []
    for prefix, (ai, value) in zip(_prefixes(tuple([ai for ai, _ in elements])), elements, strict=True):
        require_value(ai, value)
        parts += (prefix, value)
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
    """Return the elements of the human readable interpretation. Lines may be broken between them only.

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


def parse_bracketed(text: str) -> ElementString:
    r"""Return the elements of a text that `bracketed` wrote: its inverse. The values are not checked.

    Raises InvalidElementString for every other text.

    >>> parse_bracketed("(01)09506000134352(10)A\\(21)B")
    (('01', '09506000134352'), ('10', 'A(21)B'))
    """
    elements = tuple((ai, value.replace(_ESCAPED, "(")) for ai, value in _BRACKETED.findall(text))
    if bracketed(elements) != text:
        raise InvalidElementString(
            f"{text!r} is no bracketed element string", value=text, expected="AIs in parentheses, and values"
        )
    return elements


def parse(message: str) -> ElementString:
    r"""Return the elements of a message, with or without the FNC1 at its start.

    Every AI of the Syntax Dictionary is understood. An unnecessary separator after a value of predefined length is
    skipped, as GS1 requires of scanners. An AI may lack another that it needs, because another symbol on the same
    item may carry that one. Raises InvalidElementString if the message cannot be parsed, and otherwise the errors
    of `element_string`.
    Source: GS1 General Specifications, 7.8.6, and figure 7.8.5-2.

    >>> parse("010950600013435210AB\x1d217")
    (('01', '09506000134352'), ('10', 'AB'), ('21', '7'))
    """
    position = 1 if message.startswith(FNC1) else 0
    if position == len(message):
        raise InvalidElementString("The message is empty", value=message, expected="at least one AI")
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
        require_value(identifier.ai, value)
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


def require_together(ais: tuple[str, ...]) -> None:
    """Raise InvalidElementString unless the AIs may stand on one item, and each has those it needs beside it.

    Their order does not matter.

    >>> require_together(("01", "10", "3103"))
    """
    _require_coherent(ais)
    _require_complete(ais)


def _identifier_at(message: str, position: int) -> ApplicationIdentifier:
    # No AI of the table is a prefix of another, so at most one length matches.
    for length in (2, 3, 4):
        identifier = APPLICATION_IDENTIFIERS.get(message[position : position + length])
        if identifier is not None:
            return identifier
    raise InvalidElementString(
        f"No Application Identifier known here: {message[position : position + 4]!r}",
        value=message,
        expected="an AI of the GS1 Syntax Dictionary",
    )


# Labels of one kind have the same AIs: what follows from those is worked out once, not once per label.
@lru_cache(maxsize=4_096)
def _prefixes(ais: tuple[str, ...]) -> tuple[str, ...]:
    """Return what stands before each value: the AI, with FNC1 where one is needed."""
    require_together(ais)
    prefixes: list[str] = []
    separate = False
    for ai in ais:
        identifier = APPLICATION_IDENTIFIERS[ai]
        if separate and identifier.predefined_length:
            raise InvalidElementString(
                f"({ai}) has a predefined length and must stand before AIs without",
                value=ai,
                expected="AIs of predefined length first",
            )
        prefixes.append(FNC1 + ai if separate or not prefixes else ai)
        separate = identifier.needs_separator
    return tuple(prefixes)


def _require_coherent(ais: Sequence[str]) -> None:
    present = set(ais)
    if len(present) != len(ais):
        raise InvalidElementString(
            f"An Application Identifier is repeated: {' '.join(ais)}", value=ais, expected="each AI once"
        )
    for ai in ais:
        identifier = APPLICATION_IDENTIFIERS.get(ai)
        if identifier is None:
            raise InvalidElementString(
                f"({ai}) is not an Application Identifier",
                value=ai,
                expected="an AI of the GS1 Syntax Dictionary",
            )
        if not identifier.excludes.isdisjoint(present):
            others = "), (".join(sorted(identifier.excludes & present))
            raise InvalidElementString(
                f"({ai}) cannot stand beside ({others})", value=ais, expected=f"({ai}) without ({others})"
            )


def _require_complete(ais: Sequence[str]) -> None:
    if not ais:
        raise InvalidElementString("The message is empty", value=ais, expected="at least one AI")
    present = set(ais)
    for ai in ais:
        needed = APPLICATION_IDENTIFIERS[ai].requires
        if needed and not any(all(part & present for part in either) for either in needed):
            wanted = " or ".join("+".join(min(part) for part in either) for either in needed)
            raise InvalidElementString(
                f"({ai}) lacks what it describes: {wanted}", value=ais, expected=f"beside ({ai}): {wanted}"
            )
