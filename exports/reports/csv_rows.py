"""Rows of CSV files that people open in spreadsheets.

A cell that starts with `=`, `+`, `-`, `@`, `'`, tab or carriage return has one apostrophe before it, which makes it
text in a spreadsheet. A reader drops one apostrophe from the start of each cell that has one, and so has every text back.
"""

import io

import polars as pl

#: What a spreadsheet takes for the start of a formula, and the apostrophe itself, without which `-1` and `'-1` would
#: be written alike. Lots may start so: all but tab and carriage return are in GS1's set of 82.
_QUOTED_START = r"^[=+\-@'\t\r]"


def csv_bytes(rows: pl.DataFrame) -> bytes:
    r"""Return rows as RFC 4180 lines in UTF-8, their texts with an apostrophe where this module says so.

    >>> csv_bytes(pl.DataFrame({"row": [1], "lot": ["=1+1"], "note": ["A,B"]}))
    b'1,\'=1+1,"A,B"\r\n'
    """
    text = pl.col(pl.String)
    inert = rows.with_columns(
        pl.when(text.str.contains(_QUOTED_START))
        .then(pl.lit("'") + text)
        # An empty text is written like an absent one, without quotation marks.
        .when(text != "")
        .then(text)
        .name.keep()
    )
    out = io.BytesIO()
    inert.write_csv(out, include_header=False, line_terminator="\r\n")
    return out.getvalue()
