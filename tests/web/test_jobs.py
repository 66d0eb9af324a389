"""A job's page: who, when, what was checked, what failed, its rows, and how to go on from it."""

import re

import pytest

from accounts.identity import Role
from exports.jobs import manifest_search
from exports.ports import JobStatus
from tests.web.conftest import LOTS_AS_QR

SHEET = {**LOTS_AS_QR, "export_type": "sheet_pdf", "file_format": "pdf", "start_position": "3", "copies": "2"}
PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def editor(site):
    return site.browser(key=site.accounts.create_key("acme", Role.EDITOR, name="Packing line 1"))


@pytest.fixture(scope="module")
def lots(editor):
    return made(editor, LOTS_AS_QR)


@pytest.fixture(scope="module")
def sheet(editor):
    return made(editor, SHEET)


def made(browser, values):
    answer = browser.post("/exports/new", values)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def text_of(page):
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", page))


def test_it_tells_who_and_when_and_what_was_checked(editor, lots):
    text = text_of(editor.get(lots).text)
    assert "asked for by Packing line 1" in text
    for step in (
        "asked for",
        "begun after",
        "symbols drawn after",
        "file verified after",
        "recorded as printed after",
    ):
        assert step in text
    assert "passed : Symbols read back by an independent decoder" in text
    assert "Packing line 1" in editor.get("/jobs").text


def test_its_picture_is_that_of_its_first_symbol_or_page(editor, lots, sheet):
    for job in (lots, sheet):
        assert f'src="{job}/picture"' in editor.get(job).text
        answer = editor.get(f"{job}/picture")
        assert answer.headers["content-type"] == "image/png"
        assert answer.content.startswith(PNG)


def test_what_failed_is_told_with_its_reason(site, editor, tmp_path):
    site.accounts.create_organisation("failing", resolver="https://id.example.com/" + "a" * 1900)
    browser = site.browser("failing")
    (tmp_path / "lots.csv").write_text("gtin,lot_number\n9506000134352,=1\n00012345678905,L2\n")
    (tmp_path / "products.csv").write_text("gtin,name\n9506000134352,Tea\n00012345678905,Ink\n")
    from catalogue.imports.ingest import import_files

    import_files(
        site.catalogue, "failing", products=tmp_path / "products.csv", lots=tmp_path / "lots.csv", rejects_dir=tmp_path
    )  # fmt: skip
    job = made(browser, {**LOTS_AS_QR, "gtins": "9506000134352\n4006381333931", "export_type": "datamatrix"})
    text = text_of(browser.get(job).text)
    assert "What has no symbol, and why" in text
    assert "04006381333931 gtins names nothing that can be exported" in text
    csv = browser.get(f"{job}/errors.csv")
    assert csv.headers["content-disposition"].endswith('-errors.csv"')
    assert b"04006381333931" in csv.content


def test_the_list_tells_counts_and_size_and_what_can_be_done(site, editor, viewer, lots):
    waiting = site.exports.add("acme", JobStatus.PENDING)
    text = editor.get("/jobs").text
    job = site.exports.store[lots.rpartition("/")[2]]
    assert f'href="{lots}/download" download aria-label="Download {job.output_filename}"' in text
    assert f'action="/jobs/{waiting.job_id}/cancel"' in text
    assert re.search(r'data-label="Size" class="number">[\d.]+ kB<', text)
    assert f"/jobs/{waiting.job_id}/cancel" not in viewer.get("/jobs").text
    editor.post(f"/jobs/{waiting.job_id}/cancel")
    assert 'class="state failed">cancelled<' in editor.get("/jobs").text


def test_a_job_all_of_whose_entities_failed_says_why_and_where(site, editor):
    job = site.exports.add(
        "acme", JobStatus.FAILED, error="None of the 2 entities could be drawn.", error_code="all_items_failed",
        processed_items=0, failed_items=2, total_items=2,
    )  # fmt: skip
    text = text_of(editor.get(f"/jobs/{job.job_id}").text)
    assert "None of the 2 entities could be drawn." in text
    assert "failed while listing the entities" in text
    assert "How it looks" not in text


def test_its_tables_are_handed_out_in_each_format(editor, lots):
    assert editor.get(f"{lots}/manifest.csv").content.startswith("\ufeffrow,file,scope".encode())
    assert editor.get(f"{lots}/manifest.xlsx").content.startswith(b"PK")
    assert editor.get(f"{lots}/manifest.parquet").content.startswith(b"PAR1")
    for nothing in ("manifest.pdf", "secrets.csv", "errors.csv"):
        assert editor.get(f"{lots}/{nothing}").status_code == 404


@pytest.mark.parametrize(
    ("searched", "found"),
    [
        ("", 2),
        ("12345678905", 1),
        ("(01)00012345678905(10)L2", 1),
        ("]d2010001234567890510L2", 1),
        ("https://id.gs1.org/01/00012345678905/10/L2", 1),
        ("(01)00012345678905(10)L3", 0),
        ("beAN", 1),
        ("l2", 1),
        ("000123", 1),
        ("nothing", 0),
    ],
)
def test_its_rows_are_found(editor, lots, searched, found):
    text = editor.get(f"{lots}/rows", params={"search": searched}).text
    assert text.count(">Print again<") == found
    if not found:
        assert "No row of this job matches" in text


def test_rows_come_a_page_at_a_time(editor, lots, monkeypatch):
    monkeypatch.setattr("web.routes.jobs._ROWS_PER_PAGE", 1)
    first = editor.get(f"{lots}/rows").text
    assert f'href="{lots}/rows?search=&amp;start=1"' in first
    second = editor.get(f"{lots}/rows?start=1").text
    assert 'rel="next"' not in second
    assert "?rows=2#reprint" in second
    assert editor.get(f"{lots}/rows?start=-1").status_code == 404


def test_a_search_stops_and_goes_on(editor, sheet, monkeypatch):
    monkeypatch.setattr(manifest_search, "MOST_SEARCHED_ROWS", 1)
    assert "No row of this job matches" in editor.get(f"{sheet}/rows?search=nothing").text


def test_rows_that_are_gone_are_not_there(site, editor):
    job = site.exports.add("acme", JobStatus.COMPLETED)
    assert editor.get(f"/jobs/{job.job_id}").status_code == 200
    assert editor.get(f"/jobs/{job.job_id}/rows").status_code == 404
    assert editor.get(f"/jobs/{job.job_id}/picture").status_code == 404


def test_some_rows_are_printed_again_with_a_reason(site, editor, lots):
    assert 'value="2"' in editor.get(f"{lots}?rows=2").text
    again = editor.post(f"{lots}/reprint", {"reason": "jam", "rows": "2"}).headers["location"]
    assert site.exports.store[again.rpartition("/")[2]].total_items == 1
    text = text_of(editor.get(again).text)
    assert "to print an earlier job again: jam" in text
    assert editor.get(f"{again}/rows").text.count(">Print again<") == 1


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"reason": ""}, "reason-fault"),
        ({"reason": "a" * 501}, "at most 500 characters"),
        ({"reason": "jam", "rows": "0"}, "there is no row 0"),
        ({"reason": "jam", "rows": "a-b"}, "rows-fault"),
    ],
)
def test_what_is_wrong_with_a_reprint_is_told(editor, lots, fields, told):
    answer = editor.post(f"{lots}/reprint", fields)
    assert answer.status_code == 422
    assert told in answer.text


def test_its_choices_fill_a_new_export(editor, sheet):
    text = editor.get(sheet).text
    assert f'href="/exports/new?again={sheet.rpartition("/")[2]}"' in text
    filled = editor.get(f"/exports/new?again={sheet.rpartition('/')[2]}").text
    assert re.search(r'name="start_position"[^>]* value="3"', filled)
    assert re.search(r'name="copies"[^>]* value="2"', filled)
    assert '<option value="sheet_pdf" selected>' in filled
    # Two lots, two labels each, from the third on.
    on = re.search(r'href="(/exports/new\?again=[^"]+start_position=7)"', text)[1].replace("&amp;", "&")
    assert re.search(r'name="start_position"[^>]* value="7"', editor.get(on).text)


def test_choices_that_the_form_has_no_field_for_are_named(site, editor):
    from exports.requests.request import parse_request

    organisation = site.accounts.organisation("acme")
    body = (
        b'{"scope": "lots", "export_type": "qr_codes", "file_format": "svg", "filters": {"gtins": ["9506000134352"],'
        b' "never_printed": false, "created_after": "2020-01-01T00:00:00Z", "created_before": "2100-01-01T01:00:00Z"},'
        b' "asset_config": {"error_correction": "H", "record_printed": false}}'
    )
    job = site.exports.submit(organisation, parse_request(body), requested_by="key:1")
    text = editor.get(f"/exports/new?again={job.job_id}").text
    assert "no field for created before," in text
    assert 'name="created_from" value="2020-01-01"' in text
    assert ">09506000134352</textarea>" in text
    assert 'name="record_printed">' in text


def test_another_organisations_choices_are_not_there(stranger, sheet):
    assert stranger.get(f"/exports/new?again={sheet.rpartition('/')[2]}").status_code == 404


def test_a_job_that_ends_has_its_page_loaded_anew(site, editor):
    job = site.exports.add("acme", JobStatus.PROCESSING, processed_items=21)
    moving = editor.get(f"/jobs/{job.job_id}/state")
    assert "hx-refresh" not in moving.headers
    assert 'value="50"' in moving.text
    editor.post(f"/jobs/{job.job_id}/cancel")
    assert editor.get(f"/jobs/{job.job_id}/state").headers["hx-refresh"] == "true"
    assert "cancelled" in editor.get(f"/jobs/{job.job_id}").text


def test_the_artefact_is_handed_out_from_wherever_it_is(site, editor, lots):
    here = editor.get(f"{lots}/download")
    assert here.content.startswith(b"PK")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(site.reads), "artefact_path", lambda *_: None)
        streamed = editor.get(f"{lots}/download")
        assert streamed.content == here.content
        assert streamed.headers["content-disposition"].endswith('.zip"')
        patch.setattr(type(site.reads), "artefact_url", lambda *_: "https://objects.example/a.zip")
        elsewhere = editor.get(f"{lots}/download")
        assert (elsewhere.status_code, elsewhere.headers["location"]) == (
            307,
            "https://objects.example/a.zip",
        )


def test_its_symbols_and_pages_are_shown_one_after_the_other(editor, lots, sheet):
    first = editor.get(f"{lots}/pictures").text
    assert f'src="{lots}/picture?page=1"' in first
    assert 'rel="next"' in first
    assert 'rel="next"' not in editor.get(f"{lots}/pictures?page=2").text
    one, other = (editor.get(f"{lots}/picture?page={number}").content for number in (1, 2))
    assert other.startswith(PNG)
    assert one != other
    assert editor.get(f"{lots}/picture?page=3").status_code == 404
    # A single page.
    assert "Page 1 of" in text_of(editor.get(f"{sheet}/pictures").text)
    assert editor.get(f"{sheet}/picture?page=2").status_code == 404


def test_the_second_page_of_a_pdf_is_that_of_the_file(editor):
    job = made(editor, {**SHEET, "sheet_template": "avery_5163", "copies": "6"})
    assert 'rel="next"' in editor.get(f"{job}/pictures").text
    first, second = (editor.get(f"{job}/picture?page={number}").content for number in (1, 2))
    assert second.startswith(PNG)
    assert first != second
