"""Rows of CSV files that people open in spreadsheets."""

import csv
import io
from collections.abc import Sequence

#: What makes a spreadsheet take a cell for a formula. Lots may start so: all but the last two are in GS1's set of 82.
_FORMULA_STARTS = frozenset("=+-@\t\r")


def csv_bytes(rows: Sequence[Sequence[object]]) -> bytes:
    r"""Return rows as RFC 4180 lines in UTF-8.

    A text that a spreadsheet would run as a formula gets an apostrophe in front, which makes it text there.

    >>> csv_bytes([(1, "=1+1", "A,B")])
    b'1,\'=1+1,"A,B"\r\n'
    """
    text = io.StringIO(newline="")
    # In one expression: every label has a row, and a call for each of its cells takes as long as writing it.
    inert = [
        [f"'{cell}" if isinstance(cell, str) and cell[:1] in _FORMULA_STARTS else cell for cell in row]
        for row in rows
    ]
    csv.writer(text, lineterminator="\r\n").writerows(inert)
    return text.getvalue().encode()
