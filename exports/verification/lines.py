"""The expected lines of a design, computed from the frozen row and the design alone.

It shares no code with `exports.designs.texts`, which the drawing code uses, so that a mistake there is detected.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

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


class Expected(NamedTuple):
    """The text of a line, or None if it is left out, and the values in it except product names."""

    text: str | None
    values: tuple[str, ...]
    shows_name: bool


def of_line(design: Design, number: int, row: Row) -> Expected:
    """Return the expected text of the design's line on the label of this row."""
    values: list[str] = []
    absent = False
    shows_name = False

    def filled(found: re.Match[str]) -> str:
        nonlocal absent, shows_name
        if found["brace"]:
            return found["brace"][0]
        column, ai = _FIELDS[found["field"]]
        if found["title"]:
            # Units of measures keep their letters.
            title = APPLICATION_IDENTIFIERS[ai].title
            return title.upper() if not title.endswith(")") else title
        value = row[column] or ""
        absent = absent or not value
        if ai == "7003" and value:
            value = _time(value, found["format"] or "YYYY-MM-DD hh:mm", design.months or _ENGLISH)
        if ai in _DATES and value:
            value = _date(value, found["format"] or "YYYY-MM-DD", design.months or _ENGLISH)
        if ai:
            values.append(value)
        else:
            shows_name = True
        return value

    text = _PLACEHOLDER.sub(filled, design.lines[number].text)
    return Expected(None if absent else text, () if absent else tuple(values), shows_name)


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
