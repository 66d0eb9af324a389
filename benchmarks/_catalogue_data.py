"""Twenty organisations' products, lots and serials in Parquet: half of the serials belong to the first."""

from pathlib import Path

import polars as pl

ORGANISATIONS = tuple(f"org-{number:02d}" for number in range(20))
LARGEST = ORGANISATIONS[0]
SERIALS_PER_LOT = 200
LOTS_PER_PRODUCT = 10


def rows_of(organisation: str, rows: int) -> int:
    """Return how many of all the serials are this organisation's."""
    return rows // 2 if organisation == LARGEST else rows // 2 // (len(ORGANISATIONS) - 1)


def files(folder: Path, organisation: str, rows: int) -> dict[str, Path]:
    """Return the organisation's files by table; write those that do not exist yet.

    Serials are in no order, as a printer or a line controller sends them.
    """
    below = folder / str(rows) / organisation
    paths = {table: below / f"{table}.parquet" for table in ("products", "lots", "serials")}
    if all(path.exists() for path in paths.values()):
        return paths
    below.mkdir(parents=True, exist_ok=True)
    count = rows_of(organisation, rows)
    lots = max(1, count // SERIALS_PER_LOT)
    products = max(1, lots // LOTS_PER_PRODUCT)
    first = ORGANISATIONS.index(organisation) * 1_000_000
    gtin = _gtins(first, products)
    pl.DataFrame({"gtin": gtin, "name": [f"Product {n}" for n in range(products)]}).write_parquet(
        paths["products"]
    )
    number = pl.int_range(lots, eager=True)
    lot = pl.select(pl.format("L{}", number).alias("lot_number"))["lot_number"]
    pl.DataFrame(
        {
            "gtin": gtin.gather(number % products),
            "lot_number": lot,
            "lot_run_id": pl.select(pl.format("run-{}", number // 50))["literal"],
            "expiration_date": ["2028-06"] * lots,
        }
    ).write_parquet(paths["lots"])
    serial = pl.int_range(count, eager=True)
    of_lot = serial % lots
    pl.DataFrame(
        {
            "gtin": gtin.gather(of_lot % products),
            "lot_number": lot.gather(of_lot),
            # A step that shares no factor with the modulus visits every number once.
            "serial_number": pl.select(pl.format("S{}", serial * 7_919 % 1_000_000_007))["literal"],
        }
    ).write_parquet(paths["serials"])
    return paths


def _gtins(first: int, count: int) -> pl.Series:
    body = pl.int_range(9_506_000_000_000 // 10 + first, 9_506_000_000_000 // 10 + first + count, eager=True)
    frame = pl.DataFrame({"body": body})
    total = pl.sum_horizontal(
        pl.col("body") // 10**place % 10 * (1 if place % 2 else 3) for place in range(13)
    )
    return frame.select((pl.col("body") * 10 + (-total) % 10).cast(pl.String).str.zfill(14).alias("gtin"))[
        "gtin"
    ]
