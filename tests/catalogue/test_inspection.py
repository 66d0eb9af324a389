"""`labels catalogue verify` finds data that today's imports would refuse."""

from pathlib import Path

import polars as pl
import pytest

from catalogue.imports.ingest import import_files
from catalogue.inspection import verify
from catalogue.tables import Catalogue
from tests.catalogue.stock import GTIN, NOW, ORG


@pytest.mark.parametrize("column", ["expiration_date", "best_before_date"])
def test_a_date_before_production_is_found(tmp_path: Path, column: str) -> None:
    catalogue = Catalogue(str(tmp_path / "catalogue"))
    (tmp_path / "products.csv").write_text(f"gtin,name\n{GTIN},Tea\n")
    (tmp_path / "lots.csv").write_text(
        f"gtin,lot_number,{column},production_date\n{GTIN},L,2026-05,2026-05-31\n"
    )
    paths = {table: tmp_path / f"{table}.csv" for table in ("products", "lots")}
    import_files(catalogue, ORG, **paths, rejects_dir=tmp_path, now=NOW)
    assert not any(check.violations for check in verify(catalogue, ORG))

    [path] = catalogue.files(ORG)["lots"]
    pl.read_parquet(path).with_columns(pl.lit("2026-06-01").alias("production_date")).write_parquet(path)

    assert [check.invariant for check in verify(catalogue, ORG) if check.violations] == [
        "dates after production"
    ]
