"""The settings of each kind of export: those that would have no effect are refused."""

import json

import pytest

from exports.errors import InvalidRequest
from exports.requests import request
from exports.requests.export_types import FORMATS_OF, ExportType
from exports.requests.request import AssetConfig, ExportRequest, parse_request
from exports.requests.settings import SAME_AS_ABSENT

SHEET, ROLL = ("sheet_pdf", "pdf"), ("roll_labels", "zpl")
PNG = {("qr_codes", "png"), ("datamatrix", "png"), ("codes_combined", "png")}
ALL = {(kind.value, form.value) for kind in ExportType for form in FORMATS_OF[kind]}

# Typed off the contract: setting, a value that is not its default, the exports that take it.
TABLE = [
    ("sheet_template", "avery_5160", ALL),
    ("symbology", "qr", {SHEET, ROLL}),
    ("design", "shelf", {SHEET, ROLL}),
    ("linear", "gtin", {export for export in ALL if export[0] in {"barcodes_1d", "codes_combined"}}),
    ("start_position", 2, {SHEET}),
    ("copies", 2, {SHEET, ROLL}),
    ("copies_from", "quantity", {SHEET, ROLL}),
    ("quantities", [{"id": "a", "copies": 0}], {SHEET, ROLL}),
    ("offset_x_mm", 0.1, {SHEET, ROLL}),
    ("offset_y_mm", -0.1, {SHEET, ROLL}),
    ("scale_percent", 99.5, {SHEET}),
    ("cut_marks", True, {SHEET}),
    ("rotate", 90, {SHEET, ROLL}),
    ("dpi", 300, {*PNG, SHEET, ROLL}),
    ("error_correction", "H", {export for export in ALL if export[0] in {"qr_codes", "codes_combined"}} | {SHEET, ROLL}),
    ("record_printed", False, ALL),
    ("module_size_mm", 0.5, ALL),
    ("environment", "distribution", ALL),
    ("hri", True, ALL),
    ("printer", "desk", {*PNG, SHEET, ROLL}),
    ("carry", ["11", "310n"], ALL),
]  # fmt: skip


def request_of(export, **config) -> ExportRequest:
    kind, form = export
    body = {"scope": "lots", "export_type": kind, "file_format": form, "asset_config": config}
    return parse_request(json.dumps(body).encode())


def test_the_table_has_every_setting():
    assert {setting for setting, *_ in TABLE} == set(AssetConfig.model_fields)


@pytest.mark.parametrize("export", sorted(ALL))
@pytest.mark.parametrize(("setting", "value", "takers"), TABLE)
def test_a_setting_is_followed_or_refused(setting, value, takers, export):
    if export in takers:
        request_of(export, **{setting: value})
        return
    with pytest.raises(InvalidRequest) as caught:
        request_of(export, **{setting: value})
    [fault] = caught.value.details
    assert (fault["loc"], fault["type"]) == (["body", "asset_config", setting], "incoherent_setting")
    assert fault["msg"].startswith(f"{setting} applies to ")


@pytest.mark.parametrize("export", sorted(ALL))
def test_defaults_are_taken_everywhere_and_say_nothing(export):
    plain = request_of(export).normalised()
    defaults = {**SAME_AS_ABSENT, "dpi": 203} if export == ROLL else SAME_AS_ABSENT
    assert request_of(export, **defaults).normalised() == plain
    kind, _ = export
    if kind in {"datamatrix", "barcodes_1d"}:
        assert request_of(export, error_correction="M").normalised() == plain


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"copies": 2, "copies_from": "quantity"}, "copies_from"),
        ({"copies": 2, "quantities": [{"id": "a", "copies": 1}]}, "quantities"),
        ({"copies_from": "quantity", "quantities": [{"id": "a", "copies": 1}]}, "quantities"),
    ],
)
def test_only_one_setting_says_how_many_labels_there_are(config, field):
    with pytest.raises(InvalidRequest) as caught:
        request_of(("sheet_pdf", "pdf"), **config)
    [fault] = caught.value.details
    assert (fault["loc"], fault["type"]) == (["body", "asset_config", field], "incoherent_setting")
    request_of(("sheet_pdf", "pdf"), **{**config, "copies": 1, "quantities": None})


def test_what_is_carried_has_one_form():
    asked = request_of(("qr_codes", "svg"), carry=["240", "17", "10", "310n", "17"]).normalised()
    assert asked["asset_config"] == {"carry": ["17", "310n", "10", "240"]}
    assert request_of(("qr_codes", "svg"), carry=[]).normalised()["asset_config"] == {"carry": []}


# Case table: the scope, the export, what is asked to be carried, what the refusal says.
NOT_CARRIED = [
    ("lots", ("qr_codes", "svg"), ["99"], "Input should be some of 11, 15, 17, 310n"),
    ("lots", ("qr_codes", "svg"), ["3103"], "and not '3103'"),
    ("lots", ("qr_codes", "svg"), ["01"], "are always carried"),
    ("products", ("qr_codes", "svg"), ["17"], "No one of products has a value of (17)"),
    ("products", ("datamatrix", "svg"), ["10"], "No one of products has a value of (10)"),
    ("products", ("barcodes_1d", "svg"), ["240"], "The linear symbols of products carry the GTIN alone"),
    ("lots", ("qr_codes", "svg"), ["11", "15", "17", "310n", "311n", "312n", "240", "242", "30"], "at most 8 items"),
]  # fmt: skip


@pytest.mark.parametrize(("scope", "export", "carry", "said"), NOT_CARRIED)
def test_what_cannot_be_carried_is_refused(scope, export, carry, said):
    body = {
        "scope": scope,
        "export_type": export[0],
        "file_format": export[1],
        "asset_config": {"carry": carry},
    }
    with pytest.raises(InvalidRequest) as caught:
        parse_request(json.dumps(body).encode())
    [fault] = caught.value.details
    assert fault["loc"][:3] == ["body", "asset_config", "carry"]
    assert said in fault["msg"]


def test_a_gtin_alone_carries_nothing_else():
    config = {"linear": "gtin", "carry": ["17"]}
    request_of(("codes_combined", "svg"), **config)
    with pytest.raises(InvalidRequest, match="not a valid"):
        request_of(("barcodes_1d", "svg"), **config)


def test_ids_of_quantities_are_canonical():
    uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    listed = [{"id": uuid.replace("-", "").upper(), "copies": 2.0}]
    plain = request_of(("sheet_pdf", "pdf"), quantities=listed).normalised()
    assert plain["asset_config"] == {"quantities": [{"id": uuid, "copies": 2}]}
    with pytest.raises(InvalidRequest, match="not a valid"):
        request_of(("sheet_pdf", "pdf"), quantities=[*listed, {"id": uuid, "copies": 1}])


@pytest.mark.parametrize("symbology", ["datamatrix", "barcode_1d"])
def test_a_sheet_without_qr_code_has_no_error_correction(symbology):
    request_of(SHEET, symbology="auto", error_correction="H")
    with pytest.raises(InvalidRequest, match="not a valid"):
        request_of(SHEET, symbology=symbology, error_correction="H")


def test_a_roll_keeps_its_template_and_any_other_resolution_than_its_default():
    config = {"sheet_template": "thermal_2x1in", "dpi": 600, "rotate": 270}
    assert request_of(ROLL, **config).normalised()["asset_config"] == config
    assert "asset_config" not in request_of(ROLL, dpi=203.0, rotate=0.0).normalised()


@pytest.mark.parametrize(
    ("config", "field"), [({"dpi": 400}, "dpi"), ({"rotate": 45}, "rotate"), ({"rotate": True}, "rotate")]
)
def test_a_roll_takes_what_label_printers_have(config, field):
    with pytest.raises(InvalidRequest) as caught:
        request_of(ROLL, **config)
    [fault] = caught.value.details
    assert fault["loc"] == ["body", "asset_config", field]


def test_a_resolution_that_suits_one_carrier_is_taken():
    """At 72 dpi two dots are 0.706 mm: too wide for EAN-13 in distribution (0.660 mm), not for ITF-14."""
    body = {"scope": "products", "export_type": "codes_combined", "file_format": "png"}
    config = {"dpi": 72, "environment": "distribution"}
    assert parse_request(json.dumps({**body, "asset_config": config}).encode())


def test_a_resolution_without_dots_within_the_limits(monkeypatch):
    """Every kind has whole dots from 72 dpi on, so a coarser printer is made up."""
    monkeypatch.setattr(request, "default_dpi", lambda _: 20)
    with pytest.raises(InvalidRequest) as caught:
        request_of(("qr_codes", "png"))
    [fault] = caught.value.details
    assert (fault["loc"], fault["type"]) == (["body", "asset_config", "dpi"], "out_of_range")
    assert "0.396 to 0.990 mm" in fault["msg"]


def test_rectangles_may_be_asked_of_sheets_and_datamatrix_files():
    for export_type, file_format in (("sheet_pdf", "pdf"), ("datamatrix", "svg"), ("datamatrix", "png")):
        request = request_of((export_type, file_format), symbology="datamatrix_rectangular")
        assert request.normalised()["asset_config"] == {"symbology": "datamatrix_rectangular"}
    for export_type, symbology in (
        ("qr_codes", "datamatrix_rectangular"),
        ("datamatrix", "qr"),
        ("datamatrix", "datamatrix"),
    ):
        with pytest.raises(InvalidRequest) as caught:
            request_of((export_type, "svg"), symbology=symbology)
        assert caught.value.details[0]["msg"].startswith("symbology applies to export_type sheet_pdf")
