"""Rules for imported rows, as Polars expressions: each says which rows it refuses, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from catalogue.schema import MAX_QUANTITY
from gs1.cset82 import CSET_82_PATTERN, require_cset_82
from gs1.errors import LabelError
from gs1.gtin import DIGITS, Carrier, as_gtin_14
from gs1.trade_item import DOUBTFUL_PATTERN, VARIABLE_MEASURES, require_trade_item
from gs1.upc_e import SUPPRESSIBLE_PATTERN

_CSET_82 = f"^(?:{CSET_82_PATTERN})$"
_DOUBTFUL = f"^(?:{DOUBTFUL_PATTERN})$"
_SUPPRESSIBLE = f"^(?:{SUPPRESSIBLE_PATTERN})$"
_CONTROL = r"[\x00-\x1f\x7f-\x{9f}]"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_MONTH_OR_DATE = r"^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$"
_TIMESTAMP = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})$"
_SHORTUUID = r"^[2-9A-HJ-NP-Za-km-z]{22}$"
_UUID = r"^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32})$"
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
# For each carrier, how many leading zeros a 14-digit GTIN must have.
_LEADING_ZEROS = {carrier.value: 14 - digits for carrier, digits in DIGITS.items()}
_ENTITY_TYPES = ("product", "lot", "serial", "products", "lots", "serials")


@dataclass(frozen=True, slots=True)
class Rule:
    """Refuses the rows for which `refused` is true; unknown (null) is not refused.

    `reason` is evaluated for refused rows only, so it may call a function for each value.
    """

    column: str
    refused: pl.Expr
    reason: pl.Expr


def _rule(column: str, refused: pl.Expr, reason: str) -> Rule:
    return Rule(column, refused, pl.lit(reason))


def _asked(column: str, refused: pl.Expr, check: Callable[[str], object]) -> Rule:
    """Return a rule whose reason is the error that `check` raises for the value."""
    return Rule(column, refused, _refusal(pl.col(column), check, column))


def _refusal(text: pl.Expr, check: Callable[[str], object], field: str) -> pl.Expr:
    """Return the error that `check` raises about the field for each text, or null if it raises none.

    `check` is called once for each distinct text.
    """

    def reason(value: str) -> str | None:
        try:
            check(value)
        except LabelError as error:
            return str(error) if error.field == field else None
        return None

    def reasons(values: pl.Series) -> pl.Series:
        distinct = values.drop_nulls().unique()
        if distinct.is_empty():
            return pl.repeat(None, values.len(), dtype=pl.String, eager=True)
        told = pl.Series([reason(value) for value in distinct], dtype=pl.String)
        return values.replace_strict(distinct, told, default=None, return_dtype=pl.String)

    return text.map_batches(reasons, return_dtype=pl.String)


def gtin14(text: pl.Expr) -> pl.Expr:
    """Return the GTIN as 14 digits, or null unless it has 8, 12, 13 or 14 digits and a correct check digit.

    The check digit is never repaired. Source: GS1 General Specifications, section 7.9.1.
    """
    digits = pl.when(text.str.contains(r"^([0-9]{8}|[0-9]{12}|[0-9]{13}|[0-9]{14})$")).then(
        text.str.zfill(14)
    )
    number = digits.cast(pl.Int64, strict=False)
    # Weights from the right: 1 for the check digit, 3 for its neighbour, and so on.
    total = pl.sum_horizontal(number // 10**place % 10 * (3 if place % 2 else 1) for place in range(14))
    return pl.when(number.is_not_null() & (total % 10 == 0)).then(digits)


def with_gtin14(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with `gtin14`, which is worked out once for each distinct `gtin`."""
    distinct = frame.select(pl.col("gtin").unique()).with_columns(gtin14(pl.col("gtin")).alias("gtin14"))
    return frame.join(distinct, on="gtin", how="left", nulls_equal=True, maintain_order="left")


def boolean(text: pl.Expr) -> pl.Expr:
    """Return true, false, or null for any other text."""
    return text.str.to_lowercase().replace_strict(_BOOLEANS, default=None, return_dtype=pl.Boolean)


def timestamp(text: pl.Expr) -> pl.Expr:
    """Return the time in UTC microseconds, or null unless the text is ISO 8601 with an offset."""
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
    """Return the id in canonical form. `decode` is called once for each value that may be a shortuuid."""
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
    """Return the rules of one file's format, for the columns it has and `gtin14`."""
    rules = [
        _required("gtin"),
        _gtin(),
        _id("id"),
        _cset_82("lot_number"),
        _id("lot_run_id"),
        *_date("production_date", with_month=False, now=now),
        *_date("expiration_date", with_month=True, now=now),
        *_date("best_before_date", with_month=True, now=now),
        _quantity(),
        _boolean("active"),
        _timestamp("created_at"),
        *_OWN_RULES[table],
    ]
    return [rule for rule in rules if rule.column in present]


def event_rules() -> list[Rule]:
    """Return the rules of an events file's format, with all optional columns and `gtin14` present."""
    kind = pl.col("entity_type").str.to_lowercase()
    by_key = pl.col("entity_id").is_null()
    return [
        _required("entity_type"),
        _rule("entity_type", ~kind.is_in(_ENTITY_TYPES), "not one of product, lot, serial"),
        _id("entity_id"),
        _rule("gtin", by_key & pl.col("gtin").is_null(), "neither entity_id nor gtin given"),
        _gtin(),
        _rule(
            "lot_number",
            by_key & kind.str.starts_with("lot") & pl.col("lot_number").is_null(),
            "a lot needs its lot number",
        ),
        _rule(
            "serial_number",
            by_key & kind.str.starts_with("serial") & pl.col("serial_number").is_null(),
            "a serial needs its serial number",
        ),
        _cset_82("lot_number"),
        _cset_82("serial_number"),
        _required("event_type"),
        _rule(
            "event_type",
            ~pl.col("event_type").str.contains(r"^[A-Z][A-Z0-9_]{0,63}$"),
            "not 1 to 64 capital letters, digits and underscores",
        ),
        _required("occurred_at"),
        _timestamp("occurred_at"),
        _id("job_id"),
    ]


def _required(column: str) -> Rule:
    return _rule(column, pl.col(column).is_null(), "missing")


def _gtin() -> Rule:
    text = pl.col("gtin")
    return _asked("gtin", text.is_not_null() & pl.col("gtin14").is_null(), as_gtin_14)


def _id(column: str) -> Rule:
    text = pl.col(column)
    wrong = (text.str.len_chars() > 64) | text.str.contains(_CONTROL)
    return _rule(column, wrong, "not 1 to 64 characters without control characters")


def _cset_82(column: str) -> Rule:
    return _asked(column, ~pl.col(column).str.contains(_CSET_82), lambda text: require_cset_82(text, column))


def _quantity() -> Rule:
    text = pl.col("quantity")
    wrong = ~text.str.contains(r"^[0-9]{1,6}$") | (text.cast(pl.Int64, strict=False) > MAX_QUANTITY)
    return _rule("quantity", wrong, f"not a whole number from 0 to {MAX_QUANTITY:,}")


def _boolean(column: str) -> Rule:
    text = pl.col(column)
    return _rule(column, text.is_not_null() & boolean(text).is_null(), "neither true nor false")


def _timestamp(column: str) -> Rule:
    text = pl.col(column)
    return _rule(
        column, text.is_not_null() & timestamp(text).is_null(), "not an ISO 8601 timestamp with offset"
    )


def _carrier() -> list[Rule]:
    carrier = pl.col("carrier").str.to_lowercase()
    zeros = carrier.replace_strict(_LEADING_ZEROS, default=None, return_dtype=pl.Int64)
    number = pl.col("gtin14")
    leading = number.str.extract(r"^(0*)").str.len_bytes()
    return [
        _rule("carrier", carrier.is_not_null() & zeros.is_null(), f"not one of {', '.join(_LEADING_ZEROS)}"),
        _rule("carrier", leading < zeros, "this carrier cannot hold the GTIN"),
        _rule(
            "carrier",
            (carrier == Carrier.UPCE.value)
            & (leading >= zeros)
            & (leading < _LEADING_ZEROS[Carrier.EAN8.value])
            & ~number.str.contains(_SUPPRESSIBLE),
            "not a UPC-A of number system 0 whose zeros UPC-E can leave out",
        ),
    ]


def _trade_item() -> list[Rule]:
    """Return the rules about the meaning of a number. They call a function only for doubtful numbers."""
    number = pl.col("gtin14")
    carrier = pl.col("carrier").str.to_lowercase()
    known = pl.when(carrier.is_in(list(_LEADING_ZEROS))).then(carrier).otherwise(pl.lit(""))
    doubtful = pl.when(number.str.contains(_DOUBTFUL)).then(pl.concat_str(number, known, separator=" "))

    def check(text: str) -> None:
        digits, _, declared = text.partition(" ")
        # Whether a measure is there that indicator digit 9 needs depends on what a symbol is asked to carry.
        require_trade_item(digits, Carrier(declared) if declared else None, VARIABLE_MEASURES)

    reasons = {column: _refusal(doubtful, check, column) for column in ("gtin", "carrier")}
    return [Rule(column, reason.is_not_null(), reason) for column, reason in reasons.items()]


def _date(column: str, *, with_month: bool, now: datetime) -> list[Rule]:
    text = pl.col(column)
    full = pl.when(text.str.len_bytes() == 7).then(text + "-01").otherwise(text)
    well_formed = text.str.contains(_MONTH_OR_DATE if with_month else _DATE)
    date = full.str.to_date("%Y-%m-%d", strict=False)
    forms = "YYYY-MM-DD or YYYY-MM" if with_month else "YYYY-MM-DD"
    # A symbol carries two digits of the year. GS1 General Specifications, section 7.12: they mean a year from
    # 49 before to 50 after the present one.
    out_of_reach = ~date.dt.year().is_between(now.year - 49, now.year + 50)
    return [
        _rule(column, text.is_not_null() & (~well_formed | date.is_null()), f"not a date {forms}"),
        _rule(column, well_formed & out_of_reach, "more than 49 years ago or 50 years ahead"),
    ]


# Rules that apply to one kind of entity only.
_OWN_RULES: dict[str, list[Rule]] = {
    "products": [
        *_carrier(),
        *_trade_item(),
        _required("name"),
        _rule("name", pl.col("name").str.strip_chars() == "", "must not be blank"),
        _rule("name", pl.col("name").str.len_chars() > 200, "longer than 200 characters"),
        _rule("name", pl.col("name").str.contains(_CONTROL), "holds a control character"),
    ],
    "lots": [_required("lot_number")],
    "serials": [_required("serial_number"), _cset_82("serial_number")],
}
