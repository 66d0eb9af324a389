"""Read or search rows of a job's manifest, a few at a time, for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from catalogue.schema import MANIFEST
from exports.artefacts import ArtefactStore
from exports.jobs.job_id import folder_of

#: Most rows that one search reads, in some tenths of a second. The client asks for the rest.
MOST_SEARCHED_ROWS = 500_000

_SHOWN = ("row", "gtin14", "lot_number", "serial_number", "product_name", "expiry", "best_before")


@dataclass(frozen=True, slots=True)
class Found:
    """Rows by column, and the row from which to continue, counted from 0. None at the end."""

    rows: list[dict[str, Any]]
    next_start: int | None


def search(
    job_id: str,
    store: ArtefactStore,
    *,
    start: int,
    limit: int,
    text: str | None = None,
    keys: Mapping[str, str] | None = None,
) -> Found:
    """Return at most `limit` rows from row `start` on, counted from 0.

    They match `keys`, values by manifest column, and `text`: it is part of the product's name or the GTIN, or the
    beginning of the lot or serial, without regard to case. There may be fewer rows than `limit` and a `next_start`, see
    `MOST_SEARCHED_ROWS`. Raises FileNotFoundError if the job has no manifest (any more).
    """
    condition = _condition(text, keys or {})
    found: list[dict[str, Any]] = []
    first = searched = 0
    with store.open(f"{folder_of(job_id)}/manifest.parquet") as stream:
        file = pq.ParquetFile(stream)
        columns = [name for name in _SHOWN if name in file.schema_arrow.names]
        for group in range(file.num_row_groups):
            stop = first + file.metadata.row_group(group).num_rows
            if stop > start:
                frame = _frame(file, group, columns).filter(pl.col("row") >= start, condition)
                found += frame.head(limit + 1 - len(found)).to_dicts()
                if len(found) > limit:
                    return Found(found[:limit], found[limit]["row"])
                searched += stop - max(start, first)
                if searched >= MOST_SEARCHED_ROWS and stop < file.metadata.num_rows:
                    return Found(found, stop)
            first = stop
    return Found(found, None)


def _frame(file: pq.ParquetFile, group: int, columns: list[str]) -> pl.DataFrame:
    """Return the group's rows. Columns that an old manifest lacks are null."""
    frame = pl.DataFrame(pl.from_arrow(file.read_row_group(group, columns=columns)))
    return frame.match_to_schema({name: MANIFEST[name] for name in _SHOWN}, missing_columns="insert")


def _condition(text: str | None, keys: Mapping[str, str]) -> pl.Expr:
    wanted = [pl.col(name) == value for name, value in keys.items()]
    if text:
        small = text.lower()
        within = [
            pl.col(name).str.to_lowercase().str.contains(small, literal=True)
            for name in ("product_name", "gtin14")
        ]
        begins = [
            pl.col(name).str.to_lowercase().str.starts_with(small) for name in ("lot_number", "serial_number")
        ]
        wanted.append(pl.any_horizontal(*within, *begins))
    return pl.all_horizontal(pl.lit(value=True), *wanted)
