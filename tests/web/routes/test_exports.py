"""The form of a new export, as it is sent with and without JavaScript: searches, files, designs, rolls, quantities."""

import html
import re

import pytest

from exports.designs.chosen import add
from exports.printers.profile import save
from tests.web.conftest import HOSTILE_LOT, LOTS_AS_QR

SHEET = {
    "scope": "lots", "export_type": "sheet_pdf", "file_format": "pdf", "sheet_template": "avery_5160",
    "printing": "any", "record_printed": "on",
}  # fmt: skip
BY_HTMX = {"hx-request": "true"}


@pytest.fixture
def organisation(site):
    """An organisation of the test's own, without a catalogue."""
    slug = f"form-{len(site.accounts.organisations())}"
    site.accounts.create_organisation(slug)
    return slug


def state_of(text):
    return re.search(r'name="state" value="([^"]+)"', text)[1]


def ids_of(text, name):
    return re.findall(rf'name="{name}" value="([^"]*)"', text)


def test_fields_are_sent_anew_where_others_are_to_be_shown(manager):
    shown = {**SHEET, "state": state_of(manager.get("/exports/new?sheet_template=avery_5160").text)}
    same = manager.post("/exports/new/preview", {**shown, "copies": "2"}, headers=BY_HTMX).text
    assert "<hx-partial" not in same
    assert "<strong>4 labels</strong>" in same
    other = manager.post("/exports/new/preview", {**shown, "export_type": "datamatrix"}, headers=BY_HTMX).text
    assert '<hx-partial hx-target="#fields"' in other
    assert 'id="sheet_template"' not in other
    assert re.findall(r'<option value="(\w+)"[^>]*>(?:SVG|PNG|PDF)<', other) == ["svg", "png"]


def test_without_javascript_the_whole_page_comes_with_what_would_be_made(manager):
    text = manager.post("/exports/new/preview", SHEET).text
    assert text.startswith("<!doctype html>")
    assert "entities are selected" in text
    assert text.count('id="fields"') == 1
    assert "data:image/png" in text


def test_what_is_wrong_is_told_at_its_field_before_anything_is_made(manager):
    shown = {**SHEET, "state": state_of(manager.get("/exports/new").text), "gtins": "09506000134353"}
    text = manager.post("/exports/new/preview", shown, headers=BY_HTMX).text
    assert re.search(r'<textarea id="gtins"[^>]* aria-invalid="true" aria-describedby="gtins-fault"', text)
    assert re.search(r'id="gtins-fault">entry 1: [^<]*check digit', text)
    # Corrected, the field loses its mark.
    right = {**shown, "state": state_of(text), "gtins": "09506000134352"}
    text = manager.post("/exports/new/preview", right, headers=BY_HTMX).text
    assert "<hx-partial" in text
    assert "aria-invalid" not in text


@pytest.mark.parametrize(
    ("name", "searched", "words"),
    [
        ("gtins", "bean", "Beans (00012345678905)"),
        ("gtins", "00012345678905", "Beans (00012345678905)"),
        ("lot_ids", "L2", "Lot L2 of 00012345678905"),
        ("lot_ids", "(01)00012345678905(10)L2", "Lot L2 of 00012345678905"),
    ],
)
def test_what_is_found_can_be_ticked(manager, name, searched, words):
    text = manager.post(
        "/exports/new/preview", {**LOTS_AS_QR, f"find_{name}": searched}, headers=BY_HTMX
    ).text
    [value] = ids_of(text, f"picked_{name}")
    assert words in text
    ticked = {**LOTS_AS_QR, f"find_{name}": "nothing like it", f"picked_{name}": value}
    text = manager.post("/exports/new/preview", ticked, headers=BY_HTMX).text
    assert f'name="picked_{name}" value="{value}" checked> {words}' in text
    assert "nothing else is found" in text
    assert "<strong>1</strong> entity is selected" in text


def test_serials_and_lots_are_found_by_what_they_are_called(manager):
    sent = {**LOTS_AS_QR, "scope": "serials", "find_serial_ids": "S2"}
    text = manager.post("/exports/new/preview", sent).text
    assert "Serial S2, lot L2 of 00012345678905" in text
    text = manager.post("/exports/new/preview", {**LOTS_AS_QR, "find_lot_ids": "<b>"}).text
    assert html.escape(HOSTILE_LOT, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in text


def test_what_was_ticked_is_made_beside_what_was_pasted(site, manager):
    sent = {**LOTS_AS_QR, "gtins": "4006381333931", "picked_gtins": "00012345678905"}
    job = manager.post("/exports/new", sent).headers["location"].rpartition("/")[2]
    assert "GTIN 04006381333931 or 00012345678905" in site.exports.store[job].request_in_words


def test_ids_of_an_address_are_shown_by_name(manager):
    text = manager.post("/exports/new/preview", {**LOTS_AS_QR, "find_lot_ids": "L2"}).text
    [value] = ids_of(text, "picked_lot_ids")
    text = manager.get(f"/exports/new?scope=lots&lot_ids={value}%0Aunknown").text
    assert f'name="picked_lot_ids" value="{value}" checked> Lot L2 of 00012345678905' in text
    assert ">unknown</textarea>" in text


def test_lists_of_files_join_those_that_were_pasted(site, manager):
    sent = {**LOTS_AS_QR, "gtins": "9506000134352"}
    files = {"gtins_file": ("a.csv", b"EAN\n00012345678905\n")}
    text = manager.post("/exports/new/preview", sent, files=files, headers=BY_HTMX).text
    assert ">9506000134352\n00012345678905</textarea>" in text
    assert "<strong>2</strong> entities are selected" in text
    job = manager.post("/exports/new", sent, files=files).headers["location"].rpartition("/")[2]
    assert site.exports.store[job].total_items == 2


@pytest.mark.parametrize("path", ["/exports/new", "/exports/new/preview", "/schedules/new"])
def test_a_file_that_is_no_list_does_not_widen_the_export(site, manager, path):
    before = len(site.exports.calls)
    answer = manager.post(path, LOTS_AS_QR, files={"gtins_file": ("a.csv", b"gtin\n")})
    assert "a.csv has no entries" in answer.text
    assert "entities are selected" not in answer.text
    assert "qr_codes&#34;" not in answer.text
    assert site.exports.calls[before:].count("submit") == 0


def test_a_schedule_has_the_lists_of_files_too(manager):
    files = {"gtins_file": ("a.csv", b"EAN\n00012345678905\n")}
    text = html.unescape(manager.post("/schedules/new", LOTS_AS_QR, files=files).text)
    assert '"00012345678905"' in text


def test_what_no_longer_goes_with_the_rest_is_asked_for_again(site, manager):
    sent = {**SHEET, "copies": "3", "export_type": "qr_codes"}
    before = site.exports.calls.count("submit")
    answer = manager.post("/exports/new", sent)
    assert answer.status_code == 422
    assert "copies does not go with the rest, and was left out" in answer.text
    assert site.exports.calls.count("submit") == before
    again = manager.post("/exports/new", {**LOTS_AS_QR, "record_printed": "on"})
    assert again.status_code == 303


def test_quantities_by_id(site, manager):
    text = manager.post("/exports/new/preview", {**LOTS_AS_QR, "find_lot_ids": "L2"}).text
    [lot] = ids_of(text, "picked_lot_ids")
    sent = {**SHEET, "copies_from": "list", "quantities": f"{lot}, 5", "copies": "7"}
    text = manager.post("/exports/new/preview", sent).text
    assert "<strong>2</strong> entities are selected, <strong>6 labels</strong>" in text
    job = manager.post("/exports/new", {**sent, "copies": ""}).headers["location"]
    again = manager.get(f"/exports/new?again={job.rpartition('/')[2]}").text
    assert f">{lot},5</textarea>" in again
    wrong = manager.post("/exports/new/preview", {**sent, "quantities": f"{lot}, many"}).text
    assert re.search(r'id="quantities-fault">entry 1: copies: [^<]*integer', wrong)


def test_the_next_free_cell_is_offered_for_the_same_sheet(site, manager):
    text = manager.get("/exports/new?sheet_template=avery_5163").text
    assert "Begin at label" not in text
    job = manager.post("/exports/new", {**SHEET, "sheet_template": "avery_5163"}).headers["location"]
    text = manager.get("/exports/new?sheet_template=avery_5163").text
    assert "was used up to label 2" in text
    assert f'href="{job}"' in text
    assert "Begin at label" not in manager.get("/exports/new?sheet_template=avery_5164").text
    # Without JavaScript the button sends the form.
    taken = manager.post(
        "/exports/new/preview", {**SHEET, "sheet_template": "avery_5163", "begin_at": "3"}
    ).text
    assert re.search(r'name="start_position"[^>]* value="3"', taken)
    assert taken.count('class="cell taken"') == 2
    # A sheet that was filled has no next cell.
    manager.post("/exports/new", {**SHEET, "sheet_template": "avery_5163", "start_position": "9"})
    assert "Begin at label" not in manager.get("/exports/new?sheet_template=avery_5163").text


def test_designs_are_those_of_the_organisation(site, organisation):
    add(site.accounts.designs, organisation, "ours", b'{"version": 1}', created_by="key:1")
    ours = site.browser(organisation).get("/exports/new").text
    assert re.findall(r'<option value="(\w*)"', ours[ours.index('id="design"') :])[:3] == ["", "dual", "ours"]
    other = site.browser("other").get("/exports/new").text
    assert '<option value="ours"' not in other


def test_a_roll_is_previewed_and_made(site, manager):
    sent = {**SHEET, "export_type": "roll_labels", "file_format": "pdf", "dpi": "300"}
    text = manager.post("/exports/new/preview", sent).text
    assert "101.6 × 152.4 mm" in text
    assert "data-position" not in text
    job = manager.post("/exports/new", sent)
    assert job.status_code == 303
    assert site.exports.store[job.headers["location"].rpartition("/")[2]].output_filename.endswith(".zpl")


@pytest.fixture(scope="module")
def press(site):
    """A printer with a half-used sheet in its tray."""
    body = b'{"offset_x_mm": 1.5, "sheet_template": "avery_5163", "next_position": 4}'
    save(site.accounts.printers, site.reads.templates, "acme", "press", body, changed_by="key:1")
    return "press"


def test_a_printer_brings_the_sheet_in_its_tray(site, manager, press):
    sent = {**SHEET, "printer": press, "sheet_template": ""}
    text = manager.post("/exports/new/preview", sent).text
    assert '<option value="" selected>In the tray: ' in text
    assert "The sheet in the tray of press goes on at label 4" in text
    assert text.count('class="cell taken"') == 3
    job = manager.post("/exports/new", sent).headers["location"].rpartition("/")[2]
    assert "printer press" in site.exports.store[job].request_in_words
    assert '<option value="press"' not in site.browser("other").get("/exports/new").text


def test_symbols_carry_what_is_ticked(site, manager):
    sent = {**LOTS_AS_QR, "carries": "ticked", "carry": ["11", "17"]}
    text = manager.post("/exports/new/preview", sent).text
    assert re.search(r'name="carry" value="17" checked> \(17\) USE BY or EXPIRY', text)
    job = manager.post("/exports/new", sent).headers["location"].rpartition("/")[2]
    again = manager.get(f"/exports/new?again={job}").text
    assert re.findall(r'name="carry" value="(\w+)" checked', again) == ["11", "17"]


def test_a_request_is_saved_under_a_name_and_fills_the_form(site, manager):
    sent = {**SHEET, "copies": "3", "gtins": "00012345678905"}
    refused = manager.post("/exports/new/save", {**sent, "name": "No Name!"})
    assert refused.status_code == 422
    assert re.search(r'id="name-fault">[^<]*cannot be the name', refused.text)
    assert ">00012345678905</textarea>" in refused.text
    assert manager.post("/exports/new/save", {**sent, "name": "shelf"}).headers["location"] == "/requests"
    filled = manager.get("/exports/new?saved=shelf").text
    assert re.search(r'name="copies"[^>]* value="3"', filled)
    assert ">00012345678905</textarea>" in filled
    assert site.browser("other").get("/exports/new?saved=shelf").status_code == 404


def test_nothing_is_saved_of_what_does_not_go_together(site, manager):
    answer = manager.post(
        "/exports/new/save", {**SHEET, "export_type": "qr_codes", "copies": "3", "name": "lost"}
    )
    assert answer.status_code == 422
    assert "lost" not in [each.name for each in site.accounts.saved_requests.list("acme")]
