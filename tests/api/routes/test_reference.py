"""Sheet templates and the print history."""

from dataclasses import fields

import pytest

from exports.reads import PrintEvent
from renderers.sheets.model import SheetTemplate
from renderers.sheets.templates import TEMPLATES
from tests.api.conftest import CREATED

TEMPLATES_URL = "/products/api/v1/labels/templates/"
HISTORY = "/products/api/v1/labels/print-history/"


def test_sheet_templates(client, viewer):
    body = client.get(TEMPLATES_URL, params={"page_size": 100}, headers=viewer).json()
    assert body["pagination"]["total_count"] == len(TEMPLATES)
    assert [sheet["id"] for sheet in body["data"]] == list(TEMPLATES)[:100]
    shown = next(sheet for sheet in body["data"] if sheet["id"] == "63up_1in_letter")
    known = TEMPLATES["63up_1in_letter"]
    assert shown["labels_per_page"] == 63
    for field in fields(SheetTemplate):
        if field.name not in {"also_known_as", "source"}:
            assert shown[field.name] == getattr(known, field.name)
    second = client.get(TEMPLATES_URL, params={"page": 2, "page_size": 3}, headers=viewer).json()
    assert [sheet["id"] for sheet in second["data"]] == list(TEMPLATES)[3:6]


def printed(lot, serial=None, **changes):
    event = {
        "event_type": "PRINTED",
        "entity_type": "lot",
        "entity_id": f"id-{lot}",
        "gtin14": "00012345678905",
        "lot_number": lot,
        "serial_number": serial,
        "occurred_at": CREATED,
        "job_id": "AbCdEfGhJkLmNoPqRsTuVw",
        "actor": None,
        "reason": None,
    }
    return PrintEvent(**{**event, **changes})


def test_print_history(client, viewer, exports):
    known = {
        "carried": {"01": "00012345678905", "10": "L2"},
        "resolver": "https://id.gs1.org",
        "lines": ["Tea", "(01)00012345678905(10)L2"],
    }
    again = printed("L2", event_type="REPRINTED", actor="key:1", reason="torn", **known)
    exports.events = [("acme", again), ("acme", printed("L1")), ("other", printed("L3"))]
    body = client.get(HISTORY, headers=viewer).json()
    assert body["pagination"]["total_count"] == 2
    assert body["data"][0] == {
        "event_type": "REPRINTED",
        "entity_type": "lot",
        "entity_id": "id-L2",
        "gtin": "00012345678905",
        "lot": "L2",
        "serial": None,
        "occurred_at": "2026-03-31T12:00:00+00:00",
        "job_id": "AbCdEfGhJkLmNoPqRsTuVw",
        "actor": "key:1",
        "reason": "torn",
        **known,
    }
    assert [body["data"][1][key] for key in known] == [None, None, None]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"lot": "L1"}, 1),
        ({"serial": "S1"}, 1),
        ({"gtin": "00012345678905"}, 2),
        ({"gtin": "012345678905"}, 2),  # the same as UPC-A
        ({"gtin": "6291041500213"}, 0),
        ({"lot": "%"}, 0),
    ],
)
def test_a_part_of_the_print_history(client, viewer, exports, query, count):
    exports.events = [("acme", printed("L1")), ("acme", printed("L2", "S1"))]
    assert len(client.get(HISTORY, params=query, headers=viewer).json()["data"]) == count
