"""What a printer fills in a request, by type and format. How jobs share its tray is in tests/pipelines."""

import json

import pytest

from accounts.store import Accounts
from exports.artefacts import ArtefactStore
from exports.errors import ExportNotFound, InvalidRequest
from exports.printers import profile
from exports.printers.trays import Trays, filled
from exports.requests.request import parse_request
from exports.sheets.templates import templates_in

JOB = "AbCdEfGhJkLmNoPqRsTuVw"
SHEET, ROLL, PNG = ("sheet_pdf", "pdf"), ("roll_labels", "zpl"), ("qr_codes", "png")

#: All that a printer does. No default is among the values.
OFFSETS = {"offset_x_mm": 0.5, "offset_y_mm": -1.0}
DESK = {
    **OFFSETS,
    "scale_percent": 99.5,
    "dpi": 300,
    "rotate": 90,
    "sheet_template": "avery_5160",
    "next_position": 7,
}
ON_SHEET = {**OFFSETS, "scale_percent": 99.5, "dpi": 300, "sheet_template": "avery_5160", "start_position": 7}


@pytest.fixture
def trays(tmp_path):
    accounts = Accounts(f"sqlite:///{tmp_path}/accounts.db")
    accounts.create_organisation("acme")
    accounts.create_organisation("other")

    def unknown(organisation, job_id):
        raise ExportNotFound(job_id)

    yield Trays(accounts.printers, templates_in(ArtefactStore(str(tmp_path / "store"))), unknown)
    accounts.close()


def save(trays, name="desk", organisation="acme", **members):
    body = json.dumps(members).encode()
    return profile.save(trays.stored, trays.templates, organisation, name, body, changed_by="key:1")


def request(export, **config):
    kind, form = export
    body = {"scope": "lots", "export_type": kind, "file_format": form, "asset_config": config}
    return parse_request(json.dumps(body).encode())


def fills(trays, export, **config):
    found = trays.filled(request(export, printer="desk", **config), "acme", JOB)
    return found.model_dump(exclude_none=True)


@pytest.mark.parametrize(
    ("export", "config", "expected"),
    [
        (SHEET, {}, ON_SHEET),
        (SHEET, {"sheet_template": "avery_5160"}, {k: v for k, v in ON_SHEET.items() if k != "sheet_template"}),
        (SHEET, {"sheet_template": "avery_5163"}, {**OFFSETS, "scale_percent": 99.5, "dpi": 300}),
        (SHEET, {"sheet_template": "thermal_4x6in"}, {**OFFSETS, "scale_percent": 99.5, "dpi": 300, "rotate": 90}),
        (SHEET, {"start_position": 1}, {k: v for k, v in ON_SHEET.items() if k != "start_position"}),
        (SHEET, {"offset_x_mm": 0.0, "dpi": 600}, {k: v for k, v in ON_SHEET.items() if k not in {"offset_x_mm", "dpi"}}),
        (ROLL, {}, {**OFFSETS, "dpi": 300, "rotate": 90}),
        (ROLL, {"rotate": 0, "dpi": 203}, OFFSETS),
        (PNG, {}, {"dpi": 300}),
        (("codes_combined", "png"), {"dpi": 600}, {}),
    ],
    ids=str,
)  # fmt: skip
def test_it_fills_what_is_left_out_and_taken(trays, export, config, expected):
    save(trays, **DESK)
    assert fills(trays, export, **config) == expected


def test_a_roll_in_the_printer_is_taken_by_rolls_and_has_no_cells(trays):
    save(trays, rotate=180, sheet_template="thermal_2x1in")
    for export in (ROLL, SHEET):
        assert fills(trays, export) == {"rotate": 180, "sheet_template": "thermal_2x1in"}


def test_a_printer_without_settings_fills_nothing(trays):
    save(trays)
    assert fills(trays, SHEET) == {}
    assert trays.filled(request(SHEET), "acme", JOB) is None


@pytest.mark.parametrize("export", [("qr_codes", "svg"), ("barcodes_1d", "eps")])
def test_an_export_that_takes_nothing_of_a_printer_names_none(export):
    with pytest.raises(InvalidRequest) as caught:
        request(export, printer="desk")
    [fault] = caught.value.details
    assert (fault["loc"], fault["type"]) == (["body", "asset_config", "printer"], "incoherent_setting")


def test_what_the_request_says_is_kept_beside_a_printer_though_it_is_the_default():
    """It is not the same as none: that would be the printer's."""
    config = {"printer": "desk", "start_position": 1, "dpi": 600, "scale_percent": 100.0, "copies": 1}
    kept = request(SHEET, **config).normalised()["asset_config"]
    assert kept == {key: value for key, value in config.items() if key != "copies"}


@pytest.mark.parametrize(
    ("members", "export", "told"),
    [
        ({"dpi": 720}, ROLL, "Label printers have 203, 300, 600 dots per inch, not 720"),
    ],
)
def test_a_value_that_the_export_cannot_have_is_the_printers_fault(trays, members, export, told):
    save(trays, **members)
    with pytest.raises(InvalidRequest) as caught:
        fills(trays, export)
    [fault] = caught.value.details
    assert fault["loc"] == ["body", "asset_config", "printer"]
    assert told in fault["msg"]


def test_an_unknown_printer_is_refused_with_those_like_it(trays):
    save(trays, "desk-1")
    save(trays, "desk", organisation="other", **DESK)
    with pytest.raises(InvalidRequest) as caught:
        fills(trays, SHEET)
    [fault] = caught.value.details
    assert (fault["type"], "there are desk-1" in fault["msg"]) == ("unknown_printer", True)
    trays.stored.remove("acme", "desk-1")
    with pytest.raises(InvalidRequest) as caught:
        fills(trays, SHEET)
    assert "the organisation has none" in caught.value.details[0]["msg"]


def test_without_printers_none_is_known():
    assert filled(request(SHEET), "acme", JOB, None) is None
    with pytest.raises(InvalidRequest):
        filled(request(SHEET, printer="desk"), "acme", JOB, None)
