"""Write the demo catalogues to this file's folder; the same files every time.

The company prefixes are GS1's own examples: 9506000 and 0614141.
"""

import csv
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

from gs1.check_digit import check_digit
from gs1.gtin import as_gtin_14

HERE = Path(__file__).parent
LOT_COUNT = 210
SERIAL_COUNT = 5_000

#: name, digits without check digit, declared carrier, active
ACME_PRODUCTS = [
    ("Dark chocolate 70 %, 100 g", "950600013435", "ean13", "true"),
    ("Dark chocolate 70 %, case of 12", "1950600013435", "itf14", "true"),
    ("Crème brûlée yoghurt, 4 × 125 g", "950600013436", "", "true"),
    ("Crème brûlée yoghurt, tray of 6", "2950600013436", "", "true"),
    ("Olive oil “Límnos” 500 ml", "950600013437", "", "true"),
    ("Olive oil “Límnos”, case of 6", "3950600013437", "", "true"),
    ("Green tea 緑茶, 20 bags", "950600013438", "", "true"),
    ("Mint pastilles, 15 g", "9506001", "ean8", "true"),
    ("Liquorice pastilles, 15 g", "9506002", "", "true"),
    ("Discontinued nougat bar", "950600013439", "", "false"),
]
TOOL_PRODUCTS = [
    ("Torque wrench 5–25 Nm", "61414100734", "upca", "true"),
    ("Hex key set, 9 pieces", "61414100735", "", "true"),
    ("Slip-joint pliers 250 mm", "61414100736", "", "true"),
    ("Torque wrench, carton of 4", "4061414100734", "itf14", "true"),
    ("Skruvmejsel åäö PH2", "61414100737", "", "true"),
    ("Withdrawn heat gun", "61414100738", "", "false"),
]

#: Lot numbers that software often gets wrong.
ODD_LOTS = [
    "A/7",
    "B.12-x",
    "C+3",
    "lower-case",
    "ABCDEFGHIJ0123456789",
    "%41",
    "x&y=z",
    "a:b;c",
    "1/2/3",
    "Q?_!",
]
#: Rows an import has to refuse, each for the reason in its name; the first and the last are good.
REJECTED_PRODUCTS = [
    ("9506000134352", "A good row", "ean13", "true", "2026-01-05T08:00:00+01:00"),
    ("9506000134353", "Wrong check digit", "", "true", ""),
    ("950600013435", "GTIN-13 without its check digit", "", "true", ""),
    ("95060001343S2", "Letter in the GTIN", "", "true", ""),
    ("", "No GTIN", "", "true", ""),
    ("9506000134369", "Unknown carrier", "code39", "true", ""),
    ("9506000134376", "Unclear active flag", "", "perhaps", ""),
    ("9506000134383", "Time without an offset", "", "true", "2026-01-05T08:00:00"),
    ("9506000134390", "", "", "true", ""),
    ("19506000134359", "Another good row, a case", "itf14", "true", "2026-01-06T08:00:00+01:00"),
]
ODD_SERIALS = ["S/1", "s+2", "a.b-c", "ABCDEFGHIJ0123456789", "100%", "x_y(z)", "'q\"", "<7>"]


def main() -> None:
    rng = random.Random(20261124)
    acme = _products(ACME_PRODUCTS)
    acme_lots = _lots(acme, LOT_COUNT, rng)
    _write("acme-foods", acme, acme_lots, _serials(acme_lots, acme, SERIAL_COUNT, rng), rng)
    tools = _products(TOOL_PRODUCTS)
    tool_lots = _lots(tools, 20, rng)
    _write("nordic-tools", tools, tool_lots, _serials(tool_lots, tools, 300, rng), rng)
    columns = ("gtin", "name", "carrier", "active", "created_at")
    rejects = [dict(zip(columns, row, strict=True)) for row in REJECTED_PRODUCTS]
    _write_csv(HERE / "rejects-example" / "products.csv", rejects)


def _products(rows: Sequence[tuple[str, str, str, str]]) -> list[dict[str, str]]:
    return [
        {
            "gtin": digits + str(check_digit(digits)),
            "name": name,
            "carrier": carrier,
            "active": active,
            "created_at": f"2026-01-{day:02d}T08:00:00+01:00",
        }
        for day, (name, digits, carrier, active) in enumerate(rows, start=5)
    ]


def _lots(products: Sequence[dict[str, str]], count: int, rng: random.Random) -> list[dict[str, str]]:
    lots: list[dict[str, str]] = []
    for index in range(count):
        number = ODD_LOTS[index] if index < len(ODD_LOTS) else f"L{index:04d}{rng.choice('ABCx')}"
        month, day = rng.randint(1, 12), rng.randint(1, 28)
        year = rng.randint(2027, 2029)
        full, whole = f"{year}-{month:02d}-{day:02d}", f"{year}-{month:02d}"
        # Of ten lots, one has no date, one only a best-before date, one both, and one a month as its expiry.
        expiry, best_before = {0: ("", ""), 1: ("", full), 2: (full, whole), 3: (whole, "")}.get(
            index % 10, (full, "")
        )
        lots.append(
            {
                "gtin": products[index % len(products)]["gtin"],
                "lot_number": number,
                "lot_run_id": f"run-2026-{index // 25:02d}" if index % 5 else "",
                "production_date": f"2026-{rng.randint(1, 10):02d}-{rng.randint(1, 28):02d}",
                "expiration_date": expiry,
                "best_before_date": best_before,
                "active": "false" if index % 40 == 39 else "true",
                "created_at": f"2026-{1 + index * 10 // count:02d}-{rng.randint(1, 28):02d}T09:30:00Z",
            }
        )
    return lots


def _serials(
    lots: Sequence[dict[str, str]], products: Sequence[dict[str, str]], count: int, rng: random.Random
) -> list[dict[str, str]]:
    serials: list[dict[str, str]] = []
    for index in range(count):
        with_lot = index % 8 != 0
        lot = rng.choice(lots)
        gtin = lot["gtin"] if with_lot else rng.choice(products)["gtin"]
        number = ODD_SERIALS[index] if index < len(ODD_SERIALS) else f"{index:06d}{rng.choice('XYZ')}"
        serials.append(
            {
                "gtin": gtin,
                "lot_number": lot["lot_number"] if with_lot else "",
                "serial_number": number,
                "active": "false" if index % 250 == 249 else "true",
                "created_at": f"2026-{rng.randint(1, 10):02d}-{rng.randint(1, 28):02d}T10:00:00+02:00",
            }
        )
    return serials


def _events(
    lots: Sequence[dict[str, str]], serials: Sequence[dict[str, str]], rng: random.Random
) -> list[dict[str, str]]:
    events = [
        {
            "entity_type": "lot",
            "gtin": lot["gtin"],
            "lot_number": lot["lot_number"],
            "serial_number": "",
            "event_type": "PRINTED" if index % 2 else "COMMISSIONED",
            "occurred_at": f"2026-10-{rng.randint(1, 28):02d}T12:00:00Z",
        }
        for index, lot in enumerate(lots[:12])
    ]
    events += [
        {
            "entity_type": "serial",
            "gtin": serial["gtin"],
            "lot_number": "",
            "serial_number": serial["serial_number"],
            "event_type": "PRINTED",
            "occurred_at": f"2026-11-{rng.randint(1, 20):02d}T12:00:00Z",
        }
        for serial in serials[:30]
    ]
    return events


def _write(
    slug: str,
    products: Sequence[dict[str, str]],
    lots: Sequence[dict[str, str]],
    serials: Sequence[dict[str, str]],
    rng: random.Random,
) -> None:
    for product in products:
        as_gtin_14(product["gtin"])
    tables = {"products": products, "lots": lots, "serials": serials, "events": _events(lots, serials, rng)}
    for table, rows in tables.items():
        _write_csv(HERE / slug / f"{table}.csv", rows)


def _write_csv(path: Path, rows: Iterable[dict[str, str]]) -> None:
    path.parent.mkdir(exist_ok=True)
    rows = list(rows)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
