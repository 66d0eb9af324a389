"""Which entities have no symbol in a slot, and why.

Expressions over whole columns find the rows that may be at fault, some of which are not. Only those are checked one
by one, with the functions of `gs1` that state the rules and raise the errors.
"""

from collections.abc import Mapping

import polars as pl

from catalogue.imports.rules import gtin14
from exports.jobs.manifest import Row
from exports.requests.export_types import Slot, carries_gtin_alone
from gs1.cset82 import CSET_82_PATTERN
from gs1.dates import require_day
from gs1.digital_link import DEFAULT_RESOLVER, DOT_SEGMENTS, digital_link
from gs1.element_string import element_string
from gs1.errors import BeforeProduction, CarrierCannotHold, LabelError
from gs1.gtin import Carrier
from gs1.resolver import require_resolver
from gs1.symbol_size import Environment
from gs1.trade_item import DOUBTFUL_PATTERN, require_open_trade, require_trade_item
from gs1.trade_item_message import datamatrix_elements, gs1_128_elements

_CARRIERS: Mapping[str, Carrier] = {carrier.value: carrier for carrier in Carrier}

_CARRIED_DATES = ("expiry", "best_before")
_DATES = (*_CARRIED_DATES, "production_date")


def refusals(
    slot: Slot, resolver: str | None, environment: Environment | None, rows: pl.DataFrame
) -> dict[int, LabelError]:
    """Return the errors of rows of a manifest that have no symbol in this slot, by their positions from 0.

    What an import refuses is refused here too, because a row may have been stored before the import refused it.
    """
    refused: dict[int, LabelError] = {}
    doubtful = rows.with_row_index("position").filter(_is_doubtful(slot, resolver, environment, rows))
    for row in doubtful.iter_rows(named=True):
        try:
            _require_payload(slot, resolver, environment, row)
        except LabelError as error:
            refused[row["position"]] = error
    return refused


def _is_doubtful(
    slot: Slot, resolver: str | None, environment: Environment | None, rows: pl.DataFrame
) -> pl.Expr:
    """Return a condition that holds in every row that `_require_payload` refuses, and perhaps in others."""
    # Few products, many labels: each number is looked at once.
    numbers = rows.select(pl.col("gtin14").unique())
    wrong = gtin14(pl.col("gtin14")).ne_missing(pl.col("gtin14"))
    doubtful = numbers.filter(wrong | pl.col("gtin14").str.contains(f"^(?:{DOUBTFUL_PATTERN})$"))
    doubts = [
        pl.col("gtin14").is_in(doubtful["gtin14"].implode()),
        ~pl.col("carrier").is_in(list(_CARRIERS)),
        pl.col("before_production").is_not_null(),
        *(~_is_date(pl.col(column)) & (pl.col(column) != "") for column in _CARRIED_DATES),
        *(
            ~pl.col(column).str.contains(f"^(?:{CSET_82_PATTERN})?$")
            for column in ("lot_number", "serial_number")
        ),
    ]
    if environment is Environment.HEALTHCARE:
        doubts += [pl.col(column).str.ends_with("00") for column in _DATES]
    if slot is Slot.QR:
        doubts += [pl.col(column).is_in(list(DOT_SEGMENTS)) for column in ("lot_number", "serial_number")]
        doubts.append(pl.lit(not _is_resolver(resolver)))
    return pl.any_horizontal(doubt.fill_null(value=False) for doubt in doubts)


def _is_date(text: pl.Expr) -> pl.Expr:
    """Return whether the text is YYMMDD, day 00 included. The years are 2000 to 2099, as in `gs1.dates`."""
    date = (pl.lit("20") + text.str.replace("00$", "01")).str.to_date("%Y%m%d", strict=False)
    return text.str.contains("^[0-9]{6}$") & date.is_not_null()


def _is_resolver(resolver: str | None) -> bool:
    try:
        require_resolver(resolver or DEFAULT_RESOLVER)
    except LabelError:
        return False
    return True


def _require_payload(slot: Slot, resolver: str | None, environment: Environment | None, row: Row) -> None:
    """Raise a Gs1Error if the row has no payload in this slot."""
    gtin_14, carrier = row["gtin14"], row["carrier"]
    require_trade_item(gtin_14, None if carrier is None else _declared(carrier))
    if row["before_production"]:
        _refuse_before_production(row)
    if environment is Environment.HEALTHCARE:
        # Source: GSCN 21-040: from 2025-01-01 dates of regulated healthcare trade items state the day.
        for column in _DATES:
            if row[column]:
                require_day(row[column], column)
    if carries_gtin_alone(slot, row["scope"]):
        return
    require_open_trade(gtin_14)
    lot, serial, expiry, best_before = (
        row[column] for column in ("lot_number", "serial_number", "expiry", "best_before")
    )
    if slot is Slot.QR:
        digital_link(
            resolver or DEFAULT_RESOLVER,
            gtin_14,
            lot=lot,
            serial=serial,
            expiry=expiry,
            best_before=best_before,
        )
    else:
        elements = gs1_128_elements if slot is Slot.LINEAR else datamatrix_elements
        element_string(elements(gtin_14, lot, serial, expiry, best_before))


def _declared(carrier: str) -> Carrier:
    if carrier not in _CARRIERS:
        raise CarrierCannotHold(
            f"{carrier!r} is no carrier: expected one of {', '.join(_CARRIERS)}",
            value=carrier,
            expected=", ".join(_CARRIERS),
            field="carrier",
        )
    return _CARRIERS[carrier]


def _refuse_before_production(row: Row) -> None:
    column = row["before_production"]
    value = row["expiry" if column == "expiration_date" else "best_before"]
    raise BeforeProduction(
        f"{column} {value} is before production_date {row['production_date']}",
        value=value,
        expected=f"{row['production_date']} or later",
        field=column,
    )
