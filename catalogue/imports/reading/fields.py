"""The cells of one CSV line."""

import re
from functools import cache

_OPENING = re.compile(' *"')


def fields(text: str, separator: str) -> list[str] | None:
    """Return the cells of a line, or None if a quote is not closed or has text behind it.

    A quote within a cell that does not begin with one is an ordinary character, as spreadsheets read it.

    >>> fields('a,"b, ""c"" d",5" pipe', ",")
    ['a', 'b, "c" d', '5" pipe']
    >>> fields('a,"b" c', ",") is None
    True
    """
    if '"' not in text:
        return text.split(separator)
    quoted = _quoted(separator)
    found: list[str] = []
    at = 0
    while True:
        if match := quoted.match(text, at):
            found.append(match[1].replace('""', '"'))
            at = match.end()
        elif _OPENING.match(text, at):
            return None
        else:
            stop = text.find(separator, at)
            stop = len(text) if stop < 0 else stop
            found.append(text[at:stop])
            at = stop
        if at == len(text):
            return found
        at += 1


@cache
def _quoted(separator: str) -> re.Pattern[str]:
    # Possessive, so that a quote that is never closed costs linear time.
    return re.compile(rf' *"((?:[^"]++|"")*+)" *(?={re.escape(separator)}|\Z)')
