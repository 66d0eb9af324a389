"""Which entities have no symbol in a slot, and why.

Expressions over whole columns find the rows that may be at fault, some of which are not. Only those are checked one
by one, with the functions of `gs1` that state the rules and raise the errors.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from catalogue.attributes import BY_AI, Form
from catalogue.imports.rules import gtin14
from exports.jobs.manifest import Row
from exports.requests.export_types import Slot
from exports.symbols.payloads import Carry, Element, carry_gtins_alone, elements, without_blanks
from gs1.cset82 import CSET_82_PATTERN
from gs1.dates import require_day
from gs1.digital_link import DEFAULT_RESOLVER, DOT_SEGMENTS, digital_link
from gs1.element_string import element_string
from gs1.errors import BeforeProduction, CarrierCannotHold, LabelError, MeasureRequired
from gs1.gtin import Carrier
from gs1.resolver import require_resolver
from gs1.symbol_size import Environment
from gs1.trade_item import (
    DOUBTFUL_BESIDE_MEASURE_PATTERN,
    VARIABLE_MEASURES,
    require_open_trade,
    require_trade_item,
)
from gs1.upc_e import SUPPRESSIBLE_PATTERN

_CARRIERS: Mapping[str, Carrier] = {carrier.value: carrier for carrier in Carrier}

_KEYS = frozenset({"01", "10", "21"})
_DATES = ("expiry", "best_before", "production_date")


def refusals(
    slot: Slot,
    resolver: str | None,
    environment: Environment | None,
    rows: pl.DataFrame,
    carry: Carry = None,
) -> dict[int, LabelError]:
    """Return the errors of rows of a manifest that have no symbol in this slot, by their positions from 0.

    What an import refuses is refused here too, because a row may have been stored before the import refused it.
    """
    carried = {} if carry_gtins_alone(slot, rows) else elements(slot, carry)
    refused: dict[int, LabelError] = {}
    doubtful = (
        without_blanks(rows)
        .with_row_index("position")
        .filter(_is_doubtful(slot, resolver, environment, rows, carried))
    )
    found = doubtful.select(
        "position",
        *(pl.struct(ai=each.named("", ""), value=each.value).alias(place) for place, each in carried.items()),
    )
    for row, (_, *values) in zip(doubtful.iter_rows(named=True), found.iter_rows(), strict=True):
        beside = [(each["ai"], each["value"]) for each in values if each["value"]]
        try:
            _require_payload(slot, resolver, environment, row, beside)
        except LabelError as error:
            refused[row["position"]] = error
    return refused


def _is_doubtful(
    slot: Slot,
    resolver: str | None,
    environment: Environment | None,
    rows: pl.DataFrame,
    carried: Mapping[str, Element],
) -> pl.Expr:
    """Return a condition that holds in every row that `_require_payload` refuses, and perhaps in others."""
    # Few products, many labels: each number is looked at once.
    numbers = rows.select(pl.col("gtin14").unique())
    wrong = gtin14(pl.col("gtin14")).ne_missing(pl.col("gtin14"))
    is_doubtful = wrong | pl.col("gtin14").str.contains(f"^(?:{DOUBTFUL_BESIDE_MEASURE_PATTERN})$")
    doubtful = numbers.filter(is_doubtful)
    measures = [value.is_not_null() for place, (_, value) in carried.items() if _is_measure(place)]
    measured = pl.any_horizontal(measures) if measures else pl.lit(value=False)
    doubts = [
        pl.col("gtin14").is_in(doubtful["gtin14"].implode()),
        pl.col("gtin14").str.starts_with("9") & ~measured,
        ~pl.col("carrier").is_in(list(_CARRIERS)),
        (pl.col("carrier") == Carrier.UPCE.value)
        & ~pl.col("gtin14").str.contains(f"^(?:{SUPPRESSIBLE_PATTERN})$"),
        pl.col("before_production").is_not_null(),
        *(~_is_date(value) & (value != "") for place, (_, value) in carried.items() if _is_of_date(place)),
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


def _is_measure(place: str) -> bool:
    return place.replace("n", "0") in VARIABLE_MEASURES


def _is_of_date(place: str) -> bool:
    return place in BY_AI and BY_AI[place].form is Form.DATE


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


def _require_payload(
    slot: Slot,
    resolver: str | None,
    environment: Environment | None,
    row: Row,
    carried: Sequence[tuple[str, str]],
) -> None:
    """Raise a Gs1Error if the row has no payload in this slot. It would be `carried`; a GTIN alone is not among it."""
    gtin_14, carrier = row["gtin14"], row["carrier"]
    declared = None if carrier is None else _declared(carrier)
    try:
        require_trade_item(gtin_14, declared, [ai for ai, _ in carried])
    except MeasureRequired as error:
        if not carried:
            raise
        remedy = f"{error}; it is carried if asset_config.carry has its AI and the catalogue its value"
        raise MeasureRequired(
            remedy, value=error.value, expected=error.expected, field=error.field
        ) from error
    if row["before_production"]:
        _refuse_before_production(row)
    if environment is Environment.HEALTHCARE:
        # Source: GSCN 21-040: from 2025-01-01 dates of regulated healthcare trade items state the day.
        for column in _DATES:
            if row[column]:
                require_day(row[column], column)
    if not carried:
        return
    require_open_trade(gtin_14)
    if slot is Slot.QR:
        keys = dict(carried)
        digital_link(
            resolver or DEFAULT_RESOLVER,
            gtin_14,
            lot=keys.get("10"),
            serial=keys.get("21"),
            attributes=[(ai, value) for ai, value in carried if ai not in _KEYS],
        )
    else:
        element_string(carried)


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
