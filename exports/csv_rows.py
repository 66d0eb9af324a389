"""Rows of CSV files that people open in spreadsheets."""

import csv
import io
from collections.abc import Sequence

#: What makes a spreadsheet take a cell for a formula. Lots may start so: all but the last two are in GS1's set of 82.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_bytes(rows: Sequence[Sequence[object]]) -> bytes:
    r"""Return rows as RFC 4180 lines in UTF-8.

    A text that a spreadsheet would run as a formula gets an apostrophe in front, which makes it text there.

    >>> csv_bytes([(1, "=1+1", "A,B")])
    b'1,\'=1+1,"A,B"\r\n'
    """
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([list(map(_inert, row)) for row in rows])
    return text.getvalue().encode()


def _inert(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
