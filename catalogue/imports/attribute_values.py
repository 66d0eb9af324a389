"""The values of attributes as files write them: read into the catalogue's form, and refused where they have none."""

from collections.abc import Callable, Mapping
from datetime import datetime

import polars as pl

from catalogue.attributes import LATER, Form
from catalogue.imports.rules import Rule
from gs1.cset82 import CSET_82_CLASS
from gs1.dates import CENTURY_YEARS_AHEAD, CENTURY_YEARS_BACK

_TIME = r"^([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(?::00(?:\.0+)?)?$"
_DOTTED_TIME = r"^([0-9]{2})\.([0-9]{2})\.([0-9]{4}),? ([0-9]{2}:[0-9]{2})(?::00)?$"
# AI (7003) itself: YYMMDDhhmm.
_BARE_TIME = r"^([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})$"


def canonical(text: pl.Expr, form: Form) -> pl.Expr:
    """Return the text in the catalogue's form. What has no such form stays as it is, to be refused."""
    match form:
        case Form.TIME:
            # The years of two digits are those of the dates in a manifest: 2000 to 2099.
            return (
                text.str.replace(_TIME, "${1}T${2}")
                .str.replace(_DOTTED_TIME, "${3}-${2}-${1}T${4}")
                .str.replace(_BARE_TIME, "20${1}-${2}-${3}T${4}:${5}")
            )
        case Form.MEASURE:
            return text.str.replace(r"^0+([0-9])", "${1}")
        case _:
            return text


def rules(now: datetime) -> list[Rule]:
    """Return the rules of all attributes that are no dates. Columns have the form of `canonical`."""
    return [rule for each in LATER for rule in _RULES[each.form](each.column, now)]


def _text(column: str, _: datetime) -> list[Rule]:
    return [
        _unless(column, f"^{CSET_82_CLASS}{{1,30}}$", "not 1 to 30 characters of GS1's set of 82 characters")
    ]


def _digits(column: str, _: datetime) -> list[Rule]:
    return [_unless(column, "^[0-9]{1,6}$", "not 1 to 6 digits")]


def _count(column: str, _: datetime) -> list[Rule]:
    return [_unless(column, "^[1-9][0-9]{0,7}$", "not a whole number from 1 to 99,999,999")]


def _measure(column: str, _: datetime) -> list[Rule]:
    text = pl.col(column)
    has_form = text.str.contains(r"^(?:0|[1-9][0-9]*)(?:\.[0-9]{1,5})?$")
    digits = text.str.replace(".", "", literal=True)
    fits = (digits.str.len_bytes() <= 6) & digits.str.contains("[1-9]")
    reason = "not a number above 0 such as 1.250: a point, at most 6 digits, and at most 5 of them behind the point"
    return [Rule(column, ~(has_form & fits), pl.lit(reason))]


def _time(column: str, now: datetime) -> list[Rule]:
    text = pl.col(column)
    time = text.str.to_datetime("%Y-%m-%dT%H:%M", strict=False)
    years = now.year - CENTURY_YEARS_BACK, now.year + CENTURY_YEARS_AHEAD
    return [
        Rule(column, text.is_not_null() & time.is_null(), pl.lit("not a date and time YYYY-MM-DD HH:MM")),
        Rule(column, ~time.dt.year().is_between(*years), pl.lit("more than 49 years ago or 50 years ahead")),
    ]


def _unless(column: str, pattern: str, reason: str) -> Rule:
    return Rule(column, ~pl.col(column).str.contains(pattern), pl.lit(reason))


_RULES: Mapping[Form, Callable[[str, datetime], list[Rule]]] = {
    Form.TEXT: _text,
    Form.DIGITS: _digits,
    Form.COUNT: _count,
    Form.MEASURE: _measure,
    Form.TIME: _time,
}
