"""The pages of printers and of saved requests."""

import json

import pytest

from exports.ports import JobStatus

DESK = {
    "name": "desk",
    "offset_x_mm": "0,5",
    "rotate": "90",
    "sheet_template": "avery_5160",
    "next_position": "7",
}
LOTS = {"scope": "lots", "export_type": "qr_codes", "file_format": "svg"}


@pytest.fixture
def desk(site, manager):
    assert manager.post("/new-printer", DESK).headers["location"] == "/printers"
    yield site.accounts.printers
    if any(each.name == "desk" for each in site.accounts.printers.list("acme")):
        site.accounts.printers.remove("acme", "desk")


@pytest.fixture
def morning(site, manager):
    fields = {"name": "morning", "request": json.dumps(LOTS)}
    assert manager.post("/new-request", fields).headers["location"] == "/requests"
    yield site.accounts.saved_requests
    if any(each.name == "morning" for each in site.accounts.saved_requests.list("acme")):
        site.accounts.saved_requests.remove("acme", "morning")


def test_a_printer_is_added_shown_changed_and_removed(manager, viewer, desk):
    shown = viewer.get("/printers").text
    assert "moved 0.5 mm right, 0 mm down" in shown
    assert "labels turned by 90 degrees" in shown
    assert "avery_5160, label 7 is the first free one" in shown
    assert "New printer" not in shown
    form = manager.get("/new-printer?of=desk").text
    assert 'value="0.5"' in form
    assert '<option value="90" selected>' in form
    assert manager.post("/new-printer", {"name": "desk", "dpi": "300"}).status_code == 303
    stored = desk.get("acme", "desk")
    assert (json.loads(stored.document), stored.next_position) == ({"dpi": 300}, 7)
    assert manager.post("/printers/desk/remove").headers["location"] == "/printers"
    assert "No printer is known yet." in manager.get("/printers").text


def test_another_sheet_is_put_into_the_tray(site, manager, desk):
    job = site.exports.add("acme", JobStatus.PROCESSING)
    assert desk.take("acme", "desk", job.job_id, "avery_5160", 7)
    assert f'href="/jobs/{job.job_id}">a job prints on it' in manager.get("/printers").text
    sheet = {"sheet_template": "avery_5163", "next_position": "3"}
    assert manager.post("/printers/desk/tray", sheet).headers["location"] == "/printers"
    assert "avery_5163, label 3 is the first free one" in manager.get("/printers").text
    refused = manager.post("/printers/desk/tray", {**sheet, "next_position": "11"})
    assert refused.status_code == 422
    assert "A sheet of avery_5163 has labels 1 to 10" in refused.text
    assert desk.get("acme", "desk").next_position == 3


def test_an_ended_job_moves_the_cell_on_when_the_page_is_shown(site, manager, desk):
    job = site.exports.add("acme", JobStatus.COMPLETED, next_position=12)
    desk.take("acme", "desk", job.job_id, "avery_5160", 7)
    assert "avery_5160, label 12 is the first free one" in manager.get("/printers").text


def test_a_printer_with_faults_is_shown_with_them(site, manager):
    refused = manager.post("/new-printer", {"name": "Desk", "dpi": "many"})
    assert refused.status_code == 422
    assert 'aria-describedby="dpi-fault"' in refused.text
    named = manager.post("/new-printer", {"name": "Desk", "dpi": "300"})
    assert "cannot be the name of a printer" in named.text
    assert site.accounts.printers.list("acme") == []


def test_a_request_is_saved_shown_changed_and_removed(manager, viewer, morning):
    shown = viewer.get("/requests").text
    assert "QR Codes as SVG in a ZIP, of all lots" in shown
    assert "Make the labels" not in shown
    assert "&#34;qr_codes&#34;" in manager.get("/new-request?of=morning").text
    changed = {"name": "morning", "request": json.dumps({**LOTS, "scope": "products"})}
    assert manager.post("/new-request", changed).status_code == 303
    assert "of all products" in manager.get("/requests").text
    assert manager.post("/requests/morning/remove").headers["location"] == "/requests"
    assert "No request has a name yet." in manager.get("/requests").text


def test_a_saved_request_is_submitted_once_for_each_page_shown(site, manager, morning):
    before = len(site.exports.store)
    sent = manager.post("/requests/morning/submit", {"once": "page-1"})
    assert sent.headers["location"].startswith("/jobs/")
    again = manager.post("/requests/morning/submit", {"once": "page-1"})
    assert again.headers["location"] == sent.headers["location"]
    assert manager.post("/requests/morning/submit", {"once": "page-2"}).headers != sent.headers
    assert len(site.exports.store) == before + 2


def test_what_is_no_longer_accepted_can_be_changed_or_removed_only(site, manager, morning):
    morning.save("acme", "morning", '{"scope": "pallets"}', changed_by="cli")
    shown = manager.get("/requests").text
    assert "This release no longer takes it." in shown
    assert "Make the labels" not in shown
    assert manager.post("/requests/morning/submit").status_code == 422
    refused = manager.post("/new-request", {"name": "morning", "request": '{"scope": "pallets"}'})
    assert refused.status_code == 422
    assert "scope: " in refused.text
