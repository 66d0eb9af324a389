"""Tables of drawn symbols, those in files and those on labels: one row for each, in the order of `manifest.csv`."""

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exports.reports.rows import MANIFEST_COLUMNS, identity
from exports.symbols.notes import note_text
from gs1.element_string import FNC1


def symbols(rows: pl.DataFrame, carried: pl.DataFrame, sizes: pl.DataFrame) -> pl.DataFrame:
    """Return the table for rows of a frozen manifest, with what their symbols carry and how large they are.

    The caller adds a column `file`, and leaves out the rows that have no symbol.
    """
    return pl.concat([rows.select(*identity(), "scope", "expiry"), carried, sizes], how="horizontal")


def sizes(
    height: int, groups: Iterable[tuple[NDArray[np.intp], Mapping[str, object]]], schema: pl.Schema
) -> pl.DataFrame:
    """Return a table of `height` rows with the facts of the group that each position is in, null if it is in none."""
    group_of = np.full(height, 0)
    facts: list[Mapping[str, object]] = [{}]
    for positions, of_group in groups:
        group_of[positions] = len(facts)
        facts.append(of_group)
    return pl.DataFrame(facts, schema=schema)[group_of]


def manifest_rows(drawn: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `manifest.csv` for a table of drawn symbols."""
    told = drawn.with_columns(
        pl.col("kind").alias("symbology"),
        pl.col("text").alias("payload"),
        note_text(drawn).alias("note"),
        # No link and no value holds a `^`.
        pl.col("data").str.replace_all(FNC1, "^", literal=True).alias("message"),
    )
    return told.select(MANIFEST_COLUMNS)
