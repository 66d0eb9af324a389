"""The expected lines of a design, computed from the frozen row and the design alone.

It shares no code with `exports.designs.texts`, which the drawing code uses, so that a mistake there is detected.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import polars as pl

from exports.designs.document import Design
from exports.jobs.manifest import Row
from gs1.application_identifiers import APPLICATION_IDENTIFIERS

_PLACEHOLDER = re.compile(
    r"(?P<brace>\{\{|\}\})|\{(?P<field>[a-z_0-9]+)(?:(?P<title>\.title)|:(?P<format>[^{}]*))?\}"
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
    "net_weight_kg": ("net_weight_kg", "3100"),
    "length_m": ("length_m", "3110"),
    "width_m": ("width_m", "3120"),
    "height_m": ("height_m", "3130"),
    "area_m2": ("area_m2", "3140"),
    "net_volume_l": ("net_volume_l", "3150"),
    "net_volume_m3": ("net_volume_m3", "3160"),
    "net_weight_lb": ("net_weight_lb", "3200"),
    "additional_product_identification": ("additional_product_identification", "240"),
    "made_to_order_variation": ("made_to_order_variation", "242"),
    "variable_count": ("variable_count", "30"),
    "expiration_time": ("expiration_time", "7003"),
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
        if self.ai == "7003" and value:
            return _time(value, self.date_format or "YYYY-MM-DD hh:mm", months)
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
        dated = part.ai in _DATES or part.ai == "7003"
        texts = {value: part.shown(value, months) for value in set(values)} if dated else {}
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
        if found["title"]:
            # Units of measures keep their letters.
            title = APPLICATION_IDENTIFIERS[ai].title
            parts.append(title if title.endswith(")") else title.upper())
        else:
            parts.append(_Value(name, ai, found["format"] or ""))
    return tuple(part for part in [*parts, text[at:]] if part)


def _date(value: str, form: str, months: Sequence[str]) -> str:
    """Return the date YYMMDD in this format. If it has no day, the day and its separator are left out."""
    year, month, day = value[:2], value[2:4], value[4:]
    if day == "00":
        form = re.sub("DD[^YMD]+|[^YMD]*DD$|DD", "", form, count=1)
    word = months[int(month) - 1]
    pieces = {"YYYY": f"20{year}", "YY": year, "MMM": word, "MM": month, "DD": day}
    return re.sub("YYYY|YY|MMM|MM|DD", lambda found: pieces[found[0]], form)


def _time(value: str, form: str, months: Sequence[str]) -> str:
    """Return YYYY-MM-DDTHH:MM in this format."""
    time = datetime.fromisoformat(value)
    pieces = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "DD": "%d", "hh": "%H", "mm": "%M"}
    return re.sub(
        "YYYY|YY|MMM|MM|DD|hh|mm",
        lambda found: months[time.month - 1] if found[0] == "MMM" else f"{time:{pieces[found[0]]}}",
        form,
    )
