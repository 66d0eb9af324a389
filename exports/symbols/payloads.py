"""What the symbols of entities carry, as columns beside the rows of a manifest.

The columns of a slot: `kind`, the symbology; `data`, what the encoder takes: a link, an element string with FNC1 as
0x1D, or the digits of a GTIN; `text`, the same for the manifest, an element string with its AIs in parentheses;
`title`, which names the picture; a column for each kind of note; and the elements of the human-readable text as
`(AI)value`, null where the label lacks one.

The elements' columns are called by `PLACES`. Digits of a GTIN alone have no AI, so their column is "". A label has one
date at most, so (15) is in the column of (17).
"""

from collections.abc import Iterable, Mapping

import polars as pl

from exports.requests.export_types import Slot
from exports.symbols.notes import NOTES, NoteCode, noted
from gs1.digital_link import DEFAULT_RESOLVER, ESCAPES
from gs1.element_string import FNC1
from gs1.gtin import DIGITS, Carrier
from gs1.symbol_size import SymbolKind
from gs1.trade_item import COUPON_PATTERN, RESTRICTED_PATTERN

#: The columns of a label's elements, in the order of an element string.
PLACES = ("", "01", "17", "10", "21")

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
}

_KIND_OF_SLOT = {
    Slot.QR: SymbolKind.QR_CODE,
    Slot.DATAMATRIX: SymbolKind.GS1_DATAMATRIX,
    Slot.LINEAR: SymbolKind.GS1_128,
}

_KIND_OF_CARRIER = {
    Carrier.EAN13.value: SymbolKind.EAN_13.value,
    Carrier.UPCA.value: SymbolKind.UPC_A.value,
    Carrier.EAN8.value: SymbolKind.EAN_8.value,
    Carrier.ITF14.value: SymbolKind.ITF_14.value,
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


def payloads(slot: Slot, resolver: str | None, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the slot's columns for rows of a manifest, all of one scope. `resolver` is the organisation's.

    Nothing is checked. The columns mean nothing in rows that `exports.symbols.refusals` refuses.
    """
    known = rows.with_columns(pl.when(pl.col(name) != "").then(pl.col(name)) for name in OPTIONAL)
    if slot is Slot.GTIN or (slot is Slot.LINEAR and (rows["scope"] == "products").all()):
        carried = _gtins_alone(known)
    else:
        carried = known.select(**_elements(slot, resolver or DEFAULT_RESOLVER))
    return carried.with_columns(title=pl.col("kind").replace_strict(_NAMES) + " " + hri(carried))


def hri(carried: pl.DataFrame) -> pl.Expr:
    """Return the human-readable text of the symbols that have these columns."""
    return pl.concat_str([place for place in PLACES if place in carried.columns], ignore_nulls=True)


def _elements(slot: Slot, resolver: str) -> dict[str, pl.Expr]:
    values = _values(slot)
    is_link = slot is Slot.QR
    return {
        "kind": pl.lit(_KIND_OF_SLOT[slot].value),
        "data": _link(resolver, values) if is_link else _message(values),
        "text": _link(resolver, values) if is_link else _bracketed(values),
        "01": pl.lit("(01)") + values["01"],
        "17": pl.coalesce(pl.lit("(17)") + values["17"], pl.lit("(15)") + values["15"]),
        "10": pl.lit("(10)") + values["10"],
        "21": pl.lit("(21)") + values["21"],
        **_notes(values),
    }


def _values(slot: Slot) -> dict[str, pl.Expr]:
    """Return the values that the slot's symbols carry, by Application Identifier, null where there is none.

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


def _link(resolver: str, values: Mapping[str, pl.Expr]) -> pl.Expr:
    """Return the Digital Link as `gs1.digital_link.digital_link` writes it."""
    escaped = {ai: values[ai].str.replace_many(list(ESCAPES), list(ESCAPES.values())) for ai in ("10", "21")}
    parts = {"/01/": values["01"], "/10/": escaped["10"], "/21/": escaped["21"]}
    parts |= {"?17=": values["17"], "?15=": values["15"]}
    return pl.lit(resolver.rstrip("/")) + _concatenated(pl.lit(name) + value for name, value in parts.items())


def _message(values: Mapping[str, pl.Expr]) -> pl.Expr:
    """Return the message as `gs1.element_string.element_string` writes it.

    Only the lot is of no predefined length and before another element, so it alone may need a separator.
    """
    separator = pl.when(values["10"].is_not_null() & values["21"].is_not_null()).then(pl.lit(FNC1))
    before = [pl.lit(ai) + values[ai] for ai in ("01", "17", "15", "10")]
    return _concatenated([pl.lit(FNC1), *before, separator, pl.lit("21") + values["21"]])


def _bracketed(values: Mapping[str, pl.Expr]) -> pl.Expr:
    """Return the message as `gs1.element_string.bracketed` writes it."""
    return _concatenated(
        pl.lit(f"({ai})") + value.str.replace_all("(", r"\(", literal=True) for ai, value in values.items()
    )


def _concatenated(parts: Iterable[pl.Expr]) -> pl.Expr:
    return pl.concat_str(parts, ignore_nulls=True)


def _gtins_alone(rows: pl.DataFrame) -> pl.DataFrame:
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
    chosen = rows.select(
        carrier.replace_strict(_KIND_OF_CARRIER).alias("kind"),
        gtin.str.slice(carrier.replace_strict(_ZEROS_OF_CARRIER)).alias("data"),
        noted(NoteCode.RESTRICTED_CIRCULATION, restricted),
        noted(NoteCode.COUPON_OR_REFUND, coupon),
        **_notes({}),
    )
    return chosen.with_columns(pl.col("data").alias("text"), pl.col("data").alias(""))


def _notes(values: Mapping[str, pl.Expr]) -> dict[str, pl.Expr]:
    """Return what the catalogue knows of an entity and its symbol does not say, and whether it had expired."""
    left_out = [
        pl.when(pl.col(column).is_not_null() & values.get(ai, pl.lit(None)).is_null()).then(pl.lit(name))
        for name, ai, column in _KNOWN
    ]
    names = pl.concat_str(left_out, separator=", ", ignore_nulls=True)
    return {
        NoteCode.NOT_CARRIED.value: pl.when(names != "").then(pl.format(NOTES[NoteCode.NOT_CARRIED], names)),
        NoteCode.EXPIRED.value: pl.when(pl.col("expired")).then(pl.lit(NOTES[NoteCode.EXPIRED])),
    }
