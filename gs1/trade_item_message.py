"""The Application Identifiers in a trade item's symbols, and their order."""

from collections.abc import Iterable

from gs1.application_identifiers import APPLICATION_IDENTIFIERS
from gs1.dates import require_yymmdd
from gs1.element_string import ElementString

# The keys of a serialised trade item stand together, in the order of a Digital Link's path.
_KEYS = ("10", "21")


def place_of(ai: str) -> tuple[int, str]:
    """Return the AI's place among the elements of a trade item, to sort by.

    (01) is first. AIs of predefined length come before all others, so that few separators are needed; then (10) and
    (21). Within each group, AIs ascend as text.
    Source: GS1 General Specifications, 7.8 (processing of data).

    >>> sorted(["240", "21", "3103", "17", "10", "01", "30"], key=place_of)
    ['01', '17', '3103', '10', '21', '240', '30']
    """
    if ai == "01":
        return 0, ai
    if APPLICATION_IDENTIFIERS[ai].predefined_length:
        return 1, ai
    return (2 if ai in _KEYS else 3), ai


def trade_item_elements(gtin_14: str, others: Iterable[tuple[str, str]]) -> ElementString:
    """Return the elements of a trade item's element string in their order, see `place_of`.

    >>> trade_item_elements("09506000134352", [("240", "B"), ("10", "A"), ("11", "260331")])
    (('01', '09506000134352'), ('11', '260331'), ('10', 'A'), ('240', 'B'))
    """
    return tuple(sorted([("01", gtin_14), *others], key=lambda element: place_of(element[0])))


def date_element(expiry: str | None, best_before: str | None) -> tuple[str, str] | None:
    """Return the one date a symbol carries, as (17) or (15) and its value; None if neither is known.

    If both are known, the symbol carries the expiry: safety goes before quality. A best-before date is never
    written as an expiry. Dates are YYMMDD (`gs1.dates.yymmdd` makes them from ISO dates); raises InvalidDate.

    >>> date_element("270300", "270201")
    ('17', '270300')
    """
    if expiry:
        return "17", require_yymmdd(expiry)
    return ("15", require_yymmdd(best_before)) if best_before else None


def datamatrix_elements(
    gtin_14: str,
    lot: str | None = None,
    serial: str | None = None,
    expiry: str | None = None,
    best_before: str | None = None,
) -> ElementString:
    """Return the elements of a GS1 DataMatrix: (01), then (17) or (15), (10), (21), as far as known.

    The order puts AIs of predefined length first, so that one separator at most is needed. `None` and
    the empty text both mean unknown. Dates are YYMMDD; raises InvalidDate. GTIN, lot and serial are
    checked by `gs1.element_string.element_string`.

    >>> datamatrix_elements("09506000134352", lot="ABC123", expiry="270331")
    (('01', '09506000134352'), ('17', '270331'), ('10', 'ABC123'))
    """
    elements = [("01", gtin_14)]
    dated = date_element(expiry, best_before)
    if dated is not None:
        elements.append(dated)
    if lot:
        elements.append(("10", lot))
    if serial:
        elements.append(("21", serial))
    return tuple(elements)


def gs1_128_elements(
    gtin_14: str,
    lot: str | None = None,
    serial: str | None = None,
    expiry: str | None = None,
    best_before: str | None = None,
) -> ElementString:
    """Return the elements of a GS1-128: (01)(21) for a serial, else those of a GS1 DataMatrix.

    A linear symbol has little room: with a serial it carries neither lot nor date.

    >>> gs1_128_elements("09506000134352", lot="ABC123", serial="7", expiry="270331")
    (('01', '09506000134352'), ('21', '7'))
    """
    if serial:
        return ("01", gtin_14), ("21", serial)
    return datamatrix_elements(gtin_14, lot, None, expiry, best_before)
