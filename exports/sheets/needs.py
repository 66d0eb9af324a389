"""Measures the symbols and texts of a job's labels, for which the layout of a sheet is solved."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from catalogue.attributes import BY_AI
from exports.designs import texts
from exports.designs.document import Design
from exports.requests.export_types import LINEAR, Slot
from exports.sheets.lines import can_be_shortened, shows_name, texts_of
from exports.symbols.payloads import PLACES, Carry, payloads
from exports.symbols.refusals import refusals
from gs1.symbol_size import SymbolKind
from renderers.fonts.subset import max_width_1pt_mm, shown_characters
from renderers.registry import ENCODERS
from renderers.sheets.label_layout import Around
from renderers.sheets.sizing import HriElement, LabelNeeds, LineNeeds, LogoNeeds
from renderers.symbol import BarSymbols, ErrorCorrection
from renderers.symbologies import data_matrix, qr_code
from renderers.symbologies.data_matrix_structure import RECTANGLES

#: Shares of the longest name's width that are tried in turn. Longer names are shortened.
_NAME_SHARES = (1.0, 0.7, 0.5, 0.35)


def _qr_code(payloads: Sequence[bytes], level: ErrorCorrection) -> NDArray[np.intp]:
    return np.repeat(qr_code.sizes(payloads, level=level)[:, None], 2, axis=1)


#: Rows and columns of the matrix symbols of some payloads, without drawing them; 0 for those that have none.
_MODULES: Mapping[SymbolKind, Callable[[Sequence[bytes], ErrorCorrection], NDArray[np.intp]]] = {
    SymbolKind.QR_CODE: _qr_code,
    SymbolKind.GS1_DATAMATRIX: lambda payloads, _: data_matrix.sizes(payloads),
    SymbolKind.GS1_DATAMATRIX_RECTANGULAR: lambda payloads, _: data_matrix.sizes(payloads, RECTANGLES),
}


@dataclass(frozen=True, slots=True)
class SymbolExtent:
    """Symbols of one size. `width_x` is without quiet zone; `height_x` is None for linear symbols."""

    kind: SymbolKind
    width_x: float
    height_x: float | None
    units_per_x: int = 1


@dataclass(slots=True)
class Measures:
    """What there is to fit: the widest element of each kind, for each size of symbol.

    Widths are in millimetres at 1 pt, by Application Identifier, empty for the digits of a GTIN alone. `complete` is
    false if some payload has no symbol: it is too long for any.
    """

    widths: dict[SymbolExtent, dict[str, float]] = field(default_factory=dict[SymbolExtent, dict[str, float]])
    characters: set[str] = field(default_factory=set[str])
    complete: bool = True

    @property
    def kinds(self) -> list[SymbolKind]:
        return sorted({size.kind for size in self.widths})

    def sizes(self, kind: SymbolKind) -> list[SymbolExtent]:
        """Return the sizes of a kind, the widest first."""
        return sorted(
            (size for size in self.widths if size.kind is kind), key=lambda size: size.width_x, reverse=True
        )

    def needs(self, largest: SymbolExtent, *, hri: bool = True) -> LabelNeeds:
        """Return what labels with symbols up to this size need."""
        merged: dict[str, float] = {}
        height_x = largest.height_x
        for size in self.sizes(largest.kind):
            if size.width_x <= largest.width_x:
                # A rectangle may be lower than a narrower one.
                height_x = None if height_x is None else max(height_x, size.height_x or 0.0)
                for ai, width in self.widths[size].items():
                    merged[ai] = max(merged.get(ai, 0.0), width)
        elements = tuple(HriElement(ai, merged[ai]) for ai in PLACES if ai in merged and hri)
        return LabelNeeds(largest.width_x, height_x, elements, largest.units_per_x)


@dataclass(slots=True)
class LineMeasures:
    """The widest text of each line of the design, in millimetres at 1 pt, and the characters of each line.

    A line that no label has is absent.
    """

    widths: dict[int, float] = field(default_factory=dict[int, float])
    characters: dict[int, set[str]] = field(default_factory=dict[int, set[str]])


def measure_lines(design: Design, frames: Iterator[pl.DataFrame]) -> LineMeasures:
    """Return the measures of the design's lines on the labels of these rows."""
    measures = LineMeasures()
    for frame in frames:
        for number, (line, shown) in enumerate(zip(design.lines, texts_of(design, frame), strict=True)):
            strings: list[str] = shown.drop_nulls().unique().to_list()
            if strings:
                bold = line.weight == "bold"
                width = max_width_1pt_mm(strings, bold=bold)
                measures.widths[number] = max(measures.widths.get(number, 0.0), width)
                measures.characters.setdefault(number, set()).update(shown_characters(strings, bold=bold))
    return measures


def around(design: Design, measures: LineMeasures) -> Around:
    """Return what the design puts around the symbols of these labels."""
    found: list[LineNeeds | LogoNeeds] = []
    for number, width in measures.widths.items():
        line = design.lines[number]
        shares = _NAME_SHARES if can_be_shortened(texts.parse(line.text)) else (1.0,)
        bold = line.weight == "bold"
        found.append(
            LineNeeds(
                number,
                tuple(width * share for share in shares),
                line.place == "above",
                design.sizes_pt(line),
                line.align,
                bold,
                line.optional,
                printer_font=not bold and not shows_name(design, number),
            )
        )
    if (logo := design.logo) is not None:
        width_mm = logo.height_mm * logo.picture().aspect
        above = logo.place == "above"
        found.append(LogoNeeds(len(design.lines), width_mm, logo.height_mm, above, logo.align, logo.optional))
    return sorted(found, key=lambda each: each.number)


def measure(
    slot: Slot,
    level: ErrorCorrection,
    resolver: str | None,
    frames: Iterator[pl.DataFrame],
    carry: Carry = None,
) -> Measures:
    """Return the measures of the labels of these rows; rows without a payload or a symbol have none.

    A symbol's size follows from which kinds of characters stand where, so one row of each pattern is encoded
    in place of all.
    """
    measures = Measures()
    for frame in frames:
        refused = refusals(slot, resolver, None, frame, carry)
        carried = payloads(slot, resolver, frame, carry)
        labels = pl.concat([frame.select(_pattern(slot, carry)), carried], how="horizontal")
        labels = labels[[position for position in range(frame.height) if position not in refused]]
        patterns = labels.unique("pattern", keep="first", maintain_order=True)
        size_of = _sizes(level, patterns)
        measures.complete &= len(size_of) == patterns.height
        sizes = list(set(size_of.values()))
        numbered = pl.DataFrame(
            {"pattern": list(size_of), "size": [sizes.index(size) for size in size_of.values()]},
            schema={"pattern": pl.String, "size": pl.Int64},
        )
        for (number,), sized in labels.join(numbered, on="pattern").group_by("size"):
            _measure_texts(measures, sizes[int(str(number))], sized)
    return measures


def _pattern(slot: Slot, carry: Carry) -> pl.Expr:
    """Return the kinds of characters of all that varies: digits as 0, capitals as A, small letters as a."""

    def kinds(column: str) -> pl.Expr:
        text = pl.col(column).fill_null("")
        return text.str.replace_all("[0-9]", "0").str.replace_all("[A-Z]", "A").str.replace_all("[a-z]", "a")

    asked = (BY_AI[ai].manifest_column for ai in carry or () if ai in BY_AI)
    columns = dict.fromkeys(("lot_number", "serial_number", "expiry", "best_before", *asked))
    parts = [kinds(column) for column in columns]
    if slot in LINEAR:
        # The size of a GTIN's own symbol follows from its carrier and digits.
        parts += [pl.col("gtin14"), pl.col("carrier").fill_null("")]
    return pl.concat_str(parts, separator="\n").alias("pattern")


def _sizes(level: ErrorCorrection, labels: pl.DataFrame) -> dict[str, SymbolExtent]:
    """Return the size of each pattern's symbol."""
    found: dict[str, SymbolExtent] = {}
    for (kind,), chosen in labels.group_by("kind"):
        patterns, data = chosen["pattern"].to_list(), chosen["data"].cast(pl.Binary).to_list()
        if kind in _MODULES:
            extents = _MODULES[SymbolKind(kind)](data, level).tolist()
            found |= {
                pattern: SymbolExtent(SymbolKind(kind), columns, rows)
                for pattern, (rows, columns) in zip(patterns, extents, strict=True)
                if columns
            }
            continue
        for group in ENCODERS[SymbolKind(kind)](data, level).groups:
            units = group.units_per_x if isinstance(group, BarSymbols) else 1
            size = SymbolExtent(SymbolKind(kind), group.width_x, None, units)
            found |= {patterns[position]: size for position in group.positions.tolist()}
    return found


def _measure_texts(measures: Measures, size: SymbolExtent, labels: pl.DataFrame) -> None:
    """Add the texts of labels that have symbols of one size."""
    widths = measures.widths.setdefault(size, {})
    for place in PLACES:
        texts = labels[place].drop_nulls().unique().to_list() if place in labels.columns else []
        if texts:
            widths[place] = max(widths.get(place, 0.0), max_width_1pt_mm(texts))
            measures.characters.update(shown_characters(texts))
