"""Measures the symbols and texts of a job's labels, for which the layout of a sheet is solved."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import polars as pl

from exports.requests.export_types import Slot
from exports.symbols.payloads import Payload, Row, payload_maker
from gs1.errors import LabelError
from gs1.symbol_size import SymbolKind
from renderers.fonts.subset import max_width_1pt_mm, missing, shown_characters
from renderers.fonts.visual_order import visual
from renderers.registry import ENCODERS
from renderers.sheets.sizing import HriElement, LabelNeeds
from renderers.symbol import BarSymbols, ErrorCorrection
from renderers.symbologies import data_matrix, qr_code

#: Order of the elements on a label. A label has one date at most: both share a place, called by its first name.
_ORDER = ("", "01", "17", "10", "21")
_PLACE_OF = {"15": "17"}

_COLUMN_OF = {"01": "gtin14", "10": "lot_number", "21": "serial_number", "17": "expiry", "15": "best_before"}

#: Columns that may be empty. The label then lacks the element too.
_OPTIONAL = ("lot_number", "serial_number", "expiry", "best_before")


@dataclass(frozen=True, slots=True)
class SymbolExtent:
    """Symbols of one size. `width_x` is without quiet zone; `height_x` is None for linear symbols."""

    kind: SymbolKind
    width_x: float
    height_x: float | None
    units_per_x: int = 1


@dataclass(slots=True)
class Measures:
    """What there is to fit: the widest element of each kind, for each size of symbol, and the names.

    Widths are in millimetres at 1 pt, by Application Identifier, empty for the digits of a GTIN alone.
    """

    widths: dict[SymbolExtent, dict[str, float]] = field(default_factory=dict[SymbolExtent, dict[str, float]])
    names: set[str] = field(default_factory=set[str])
    characters: set[str] = field(default_factory=set[str])

    @property
    def kinds(self) -> list[SymbolKind]:
        return sorted({size.kind for size in self.widths})

    def sizes(self, kind: SymbolKind) -> list[SymbolExtent]:
        """Return the sizes of a kind, the widest first."""
        return sorted(
            (size for size in self.widths if size.kind is kind), key=lambda size: size.width_x, reverse=True
        )

    def needs(self, largest: SymbolExtent, name_width_1pt_mm: float | None) -> LabelNeeds:
        """Return what labels with symbols up to this size need."""
        merged: dict[str, float] = {}
        for size in self.sizes(largest.kind):
            if size.width_x <= largest.width_x:
                for ai, width in self.widths[size].items():
                    merged[ai] = max(merged.get(ai, 0.0), width)
        elements = tuple(HriElement(ai, merged[ai]) for ai in _ORDER if ai in merged)
        return LabelNeeds(largest.width_x, largest.height_x, elements, name_width_1pt_mm, largest.units_per_x)


def elements_of(payload: Payload) -> Mapping[str, str]:
    """Return the payload's elements as they stand on a label, `(AI)value` by place; digits alone have no AI."""
    if not payload.elements:
        return {"": payload.hri}
    return {_PLACE_OF.get(ai, ai): f"({ai}){value}" for ai, value in payload.elements}


@lru_cache(maxsize=1024)
def without_font(name: str) -> frozenset[str]:
    """Return the characters of a name that no packaged font has; a name that has one is left off its label."""
    return frozenset(missing(visual(name)))


def measure(
    slot: Slot, level: ErrorCorrection, resolver: str | None, frames: Iterator[pl.DataFrame]
) -> Measures:
    """Return the measures of the labels of these rows; rows without a payload or a symbol have none.

    A symbol's size follows from which kinds of characters stand where, so one row of each pattern is encoded
    in place of all: the first that has a payload, lest one bad value leaves good ones without a size.
    """
    measures = Measures()
    make = payload_maker(slot, resolver)
    for frame in frames:
        patterned = frame.with_columns(_pattern(slot))
        size_of = _sizes(slot, level, _payloads(patterned, make))
        sizes = list(set(size_of.values()))
        numbered = pl.DataFrame(
            {"pattern": list(size_of), "size": [sizes.index(size) for size in size_of.values()]},
            schema={"pattern": pl.String, "size": pl.Int64},
        )
        sized = patterned.join(numbered, on="pattern").with_columns(
            pl.col(column).is_null().alias(f"no_{column}") for column in _OPTIONAL
        )
        for (number, *_), rows in sized.group_by("size", *(f"no_{column}" for column in _OPTIONAL)):
            _measure_texts(measures, sizes[int(str(number))], rows, make)
        names: list[str | None] = frame["product_name"].unique().to_list()
        measures.names.update(name for name in names if name and not without_font(name))
    return measures


def _pattern(slot: Slot) -> pl.Expr:
    """Return the kinds of characters of all that varies: digits as 0, capitals as A, small letters as a."""

    def kinds(column: str) -> pl.Expr:
        text = pl.col(column).fill_null("")
        return text.str.replace_all("[0-9]", "0").str.replace_all("[A-Z]", "A").str.replace_all("[a-z]", "a")

    parts = [kinds(column) for column in _OPTIONAL]
    if slot is Slot.LINEAR:
        # The size of a GTIN's own symbol follows from its carrier and digits.
        parts += [pl.col("gtin14"), pl.col("carrier").fill_null("")]
    return pl.concat_str(parts, separator="\n").alias("pattern")


def _payloads(patterned: pl.DataFrame, make: Callable[[Row], Payload]) -> dict[str, Payload]:
    """Return the first payload of each pattern; a pattern of which no row has one is absent."""
    firsts = patterned.unique("pattern", keep="first", maintain_order=True)
    payloads = {row["pattern"]: payload for row, payload in _made(firsts, make)}
    if len(payloads) < firsts.height:
        others = patterned.filter(
            ~pl.col("pattern").is_in(pl.Series(list(payloads), dtype=pl.String).implode())
        )
        for row, payload in _made(others, make):
            payloads.setdefault(row["pattern"], payload)
    return payloads


def _made(rows: pl.DataFrame, make: Callable[[Row], Payload]) -> Iterator[tuple[Row, Payload]]:
    """Yield the rows that have a payload, with it; the others are reported, with their reasons, when drawn."""
    for row in rows.iter_rows(named=True):
        try:
            payload = make(row)
        except LabelError:
            continue
        yield row, payload


def _sizes(slot: Slot, level: ErrorCorrection, payloads: Mapping[str, Payload]) -> dict[str, SymbolExtent]:
    """Return the size of each pattern's symbol."""
    patterns, data = list(payloads), [payload.data for payload in payloads.values()]
    if slot is not Slot.LINEAR:
        is_qr = slot is Slot.QR
        kind = SymbolKind.QR_CODE if is_qr else SymbolKind.GS1_DATAMATRIX
        modules = qr_code.sizes(data, level=level) if is_qr else data_matrix.sizes(data)
        return {
            pattern: SymbolExtent(kind, width, width)
            for pattern, width in zip(patterns, modules.tolist(), strict=True)
            if width
        }
    found: dict[str, SymbolExtent] = {}
    for kind in sorted({payload.kind for payload in payloads.values()}):
        chosen = [pattern for pattern, payload in payloads.items() if payload.kind is kind]
        for group in ENCODERS[kind]([payloads[pattern].data for pattern in chosen], level).groups:
            units = group.units_per_x if isinstance(group, BarSymbols) else 1
            size = SymbolExtent(kind, group.width_x, None, units)
            found |= {chosen[position]: size for position in group.positions.tolist()}
    return found


def _measure_texts(
    measures: Measures, size: SymbolExtent, rows: pl.DataFrame, make: Callable[[Row], Payload]
) -> None:
    """Add the texts of rows that have symbols of one size and differ in nothing but their elements' values."""
    _, example = next(_made(rows, make), (None, None))
    if example is None:
        return
    widths = measures.widths.setdefault(size, {})
    if not example.elements:
        texts = [payload.hri for _, payload in _made(rows, make)]
        widths[""] = max(widths.get("", 0.0), max_width_1pt_mm(texts))
        measures.characters.update(shown_characters(texts))
    for ai, _ in example.elements:
        texts = [f"({ai}){value}" for value in rows[_COLUMN_OF[ai]].unique().to_list()]
        place = _PLACE_OF.get(ai, ai)
        widths[place] = max(widths.get(place, 0.0), max_width_1pt_mm(texts))
        measures.characters.update(shown_characters(texts))
