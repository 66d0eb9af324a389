"""The same request makes the same bytes: the digests of a fixed set of artefacts, one of each kind.

A change that should not affect labels must not change `tests/golden/artefacts.json`. Another one rewrites it
with `make golden`, and its commit says what changed. Deflate streams are stored here instead of compressed,
because the compressor's output depends on the processor.
"""

import json
import os
import zlib
from pathlib import Path

import pytest
from isal import isal_zlib

from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.jobs import manifest
from tests.exports.conftest import Import, plan_for, run

GOLDEN = Path(__file__).parents[1] / "golden" / "artefacts.json"

_CONFIG: dict[str, dict[str, object]] = {
    "png": {"dpi": 300, "hri": True},
    "svg": {"hri": True},
    "eps": {"hri": True},
}
_FORMATS = {
    "qr_codes": ("svg", "png"),
    "datamatrix": ("svg", "png"),
    "barcodes_1d": ("svg", "eps"),
    "codes_combined": ("svg", "png", "eps"),
}
_SHEETS: dict[str, tuple[str, dict[str, object]]] = {
    "round inch, QR Code or DataMatrix": ("lots", {"sheet_template": "63up_1in_letter"}),
    "addresses, from cell 7, twice each": ("lots", {"start_position": 7, "copies": 2, "cut_marks": True}),
    "addresses, EAN/UPC, moved": ("products", {"symbology": "barcode_1d", "offset_x_mm": 0.5}),
    "addresses, DataMatrix at 203 dpi": ("serials", {"symbology": "datamatrix", "dpi": 203}),
}

_ROLLS: dict[str, tuple[str, dict[str, object]]] = {
    "QR Code or DataMatrix": ("lots", {"copies": 2}),
    "DataMatrix at 300 dpi, turned": ("serials", {"symbology": "datamatrix", "dpi": 300, "rotate": 90}),
    "GS1-128": ("lots", {"symbology": "barcode_1d"}),
    "EAN/UPC, upside down": ("products", {"symbology": "barcode_1d", "rotate": 180, "offset_x_mm": 0.5}),
}

#: Case table: the request without its scope and what it is called.
CASES: dict[str, dict[str, object]] = (
    {
        f"{scope} {export_type} {file_format}{' with text' if config else ''}": {
            "scope": scope,
            "export_type": export_type,
            "file_format": file_format,
            "asset_config": config,
        }
        for scope in ("products", "lots", "serials")
        for export_type, formats in _FORMATS.items()
        for file_format in formats
        for config in ({}, _CONFIG[file_format])
    }
    | {
        f"{scope} sheet, {name}": {
            "scope": scope,
            "export_type": "sheet_pdf",
            "file_format": "pdf",
            "asset_config": {"sheet_template": "avery_5160"} | config,
        }
        for name, (scope, config) in _SHEETS.items()
    }
    | {
        f"{scope} roll, {name}": {
            "scope": scope,
            "export_type": "roll_labels",
            "file_format": "zpl",
            "asset_config": config,
        }
        for name, (scope, config) in _ROLLS.items()
    }
)


@pytest.fixture
def catalogue(imported: Import) -> Catalogue:
    """A catalogue with every length of GTIN, and values that symbols have to escape, switch or shrink for."""
    gtins = ("9506000134352", "012345678905", "96385074", "10614141000415")
    names = ("Dark chocolate, 70 %", "Tea & <biscuits>", "緑茶", "عسل case")
    products = "\n".join(f'{gtin},"{name}"' for gtin, name in zip(gtins, names, strict=True))
    lots = [
        f'{gtin},"{lot}",{dates}'
        for gtin in gtins
        for lot, dates in (
            ("A/B+%&", "2027-03-31,"),
            ("0123456789", "2027-04,"),
            ("=1+1", ",2027-05-06"),
            ("20CHARACTERS-LOT-NO-", "2027-06-30,2027-06-01"),
            ('_""?;<>:,', ","),
        )
    ]
    serials = [
        f"{gtin},{lot},{lot[:1]}{n:05d}/S" for gtin in gtins for lot in ("A/B+%&", "") for n in range(4)
    ]
    return imported(
        products=f"gtin,name\n{products}\n",
        lots="\n".join(["gtin,lot_number,expiration_date,best_before_date", *lots, ""]),
        serials="\n".join(["gtin,lot_number,serial_number", *serials, ""]),
    )


def _stored(data: bytes, level: int = 0, wbits: int = zlib.MAX_WBITS) -> bytes:
    del level
    return zlib.compress(data, 0, wbits)


@pytest.mark.parametrize("chunk_rows", [pytest.param(25_000, id="whole"), pytest.param(3, id="in-parts")])
def test_artefacts_have_the_bytes_they_had(
    catalogue: Catalogue, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch, chunk_rows: int
) -> None:
    monkeypatch.setattr(manifest, "CHUNK_ROWS", chunk_rows)
    monkeypatch.setattr(isal_zlib, "compress", _stored)
    monkeypatch.setattr(
        isal_zlib, "compressobj", lambda _level, method, wbits: zlib.compressobj(0, method, wbits)
    )
    digests = {}
    for number, (name, body) in enumerate(CASES.items()):
        plan = plan_for(f"2222222222222222222{number:03d}".replace("0", "z").replace("1", "y"), **body)
        digests[name] = run(plan, catalogue, store).sha256
    if os.environ.get("LABELS_TEST_GOLDEN") == "write":
        GOLDEN.write_text(json.dumps(digests, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    assert digests == json.loads(GOLDEN.read_text(encoding="utf-8"))
