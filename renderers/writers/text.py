"""Titles, descriptions and numbers as text in symbol files."""

import re

# XML 1.0, 2.2 "Characters" allows tab, line feed, carriage return and everything from U+0020 on
# except surrogates, U+FFFE and U+FFFF; PNG 3rd edition, 11.3.3 forbids U+0000 and discourages controls.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_CONTROL_PICTURES = 0x2400
_DELETE_PICTURE = "\u2421"
_REPLACEMENT = "\ufffd"


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    return _DELETE_PICTURE if code == 0x7F else _REPLACEMENT


def printable(text: str) -> str:
    """Return the text with visible replacements for characters that file formats do not allow.

    C0 controls become their pictures, so a scanned FNC1 (GS) stays recognisable; lone surrogates, C1
    controls and non-characters become U+FFFD. Tab and line feed stay.

    >>> printable("10ABC" + chr(0x1D) + "21X")
    '10ABC\u241d21X'
    """
    return _UNSAFE.sub(_picture, text)


def decimal(value: float) -> str:
    """Return a length with at most four decimal places, a tenth of a micrometre for millimetres.

    >>> decimal(22.850), decimal(11)
    ('22.85', '11')
    """
    return f"{value:.4f}".rstrip("0").rstrip(".")
