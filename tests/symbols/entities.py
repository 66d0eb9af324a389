"""Random entities, and the expected text of their symbols, derived without the code under test."""

import random
import string
from dataclasses import asdict, dataclass
from urllib.parse import quote

import polars as pl
from hypothesis import strategies as st

from catalogue.schema import MANIFEST
from tests.decoding import Reading

#: GS1 General Specifications, figure 7.11-1, typed off it.
CSET_82 = "!\"%&'()*+,-./:;<=>?_" + string.digits + string.ascii_uppercase + string.ascii_lowercase
SCOPES = ("products", "lots", "serials")
SYMBOLS_OF = {
    "qr_codes": ("qr",),
    "datamatrix": ("datamatrix",),
    "barcodes_1d": ("linear",),
    "codes_combined": ("qr", "linear"),
}
GS = "\x1d"

# Lengths of the digits behind the leading zeros: GTIN-8, -12, -13 and -14.
_SIGNIFICANT = ((8, 8), (9, 12), (13, 13), (14, 14))
#: Behind the indicator digit: restricted circulation, coupons and refunds; the last two of eight digits.
_NO_TRADE_ITEMS = ("02", "04", "2", "05", "980", "981", "982", "983", "99", "000000", "000002")
_DATES = ("261231", "270228", "280229", "270400", "751100")


@dataclass(frozen=True, slots=True)
class Entity:
    """A trade item, or one lot or serial of it; dates are YYMMDD."""

    gtin14: str
    lot_number: str | None = None
    serial_number: str | None = None
    expiry: str | None = None
    best_before: str | None = None


def with_check_digit(digits: str) -> str:
    """Return the digits with their check digit behind them: the sum, every other digit thrice, ends in 0."""
    odd_one_out = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(digits[::-1]))
    return digits + str((10 - odd_one_out % 10) % 10)


def is_open_trade(gtin14: str) -> bool:
    """Whether symbols other than EAN/UPC may carry the number."""
    return not gtin14[1:].startswith(_NO_TRADE_ITEMS)


def random_gtin(chance: random.Random) -> str:
    length = chance.randint(*chance.choice(_SIGNIFICANT))
    while True:
        # Indicator 9 needs a measure beside the GTIN: nothing here carries one.
        digits = chance.choice("12345678") + "".join(chance.choices(string.digits, k=length - 2))
        gtin = with_check_digit(digits).zfill(14)
        if is_open_trade(gtin):
            return gtin


def random_text(chance: random.Random) -> str:
    """Return a lot or serial; digits are as likely as all else, as the code sets of the carriers want."""
    alphabet = chance.choice((CSET_82, string.digits, string.digits + CSET_82, string.ascii_uppercase))
    text = "".join(chance.choices(alphabet, k=chance.randint(1, 20)))
    return "A" if text in {".", ".."} else text


def random_entity(chance: random.Random, scope: str) -> Entity:
    gtin = random_gtin(chance)
    if scope == "products":
        return Entity(gtin)
    expiry, best_before = (chance.choice((None, chance.choice(_DATES))) for _ in range(2))
    lot = random_text(chance)
    if scope == "lots":
        return Entity(gtin, lot, None, expiry, best_before)
    if chance.random() < 0.3:
        return Entity(gtin, None, random_text(chance))
    return Entity(gtin, lot, random_text(chance), expiry, best_before)


def random_entities(seed: str, scope: str, count: int) -> list[Entity]:
    chance = random.Random(seed)
    return [random_entity(chance, scope) for _ in range(count)]


@st.composite
def entities(draw: st.DrawFn, scope: str) -> Entity:
    """Draw one entity of the scope; Hypothesis shrinks it to the shortest lot and the smallest GTIN."""
    least, most = draw(st.sampled_from(_SIGNIFICANT))
    length = draw(st.integers(least, most))
    numbers = st.integers(10 ** (length - 2), 9 * 10 ** (length - 2) - 1)
    gtin = draw(numbers.map(lambda number: with_check_digit(str(number)).zfill(14)).filter(is_open_trade))
    if scope == "products":
        return Entity(gtin)
    text = st.text(CSET_82, min_size=1, max_size=20).filter(lambda value: value not in {".", ".."})
    date = st.none() | st.sampled_from(_DATES)
    if scope == "lots":
        return Entity(gtin, draw(text), None, draw(date), draw(date))
    if draw(st.booleans()):
        return Entity(gtin, None, draw(text))
    return Entity(gtin, draw(text), draw(text), draw(date), draw(date))


def frame_of(scope: str, members: list[Entity]) -> pl.DataFrame:
    """Return the rows of a manifest with these entities."""
    rows = [
        dict.fromkeys(MANIFEST.names())
        | {"row": number, "scope": scope, "entity_id": f"e{number}"}
        | asdict(member)
        for number, member in enumerate(members)
    ]
    return pl.DataFrame(rows, schema=MANIFEST)


def elements_of(symbol: str, entity: Entity) -> list[tuple[str, str]]:
    """Return the Application Identifiers the symbol carries, in the order of the element string."""
    if symbol == "linear" and entity.serial_number:
        return [("01", entity.gtin14), ("21", entity.serial_number)]
    date = ("17", entity.expiry) if entity.expiry else ("15", entity.best_before)
    every = [("01", entity.gtin14), date, ("10", entity.lot_number), ("21", entity.serial_number)]
    return [(ai, value) for ai, value in every if value]


def carries_gtin_alone(symbol: str, scope: str) -> bool:
    """Whether the symbol is an EAN-13, EAN-8, UPC-A or ITF-14."""
    return symbol == "linear" and scope == "products"


def readings_of(symbol: str, scope: str, entity: Entity, resolver: str) -> set[Reading]:
    """Return what a scanner may report for the symbol."""
    elements = elements_of(symbol, entity)
    if symbol == "qr":
        path = "".join(f"/{ai}/{quote(value, safe='')}" for ai, value in elements if ai in {"01", "10", "21"})
        query = "".join(f"?{ai}={value}" for ai, value in elements if ai in {"15", "17"})
        return {("]Q1", f"{resolver}{path}{query}".encode())}
    if carries_gtin_alone(symbol, scope):
        return _gtin_readings(entity.gtin14)
    message = "".join(
        ai + value + (GS if ai == "10" and following else "")
        for (ai, value), following in zip(elements, [*elements[1:], None], strict=True)
    )
    return {("]d2" if symbol == "datamatrix" else "]C1", message.encode())}


def _gtin_readings(gtin14: str) -> set[Reading]:
    number = int(gtin14)
    if number >= 10**13:
        return {("]I0", gtin14.encode()), ("]I1", gtin14.encode())}
    if number >= 10**8:
        # A scanner reports a UPC-A as the EAN-13 with a zero in front that it also is.
        return {("]E0", gtin14[1:].encode())}
    return {("]E4", gtin14[6:].encode())}
