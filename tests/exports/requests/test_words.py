"""A request in words tells everything that it asks for."""

import json
from typing import Any

import pytest

from exports.requests.request import AssetConfig, Filters, parse_request
from exports.requests.words import in_words

DATAMATRIX = {"scope": "lots", "export_type": "datamatrix", "file_format": "svg"}
SHEET = {"scope": "serials", "export_type": "sheet_pdf", "file_format": "pdf"}

ROLL = {
    "scope": "serials",
    "export_type": "roll_labels",
    "file_format": "zpl",
    "asset_config": {"rotate": 90, "dpi": 203},
}


def words(request: dict[str, Any], **more: Any) -> str:
    return in_words(parse_request(json.dumps(request | more).encode()))


def test_nothing_narrows() -> None:
    assert words(DATAMATRIX) == "GS1 DataMatrix as SVG in a ZIP, of all lots"
    assert words(SHEET) == "Sheets of labels as PDF, of all serials"
    assert words(ROLL) == "Labels on a roll as ZPL, of all serials (turned by 90 degrees)"


def test_filters_and_settings() -> None:
    filters = {
        "gtins": ["09506000134352"],
        "never_printed": True,
        "created_before": "2026-03-31T12:00:00+02:00",
    }
    assert words(DATAMATRIX, filters=filters, asset_config={"record_printed": False}) == (
        "GS1 DataMatrix as SVG in a ZIP, of all lots of GTIN 09506000134352, never printed,"
        " created before 2026-03-31 10:00:00 UTC (not recorded as printed)"
    )


@pytest.mark.parametrize(
    ("lots", "said"),
    [
        ([], "of 0 listed lot ids"),
        (["A", "B"], "of lot id A or B"),
        ([str(n) for n in range(5_000)], "of 5,000 listed lot ids"),
    ],
)
def test_long_lists_are_counted(lots: list[str], said: str) -> None:
    assert (
        words(DATAMATRIX, filters={"lot_ids": lots}) == f"GS1 DataMatrix as SVG in a ZIP, of all lots {said}"
    )


#: A value for each filter and setting, other than the default.
FILTERS: dict[str, Any] = {
    "gtins": ["09506000134352"], "product_id": "p", "lot_ids": ["l"], "serial_ids": ["s"], "lot_run_id": "r",
    "never_printed": True, "changed_since_print": True, "print_due": True,
    "created_after": "2026-01-01T00:00:00Z", "created_before": "2026-02-01T00:00:00Z",
}  # fmt: skip
CONFIG: dict[str, Any] = {
    "sheet_template": "avery_5160", "symbology": "qr", "start_position": 7, "copies": 2,
    "record_printed": False, "offset_x_mm": 0.5, "offset_y_mm": -0.5, "scale_percent": 99.5,
    "error_correction": "Q", "module_size_mm": 0.5, "dpi": 300, "environment": "healthcare", "hri": True,
    "cut_marks": True, "rotate": 90, "design": "shelf",
    "printer": "desk", "copies_from": "quantity", "quantities": [{"id": "a", "copies": 2}], "carry": ["17", "310n"],
}  # fmt: skip


def test_nothing_is_left_out() -> None:
    assert FILTERS.keys() == Filters.model_fields.keys()
    assert {*CONFIG, "linear"} == {*AssetConfig.model_fields}
    said = [words(SHEET, filters={key: value}) for key, value in FILTERS.items()]
    said += [words(SHEET, asset_config={key: value}) for key, value in CONFIG.items() if key != "hri"]
    said.append(words(DATAMATRIX, asset_config={"hri": True}))
    said.append(words(SHEET, asset_config={"design": "dual", "linear": "gtin"}))
    assert len({words(SHEET), words(DATAMATRIX), *said}) == len(said) + 2
