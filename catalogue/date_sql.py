"""Dates of the catalogue as SQL: ISO 8601 text, `YYYY-MM-DD`, or `YYYY-MM` for the last day of the month.

Texts are compared as texts, so that none can make a query fail.
"""


def yymmdd(column: str) -> str:
    """A date as GS1 writes it; a month without a day gets day 00, which means its last day."""
    return (
        f"substr({column}, 3, 2) || substr({column}, 6, 2) || "
        f"CASE WHEN length({column}) > 7 THEN substr({column}, 9, 2) ELSE '00' END"
    )


def is_before(column: str, other: str) -> str:
    """Whether the last day of `column` lies before `other`, a whole date; null where either is unknown."""
    return f"rpad({column}, 10, '-31') < {other}"
