"""What the address of a page says: the page of a list, and the ids of things."""

from starlette.requests import Request

from web.errors import PageNotFound

#: Pages of a list that can be turned to: the cost of one grows with its number. Search finds what is older.
MOST_PAGES = 40

#: Ids are 32-bit integers in the database.
_MOST_ID = 2**31 - 1


def number_of(request: Request) -> int:
    """Return the page's number, counted from 1. Raises PageNotFound for one that cannot be."""
    given = request.query_params.get("page", "1")
    number = int(given) if given.isascii() and given.isdecimal() and len(given) < 4 else 0
    if not 1 <= number <= MOST_PAGES:
        raise PageNotFound
    return number


def id_of(request: Request) -> int:
    """Return the id in the path. Raises PageNotFound for one that nothing can have."""
    found: int = request.path_params["id"]
    if found > _MOST_ID:
        raise PageNotFound
    return found


def row_of(request: Request) -> int:
    """Return the row to begin at, counted from 0. Raises PageNotFound for one that cannot be."""
    given = request.query_params.get("start", "0")
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise PageNotFound
    return int(given)
