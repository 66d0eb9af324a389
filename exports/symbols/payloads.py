"""Makes the payloads of an entity's symbols from its row of the manifest."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from exports.requests.export_types import Slot
from exports.symbols.notes import Note, NoteCode
from gs1.dates import require_day
from gs1.digital_link import DEFAULT_RESOLVER, digital_link
from gs1.element_string import FNC1, ElementString, bracketed, element_string, hri
from gs1.errors import BeforeProduction, CarrierCannotHold, RestrictedCirculation
from gs1.gtin import Carrier, carrier_for, native_digits
from gs1.symbol_size import Environment, SymbolKind
from gs1.trade_item import open_trade_fault, require_open_trade, require_trade_item
from gs1.trade_item_message import datamatrix_elements, gs1_128_elements

#: One row of a manifest, by column.
Row: TypeAlias = Mapping[str, Any]


class Payload(NamedTuple):
    """What one symbol carries.

    `data` is what the encoder takes: a link, an element string with FNC1 as 0x1D, or a GTIN's digits.
    `text` is the same for the manifest, an element string with its AIs in parentheses; `hri` is it for the label.
    `elements` are its Application Identifiers with their values, of which a GTIN alone has none. `notes` say what
    the carrier leaves out, and the like.

    A tuple, because every label has one and creating a frozen dataclass takes three times as long.
    """

    kind: SymbolKind
    data: bytes
    text: str
    hri: str
    elements: ElementString = ()
    notes: tuple[Note, ...] = ()

    @property
    def message(self) -> str:
        """What is encoded, character by character, with `^` for FNC1: no link and no value holds a `^`."""
        return self.data.decode("ascii").replace(FNC1, "^")


#: (manifest row, the organisation's resolver) -> payload. Raises a Gs1Error where there is none.
PayloadMaker: TypeAlias = Callable[[Row, str | None], Payload]

#: What the catalogue may know of an entity: its name for people, Application Identifier and column.
_KNOWN = (
    ("lot", "10", "lot_number"),
    ("expiry", "17", "expiry"),
    ("best before", "15", "best_before"),
    ("production date", "11", "production_date"),
)

#: Columns of dates.
_DATES = tuple(column for _, ai, column in _KNOWN if ai != "10")

_CARRIERS: Mapping[str, Carrier] = {carrier.value: carrier for carrier in Carrier}

_KIND_OF_CARRIER = {
    Carrier.EAN13: SymbolKind.EAN_13,
    Carrier.UPCA: SymbolKind.UPC_A,
    Carrier.EAN8: SymbolKind.EAN_8,
    Carrier.ITF14: SymbolKind.ITF_14,
}


def payload_maker(
    slot: Slot, resolver: str | None, environment: Environment | None = None
) -> Callable[[Row], Payload]:
    """Return the function that makes the payload of a row, for symbols in this environment.

    It raises a Gs1Error where the row has none: what an import refuses is refused here too, because the row
    may have been stored before the import refused it.
    """
    make = _PAYLOAD_MAKERS[slot]
    states_days = environment is Environment.HEALTHCARE

    def payload(row: Row) -> Payload:
        _require_trade_item(row["gtin14"], row["carrier"])
        if row["before_production"]:
            _refuse_before_production(row)
        if states_days:
            _require_days(row)
        return make(row, resolver)

    return payload


def _digital_link(row: Row, resolver: str | None) -> Payload:
    _require_open_trade(row["gtin14"])
    link = digital_link(
        resolver or DEFAULT_RESOLVER,
        row["gtin14"],
        lot=row["lot_number"],
        serial=row["serial_number"],
        expiry=row["expiry"],
        best_before=row["best_before"],
    )
    elements = datamatrix_elements(*_known(row))
    return Payload(
        SymbolKind.QR_CODE, link.encode("ascii"), link, hri(elements), elements, _notes(row, elements)
    )


def _datamatrix(row: Row, resolver: str | None) -> Payload:
    del resolver
    return _message(SymbolKind.GS1_DATAMATRIX, row, datamatrix_elements(*_known(row)))


def _linear(row: Row, resolver: str | None) -> Payload:
    del resolver
    if row["scope"] != "products":
        return _message(SymbolKind.GS1_128, row, gs1_128_elements(*_known(row)))
    gtin_14 = row["gtin14"]
    carrier = carrier_for(gtin_14, _declared(row["carrier"]))
    digits = native_digits(gtin_14, carrier)
    return Payload(
        _KIND_OF_CARRIER[carrier], digits.encode("ascii"), digits, digits, notes=_open_trade_notes(gtin_14)
    )


_PAYLOAD_MAKERS: Mapping[Slot, PayloadMaker] = {
    Slot.QR: _digital_link,
    Slot.DATAMATRIX: _datamatrix,
    Slot.LINEAR: _linear,
}


def _message(kind: SymbolKind, row: Row, elements: ElementString) -> Payload:
    _require_open_trade(row["gtin14"])
    data = element_string(elements).encode("ascii")
    return Payload(kind, data, bracketed(elements), hri(elements), elements, _notes(row, elements))


def _known(row: Row) -> tuple[str, str | None, str | None, str | None, str | None]:
    return row["gtin14"], row["lot_number"], row["serial_number"], row["expiry"], row["best_before"]


# Few products, many labels: each is looked at once.
_require_open_trade = lru_cache(maxsize=65_536)(require_open_trade)


@lru_cache(maxsize=65_536)
def _require_trade_item(gtin_14: str, carrier: str | None) -> None:
    require_trade_item(gtin_14, _declared(carrier))


def _declared(carrier: str | None) -> Carrier | None:
    if carrier is None:
        return None
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


def _require_days(row: Row) -> None:
    """Raise DayRequired where a date is known by its month alone.

    Source: GSCN 21-040: from 2025-01-01 dates of regulated healthcare trade items state the day.
    """
    for column in _DATES:
        if row[column]:
            require_day(row[column], column)


def _notes(row: Row, elements: ElementString) -> tuple[Note, ...]:
    """Return what the catalogue knows of the entity and the symbol does not say, and whether it had expired."""
    carried = dict(elements)
    missing = tuple(name for name, ai, column in _KNOWN if row[column] and ai not in carried)
    notes = (_not_carried(missing),) if missing else ()
    return (*notes, Note(NoteCode.EXPIRED)) if row["expired"] else notes


@lru_cache
def _not_carried(names: tuple[str, ...]) -> Note:
    return Note(NoteCode.NOT_CARRIED, ", ".join(names))


@lru_cache(maxsize=65_536)
def _open_trade_notes(gtin_14: str) -> tuple[Note, ...]:
    fault = open_trade_fault(gtin_14)
    if fault is None:
        return ()
    restricted = isinstance(fault, RestrictedCirculation)
    return (Note(NoteCode.RESTRICTED_CIRCULATION if restricted else NoteCode.COUPON_OR_REFUND),)
