"""Rows of CSV files that people open in spreadsheets.

A cell that starts with `=`, `+`, `-`, `@`, `'`, tab or carriage return has one apostrophe before it, which makes it
text in a spreadsheet. A reader drops one apostrophe from the start of each cell that has one, and so has every text back.
"""

import csv
import io
from collections.abc import Sequence

#: What a spreadsheet takes for the start of a formula, and the apostrophe itself, without which `-1` and `'-1` would
#: be written alike. Lots may start so: all but tab and carriage return are in GS1's set of 82.
_QUOTED_STARTS = frozenset("=+-@'\t\r")


def csv_bytes(rows: Sequence[Sequence[object]]) -> bytes:
    r"""Return rows as RFC 4180 lines in UTF-8, their texts with an apostrophe where this module says so.

    >>> csv_bytes([(1, "=1+1", "A,B")])
    b'1,\'=1+1,"A,B"\r\n'
    """
    text = io.StringIO(newline="")
    # In one expression: every label has a row, and a call for each of its cells takes as long as writing it.
    inert = [
        [f"'{cell}" if isinstance(cell, str) and cell[:1] in _QUOTED_STARTS else cell for cell in row]
        for row in rows
    ]
    csv.writer(text, lineterminator="\r\n").writerows(inert)
    return text.getvalue().encode()
