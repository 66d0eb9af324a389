"""Notes: what the manifest says about a symbol that was drawn. Each kind has a stable code, to be counted by.

A table of symbols has a column for each kind of note that its symbols may have. The column has the code as its name.
Its texts are null where a symbol does not have the note.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import polars as pl


class NoteCode(StrEnum):
    """The kinds of notes, for programs, in the order in which they are told."""

    NOT_CARRIED = "not_carried"
    NO_VALUE = "no_value"
    EXPIRED = "expired"
    RESTRICTED_CIRCULATION = "restricted_circulation"
    COUPON_OR_REFUND = "coupon_or_refund"
    X_REDUCED = "x_reduced"
    NO_FONT = "no_font"
    SCALED = "scaled"


#: The text of each kind, for people; `{}` is the note's detail.
NOTES: Mapping[NoteCode, str] = MappingProxyType(
    {
        NoteCode.NOT_CARRIED: "not carried: {}",
        NoteCode.NO_VALUE: "no value: {}",
        NoteCode.EXPIRED: "the lot had expired when the job was submitted",
        NoteCode.RESTRICTED_CIRCULATION: "restricted circulation number: not for open trade",
        NoteCode.COUPON_OR_REFUND: "number of a coupon or refund receipt: not for open trade",
        NoteCode.X_REDUCED: "X reduced from {} mm to stay within the greatest width GS1 allows",
        NoteCode.NO_FONT: "name not shown: no font for {}",
        NoteCode.SCALED: "pages are scaled to {} % for the printer",
    }
)


def noted(code: NoteCode, where: pl.Expr) -> pl.Expr:
    """Return the column of a note without detail: its text where the condition holds."""
    return pl.when(where).then(pl.lit(NOTES[code])).alias(code.value)


def counts_by_code(symbols: pl.DataFrame) -> dict[str, int]:
    """Return how many symbols have a note of each code. Codes that no symbol has are left out.

    >>> counts_by_code(pl.DataFrame({"expired": ["the lot had expired", None], "scaled": [None, None]}))
    {'expired': 1}
    """
    counts = {code: symbols.height - symbols[code].null_count() for code in _columns(symbols)}
    return {code: count for code, count in counts.items() if count}


def note_text(symbols: pl.DataFrame) -> pl.Expr:
    """Return the notes as the manifest's column `note` has them, null if there are none.

    >>> table = pl.DataFrame({"expired": ["the lot had expired"], "not_carried": ["not carried: lot"]})
    >>> table.select(note_text(table)).item()
    'not carried: lot; the lot had expired'
    """
    # A column without texts is of no type, which cannot be joined.
    notes = [pl.col(code) for code in _columns(symbols) if symbols[code].null_count() < symbols.height]
    if not notes:
        return pl.lit(None, pl.String)
    text = pl.concat_str(notes, separator="; ", ignore_nulls=True)
    return pl.when(text != "").then(text)


def _columns(symbols: pl.DataFrame) -> list[str]:
    return [code.value for code in NoteCode if code.value in symbols.columns]
