"""Read dates as people and spreadsheets write them. A column's other values decide between day-first and month-first."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import polars as pl

COLUMNS = ("production_date", "expiration_date", "best_before_date")
#: Of these, a month without a day is a date too.
WITH_MONTH = ("expiration_date", "best_before_date")


class DateOrder(StrEnum):
    """The order of day, month and year in dates such as 3/4/2027."""

    DMY = "dmy"
    MDY = "mdy"
    YMD = "ymd"


class FirstOfMonth(StrEnum):
    """What dates mean that are all on the first of a month: that day, or the month without a day."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Reading:
    """How one column's dates are read.

    Without an order, dates such as 3/4/2027 are held. If `all_firsts`, all are held unless the caller says what
    they mean.
    """

    order: DateOrder | None
    all_firsts: bool


# A clock time that stands for none.
_MIDNIGHT = r"(?:[T ]00:00(?::00(?:\.0+)?)?Z?)?$"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_YEAR_FIRST = rf"^([0-9]{{4}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{1,2}}){_MIDNIGHT}"
_DOTTED = rf"^([0-9]{{1,2}})\. ?([0-9]{{1,2}})\. ?([0-9]{{4}}|[0-9]{{2}}){_MIDNIGHT}"
_SLASHED = rf"^([0-9]{{1,2}})/([0-9]{{1,2}})/([0-9]{{4}}|[0-9]{{2}}){_MIDNIGHT}"
_HYPHENS = r"^([0-9]{1,2})-([0-9]{1,2})-([0-9]{4})"
_BARE = r"^([0-9]{4})([0-9]{2})([0-9]{2})$"
_DAY_AND_NAME = r"^([0-9]{1,2})[- ]([A-Za-z]{3,9})\.?[- ]([0-9]{4}|[0-9]{2})$"
_NAMED_MONTH = r"^([A-Za-z]{3,9})\.?[- ]([0-9]{4}|[0-9]{2})$"
_MONTH_YEAR = r"^([0-9]{1,2})[/.-]([0-9]{4})$"
_YEAR_MONTH = r"^([0-9]{4})[/.-]([0-9]{1,2})$"


def _group(text: pl.Expr, pattern: str, group: int) -> pl.Expr:
    return text.str.extract(pattern, group)


def _year(text: pl.Expr) -> pl.Expr:
    # Spreadsheets show two digits of a year. A date more than fifty years ahead is refused elsewhere.
    return pl.when(text.str.len_bytes() == 2).then("20" + text).otherwise(text)


def _month(name: pl.Expr) -> pl.Expr:
    numbers = {month: f"{number:02d}" for number, month in enumerate(_MONTHS, 1)}
    return (
        name.str.slice(0, 3).str.to_lowercase().replace_strict(numbers, default=None, return_dtype=pl.String)
    )


def _date(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    """Return the parts as YYYY-MM-DD, or null if there is no such day."""
    text = pl.concat_str(_year(year), month.str.zfill(2), day.str.zfill(2), separator="-")
    return pl.when(text.str.to_date("%Y-%m-%d", strict=False).is_not_null()).then(text)


def _year_month(year: pl.Expr, month: pl.Expr) -> pl.Expr:
    text = pl.concat_str(_year(year), month.str.zfill(2), separator="-")
    return pl.when((text + "-01").str.to_date("%Y-%m-%d", strict=False).is_not_null()).then(text)


# For each order, which of the three numbers is year, month and day.
_PLACES = {DateOrder.DMY: (3, 2, 1), DateOrder.MDY: (3, 1, 2), DateOrder.YMD: (1, 2, 3)}


def _ordered(text: pl.Expr, order: DateOrder) -> pl.Expr:
    slashed = text.str.replace(_HYPHENS, "${1}/${2}/${3}")
    year, month, day = (_group(slashed, _SLASHED, place) for place in _PLACES[order])
    # A year in the first place has two digits here, and then so has the number in the last place.
    fits = (year.str.len_bytes() >= 2) & ((day.str.len_bytes() <= 2) & (month.str.len_bytes() <= 2))
    return pl.when(fits).then(_date(year, month, day))


def _unmistakable(text: pl.Expr) -> pl.Expr:
    """Return the ISO 8601 form of what can be only one date or month, or null."""
    return pl.coalesce(
        _date(*(_group(text, _YEAR_FIRST, place) for place in (1, 2, 3))),
        _date(*(_group(text, _DOTTED, place) for place in (3, 2, 1))),
        _date(*(_group(text, _BARE, place) for place in (1, 2, 3))),
        _date(
            _group(text, _DAY_AND_NAME, 3),
            _month(_group(text, _DAY_AND_NAME, 2)),
            _group(text, _DAY_AND_NAME, 1),
        ),
        _year_month(_group(text, _NAMED_MONTH, 2), _month(_group(text, _NAMED_MONTH, 1))),
        _year_month(_group(text, _MONTH_YEAR, 2), _group(text, _MONTH_YEAR, 1)),
        _year_month(_group(text, _YEAR_MONTH, 1), _group(text, _YEAR_MONTH, 2)),
    )


def meanings(text: pl.Expr) -> pl.Expr:
    """Return what a date such as 3/4/2027 may mean, as one text; "" for any other text."""
    each = pl.concat_list(_ordered(text, order) for order in DateOrder)
    return each.list.drop_nulls().list.unique(maintain_order=True).list.join(" or ")


def needs_order(text: pl.Expr) -> pl.Expr:
    """Return whether the text is a date in one order or another."""
    return pl.any_horizontal(_ordered(text, order).is_not_null() for order in DateOrder)


def iso(text: pl.Expr, order: DateOrder | None) -> pl.Expr:
    """Return the date as `YYYY-MM-DD` or `YYYY-MM`; the text itself if it is no date or needs another order."""
    ordered = pl.lit(None, pl.String) if order is None else _ordered(text, order)
    return pl.coalesce(_unmistakable(text), ordered, text)


@dataclass(slots=True)
class _Evidence:
    """What a column's values say about one order: up to two first days of months, and whether there are other days."""

    impossible: bool = False
    other_days: bool = False
    firsts: set[str] = field(default_factory=set)

    def weigh(self, values: pl.DataFrame, order: DateOrder) -> None:
        slashed = values.filter(needs_order(pl.col("text")))
        self.impossible |= slashed.select(_ordered(pl.col("text"), order).is_null().any()).item()
        dates = values.select(iso(pl.col("text"), order).alias("text"))["text"].unique()
        dates = dates.filter(dates.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))
        self.other_days |= not dates.str.ends_with("-01").all()
        self.firsts = {*self.firsts, *dates.head(2)}


def survey(
    batches: Iterable[pl.DataFrame], columns: list[str], stated: DateOrder | None
) -> dict[str, Reading]:
    """Return how each column's dates are read, from all of its values.

    Dates such as 3/4/2027 have the one order in which every one of them is a date, or none. The dates of a column
    are all firsts of a month if it has at least two different ones and no other day.
    """
    evidence = {column: {order: _Evidence() for order in DateOrder} for column in columns}
    for batch in batches:
        for column, by_order in evidence.items():
            values = batch.select(pl.col(column).drop_nulls().unique().str.strip_chars().alias("text"))
            for order, found in by_order.items():
                found.weigh(values, order)
    return {column: _reading(by_order, stated) for column, by_order in evidence.items()}


def _reading(by_order: dict[DateOrder, _Evidence], stated: DateOrder | None) -> Reading:
    possible = [order for order, found in by_order.items() if not found.impossible]
    order = stated or (possible[0] if len(possible) == 1 else None)
    # Without an order only dates are left that read alike in every order.
    found = by_order[order or DateOrder.DMY]
    return Reading(order, all_firsts=len(found.firsts) > 1 and not found.other_days)
