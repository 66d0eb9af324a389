"""SQL for the catalogue's dates: ISO 8601 text, `YYYY-MM-DD`, or `YYYY-MM` for the last day of the month.

Dates are compared as text, so a malformed one cannot make a query fail.
"""


def yymmdd(column: str) -> str:
    """Return the date as YYMMDD, GS1's form. A month without a day gets day 00, which means its last day."""
    return (
        f"substr({column}, 3, 2) || substr({column}, 6, 2) || "
        f"CASE WHEN length({column}) > 7 THEN substr({column}, 9, 2) ELSE '00' END"
    )


def is_before(column: str, other: str) -> str:
    """Return whether the last day of `column` is before `other`, a full date; null if either is unknown."""
    return f"rpad({column}, 10, '-31') < {other}"
