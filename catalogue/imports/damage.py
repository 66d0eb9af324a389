"""Read cells as values, and find values that a spreadsheet has changed because it took them for numbers or dates."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from catalogue.attributes import ATTRIBUTES, Form
from catalogue.imports import attribute_values, dates
from catalogue.imports.dates import FirstOfMonth, Reading
from catalogue.imports.rules import Rule, gtin14

#: The prefix of the columns that keep a batch's cells as they came, for the reports.
SAID = "said."

_KEYS = ("lot_number", "serial_number")

_FORMS = {each.column: each.form for each in ATTRIBUTES}

# Other texts of any characters that a spreadsheet may take for something else.
_TEXTS = tuple(column for column, form in _FORMS.items() if form is Form.TEXT)

# Excel writes `1.23457E+15`, LibreOffice also more digits; the sign and two digits of the exponent are always
# there, and one digit before the decimal sign. No lot such as 2E10 looks like that.
_SCIENTIFIC = r"^[0-9]([.,][0-9]{1,14})?E[+-][0-9]{2,3}$"

# What Excel shows of a typed `mar2`, `2-3` or `3/27`: capital, two small letters, and a hyphen.
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_SHOWN_DATE = rf"^([0-9]{{1,2}}-({_MONTHS})|({_MONTHS})-[0-9]{{2}})$"

# What readers of workbooks write for a cell that is a date.
_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}"
_DATE_CELL = rf"{_DATE} [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}$"
_MIDNIGHT = " 00:00:00"

# Spreadsheets' error values, and our mark for a formula whose value was not stored.
_ERROR = r"^#(FORMULA!|N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|SPILL!|CALC!)$"

_SHORT_GTIN = r"^[0-9]{9,11}$"


@dataclass(frozen=True, slots=True)
class Settled:
    """What the caller has decided about doubtful values, and how each date column is read."""

    accept_warnings: bool = False
    first_of_month: FirstOfMonth | None = None
    readings: Mapping[str, Reading] = field(default_factory=dict)


def said(column: str) -> pl.Expr:
    return pl.col(f"{SAID}{column}")


def read_cells(frame: pl.DataFrame, settled: Settled) -> pl.DataFrame:
    """Return the frame with its text columns as values: without blanks around them, dates in ISO 8601.

    A line break within a name is a blank. A date that must be held is null. The cells as they came are in
    columns with the prefix SAID.
    """
    columns = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    kept = [pl.col(name).alias(f"{SAID}{name}") for name in columns]
    values = frame.with_columns(*kept, pl.col(columns).str.strip_chars())
    values = values.with_columns(
        pl.when(pl.col(name).str.starts_with('="'))
        .then(pl.col(name).str.replace(r'^="([^"]*)"$', "${1}"))
        .otherwise(pl.col(name))
        for name in columns
        if name in ("gtin", *_KEYS, *_TEXTS)
    )
    return values.with_columns(_value(name, values, settled) for name in columns)


def _value(name: str, frame: pl.DataFrame, settled: Settled) -> pl.Expr:
    text = pl.when(pl.col(name) != "").then(pl.col(name))
    if name == "name":
        return text.str.replace_all(r"\s*[\r\n]+\s*", " ").alias(name)
    if name == "gtin":
        return _with_zeros(frame).alias(name)
    if name in _KEYS:
        return text.str.strip_suffix(_MIDNIGHT).alias(name)
    if name in settled.readings:
        return _date(name, frame, settled).alias(name)
    if name in _FORMS:
        return attribute_values.canonical(text, _FORMS[name]).alias(name)
    return text.alias(name)


def _date(name: str, frame: pl.DataFrame, settled: Settled) -> pl.Expr:
    """Return the dates, worked out once for each distinct text."""
    reading = settled.readings[name]
    distinct = frame.select(pl.col(name).drop_nulls().unique())
    if distinct.is_empty():
        return pl.col(name)
    value = dates.iso(pl.col(name), reading.order)
    if reading.all_firsts and settled.first_of_month is FirstOfMonth.MONTH and name in dates.WITH_MONTH:
        value = value.str.replace(r"^([0-9]{4}-[0-9]{2})-01$", "${1}")
    if reading.order is None:
        value = pl.when(~dates.needs_order(pl.col(name))).then(value)
    told = distinct.select(value.alias("told"))["told"]
    return pl.col(name).replace_strict(distinct[name], told, default=None, return_dtype=pl.String)


def _with_zeros(frame: pl.DataFrame) -> pl.Expr:
    """Return the GTINs; those that have lost their leading zeros, and with them are valid, as 14 digits."""
    short = frame.select(pl.col("gtin").filter(pl.col("gtin").str.contains(_SHORT_GTIN)).unique())["gtin"]
    text = pl.when(pl.col("gtin") != "").then(pl.col("gtin"))
    if short.is_empty():
        return text
    filled = short.to_frame().select(gtin14(pl.col("gtin").str.zfill(14)).alias("filled"))["filled"]
    return text.replace(short, filled.fill_null(short))


def refusals(present: list[str]) -> list[Rule]:
    """Return the rules that refuse a formula's error in place of a value."""
    return [
        Rule(column, said(column).str.contains(_ERROR), pl.lit("a formula without a value, or with an error"))
        for column in present
    ]


def holds(present: list[str], settled: Settled) -> list[Rule]:
    """Return the rules whose rows are held, because a spreadsheet may have changed the value."""
    readings = {column: reading for column, reading in settled.readings.items() if column in present}
    rules = [_no_order(column) for column, reading in readings.items() if reading.order is None]
    if settled.accept_warnings:
        return rules
    if settled.first_of_month is None:
        rules += [
            _first(column)
            for column, reading in readings.items()
            if reading.all_firsts and column in dates.WITH_MONTH
        ]
    for column in (*_KEYS, *_TEXTS):
        if column in present:
            rules += _rewritten(column)
    rules += [_without_time(column) for column in present if _FORMS.get(column) is Form.TIME]
    if "gtin" in present:
        # Only a GTIN that lacked zeros has become longer.
        longer = pl.col("gtin").str.len_bytes() > said("gtin").str.len_bytes()
        filled = pl.format("leading zeros are missing: {} with them", pl.col("gtin"))
        rules.append(Rule("gtin", longer, filled))
    return rules


def _no_order(column: str) -> Rule:
    text = said(column).str.strip_chars()
    reason = pl.format("{}? the column does not tell: state --date-order dmy or mdy", dates.meanings(text))
    # `read_cells` leaves a value out only if it is a date that needs an order.
    return Rule(column, pl.col(column).is_null() & (text != ""), reason)


def _first(column: str) -> Rule:
    day = pl.col(column).str.contains(r"^[0-9]{4}-[0-9]{2}-01$")
    reason = pl.format(
        "{} or the month {} without a day? all dates of the column are firsts of a month: state --first-of-month"
        " day or month",
        pl.col(column),
        pl.col(column).str.slice(0, 7),
    )
    return Rule(column, day, reason)


def _without_time(column: str) -> Rule:
    return Rule(
        column,
        said(column).str.strip_chars().str.contains(rf"{_DATE}{_MIDNIGHT}$"),
        pl.lit("the cell is a date without a time"),
    )


def _rewritten(column: str) -> list[Rule]:
    text = said(column).str.strip_chars()
    forms = {
        _SCIENTIFIC: "a spreadsheet took it for a number and lost digits",
        _SHOWN_DATE: "a spreadsheet took it for a date",
        _DATE_CELL: "the cell is a date, not text",
    }
    return [Rule(column, text.str.contains(form), pl.lit(reason)) for form, reason in forms.items()]
