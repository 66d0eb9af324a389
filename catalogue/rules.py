"""What an import accepts, as Polars expressions: each rule says which rows it refuses, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

# GS1 General Specifications, figure 7.11-1: the 82 characters of lots and serial numbers.
_CSET_82 = r"""^[A-Za-z0-9!"%&'()*+,\-./:;<=>?_]{1,20}$"""
_CONTROL = r"[\x00-\x1f\x7f-\x{9f}]"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_MONTH_OR_DATE = r"^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$"
_TIMESTAMP = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})$"
_SHORTUUID = r"^[2-9A-HJ-NP-Za-km-z]{22}$"
_UUID = r"^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32})$"
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
# Each carrier, and how many leading zeros a GTIN of 14 digits needs to fit it.
_LEADING_ZEROS = {"ean13": 1, "upca": 2, "ean8": 6, "itf14": 0}
_ENTITY_TYPES = ("product", "lot", "serial", "products", "lots", "serials")


@dataclass(frozen=True, slots=True)
class Rule:
    """Refuses the rows for which `refused` is true; unknown (null) is not refused."""

    column: str
    refused: pl.Expr
    reason: str


def gtin14(text: pl.Expr) -> pl.Expr:
    """The GTIN as 14 digits, or null unless it has 8, 12, 13 or 14 digits and a right check digit.

    The check digit is never repaired. Source: GS1 General Specifications, section 7.9.1.
    """
    digits = pl.when(text.str.contains(r"^([0-9]{8}|[0-9]{12}|[0-9]{13}|[0-9]{14})$")).then(
        text.str.zfill(14)
    )
    number = digits.cast(pl.Int64, strict=False)
    # From the right, the check digit itself counts once, its neighbour three times, and so on.
    total = pl.sum_horizontal(number // 10**place % 10 * (3 if place % 2 else 1) for place in range(14))
    return pl.when(number.is_not_null() & (total % 10 == 0)).then(digits)


def boolean(text: pl.Expr) -> pl.Expr:
    """True, false, or null for anything that says neither."""
    return text.str.to_lowercase().replace_strict(_BOOLEANS, default=None, return_dtype=pl.Boolean)


def timestamp(text: pl.Expr) -> pl.Expr:
    """The moment in UTC microseconds, or null unless it is ISO 8601 with an offset."""
    full = (
        pl.when(text.str.contains(_TIMESTAMP))
        .then(text)
        .str.to_uppercase()
        .str.replace(" ", "T", literal=True)
        .str.replace(",", ".", literal=True)
        .str.replace(r"Z$", "+00:00")
        .str.replace(r"^([^T]+T[0-9]{2}:[0-9]{2})([+-])", "${1}:00${2}")
        .str.replace(r"([+-][0-9]{2})([0-9]{2})$", "${1}:${2}")
    )
    return full.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", time_zone="UTC", strict=False)


def canonical(text: pl.Expr, decode: Callable[[str], str]) -> pl.Expr:
    """The id in canonical form; `decode` is asked only about what may be a shortuuid, once for each value."""
    lower = text.str.to_lowercase()
    bare = lower.str.replace_all("-", "", literal=True)
    hyphenated = pl.concat_str(
        [bare.str.slice(start, length) for start, length in ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))],
        separator="-",
    )

    def decoded(values: pl.Series) -> pl.Series:
        distinct = values.drop_nulls().unique()
        if distinct.is_empty():
            return values
        return values.replace(distinct, pl.Series([decode(value) for value in distinct], dtype=pl.String))

    short = pl.when(text.str.contains(_SHORTUUID)).then(text)
    return (
        pl.when(lower.str.contains(_UUID))
        .then(hyphenated)
        .when(text.str.contains(_SHORTUUID))
        .then(short.map_batches(decoded, return_dtype=pl.String))
        .otherwise(text)
    )


def entity_rules(table: str, present: list[str], now: datetime) -> list[Rule]:
    """The rules of one file's format, for the columns it has."""
    rules = [
        _required("gtin"),
        _gtin(),
        _id("id"),
        _cset_82("lot_number"),
        _id("lot_run_id"),
        *_date("production_date", with_month=False, now=now),
        *_date("expiration_date", with_month=True, now=now),
        *_date("best_before_date", with_month=True, now=now),
        *_carrier(),
        _boolean("active"),
        _timestamp("created_at"),
        *_OWN_RULES[table],
    ]
    return [rule for rule in rules if rule.column in present]


def event_rules() -> list[Rule]:
    """The rules of an events file's format, all optional columns present."""
    kind = pl.col("entity_type").str.to_lowercase()
    by_key = pl.col("entity_id").is_null()
    return [
        _required("entity_type"),
        Rule("entity_type", ~kind.is_in(_ENTITY_TYPES), "not one of product, lot, serial"),
        _id("entity_id"),
        Rule("gtin", by_key & pl.col("gtin").is_null(), "neither entity_id nor gtin given"),
        _gtin(),
        Rule(
            "lot_number",
            by_key & kind.str.starts_with("lot") & pl.col("lot_number").is_null(),
            "a lot needs its lot number",
        ),
        Rule(
            "serial_number",
            by_key & kind.str.starts_with("serial") & pl.col("serial_number").is_null(),
            "a serial needs its serial number",
        ),
        _cset_82("lot_number"),
        _cset_82("serial_number"),
        _required("event_type"),
        Rule(
            "event_type",
            ~pl.col("event_type").str.contains(r"^[A-Z][A-Z0-9_]{0,63}$"),
            "not 1 to 64 capital letters, digits and underscores",
        ),
        _required("occurred_at"),
        _timestamp("occurred_at"),
        _id("job_id"),
    ]


def _required(column: str) -> Rule:
    return Rule(column, pl.col(column).is_null(), "missing")


def _gtin() -> Rule:
    text = pl.col("gtin")
    reason = "not a GTIN of 8, 12, 13 or 14 digits with a right check digit"
    return Rule("gtin", text.is_not_null() & gtin14(text).is_null(), reason)


def _id(column: str) -> Rule:
    text = pl.col(column)
    wrong = (text.str.len_chars() > 64) | text.str.contains(_CONTROL)
    return Rule(column, wrong, "not 1 to 64 characters without control characters")


def _cset_82(column: str) -> Rule:
    return Rule(
        column, ~pl.col(column).str.contains(_CSET_82), "not 1 to 20 characters of GS1 character set 82"
    )


def _boolean(column: str) -> Rule:
    text = pl.col(column)
    return Rule(column, text.is_not_null() & boolean(text).is_null(), "neither true nor false")


def _timestamp(column: str) -> Rule:
    text = pl.col(column)
    return Rule(
        column, text.is_not_null() & timestamp(text).is_null(), "not an ISO 8601 timestamp with offset"
    )


def _carrier() -> list[Rule]:
    carrier = pl.col("carrier").str.to_lowercase()
    zeros = carrier.replace_strict(_LEADING_ZEROS, default=None, return_dtype=pl.Int64)
    leading = gtin14(pl.col("gtin")).str.extract(r"^(0*)").str.len_bytes()
    return [
        Rule("carrier", carrier.is_not_null() & zeros.is_null(), f"not one of {', '.join(_LEADING_ZEROS)}"),
        Rule("carrier", leading < zeros, "this carrier cannot hold the GTIN"),
    ]


def _date(column: str, *, with_month: bool, now: datetime) -> list[Rule]:
    text = pl.col(column)
    full = pl.when(text.str.len_bytes() == 7).then(text + "-01").otherwise(text)
    well_formed = text.str.contains(_MONTH_OR_DATE if with_month else _DATE)
    date = full.str.to_date("%Y-%m-%d", strict=False)
    forms = "YYYY-MM-DD or YYYY-MM" if with_month else "YYYY-MM-DD"
    # Two digits of the year are carried: GS1 General Specifications, section 7.12, reads them as the year
    # from 49 before to 50 after the present one.
    out_of_reach = ~date.dt.year().is_between(now.year - 49, now.year + 50)
    return [
        Rule(column, text.is_not_null() & (~well_formed | date.is_null()), f"not a date {forms}"),
        Rule(column, well_formed & out_of_reach, "more than 49 years ago or 50 years ahead"),
    ]


# What only one kind of entity requires.
_OWN_RULES: dict[str, list[Rule]] = {
    "products": [
        _required("name"),
        Rule("name", pl.col("name").str.strip_chars() == "", "must not be blank"),
        Rule("name", pl.col("name").str.len_chars() > 200, "longer than 200 characters"),
        Rule("name", pl.col("name").str.contains(_CONTROL), "holds a control character"),
    ],
    "lots": [_required("lot_number")],
    "serials": [_required("serial_number"), _cset_82("serial_number")],
}
