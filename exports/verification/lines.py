"""What the lines of a design must say, from the frozen row and the design alone.

Nothing here is shared with `exports.designs.texts`, which the drawing code uses: a mistake there must not also be what
is expected.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import polars as pl

from exports.designs.document import Design
from exports.jobs.manifest import Row
from gs1.application_identifiers import APPLICATION_IDENTIFIERS

_PLACEHOLDER = re.compile(
    r"(?P<brace>\{\{|\}\})|\{(?P<field>[a-z_]+)(?:(?P<title>\.title)|:(?P<format>[^{}]*))?\}"
)

#: The column of each field and its Application Identifier.
_FIELDS: Mapping[str, tuple[str, str]] = {
    "name": ("product_name", ""),
    "gtin": ("gtin14", "01"),
    "lot": ("lot_number", "10"),
    "serial": ("serial_number", "21"),
    "expiry": ("expiry", "17"),
    "best_before": ("best_before", "15"),
    "production_date": ("production_date", "11"),
}
_DATES = {"17", "15", "11"}

_ENGLISH = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


# Letters that are written from right to left.
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")

# LEFT-TO-RIGHT ISOLATE and POP DIRECTIONAL ISOLATE: a value stays in one piece between letters from right to left.
_ISOLATED = "\u2066{}\u2069"


class Expected(NamedTuple):
    """The text of a line, None where it is left out, and the values in it. Names are not among them.

    `ordered` is the text with the marks that keep its values in one piece. `before` and `after` are what is beside
    the name if nothing else varies: such a line may show the beginning of a name.
    """

    text: str | None
    values: tuple[str, ...]
    shows_name: bool
    ordered: str = ""
    before: str = ""
    after: str = ""


class _Value(NamedTuple):
    """A placeholder: the column of its value, the Application Identifier, and the format of a date."""

    column: str
    ai: str
    date_format: str

    def shown(self, value: str | None, months: Sequence[str]) -> str:
        if self.ai in _DATES and value:
            return _date(value, self.date_format or "YYYY-MM-DD", months)
        return value or ""


def of_line(design: Design, number: int, row: Row) -> Expected:
    """Return what the design's line must say on the label of this row."""
    parts = _parts(design.lines[number].text)
    months = design.months or _ENGLISH
    shown = [part if isinstance(part, str) else part.shown(row[part.column], months) for part in parts]
    of_values = [(part, text) for part, text in zip(parts, shown, strict=True) if isinstance(part, _Value)]
    shows_name = any(not part.ai for part, _ in of_values)
    if not all(text for _, text in of_values):
        return Expected(None, (), shows_name)
    text = ordered = "".join(shown)
    if len(parts) > 1 and _RIGHT_TO_LEFT.search(text):
        # A name has its own direction.
        ordered = "".join(
            _ISOLATED.format(text) if isinstance(part, _Value) and part.ai else text
            for part, text in zip(parts, shown, strict=True)
        )
    before, after = "", ""
    if [part.ai for part, _ in of_values] == [""]:
        at = next(at for at, part in enumerate(parts) if isinstance(part, _Value))
        before, after = "".join(shown[:at]), "".join(shown[at + 1 :])
    values = tuple(text for part, text in of_values if part.ai)
    return Expected(text, values, shows_name, ordered, before, after)


def column(design: Design, number: int, rows: pl.DataFrame) -> list[str | None]:
    """Return the text of `of_line` for each row of the frozen manifest."""
    months = design.months or _ENGLISH
    shown: list[list[str]] = []
    for part in _parts(design.lines[number].text):
        if isinstance(part, str):
            shown.append([part] * rows.height)
            continue
        values: list[str | None] = rows[part.column].to_list()
        texts = {value: part.shown(value, months) for value in set(values)} if part.ai in _DATES else {}
        shown.append([texts.get(value, value) or "" for value in values])
    # Only a missing value is empty.
    return ["".join(texts) if all(texts) else None for texts in zip(*shown, strict=True)]


@lru_cache(maxsize=1024)
def _parts(text: str) -> tuple[str | _Value, ...]:
    """Return what a line is made of, in its order; no text of it is empty."""
    parts: list[str | _Value] = []
    at = 0
    for found in _PLACEHOLDER.finditer(text):
        parts.append(text[at : found.start()])
        at = found.end()
        if found["brace"]:
            parts.append(found["brace"][0])
            continue
        name, ai = _FIELDS[found["field"]]
        title = APPLICATION_IDENTIFIERS[ai].title.upper() if found["title"] else None
        parts.append(_Value(name, ai, found["format"] or "") if title is None else title)
    return tuple(part for part in [*parts, text[at:]] if part)


def _date(value: str, form: str, months: Sequence[str]) -> str:
    """Return YYMMDD in this format. Without a day, it and what separates it are left out."""
    year, month, day = value[:2], value[2:4], value[4:]
    if day == "00":
        form = re.sub("DD[^YMD]+|[^YMD]*DD$|DD", "", form, count=1)
    word = months[int(month) - 1]
    pieces = {"YYYY": f"20{year}", "YY": year, "MMM": word, "MM": month, "DD": day}
    return re.sub("YYYY|YY|MMM|MM|DD", lambda found: pieces[found[0]], form)
