"""Makes the payloads of an entity's symbols from its row of the manifest."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from exports.requests.export_types import Slot
from gs1.digital_link import DEFAULT_RESOLVER, digital_link
from gs1.element_string import ElementString, element_string, hri
from gs1.gtin import Carrier, carrier_for, native_digits
from gs1.symbol_size import SymbolKind
from gs1.trade_item_message import datamatrix_elements, gs1_128_elements

#: One row of a manifest, by column.
Row: TypeAlias = Mapping[str, Any]


class Payload(NamedTuple):
    """What one symbol carries.

    `data` is what the encoder takes: a link, an element string with FNC1 as 0x1D, or a GTIN's digits.
    `text` is the same for the manifest, `hri` for the label; `elements` are its Application Identifiers with
    their values, of which a GTIN alone has none. `note` says what the carrier leaves out.

    A tuple, because every label has one and creating a frozen dataclass takes three times as long.
    """

    kind: SymbolKind
    data: bytes
    text: str
    hri: str
    elements: ElementString = ()
    note: str = ""


#: (manifest row, the organisation's resolver) -> payload. Raises a Gs1Error where there is none.
PayloadMaker: TypeAlias = Callable[[Row, str | None], Payload]

#: What the catalogue may know of an entity: its name for people, Application Identifier and column.
_KNOWN = (("lot", "10", "lot_number"), ("expiry", "17", "expiry"), ("best before", "15", "best_before"))

_KIND_OF_CARRIER = {
    Carrier.EAN13: SymbolKind.EAN_13,
    Carrier.UPCA: SymbolKind.UPC_A,
    Carrier.EAN8: SymbolKind.EAN_8,
    Carrier.ITF14: SymbolKind.ITF_14,
}


def _digital_link(row: Row, resolver: str | None) -> Payload:
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
        SymbolKind.QR_CODE, link.encode("ascii"), link, hri(elements), elements, _left_out(row, elements)
    )


def _datamatrix(row: Row, resolver: str | None) -> Payload:
    del resolver
    return _message(SymbolKind.GS1_DATAMATRIX, row, datamatrix_elements(*_known(row)))


def _linear(row: Row, resolver: str | None) -> Payload:
    del resolver
    if row["scope"] != "products":
        return _message(SymbolKind.GS1_128, row, gs1_128_elements(*_known(row)))
    declared = Carrier(row["carrier"]) if row["carrier"] else None
    carrier = carrier_for(row["gtin14"], declared)
    digits = native_digits(row["gtin14"], carrier)
    return Payload(_KIND_OF_CARRIER[carrier], digits.encode("ascii"), digits, digits)


PAYLOAD_MAKERS: Mapping[Slot, PayloadMaker] = {
    Slot.QR: _digital_link,
    Slot.DATAMATRIX: _datamatrix,
    Slot.LINEAR: _linear,
}


def _message(kind: SymbolKind, row: Row, elements: ElementString) -> Payload:
    text = hri(elements)
    data = element_string(elements).encode("ascii")
    return Payload(kind, data, text, text, elements, _left_out(row, elements))


def _known(row: Row) -> tuple[str, str | None, str | None, str | None, str | None]:
    return row["gtin14"], row["lot_number"], row["serial_number"], row["expiry"], row["best_before"]


def _left_out(row: Row, elements: ElementString) -> str:
    """Return what the catalogue knows of the entity and the symbol does not say."""
    carried = dict(elements)
    missing = [name for name, ai, column in _KNOWN if row[column] and ai not in carried]
    return f"not carried: {', '.join(missing)}" if missing else ""
