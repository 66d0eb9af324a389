"""The OpenAPI description is current, agrees with the published one, and covers every route."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import jsonschema_rs
import pytest
from starlette.routing import Route

from api.description import openapi
from api.routes.resource import Resource
from catalogue.selection import Scope
from exports.errors import InvalidRequest
from exports.requests.export_types import ExportType, RequestedFormat
from exports.requests.request import parse_request
from tests.api.conftest import facade
from tests.api.description import published

DOCUMENT = openapi.document()
SCHEMAS = DOCUMENT["components"]["schemas"]
COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.json"
CONTRACT = (COMMITTED.parent / "contract.md").read_text(encoding="utf-8")


def validator(name):
    return jsonschema_rs.validator_for(
        {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    )


def test_the_committed_copy_is_current():
    text = json.dumps(DOCUMENT, indent=2, ensure_ascii=False) + "\n"
    assert COMMITTED.read_text(encoding="utf-8") == text, (
        "python -m api.description.openapi > docs/openapi.json"
    )


def test_it_is_served(client):
    response = client.get("/openapi.json")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.json() == DOCUMENT


def test_every_route_is_described_and_nothing_else(exports, accounts, settings):
    app = facade(exports, accounts, settings)
    served = {
        (route.path, method)
        for route in app.routes
        if isinstance(route, Route) and isinstance(route.app, Resource)
        for method in route.app.allow.split(", ")
        if method not in {"HEAD", "OPTIONS"}
    }
    assert len(app.routes) == len({path for path, _ in served})
    described = {(path, m.upper()) for path, methods in DOCUMENT["paths"].items() for m in methods}
    assert served == described


def test_every_setting_says_what_it_means_and_where_it_applies():
    settings = SCHEMAS["LabelExportAssetConfigIn"]["properties"]
    assert all(setting["description"] for setting in settings.values())
    assert "sheet_pdf or roll_labels only" in settings["copies"]["description"]
    assert "png, pdf or zpl only" in settings["dpi"]["description"]
    assert (
        settings["scale_percent"]["anyOf"][0]["minimum"],
        settings["scale_percent"]["anyOf"][0]["maximum"],
    ) == (90, 110)


def test_operation_ids_are_unique():
    ids = [op["operationId"] for methods in DOCUMENT["paths"].values() for op in methods.values()]
    assert len(ids) == len(set(ids))


def test_every_reference_leads_somewhere():
    for ref in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(DOCUMENT))):
        found = DOCUMENT
        for step in ref.split("/"):
            found = found[step]


# --- as published


def test_the_published_operation():
    operation = DOCUMENT["paths"][published.PATH][published.METHOD]
    assert operation["operationId"] == published.OPERATION_ID
    body = operation["requestBody"]
    assert body["required"]
    assert body["content"]["application/json"]["schema"] == published.ref("LabelExportSubmitIn")
    assert operation["security"] == [{name: []} for name in published.SECURITY]
    assert set(published.ANSWERS) <= set(operation["responses"])
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert schemes == published.SECURITY | {"MetricsKeyAuth": {"type": "http", "scheme": "bearer"}}


def told_in_the_contract(name):
    """Return whether docs/contract.md lists this key or value of ours."""
    return f"`{name}`" in CONTRACT


@pytest.mark.parametrize("name", published.ENUMS)
def test_the_published_values(name):
    ours = SCHEMAS[name]["enum"]
    assert ours[: len(published.ENUMS[name])] == published.ENUMS[name]
    assert all(told_in_the_contract(value) for value in ours[len(published.ENUMS[name]) :])


def includes(ours, theirs):
    """Return whether our schema says all that the published one says; it may say more."""
    if "anyOf" in theirs:
        return len(ours["anyOf"]) == len(theirs["anyOf"]) and all(
            map(includes, ours["anyOf"], theirs["anyOf"])
        )
    return all(
        includes(ours[key], value) if isinstance(value, dict) else ours[key] == value
        for key, value in theirs.items()
    )


@pytest.mark.parametrize("name", published.OBJECTS)
def test_the_published_objects(name):
    required, properties = published.OBJECTS[name]
    assert SCHEMAS[name].get("required", []) == required
    for key, theirs in properties.items():
        assert includes(SCHEMAS[name]["properties"][key], theirs), key
    own = set(SCHEMAS[name]["properties"]) - set(properties)
    assert {key for key in own if not told_in_the_contract(key)} == set()
    if name.endswith("In"):
        assert SCHEMAS[name]["additionalProperties"] is False


# --- true


@pytest.mark.parametrize("name", [name for name, schema in SCHEMAS.items() if "examples" in schema])
def test_examples_are_valid(name):
    for example in SCHEMAS[name]["examples"]:
        validator(name).validate(example)


@pytest.mark.parametrize("filters", [None, {}, {"lot_ids": []}, {"lot_run_id": "a"}, {"serial_ids": ["a"]}])
def test_the_schema_and_the_parser_agree_on_what_goes_together(filters):
    schema = validator("LabelExportSubmitIn")
    for scope in Scope:
        for export_type in ExportType:
            for file_format in RequestedFormat:
                body = {
                    "scope": scope.value,
                    "export_type": export_type.value,
                    "file_format": file_format.value,
                    "filters": filters,
                }
                try:
                    parse_request(json.dumps(body).encode())
                    accepted = True
                except InvalidRequest:
                    accepted = False
                assert schema.is_valid(body) == accepted, body


# --- the page


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []
        self.ids = set()
        self.links = set()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        found = dict(attrs)
        self.ids.add(found.get("id"))
        self.links.add(found.get("href"))
        assert "style" not in found
        assert not any(name.startswith("on") for name in found)


def test_the_page_tells_of_every_operation_without_scripts_or_other_hosts(client):
    response = client.get("/docs")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert "style-src 'sha256-" in policy
    assert "unsafe" not in policy
    page = Page()
    page.feed(response.text)
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert all(link is None or link == "openapi.json" or link.startswith("#") for link in page.links)
    assert {link[1:] for link in page.links if link and link.startswith("#")} <= page.ids
    for methods in DOCUMENT["paths"].values():
        assert {operation["operationId"] for operation in methods.values()} <= page.ids
