"""Common parts of the faults that are put into drawing code or finished artefacts, one at a time."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import polars as pl
import pytest

from exports import render
from exports.sheets import pages as sheet_pages

Patch: TypeAlias = pytest.MonkeyPatch

#: The entity that a single fault is about, by its place among all entities, from 0.
VICTIM = 7


class Sabotage(NamedTuple):
    """One fault. `kind`: it is in every symbol, it changes how many there are, or it is in one symbol alone."""

    what: str
    kind: Literal["systematic", "counting", "single"]
    request: dict[str, object]
    do: Callable[[Patch], None]


def turned(texts: Sequence[str]) -> list[str]:
    return [*texts[1:], texts[0]]


def with_another_digit(text: str) -> str:
    return text.replace("270", "271", 1)


def in_rows(table: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[Patch], None]:
    """Return a fault in the rows of `manifest` or `errors`, for ZIPs and sheets."""

    def do(patch: Patch) -> None:
        for module in (render, sheet_pages):
            write = module.csv_bytes

            def wrong(rows: pl.DataFrame, write: Any = write) -> bytes:
                meant = rows.height and ("payload" if table == "manifest" else "reason") in rows.columns
                return write(change(rows) if meant else rows)

            patch.setattr(module, "csv_bytes", wrong)

    return do


def a_row_late(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(turned_column("lot"), turned_column("payload"))


def turned_column(name: str) -> pl.Expr:
    return pl.concat([pl.col(name).slice(1), pl.col(name).head(1)])
