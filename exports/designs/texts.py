"""Texts of a design with placeholders, such as `LOT {lot}` or `EXP {expiry:DD MMM YYYY}`, and what they become.

A placeholder is `{field}`, `{field:date format}` or `{field.title}`, GS1's data title; `{{` and `}}` are braces. A text
is null for an entity that lacks one of its values, so that no label says something that is not so.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import Formatter
from typing import NamedTuple

import polars as pl

from catalogue.attributes import LATER, Form
from gs1.application_identifiers import APPLICATION_IDENTIFIERS

#: The months in date formats, unless the design has its own words.
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

DEFAULT_DATE_FORMAT = "YYYY-MM-DD"
DEFAULT_TIME_FORMAT = "YYYY-MM-DD hh:mm"

# A value with left-to-right characters stays in one piece within a text from right to left: LEFT-TO-RIGHT ISOLATE and
# POP DIRECTIONAL ISOLATE.
ISOLATES = "\u2066", "\u2069"
_RIGHT_TO_LEFT = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]"


class Source(NamedTuple):
    """Where a field's value is: the column of the manifest, and the Application Identifier that carries it."""

    column: str
    ai: str | None
    is_date: bool = False
    is_time: bool = False


FIELDS: Mapping[str, Source] = {
    "name": Source("product_name", None),
    "gtin": Source("gtin14", "01"),
    "lot": Source("lot_number", "10"),
    "serial": Source("serial_number", "21"),
    "expiry": Source("expiry", "17", is_date=True),
    "best_before": Source("best_before", "15", is_date=True),
    "production_date": Source("production_date", "11", is_date=True),
    **{each.column: Source(each.column, each.ai, is_time=each.form is Form.TIME) for each in LATER},
}

_TOKEN = re.compile("YYYY|YY|MMM|MM|DD|hh|mm")

#: What a format consists of, each once, by the first letters of its tokens.
_DATE_TOKENS, _TIME_TOKENS = (("DMY", "MY"), ("DMYhm",))


class InvalidText(ValueError):
    """A text has a placeholder that cannot be filled. The message says which, and what there is."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A value in a text. `date_format` has the format's tokens and the characters between them."""

    field: str
    date_format: tuple[str, ...] = ()


#: The text as characters and placeholders. Titles are characters already.
Parts = tuple[str | Placeholder, ...]


@lru_cache(maxsize=1024)
def parse(text: str) -> Parts:
    """Return the parts of a text. Raises InvalidText."""
    try:
        pieces = list(Formatter().parse(text))
    except ValueError as error:
        raise InvalidText(
            f"{text!r} is no text with placeholders: {error}; a brace is written twice"
        ) from error
    parts: list[str | Placeholder] = []
    for literal, field, spec, conversion in pieces:
        parts += [literal] if literal else []
        if field is not None:
            parts.append(_placeholder(field, spec or "", conversion))
    return tuple(parts)


def _placeholder(field: str, spec: str, conversion: str | None) -> str | Placeholder:
    known = ", ".join(f"{{{name}}}" for name in FIELDS)
    name, _, attribute = field.partition(".")
    source = FIELDS.get(name)
    if source is None or conversion:
        raise InvalidText(f"There is no placeholder {{{field}}}; there are {known}")
    if attribute:
        if attribute != "title" or source.ai is None or spec:
            titled = ", ".join(f"{{{known}.title}}" for known, each in FIELDS.items() if each.ai)
            raise InvalidText(f"There is no placeholder {{{field}}}; titles are {titled}")
        return _title(source.ai)
    if source.is_date:
        return Placeholder(name, _date_format(spec or DEFAULT_DATE_FORMAT, _DATE_TOKENS))
    if source.is_time:
        return Placeholder(name, _date_format(spec or DEFAULT_TIME_FORMAT, _TIME_TOKENS))
    if spec:
        raise InvalidText(f"{{{name}}} is no date and takes no format, and this is {spec!r}")
    return Placeholder(name)


def _title(ai: str) -> str:
    """Return GS1's data title in capitals. Units of measures are as they are written."""
    title = APPLICATION_IDENTIFIERS[ai.replace("n", "0")].title
    return title if "(" in title else title.upper()


def _date_format(spec: str, tokens_allowed: Sequence[str]) -> tuple[str, ...]:
    """Return tokens and the characters between them, in turns. Raises InvalidText."""
    tokens = _TOKEN.findall(spec)
    between = _TOKEN.split(spec)
    letters = re.sub("[^A-Za-z{}%]", "", "".join(between))
    if letters or "".join(sorted(token[0] for token in tokens)) not in tokens_allowed:
        raise InvalidText(
            f"{spec!r} is no date format; expected year, month and perhaps day, each once, as YYYY or YY, MM or MMM,"
            " DD, as in YYYY-MM-DD, DD MMM YYYY or MM/YYYY"
            if tokens_allowed is _DATE_TOKENS
            else f"{spec!r} is no format of a time; expected year, month, day, hour and minute, each once, as in"
            " YYYY-MM-DD hh:mm"
        )
    turns = [part for pair in zip(between, [*tokens, ""], strict=True) for part in pair]
    return tuple(part for part in turns if part)


def without_day(date_format: tuple[str, ...]) -> tuple[str, ...]:
    """Return the format without its day, and what follows it or else what is before it.

    >>> without_day(("DD", " ", "MMM", " ", "YYYY")), without_day(("YYYY", "-", "MM", "-", "DD"))
    (('MMM', ' ', 'YYYY'), ('YYYY', '-', 'MM'))
    """
    if "DD" not in date_format:
        return date_format
    at = date_format.index("DD")
    before, after = date_format[:at], date_format[at + 1 :]
    if after and not _TOKEN.fullmatch(after[0]):
        return (*before, *after[1:])
    if not after and before and not _TOKEN.fullmatch(before[-1]):
        return before[:-1]
    return (*before, *after)


def fields_of(parts: Parts) -> list[str]:
    """Return the fields whose values the text needs."""
    return [part.field for part in parts if isinstance(part, Placeholder)]


def composed(parts: Parts, rows: pl.DataFrame, months: Sequence[str] = MONTHS) -> pl.Series:
    """Return the text of each row of a manifest, null where the entity lacks a value.

    Only with right-to-left letters beside them, values are within isolates.
    """
    if not fields_of(parts):
        text = "".join(part for part in parts if isinstance(part, str))
        return pl.repeat(text, rows.height, dtype=pl.String, eager=True)
    mixed = len(parts) > 1
    pieces = [
        pl.lit(part) if isinstance(part, str) else _value(part, months, isolated=mixed) for part in parts
    ]
    text = pl.concat_str(pieces, ignore_nulls=False)
    if mixed:
        plain = text.str.replace_many(list(ISOLATES), ["", ""])
        text = pl.when(text.str.contains(_RIGHT_TO_LEFT)).then(text).otherwise(plain)
    return rows.select(text.alias("text")).to_series()


def _value(part: Placeholder, months: Sequence[str], *, isolated: bool) -> pl.Expr:
    source = FIELDS[part.field]
    column = pl.col(source.column)
    value = pl.when(column != "").then(column)
    if source.is_time:
        value = pl.concat_str(
            list(_tokens(part.date_format, value.str.replace_all("[-T:]", "").str.slice(2), months))
        )
    if source.is_date:
        full = pl.concat_str(list(_tokens(part.date_format, value, months)))
        short = pl.concat_str(list(_tokens(without_day(part.date_format), value, months)))
        value = pl.when(value.str.ends_with("00")).then(short).otherwise(full)
    # A name has its own direction.
    if isolated and part.field != "name":
        return pl.lit(ISOLATES[0]) + value + pl.lit(ISOLATES[1])
    return value


def _tokens(date_format: tuple[str, ...], value: pl.Expr, months: Sequence[str]) -> Iterator[pl.Expr]:
    """Yield the pieces of a date that is YYMMDD, or of a time that is YYMMDDhhmm. Years are 2000 to 2099, as in `gs1.dates`."""
    for part in date_format:
        match part:
            case "YYYY":
                yield pl.lit("20") + value.str.slice(0, 2)
            case "YY":
                yield value.str.slice(0, 2)
            case "MM":
                yield value.str.slice(2, 2)
            case "MMM":
                names = {f"{number:02}": month for number, month in enumerate(months, 1)}
                yield value.str.slice(2, 2).replace_strict(names, default=None, return_dtype=pl.String)
            case "DD":
                yield value.str.slice(4, 2)
            case "hh":
                yield value.str.slice(6, 2)
            case "mm":
                yield value.str.slice(8, 2)
            case _:
                yield pl.lit(part)
