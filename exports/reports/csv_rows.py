"""Rows of CSV files that people open in spreadsheets.

A cell that starts with `=`, `+`, `-`, `@`, `'`, tab or carriage return gets one apostrophe in front, which makes it
text in a spreadsheet. A reader that removes one apostrophe from the start of each such cell gets the original text.
"""

import io

import polars as pl

#: The start of a formula in a spreadsheet, and the apostrophe itself; otherwise `-1` and `'-1` would be written in the
#: same way. A lot may start with these: all but tab and carriage return are in GS1's character set 82.
_QUOTED_START = r"^[=+\-@'\t\r]"


def csv_bytes(rows: pl.DataFrame) -> bytes:
    r"""Return rows as RFC 4180 lines in UTF-8, with the apostrophes described above.

    >>> csv_bytes(pl.DataFrame({"row": [1], "lot": ["=1+1"], "note": ["A,B"]}))
    b'1,\'=1+1,"A,B"\r\n'
    """
    text = pl.col(pl.String)
    inert = rows.with_columns(
        pl.when(text.str.contains(_QUOTED_START))
        .then(pl.lit("'") + text)
        # An empty text is written like null, without quotation marks.
        .when(text != "")
        .then(text)
        .name.keep()
    )
    out = io.BytesIO()
    inert.write_csv(out, include_header=False, line_terminator="\r\n")
    return out.getvalue()
