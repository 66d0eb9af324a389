"""What the symbols of entities carry, as columns beside the rows of a manifest.

The columns of a slot: `kind`, the symbology; `data`, what the encoder takes: a link, an element string with FNC1 as
0x1D, or the digits of a GTIN; `text`, the same for the manifest, an element string with its AIs in parentheses;
`title`, which names the picture; a column for each kind of note; and the elements of the human-readable text as
`(AI)value`, null where the label lacks one.

The elements' columns are called by `PLACES`. Digits of a GTIN alone have no AI, so their column is ""; of a UPC-E,
which stands for the twelve digits of `data` and `text`, it has the eight that are shown. If nothing was asked for in
`asset_config.carry`, a label has one date at most, and (15) is in the column of (17).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

import polars as pl

from catalogue.attributes import BY_AI, LATER, Attribute, Form
from exports.requests.export_types import Slot
from exports.symbols.notes import NOTES, NoteCode, noted
from gs1.application_identifiers import APPLICATION_IDENTIFIERS
from gs1.digital_link import DEFAULT_RESOLVER, ESCAPES
from gs1.element_string import FNC1
from gs1.gtin import DIGITS, Carrier
from gs1.symbol_size import SymbolKind
from gs1.trade_item import COUPON_PATTERN, RESTRICTED_PATTERN
from gs1.trade_item_message import place_of
from gs1.upc_e import SUPPRESSIONS

#: What a request asks to be carried beside the keys of its scope, as AIs; None where it does not ask.
Carry: TypeAlias = tuple[str, ...] | None


def _any_of(place: str) -> str:
    """Return an Application Identifier of this place: those of a measure differ in their decimals alone."""
    return place.replace("n", "0")


#: The columns of a label's elements, in the order of an element string.
PLACES = ("", *sorted({"01", "10", "21", *BY_AI}, key=lambda place: place_of(_any_of(place))))

#: Columns of the manifest that may be empty. The label then lacks the element too.
OPTIONAL = ("lot_number", "serial_number", "expiry", "best_before", "production_date")

_NAMES: Mapping[str, str] = {
    SymbolKind.QR_CODE.value: "QR Code",
    SymbolKind.GS1_DATAMATRIX.value: "GS1 DataMatrix",
    SymbolKind.EAN_13.value: "EAN-13",
    SymbolKind.UPC_A.value: "UPC-A",
    SymbolKind.EAN_8.value: "EAN-8",
    SymbolKind.ITF_14.value: "ITF-14",
    SymbolKind.GS1_128.value: "GS1-128",
    SymbolKind.UPC_E.value: "UPC-E",
    SymbolKind.GS1_DATAMATRIX_RECTANGULAR.value: "GS1 DataMatrix",
}

_KIND_OF_SLOT = {
    Slot.QR: SymbolKind.QR_CODE,
    Slot.DATAMATRIX: SymbolKind.GS1_DATAMATRIX,
    Slot.DATAMATRIX_RECTANGULAR: SymbolKind.GS1_DATAMATRIX_RECTANGULAR,
    Slot.LINEAR: SymbolKind.GS1_128,
}

_KIND_OF_CARRIER = {
    Carrier.EAN13.value: SymbolKind.EAN_13.value,
    Carrier.UPCA.value: SymbolKind.UPC_A.value,
    Carrier.EAN8.value: SymbolKind.EAN_8.value,
    Carrier.ITF14.value: SymbolKind.ITF_14.value,
    Carrier.UPCE.value: SymbolKind.UPC_E.value,
}

#: How many zeros a GTIN of 14 digits begins with, at least, if the symbol can carry it.
_ZEROS_OF_CARRIER = {carrier.value: 14 - digits for carrier, digits in DIGITS.items()}

#: What the catalogue may know of an entity: its name for people, Application Identifier and column.
_KNOWN = (
    ("lot", "10", "lot_number"),
    ("serial", "21", "serial_number"),
    ("expiry", "17", "expiry"),
    ("best before", "15", "best_before"),
    ("production date", "11", "production_date"),
)
_KNOWN_LATER = tuple((each.name, each.ai, each.column) for each in LATER)


class Element(NamedTuple):
    """The Application Identifier, of all rows or of each, and the value of each row, null where there is none."""

    ai: str | pl.Expr
    value: pl.Expr

    def named(self, opening: str, closing: str) -> pl.Expr:
        """Return the identifiers between two texts. If all are the same, values are joined to one text, which is faster."""
        if isinstance(self.ai, str):
            return pl.lit(f"{opening}{self.ai}{closing}")
        return pl.concat_str([pl.lit(opening), self.ai, pl.lit(closing)])


def payloads(slot: Slot, resolver: str | None, rows: pl.DataFrame, carry: Carry = None) -> pl.DataFrame:
    """Return the slot's columns for rows of a manifest, all of one scope. `resolver` is the organisation's.

    Nothing is checked. The columns mean nothing in rows that `exports.symbols.refusals` refuses.
    """
    known = without_blanks(rows)
    if carry_gtins_alone(slot, rows):
        carried = _gtins_alone(known, carry)
    else:
        carried = known.select(**_columns(slot, resolver or DEFAULT_RESOLVER, carry))
    return carried.with_columns(title=pl.col("kind").replace_strict(_NAMES) + " " + hri(carried))


def carry_gtins_alone(slot: Slot, rows: pl.DataFrame) -> bool:
    """Return whether the slot's symbols of these rows carry a GTIN and nothing else."""
    return slot is Slot.GTIN or (slot is Slot.LINEAR and (rows["scope"] == "products").all())


def without_blanks(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of a manifest with null in place of texts without characters."""
    return rows.with_columns(pl.when(pl.col(name) != "").then(pl.col(name)) for name in OPTIONAL)


def hri(carried: pl.DataFrame) -> pl.Expr:
    """Return the human-readable text of the symbols that have these columns."""
    return pl.concat_str([place for place in PLACES if place in carried.columns], ignore_nulls=True)


def elements(slot: Slot, carry: Carry) -> dict[str, Element]:
    """Return the elements that the slot's symbols carry, by place, in the order of an element string."""
    values = _default_values(slot) if carry is None else _asked_values(carry)
    return {
        place: Element(place, values[place]) if place not in BY_AI else _element(BY_AI[place], values[place])
        for place in sorted(values, key=PLACES.index)
    }


def _default_values(slot: Slot) -> dict[str, pl.Expr]:
    """Return what symbols carry that nothing was asked of.

    If both dates are known, the symbol carries the expiry: safety goes before quality. A linear symbol has little
    room: with a serial it carries neither lot nor date.
    """
    serial, expiry = pl.col("serial_number"), pl.col("expiry")
    values = {
        "01": pl.col("gtin14"),
        "17": expiry,
        "15": pl.when(expiry.is_null()).then(pl.col("best_before")),
        "10": pl.col("lot_number"),
        "21": serial,
    }
    if slot is Slot.LINEAR:
        values |= {ai: pl.when(serial.is_null()).then(values[ai]) for ai in ("17", "15", "10")}
    return values


def _asked_values(carry: tuple[str, ...]) -> dict[str, pl.Expr]:
    """Return the keys of the scope, and what was asked for. The lot is a key where there is no serial."""
    lot, serial = pl.col("lot_number"), pl.col("serial_number")
    return {
        "01": pl.col("gtin14"),
        "10": lot if "10" in carry else pl.when(serial.is_null()).then(lot),
        "21": serial,
        **{ai: pl.col(BY_AI[ai].manifest_column) for ai in carry if ai in BY_AI},
    }


def _element(attribute: Attribute, value: pl.Expr) -> Element:
    """Return the element of a manifest's column."""
    match attribute.form:
        case Form.MEASURE:
            decimals = value.str.extract(r"\.([0-9]+)$").str.len_bytes().fill_null(0)
            ai = pl.lit(attribute.ai.removesuffix("n")) + decimals.cast(pl.String)
            return Element(ai, value.str.replace(".", "", literal=True).str.zfill(6))
        case Form.TIME:
            return Element(attribute.ai, value.str.replace_all("[-T:]", "").str.slice(2))
        case _:
            return Element(attribute.ai, value)


def _columns(slot: Slot, resolver: str, carry: Carry) -> dict[str, pl.Expr]:
    found = elements(slot, carry)
    is_link = slot is Slot.QR
    shown = {place: each.named("(", ")") + each.value for place, each in found.items()}
    if carry is None:
        shown["17"] = pl.coalesce(shown["17"], shown.pop("15"))
    return {
        "kind": pl.lit(_KIND_OF_SLOT[slot].value),
        "data": _link(resolver, found) if is_link else _message(found),
        "text": _link(resolver, found) if is_link else bracketed(found.values()),
        **shown,
        **_notes({place: value for place, (_, value) in found.items()}, carry),
        **_no_value(carry),
    }


def _link(resolver: str, found: Mapping[str, Element]) -> pl.Expr:
    """Return the Digital Link as `gs1.digital_link.digital_link` writes it."""
    path = [
        pl.lit(f"/{place}/") + _escaped(found[place].value) for place in ("01", "10", "21") if place in found
    ]
    return _concatenated([pl.lit(resolver.rstrip("/")), *path, *_query(found)])


def _query(found: Mapping[str, Element]) -> Iterator[pl.Expr]:
    """Yield the attributes of the link, which ascend as text: those of a measure differ in their last digit alone."""
    before: list[pl.Expr] = []
    for place, each in sorted(found.items()):
        if place in {"01", "10", "21"}:
            continue
        opening = each.named("?", "=")
        if before:
            opening = pl.when(pl.any_horizontal(before)).then(each.named("&", "=")).otherwise(opening)
        yield opening + (_escaped(each.value) if place == "240" else each.value)
        before.append(each.value.is_not_null())


def _escaped(value: pl.Expr) -> pl.Expr:
    return value.str.replace_many(list(ESCAPES), list(ESCAPES.values()))


def _message(found: Mapping[str, Element]) -> pl.Expr:
    """Return the message as `gs1.element_string.element_string` writes it.

    Elements of no predefined length come last, so a separator is needed before each that follows another one.
    """
    parts: list[pl.Expr] = [pl.lit(FNC1)]
    before: list[pl.Expr] = []
    for place, each in found.items():
        if APPLICATION_IDENTIFIERS[_any_of(place)].needs_separator:
            if before:
                follows = pl.any_horizontal(before) & each.value.is_not_null()
                parts.append(pl.when(follows).then(pl.lit(FNC1)))
            before.append(each.value.is_not_null())
        parts.append(each.named("", "") + each.value)
    return _concatenated(parts)


def bracketed(found: Iterable[Element]) -> pl.Expr:
    """Return elements as `gs1.element_string.bracketed` writes them."""
    return _concatenated(
        each.named("(", ")") + each.value.str.replace_all("(", r"\(", literal=True) for each in found
    )


def _concatenated(parts: Iterable[pl.Expr]) -> pl.Expr:
    return pl.concat_str(parts, ignore_nulls=True)


def _gtins_alone(rows: pl.DataFrame, carry: Carry) -> pl.DataFrame:
    """Return the columns of symbols that carry a GTIN and nothing else: see `gs1.gtin.carrier_for`."""
    gtin = pl.col("gtin14")
    zeros = pl.lit(14) - gtin.str.strip_chars_start("0").str.len_bytes()
    needed = pl.col("carrier").replace_strict(_ZEROS_OF_CARRIER, default=None, return_dtype=pl.Int64)
    carrier = (
        pl.when(zeros >= _ZEROS_OF_CARRIER[Carrier.EAN8.value])
        .then(pl.lit(Carrier.EAN8.value))
        .when(zeros >= needed)
        .then(pl.col("carrier"))
        .when(zeros == 0)
        .then(pl.lit(Carrier.ITF14.value))
        .when(zeros == 1)
        .then(pl.lit(Carrier.EAN13.value))
        .otherwise(pl.lit(Carrier.UPCA.value))
    )
    restricted = gtin.str.contains(f"^(?:{RESTRICTED_PATTERN})$")
    coupon = gtin.str.contains(f"^(?:{COUPON_PATTERN})$") & ~restricted
    kind = carrier.replace_strict(_KIND_OF_CARRIER)
    chosen = rows.select(
        kind.alias("kind"),
        gtin.str.slice(carrier.replace_strict(_ZEROS_OF_CARRIER)).alias("data"),
        noted(NoteCode.RESTRICTED_CIRCULATION, restricted),
        noted(NoteCode.COUPON_OR_REFUND, coupon),
        **_notes({}, carry),
    )
    shown = (
        pl.when(pl.col("kind") == SymbolKind.UPC_E.value)
        .then(_suppressed(pl.col("data")))
        .otherwise(pl.col("data"))
    )
    return chosen.with_columns(pl.col("data").alias("text"), shown.alias(""))


def _suppressed(upc_a: pl.Expr) -> pl.Expr:
    """Return the UPC-E numbers of UPC-As as `gs1.upc_e.upc_e_of` does. A UPC-A that has none is left as it is."""
    for pattern, order, last in SUPPRESSIONS:
        groups = "".join(f"${{{group}}}" for group in order)
        upc_a = upc_a.str.replace(f"^{pattern}([0-9])$", f"0{groups}{last}${{{len(order) + 1}}}")
    return upc_a


def _notes(values: Mapping[str, pl.Expr], carry: Carry) -> dict[str, pl.Expr]:
    """Return what the catalogue knows of an entity and its symbol does not say, and whether it had expired."""
    known = (*_KNOWN, *(each for each in _KNOWN_LATER if each[1] in (carry or ())))
    left_out = [
        pl.when(pl.col(column).is_not_null() & values.get(ai, pl.lit(None)).is_null()).then(pl.lit(name))
        for name, ai, column in known
    ]
    return {
        NoteCode.NOT_CARRIED.value: _listed(NoteCode.NOT_CARRIED, left_out),
        NoteCode.EXPIRED.value: pl.when(pl.col("expired")).then(pl.lit(NOTES[NoteCode.EXPIRED])),
    }


def _no_value(carry: Carry) -> dict[str, pl.Expr]:
    """Return what was asked for and is not known of an entity."""
    if not carry:
        return {}
    absent = [
        pl.when(pl.col(column).is_null()).then(pl.lit(name))
        for name, ai, column in (*_KNOWN, *_KNOWN_LATER)
        if ai in carry
    ]
    return {NoteCode.NO_VALUE.value: _listed(NoteCode.NO_VALUE, absent)}


def _listed(code: NoteCode, names: Iterable[pl.Expr]) -> pl.Expr:
    """Return the note that lists the names, null if there are none."""
    text = pl.concat_str(names, separator=", ", ignore_nulls=True)
    return pl.when(text != "").then(pl.format(NOTES[code], text))
