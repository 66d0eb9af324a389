"""The number of the page that is asked for."""

from starlette.requests import Request

from web.errors import PageNotFound

#: Pages of a list that can be turned to: the cost of one grows with its number. Search finds what is older.
MOST_PAGES = 40


def number_of(request: Request) -> int:
    """Return the page's number, counted from 1. Raises PageNotFound for one that cannot be."""
    given = request.query_params.get("page", "1")
    number = int(given) if given.isascii() and given.isdecimal() and len(given) < 4 else 0
    if not 1 <= number <= MOST_PAGES:
        raise PageNotFound
    return number
