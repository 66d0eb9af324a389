"""What each symbol must carry, stated from the frozen manifest's columns alone.

Nothing here is shared with `exports.symbols.payloads`, which the drawing code uses: a mistake there must not also be
what is expected.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import polars as pl

from exports.errors import SymbolDoesNotDecode
from exports.jobs.manifest import Row
from exports.requests.export_types import Slot
from gs1 import element_string
from gs1.digital_link import DEFAULT_RESOLVER, parse_digital_link
from gs1.element_string import ElementString
from gs1.errors import Gs1Error
from gs1.symbol_size import SymbolKind
from gs1.upc_e import upc_e_of

#: What a request may ask for and the scope's keys, in the order of an element string, with their columns. The last
#: digit of a measure's AI is the number of its decimals.
_COLUMN_OF: Mapping[str, str] = {
    "01": "gtin14",
    "11": "production_date",
    "15": "best_before",
    "17": "expiry",
    "310n": "net_weight_kg",
    "311n": "length_m",
    "312n": "width_m",
    "313n": "height_m",
    "314n": "area_m2",
    "315n": "net_volume_l",
    "316n": "net_volume_m3",
    "320n": "net_weight_lb",
    "10": "lot_number",
    "21": "serial_number",
    "240": "additional_product_identification",
    "242": "made_to_order_variation",
    "30": "variable_count",
    "7003": "expiration_time",
}

#: What symbols of each scope carry whatever was asked for.
_KEYS_OF: Mapping[str, tuple[str, ...]] = {
    "products": ("01",),
    "lots": ("01", "10"),
    "serials": ("01", "21"),
}

#: Application Identifiers by slot and scope if nothing was asked for, in the order of the human-readable text. One whose
#: column is empty is left out, and (15) where there is (17). A product's linear symbol, and that of a GTIN alone, carry digits
#: and no AI.
_AIS_OF: Mapping[tuple[Slot, str], tuple[str, ...]] = {
    (Slot.QR, "products"): ("01",),
    (Slot.QR, "lots"): ("01", "17", "15", "10"),
    (Slot.QR, "serials"): ("01", "17", "15", "10", "21"),
    (Slot.DATAMATRIX, "products"): ("01",),
    (Slot.DATAMATRIX, "lots"): ("01", "17", "15", "10"),
    (Slot.DATAMATRIX, "serials"): ("01", "17", "15", "10", "21"),
    (Slot.DATAMATRIX_RECTANGULAR, "products"): ("01",),
    (Slot.DATAMATRIX_RECTANGULAR, "lots"): ("01", "17", "15", "10"),
    (Slot.DATAMATRIX_RECTANGULAR, "serials"): ("01", "17", "15", "10", "21"),
    (Slot.LINEAR, "products"): (),
    (Slot.LINEAR, "lots"): ("01", "17", "15", "10"),
    (Slot.LINEAR, "serials"): ("01", "21"),
    (Slot.GTIN, "products"): (),
    (Slot.GTIN, "lots"): (),
    (Slot.GTIN, "serials"): (),
}

#: Elements of no predefined length, which FNC1 ends if another follows.
_UNTIL_FNC1 = frozenset({"10", "21", "240", "242", "30", "7003"})

_KIND_OF = {
    Slot.QR: SymbolKind.QR_CODE,
    Slot.DATAMATRIX: SymbolKind.GS1_DATAMATRIX,
    Slot.DATAMATRIX_RECTANGULAR: SymbolKind.GS1_DATAMATRIX_RECTANGULAR,
}

#: Symbols of a GTIN alone by the catalogue's word for them: how many digits they have. Shortest first.
_CARRIERS: Mapping[str, tuple[SymbolKind, int]] = {
    "ean8": (SymbolKind.EAN_8, 8),
    "upca": (SymbolKind.UPC_A, 12),
    "ean13": (SymbolKind.EAN_13, 13),
    "itf14": (SymbolKind.ITF_14, 14),
}

#: What the note calls Application Identifiers that some symbols carry and others leave out, in its order. Behind the
#: fifth, it names only those that were asked for.
_NAMES: Mapping[str, str] = {
    "10": "lot",
    "21": "serial",
    "17": "expiry",
    "15": "best before",
    "11": "production date",
    "310n": "net weight in kg",
    "311n": "length in m",
    "312n": "width in m",
    "313n": "height in m",
    "314n": "area in m²",
    "315n": "net volume in l",
    "316n": "net volume in m³",
    "320n": "net weight in lb",
    "240": "additional identification",
    "242": "made-to-order variation",
    "30": "variable count",
    "7003": "expiry time",
}
_ALWAYS_NAMED = frozenset(list(_NAMES)[:5])


class Carried(NamedTuple):
    """What one symbol must carry: `elements` of a message or a link, or only `digits`, and then no elements.

    `resolver` is the link's, and empty for other symbols. `left_out` is what the note names as known of the entity and not
    carried, `without_value` what was asked for and is not known.
    """

    kind: SymbolKind
    elements: ElementString
    digits: str
    resolver: str
    left_out: tuple[str, ...]
    without_value: tuple[str, ...] = ()

    @property
    def hri(self) -> str:
        """The human-readable text."""
        return "".join(self.hri_elements)

    @property
    def hri_elements(self) -> list[str]:
        """The elements of the human-readable text, between which lines may be broken."""
        return [f"({ai}){value}" for ai, value in self.elements] or [self.shown_digits]

    @property
    def shown_digits(self) -> str:
        """The digits as people read them."""
        return _shown(self.kind, self.digits)


def of_row(slot: Slot, row: Row, resolver: str | None, carry: Sequence[str] | None = None) -> Carried:
    """Return what the slot's symbol of this row of the manifest must carry, if `carry` was asked for."""
    ais = _ais(slot, row["scope"], carry)
    present = [ai for ai in ais if row[_COLUMN_OF[ai]]]
    if carry is None and row["expiry"]:
        present = [ai for ai in present if ai != "15"]
    if not ais:
        kind, digits = _alone(row["gtin14"], row["carrier"])
        return Carried(kind, (), digits, "", _left_out(row, (), carry))
    return Carried(
        kind=_KIND_OF.get(slot, SymbolKind.GS1_128),
        elements=tuple(_element(ai, row[_COLUMN_OF[ai]]) for ai in present),
        digits="",
        resolver=(resolver or DEFAULT_RESOLVER).rstrip("/") if slot is Slot.QR else "",
        left_out=_left_out(row, present, carry),
        without_value=tuple(
            name for ai, name in _NAMES.items() if ai in (carry or ()) and not row[_COLUMN_OF[ai]]
        ),
    )


def _ais(slot: Slot, scope: str, carry: Sequence[str] | None) -> tuple[str, ...]:
    """Return what the slot's symbols carry of an entity that has all values; nothing if they carry digits alone."""
    usual = _AIS_OF[slot, scope]
    if carry is None or not usual:
        return usual
    return tuple(ai for ai in _COLUMN_OF if ai in _KEYS_OF[scope] or ai in carry)


def _element(ai: str, value: str) -> tuple[str, str]:
    """Return the element of a manifest's value: its decimals are told by the AI, and times are YYMMDDhhmm."""
    if ai.endswith("n"):
        whole, _, decimals = value.partition(".")
        return f"{ai[:-1]}{len(decimals)}", f"{int(whole + decimals):06d}"
    if ai == "7003":
        return ai, f"{datetime.fromisoformat(value):%y%m%d%H%M}"
    return ai, value


def place_of(ai: str, carry: Sequence[str] | None) -> str:
    """Return where an element stands on labels: decimals of a measure aside, and both dates in one place if only one is carried."""
    if carry is None and ai == "15":
        return "17"
    return next((place for place in _COLUMN_OF if place.endswith("n") and place[:-1] == ai[:-1]), ai)


def _left_out(row: Row, present: Collection[str], carry: Sequence[str] | None) -> tuple[str, ...]:
    told = _ALWAYS_NAMED.union(carry or ())
    return tuple(
        name for ai, name in _NAMES.items() if ai in told and ai not in present and row[_COLUMN_OF[ai]]
    )


class Columns(NamedTuple):
    """The symbols of some rows: the kind of each, its message or its digits, and its human-readable text."""

    kinds: Sequence[SymbolKind]
    messages: Sequence[str]
    texts: Sequence[str]


def columns(slot: Slot, scope: str, rows: pl.DataFrame, carry: Sequence[str] | None = None) -> Columns:
    """Return what `of_row` does, if nothing was asked for a column at a time.

    FNC1 is 0x1D. The message is not that of a link.
    """
    ais = _AIS_OF[slot, scope]
    if not ais:
        alone = [_alone(*row) for row in rows.select("gtin14", "carrier").iter_rows()]
        texts = [_shown(kind, digits) for kind, digits in alone]
        return Columns([kind for kind, _ in alone], [digits for _, digits in alone], texts)
    kinds = [_KIND_OF.get(slot, SymbolKind.GS1_128)] * rows.height
    if carry is not None:
        asked = [of_row(slot, row, None, carry) for row in rows.iter_rows(named=True)]
        return Columns(kinds, [_message(each.elements) for each in asked], [each.hri for each in asked])
    present = {ai: pl.col(_COLUMN_OF[ai]).fill_null("") != "" for ai in ais}
    if "15" in ais:
        present["15"] &= ~present["17"]
    message, text = [pl.lit("\x1d")], []
    for place, ai in enumerate(ais):
        value = pl.col(_COLUMN_OF[ai])
        follows = (
            pl.any_horizontal(present[later] for later in ais[place + 1 :])
            if ais[place + 1 :]
            else pl.lit(False)
        )
        ends = pl.when(follows & pl.lit(ai in _UNTIL_FNC1)).then(pl.lit("\x1d")).otherwise(pl.lit(""))
        message.append(
            pl.when(present[ai]).then(pl.concat_str(pl.lit(ai), value, ends)).otherwise(pl.lit(""))
        )
        text.append(pl.when(present[ai]).then(pl.format(f"({ai}){{}}", value)).otherwise(pl.lit("")))
    made = rows.select(pl.concat_str(message).alias("message"), pl.concat_str(text).alias("text"))
    return Columns(kinds, made["message"].to_list(), made["text"].to_list())


def _message(elements: ElementString) -> str:
    parts = [f"{ai}{value}" + ("\x1d" if ai in _UNTIL_FNC1 else "") for ai, value in elements]
    return "\x1d" + "".join(parts).removesuffix("\x1d")


def _alone(gtin_14: str, declared: str | None) -> tuple[SymbolKind, str]:
    """Return the symbol and the digits of a GTIN alone: the declared one if it can hold it, or else the shortest.

    UPC-E is drawn where it is declared only, and stands for the digits of a UPC-A.
    """
    if declared == "upce":
        return SymbolKind.UPC_E, gtin_14[-12:]
    significant = gtin_14.lstrip("0")
    preferred = [_CARRIERS[declared]] if declared else []
    kind, digits = next(
        (kind, digits) for kind, digits in [*preferred, *_CARRIERS.values()] if len(significant) <= digits
    )
    return kind, gtin_14[-digits:]


def _shown(kind: SymbolKind, digits: str) -> str:
    """Return the digits as people read them: a UPC-E shows eight that stand for the twelve."""
    return (upc_e_of(digits) or "") if kind is SymbolKind.UPC_E else digits


def require_carried(name: str, message: bytes, carried: Carried) -> str:
    """Return what was decoded, as the manifest must tell it: the link, the digits, or the bracketed elements.

    An opening parenthesis within a value is written as backslash and parenthesis.

    `message` has no FNC1 in first place, which shows in the symbology identifier instead. Raises
    SymbolDoesNotDecode unless it says exactly what the symbol must carry.
    """
    try:
        text = message.decode("ascii")
        if carried.digits:
            # A UPC-A, and the one that a UPC-E stands for, is decoded as the EAN-13 it also is.
            leading = "0" if carried.kind in {SymbolKind.UPC_A, SymbolKind.UPC_E} else ""
            _require_equal(name, text, leading + carried.digits)
            return carried.digits
        if carried.kind is SymbolKind.QR_CODE:
            resolver, elements = parse_digital_link(text)
            _require_equal(name, resolver, carried.resolver)
        else:
            elements = element_string.parse(text)
    except (Gs1Error, UnicodeDecodeError) as error:
        raise SymbolDoesNotDecode(f"{name} says {message!r}: {error}", value=message) from error
    _require_equal(name, sorted(elements), sorted(carried.elements))
    if carried.kind is SymbolKind.QR_CODE:
        return text
    escaped = [(ai, value.replace("(", r"\(")) for ai, value in carried.elements]
    return "".join(f"({ai}){value}" for ai, value in escaped)


def _require_equal(name: str, found: object, expected: object) -> None:
    if found != expected:
        raise SymbolDoesNotDecode(
            f"{name} says {found!r}, not {expected!r}", value=found, expected=str(expected)
        )
