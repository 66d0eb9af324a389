"""The Application Identifiers in a trade item's symbols, and their order."""

from gs1.dates import require_yymmdd
from gs1.element_string import ElementString


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
