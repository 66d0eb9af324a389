"""The lines of a design on labels: what each says, and how much of a name fits it."""

from collections.abc import Sequence
from functools import lru_cache

import polars as pl

from exports.designs import texts
from exports.designs.document import Design
from exports.designs.texts import Parts, Placeholder
from renderers.fonts.subset import missing, width_mm
from renderers.fonts.visual_order import cut, visual
from renderers.sheets.model import TextLine

# The line's width was multiplied in another order.
_ROUNDING_MM = 1e-6


@lru_cache(maxsize=1024)
def without_font(name: str) -> frozenset[str]:
    """Return the characters of a name that no packaged font has; lines with such a name are left off its label."""
    return frozenset(missing(visual(name)))


def column_of(number: int) -> str:
    """Return the column of a line's texts in a table of labels."""
    return f"line {number}"


def with_lines(labels: pl.DataFrame, design: Design, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the table of labels with the texts of the design's lines, by `column_of` their numbers."""
    lines = enumerate(texts_of(design, rows))
    return labels.with_columns(text.alias(column_of(number)) for number, text in lines)


def texts_of(design: Design, rows: pl.DataFrame) -> list[pl.Series]:
    """Return the texts of each line, null where an entity lacks one of its values or a font for its name."""
    bad = [name for name in rows["product_name"].unique().drop_nulls() if without_font(name)]
    if bad:
        named = pl.col("product_name")
        rows = rows.with_columns(pl.when(~named.is_in(bad)).then(named).alias("product_name"))
    months = design.months_or_default()
    return [texts.composed(texts.parse(line.text), rows, months) for line in design.lines]


def shows_name(design: Design, number: int) -> bool:
    """Return whether the name of the product is on this line."""
    return "name" in texts.fields_of(texts.parse(design.lines[number].text))


def can_be_shortened(parts: Parts) -> bool:
    """Return whether the line may show a part of its text: a name, but no other value, is cut."""
    return texts.fields_of(parts) == ["name"]


def shown(line: TextLine, design: Design, labels: pl.DataFrame) -> pl.Series:
    """Return what stands on a line of the layout for each label, the empty text where it is left out."""
    if line.number is None:
        elements = (ai for ai in line.ais if ai in labels.columns)
        return labels.select(pl.concat_str([pl.lit(""), *elements], ignore_nulls=True)).to_series()
    column = labels[column_of(line.number)]
    parts = texts.parse(design.lines[line.number].text)
    if can_be_shortened(parts):
        at = next(at for at, part in enumerate(parts) if isinstance(part, Placeholder))
        before, after = ("".join(map(str, some)) for some in (parts[:at], parts[at + 1 :]))
        fitted = {text: _fitted(text, line, before, after) for text in column.unique().drop_nulls()}
        return column.replace_strict(fitted, default="", return_dtype=pl.String)
    return column.fill_null("")


def recorded(strings: Sequence[str] | pl.Series) -> pl.Series:
    """Return the texts as people write them, without the marks that keep values in one piece."""
    return pl.Series(strings).str.replace_many(list(texts.ISOLATES), ["", ""])


def _fitted(text: str, line: TextLine, before: str, after: str) -> str:
    """Return the text, or as much of the name in it as the line has room for and an ellipsis."""

    def fits(some: str) -> bool:
        return width_mm(some, line.size_pt, bold=line.bold) <= line.width_mm + _ROUNDING_MM

    if fits(text):
        return text
    return cut(text[len(before) : len(text) - len(after)], fits, before, after, bold=line.bold)
