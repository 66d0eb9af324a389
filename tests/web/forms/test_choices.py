"""What the form offers goes together: whatever is chosen of it makes a request that is taken."""

import itertools
import json
from dataclasses import dataclass

import pytest

from exports.designs.chosen import drawable, require_applicable
from exports.designs.document import BUILT_IN, Design, DesignLogo
from exports.printers.profile import Profile
from exports.requests.export_types import FORMATS_OF, LABEL_TYPES, ExportType
from exports.requests.request import AssetConfig, parse_request
from renderers.sheets.templates import TEMPLATES
from web.forms import choices
from web.forms import values as form_values
from web.forms.choices import settle

_LOGO = DesignLogo(
    svg='<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"><path d="M0 0H4V4H0Z"/></svg>', height_mm=5
)
DESIGNS = {
    "both": Design(version=1, linear="element_string"),
    "bars": Design(version=1, symbology="barcode_1d"),
    "logo": Design(version=1, logo=_LOGO),
}

#: A value of each field without options.
_TYPED = {
    "start_position": "2", "copies": "2", "quantities": "a1,3", "offset_x_mm": "0.5", "offset_y_mm": "-0.5",
    "scale_percent": "99.5", "module_size_mm": "0.5", "dpi": "300", "hri": "on", "cut_marks": "on",
    "record_printed": "on", "gtins": "9506000134352", "lot_ids": "a1", "serial_ids": "a1", "lot_run_id": "a1",
    "sheet_template": "", "carry": "17",
}  # fmt: skip


@dataclass
class Reads:
    """Reads of an organisation with designs of its own."""

    def templates(self, organisation):
        return list(TEMPLATES.values())

    def printers(self, organisation):
        return {"press": Profile(offset_x_mm=1, sheet_template="avery_5160", next_position=7)}

    def designs_for(self, organisation, export_type):
        known = drawable(export_type, organisation, None)
        return {
            **known,
            **{k: v for k, v in DESIGNS.items() if known and (not v.logo or export_type != "roll_labels")},
        }


def settled(**values):
    return settle({"scope": "lots", "export_type": "sheet_pdf", **values}, "acme", Reads())


def requested(values):
    """Return the request, as the service takes it: the design decides, too, what goes with it."""
    request = parse_request(json.dumps(form_values.body_of(values)).encode())
    name = values.get("design")
    if request.export_type in LABEL_TYPES:
        require_applicable(request, {**BUILT_IN, **DESIGNS}[name or "default"])
    return request


@pytest.mark.parametrize("export_type", list(ExportType))
@pytest.mark.parametrize("scope", ["products", "lots", "serials"])
def test_all_that_is_offered_goes_together(scope, export_type):
    _, first = settled(scope=scope, export_type=export_type)
    for file_format in first.options["file_format"]:
        _, offered = settled(scope=scope, export_type=export_type, file_format=file_format)
        designs, counted = offered.options["design"], offered.options["copies_from"]
        for design, how in itertools.product(designs, counted if offered.sheet else [""]):
            chosen = {
                "scope": scope,
                "export_type": export_type,
                "file_format": file_format,
                "design": design,
                "copies_from": how,
            }
            options = settled(**chosen)[1].options
            for symbology, linear in itertools.product(options["symbology"], options["linear"]):
                values, offered = settled(**chosen, symbology=symbology, linear=linear)
                if symbology:
                    assert values["symbology"] == symbology
                requested(values)
                # The X-dimension must suit all symbols; half a millimetre does.
                filled = {**values, "carries": "ticked"}
                for name in offered.fields - {"copies_from", "design", "symbology", "linear"}:
                    last = offered.options.get(name)
                    filled[name] = (last[-1] if last else _TYPED[name]) or filled.get(name, "")
                again, offered = settled(**filled)
                assert offered.left_out == []
                assert requested(again)


@pytest.mark.parametrize("export_type", list(ExportType))
def test_formats_are_those_of_the_type(export_type):
    values, offered = settled(export_type=export_type, file_format="zip")
    assert set(offered.options["file_format"]) == FORMATS_OF[export_type]
    assert values["file_format"] == offered.options["file_format"][0]


# What is chosen, the fields that are there, and those that are not.
FIELDS = [
    ({}, {"start_position", "copies", "design", "cut_marks", "lot_ids"}, {"rotate", "hri", "linear", "serial_ids"}),
    ({"sheet_template": "thermal_4x6in"}, {"rotate"}, {"start_position"}),
    ({"export_type": "roll_labels"}, {"rotate", "dpi"}, {"start_position", "scale_percent", "cut_marks"}),
    ({"symbology": "barcode_1d"}, {"linear"}, {"error_correction"}),
    ({"design": "dual"}, {"linear", "error_correction"}, set()),
    ({"design": "bars"}, {"linear"}, {"error_correction"}),
    ({"copies_from": "quantity"}, {"copies_from"}, {"copies", "quantities"}),
    ({"copies_from": "list"}, {"copies_from", "quantities"}, {"copies"}),
    ({"scope": "products"}, {"gtins"}, {"lot_ids", "lot_run_id", "serial_ids"}),
    ({"scope": "serials"}, {"lot_ids", "lot_run_id", "serial_ids"}, set()),
    ({"export_type": "datamatrix"}, {"symbology", "hri"}, {"design", "copies", "dpi", "error_correction"}),
    ({"export_type": "datamatrix", "file_format": "png"}, {"dpi"}, set()),
    ({"export_type": "qr_codes"}, {"hri", "error_correction"}, {"symbology"}),
    ({"export_type": "barcodes_1d"}, {"linear"}, {"hri", "error_correction", "symbology"}),
]  # fmt: skip


@pytest.mark.parametrize(("chosen", "there", "absent"), FIELDS, ids=[str(each[0]) for each in FIELDS])
def test_a_field_is_there_where_it_changes_anything(chosen, there, absent):
    _, offered = settled(**chosen)
    assert there <= offered.fields
    assert not absent & offered.fields


def test_what_no_longer_goes_with_the_rest_is_named_and_left_out():
    chosen = {
        "copies": "3",
        "start_position": "1",
        "lot_ids": "a1",
        "picked_lot_ids": "",
        "symbology": "qr",
        "sheet_template": "avery_5160",
    }
    values, offered = settled(**chosen, scope="products", export_type="datamatrix")
    assert set(offered.left_out) == {"copies", "lot_ids", "symbology"}
    assert not {"copies", "start_position", "lot_ids", "picked_lot_ids", "sheet_template"} & values.keys()
    assert values["symbology"] == ""


def test_a_roll_has_its_own_templates_and_resolutions():
    values, offered = settled(export_type="roll_labels", sheet_template="avery_5160", dpi="1200")
    assert values["sheet_template"] == "thermal_4x6in"
    assert all(sheet.labels_per_page == 1 for sheet in offered.sheets)
    assert (offered.dpi, offered.options["dpi"]) == (203, ["", "300", "600"])
    assert offered.left_out == ["dpi"]


def test_a_design_with_a_logo_is_not_offered_to_printers_that_cannot_draw_it():
    assert "logo" in settled()[1].options["design"]
    values, offered = settled(export_type="roll_labels", design="logo")
    assert "logo" not in offered.options["design"]
    assert (values["design"], offered.left_out) == ("", ["design"])


def test_the_form_has_a_field_for_every_setting():
    """A new key of `asset_config` gets its field, or is named here."""
    read = {*form_values._SETTINGS, *choices.COUNTED.values(), "record_printed"}
    assert read | {"carry"} == set(AssetConfig.model_fields)


def test_the_sheet_in_the_tray_of_the_printer_is_the_default():
    values, offered = settled(printer="press")
    assert (values["sheet_template"], offered.sheet.id, offered.position) == ("", "avery_5160", 7)
    assert "sheet_template" not in form_values.body_of(values)["asset_config"]
    other = settled(printer="press", sheet_template="avery_5163")[1]
    assert (other.sheet.id, other.position) == ("avery_5163", 1)
    roll = settled(printer="press", export_type="roll_labels")[1]
    assert (roll.sheet.id, roll.in_tray, roll.position) == ("thermal_4x6in", None, 1)


def test_what_is_ticked_is_carried_where_the_scope_has_it():
    values, offered = settled(carries="ticked", carry="17\n310n")
    assert form_values.body_of(values)["asset_config"]["carry"] == ["17", "310n"]
    values, offered = settled(scope="products", carries="ticked", carry="17\n242")
    assert (values["carry"], offered.left_out) == ("242", ["carry"])
    values, offered = settled(scope="products", export_type="barcodes_1d", carries="ticked", carry="242")
    assert "carry" not in form_values.body_of(values).get("asset_config", {})
    assert settled(carry="17")[0]["carry"] == ""
