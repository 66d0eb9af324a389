"""The design that a request chooses."""

import json

import pytest

from accounts.store import Accounts
from exports.designs import chosen
from exports.designs.document import BUILT_IN
from exports.errors import InvalidRequest
from exports.requests.request import ExportRequest, parse_request

SHELF = {"version": 1, "symbology": "datamatrix", "lines": [{"text": "LOT {lot}"}]}


@pytest.fixture
def designs(tmp_path):
    accounts = Accounts(f"sqlite:///{tmp_path}/accounts.db")
    accounts.create_organisation("acme")
    accounts.create_organisation("other")
    yield accounts.designs
    accounts.close()


def request(**config):
    body = {"scope": "lots", "export_type": "sheet_pdf", "file_format": "pdf", "asset_config": config}
    return parse_request(json.dumps(body).encode())


def add(designs, name="shelf", organisation="acme", **members):
    body = json.dumps({**SHELF, **members}).encode()
    return chosen.add(designs, organisation, name, body, created_by="key:1")


def test_the_newest_version_is_chosen(designs):
    add(designs)
    assert chosen.chosen(request(design="shelf"), "acme", designs).symbology == "datamatrix"
    add(designs, symbology="qr")
    assert chosen.chosen(request(design="shelf"), "acme", designs).symbology == "qr"
    assert chosen.chosen(request(), "acme", designs) is None
    assert chosen.chosen(request(design="default"), "acme", designs) is None
    assert chosen.chosen(request(design="dual"), "acme", designs) is BUILT_IN["dual"]


def test_an_unknown_design_is_refused_with_those_like_it(designs):
    add(designs)
    add(designs, organisation="other", name="secret")
    for name in ("shelff", "secret"):
        with pytest.raises(InvalidRequest) as refused:
            chosen.chosen(request(design=name), "acme", designs)
        [fault] = refused.value.details
        assert (fault["loc"], fault["type"]) == (["body", "asset_config", "design"], "unknown_design")
        assert "secret" not in fault["msg"].partition(";")[2]
    with pytest.raises(InvalidRequest, match="not a valid"):
        chosen.chosen(request(design="shelf"), "acme", None)


@pytest.mark.parametrize(
    ("config", "field"),
    [({"linear": "gtin"}, "linear"), ({"error_correction": "H"}, "error_correction")],
)
def test_what_cannot_apply_to_the_design_is_refused(designs, config, field):
    add(designs)
    with pytest.raises(InvalidRequest) as refused:
        chosen.chosen(request(design="shelf", **config), "acme", designs)
    assert refused.value.details[0]["loc"] == ["body", "asset_config", field]
    # With another symbol it can apply.
    assert chosen.chosen(request(design="shelf", symbology="qr", error_correction="H"), "acme", designs)
    assert chosen.chosen(request(design="dual", linear="element_string"), "acme", designs)


def test_settings_beside_a_design_are_not_the_same_as_none():
    plain, asked = request(design="dual"), request(design="dual", symbology="auto", linear="element_string")
    assert plain.normalised()["asset_config"] == {"design": "dual"}
    assert asked.normalised()["asset_config"] == {
        "design": "dual",
        "symbology": "auto",
        "linear": "element_string",
    }
    for each in (plain, asked):
        assert ExportRequest.model_validate(each.normalised()).normalised() == each.normalised()
    assert "asset_config" not in request(design="default", symbology="auto").normalised()
