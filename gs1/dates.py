"""GS1 dates: six digits, YYMMDD; day 00 means that no day is given."""

import calendar
import re
from datetime import date
from functools import lru_cache

from gs1.errors import DayRequired, InvalidDate

_ISO = re.compile(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?").fullmatch
_YYMMDD = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})").fullmatch

#: Years that two digits can express, counted from the current one.
#: Source: GS1 General Specifications, 7.12, determination of century in dates.
CENTURY_YEARS_BACK = 49
CENTURY_YEARS_AHEAD = 50


@lru_cache(maxsize=4096)
def yymmdd(value: str) -> str:
    """Return an ISO date, `YYYY-MM-DD` or `YYYY-MM`, as YYMMDD; a month alone gets day 00.

    Day 00 is read as the last day of the month. Raises InvalidDate for any other form and for days that
    do not exist.
    Source: GS1 General Specifications, 3.4.2 to 3.4.7 (AIs 11 to 17).

    >>> yymmdd("2027-03-31"), yymmdd("2027-03")
    ('270331', '270300')
    """
    year, month, day = _iso_parts(value)
    return f"{year % 100:02}{month:02}{day:02}"


def check_century(value: str, today: date) -> str:
    """Return the ISO date `value` if its YYMMDD, read in the year of `today`, means the same century.

    Raises InvalidDate for a year more than 49 before or 50 after that of `today`, and as `yymmdd` does.
    Source: GS1 General Specifications, 7.12.

    >>> check_century("2076-01-01", date(2026, 7, 1))
    '2076-01-01'
    """
    year, _, _ = _iso_parts(value)
    first, last = today.year - CENTURY_YEARS_BACK, today.year + CENTURY_YEARS_AHEAD
    if not first <= year <= last:
        raise InvalidDate(
            f"{value} cannot be written with a two-digit year: expected {first} to {last}",
            value=value,
            expected=f"a year from {first} to {last}",
        )
    return value


@lru_cache(maxsize=4096)
def require_yymmdd(value: str) -> str:
    """Return `value` if it is a date in YYMMDD, day 00 included; raises InvalidDate otherwise.

    The century is unknown, so 29 February is accepted in every year that is a leap year in some century.
    """
    match = _YYMMDD(value)
    if match is not None:
        year, month, day = (int(part) for part in match.groups())
        # 2000 to 2099 is the century whose year 00 is a leap year.
        if 1 <= month <= 12 and day <= calendar.monthrange(2000 + year, month)[1]:
            return value
    raise InvalidDate(f"{value!r} is not a date YYMMDD", value=value, expected="YYMMDD")


def require_day(value: str, field: str) -> str:
    """Return the date `value`, YYMMDD, where it states the day; raises DayRequired for day 00.

    >>> require_day("270331", "expiry")
    '270331'
    """
    if value.endswith("00"):
        raise DayRequired(
            f"{field} {value} states no day", value=value, expected="YYMMDD with the day 01–31", field=field
        )
    return value


def _iso_parts(value: str) -> tuple[int, int, int]:
    match = _ISO(value)
    if match is not None:
        year, month, day = (int(part) for part in match.groups("00"))
        # "2027-03-00" is not an ISO date: only YYYY-MM leaves the day out.
        written = match[3] is not None
        if year >= 1 and 1 <= month <= 12 and written <= day <= calendar.monthrange(year, month)[1]:
            return year, month, day
    raise InvalidDate(
        f"{value!r} is not a calendar date YYYY-MM-DD or a month YYYY-MM",
        value=value,
        expected="YYYY-MM-DD or YYYY-MM",
    )
