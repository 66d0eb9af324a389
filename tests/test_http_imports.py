"""`labels import --url` against a running service: upload, queue, report, files of rows that were not imported."""

from pathlib import Path

from tests.conftest import Shop
from tests.service import Service, labels

STOCK = "EAN,Artikel,Charge,MHD\n5901234123457,Tee,T1,31.12.2027\n5901234123457,Tee,2-Mar,31.12.2027\n"


def test_a_spreadsheet_goes_in_over_http(service: Service, shop: Shop, tmp_path: Path) -> None:
    stock = tmp_path / "stock.csv"
    stock.write_text(STOCK)
    there = (
        "import",
        "--url",
        service.url,
        "--key",
        shop.key,
        "--rejects",
        str(tmp_path / "rows"),
        str(stock),
    )

    done = labels(service.home, *there, accept=(1,))

    assert "lots: 2 read, 1 added, 0 updated, 0 unchanged, 0 rejected, 1 held" in done.stdout, done.stderr
    (held,) = (tmp_path / "rows").rglob("*-held.csv")
    assert str(held) in done.stdout
    corrected = held.read_text("utf-8-sig").replace("2-Mar", "T2")
    held.write_text(corrected)
    again = labels(service.home, *there[:-1], str(held))
    assert "lots: 1 read, 1 added" in again.stdout
    refused = labels(service.home, *there[:-1], __file__, accept=(1,))
    assert "test_http_imports.py" in refused.stderr
