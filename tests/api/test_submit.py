"""POST …/labels/export/: receipts, and what each wrong body is told."""

import json

import pytest

from exports.errors import Unavailable
from exports.ports import JobStatus

URL = "/products/api/v1/labels/export/"
BASE = {"scope": "lots", "export_type": "datamatrix", "file_format": "svg"}
GTIN = "00012345678905"

#: The request examples of the published description, the filters' own put into a whole body.
PUBLISHED = [
    {**BASE, "filters": {"gtins": [GTIN], "never_printed": True}},
    {**BASE, "filters": {"lot_ids": ["abc123def456"]}},
    {**BASE, "filters": {"product_id": "abc123def456"}},
]
PUBLISHED_SHEET = {
    "asset_config": {"sheet_template": "63up_1in_letter"},
    "export_type": "sheet_pdf",
    "file_format": "pdf",
    "filters": {"product_id": "abc123def456"},
    "scope": "lots",
}


def is_problem(response, status, code):
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["error_code"] == code
    assert problem["type"] == f"https://closient.com/docs/errors/{code}"
    assert {"title", "detail", "retryable", "timestamp"} <= set(problem)
    return problem


@pytest.mark.parametrize("body", PUBLISHED)
def test_a_published_example_is_accepted(client, editor, body):
    assert client.post(URL, json=body, headers=editor).status_code == 202


def test_the_published_sheet_example_waits_for_its_renderer(client, editor):
    problem = is_problem(client.post(URL, json=PUBLISHED_SHEET, headers=editor), 422, "validation_error")
    assert problem["details"][0]["loc"] == ["body", "export_type"]
    assert "not yet supported" in problem["details"][0]["msg"]


def test_a_queued_job(client, editor, exports):
    response = client.post(URL, json=BASE, headers=editor)
    receipt = response.json()
    assert response.status_code == 202
    assert set(receipt) == {"job_id", "status", "poll_url"}
    assert receipt["status"] == "pending"
    assert receipt["poll_url"] == f"{URL}{receipt['job_id']}/" == response.headers["location"]
    assert int(response.headers["retry-after"]) > 0
    [(organisation, request, requested_by)] = exports.submitted
    assert (organisation.slug, request.normalised()) == ("acme", BASE)
    assert requested_by.startswith("key:")


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
def test_a_job_that_already_ran(client, editor, exports, status):
    exports.status = status
    response = client.post(URL, json=BASE, headers=editor)
    assert (response.status_code, response.json()["status"]) == (202, status)
    assert "retry-after" not in response.headers


def f(**filters):
    return {**BASE, "filters": filters}


def s(**filters):
    return {**BASE, "scope": "serials", "filters": filters}


def c(**config):
    return {**BASE, "asset_config": config}


def without(key):
    return {k: v for k, v in BASE.items() if k != key}


BAD = [
    ([], "", "object_type"),
    ("lots", "", "object_type"),
    (True, "", "object_type"),
    (1, "", "object_type"),
    ({}, "scope", "missing"),
    (without("scope"), "scope", "missing"),
    (without("export_type"), "export_type", "missing"),
    (without("file_format"), "file_format", "missing"),
    ({**BASE, "scope": None}, "scope", "missing"),
    ({**BASE, "scope": "lot"}, "scope", "enum"),
    ({**BASE, "scope": "LOTS"}, "scope", "enum"),
    ({**BASE, "scope": ["lots"]}, "scope", "enum"),
    ({**BASE, "export_type": "qr"}, "export_type", "enum"),
    ({**BASE, "export_type": 1}, "export_type", "enum"),
    ({**BASE, "file_format": "gif"}, "file_format", "enum"),
    ({**BASE, "filter": {}}, "filter", "extra_forbidden"),
    ({**BASE, "filter": None}, "filter", "extra_forbidden"),
    ({**BASE, "organisation": "other"}, "organisation", "extra_forbidden"),
    ({**BASE, "filters": []}, "filters", "object_type"),
    ({**BASE, "filters": "all"}, "filters", "object_type"),
    ({**BASE, "asset_config": True}, "asset_config", "object_type"),
    ({**BASE, "file_format": "eps"}, "file_format", "incoherent_format"),
    ({**BASE, "file_format": "pdf"}, "file_format", "incoherent_format"),
    ({**BASE, "export_type": "qr_codes", "file_format": "pdf"}, "file_format", "incoherent_format"),
    ({**BASE, "export_type": "sheet_pdf"}, "file_format", "incoherent_format"),
    ({**BASE, "export_type": "barcodes_1d", "file_format": "png"}, "file_format", "incoherent_format"),
    ({**BASE, "export_type": "codes_combined", "file_format": "pdf"}, "file_format", "incoherent_format"),
    ({**BASE, "export_type": "barcodes_1d"}, "export_type", "not_supported"),
    ({**BASE, "export_type": "codes_combined", "file_format": "eps"}, "export_type", "not_supported"),
    (f(gtin=[GTIN]), "filters.gtin", "extra_forbidden"),
    (f(gtins=GTIN), "filters.gtins", "tuple_type"),
    (f(gtins={"0": GTIN}), "filters.gtins", "tuple_type"),
    (f(gtins=[GTIN, 12345678905]), "filters.gtins.1", "string_type"),
    (f(gtins=[None]), "filters.gtins.0", "string_type"),
    (f(gtins=["00012345678904"]), "filters.gtins.0", "invalid_value"),
    (f(gtins=[GTIN, GTIN, "00012345678906"]), "filters.gtins.2", "invalid_value"),
    (f(gtins=[""]), "filters.gtins.0", "invalid_value"),
    (f(gtins=["123456789"]), "filters.gtins.0", "invalid_value"),
    (f(gtins=["0001234567890X"]), "filters.gtins.0", "invalid_value"),
    (f(gtins=["٠٠٠١٢٣٤٥٦٧٨٩٠٥"]), "filters.gtins.0", "invalid_value"),
    (f(gtins=[GTIN] * 5001), "filters.gtins", "too_long"),
    (f(lot_ids=["a"] * 5001), "filters.lot_ids", "too_long"),
    (s(serial_ids=["a"] * 5001), "filters.serial_ids", "too_long"),
    (f(lot_ids=[""]), "filters.lot_ids.0", "string_too_short"),
    (f(lot_ids=["a" * 65]), "filters.lot_ids.0", "string_too_long"),
    (f(lot_ids=["ok", "a\nb"]), "filters.lot_ids.1", "control_characters"),
    (f(lot_ids=[True]), "filters.lot_ids.0", "string_type"),
    (f(product_id=""), "filters.product_id", "string_too_short"),
    (f(product_id="a" * 65), "filters.product_id", "string_too_long"),
    (f(product_id=7), "filters.product_id", "string_type"),
    (f(product_id="a\u0000"), "filters.product_id", "nul_character"),
    (f(lot_run_id=["r"]), "filters.lot_run_id", "string_type"),
    (f(serial_ids=["a"]), "filters.serial_ids", "incoherent_filter"),
    (f(serial_ids=[]), "filters.serial_ids", "incoherent_filter"),
    ({**f(lot_ids=["a"]), "scope": "products"}, "filters.lot_ids", "incoherent_filter"),
    ({**f(lot_run_id="a"), "scope": "products"}, "filters.lot_run_id", "incoherent_filter"),
    (f(never_printed="true"), "filters.never_printed", "bool_type"),
    (f(never_printed=1), "filters.never_printed", "bool_type"),
    (f(created_after="2026-01-01T00:00:00"), "filters.created_after", "timezone_aware"),
    (f(created_after="2026-01-01"), "filters.created_after", "datetime_parsing"),
    (f(created_after="yesterday"), "filters.created_after", "datetime_parsing"),
    (f(created_after="1767225600"), "filters.created_after", "datetime_parsing"),
    (f(created_after=1767225600), "filters.created_after", "string_type"),
    (f(created_after="2026-02-30T00:00:00Z"), "filters.created_after", "datetime_parsing"),
    (f(created_before="2026-01-01T25:00:00Z"), "filters.created_before", "datetime_parsing"),
    (f(created_before="0001-01-01T00:00:00+10:00"), "filters.created_before", "datetime_parsing"),
    (c(sheet_template="a" * 65), "asset_config.sheet_template", "string_too_long"),
    (c(sheet_template=1), "asset_config.sheet_template", "string_type"),
    (c(colour="red"), "asset_config.colour", "extra_forbidden"),
    (c(dpi=71), "asset_config.dpi", "greater_than_equal"),
    (c(dpi=2401), "asset_config.dpi", "less_than_equal"),
    (c(dpi=300.5), "asset_config.dpi", "int_type"),
    (c(dpi="300"), "asset_config.dpi", "int_type"),
    (c(dpi=True), "asset_config.dpi", "int_type"),
    (c(copies=0), "asset_config.copies", "greater_than_equal"),
    (c(copies=1001), "asset_config.copies", "less_than_equal"),
    (c(start_position=0), "asset_config.start_position", "greater_than_equal"),
    (c(error_correction="X"), "asset_config.error_correction", "literal_error"),
    (c(environment="office"), "asset_config.environment", "enum"),
    (c(symbology="aztec"), "asset_config.symbology", "literal_error"),
    (c(record_printed="no"), "asset_config.record_printed", "bool_type"),
    (c(module_size_mm=0.1), "asset_config.module_size_mm", "out_of_range"),
    (c(module_size_mm=1.5), "asset_config.module_size_mm", "out_of_range"),
    (c(module_size_mm=-1), "asset_config.module_size_mm", "greater_than"),
    (c(module_size_mm="0.5"), "asset_config.module_size_mm", "float_type"),
    (c(offset_x_mm=51), "asset_config.offset_x_mm", "less_than_equal"),
    (c(scale_percent=20), "asset_config.scale_percent", "greater_than_equal"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "where", "kind"), BAD)
def test_a_bad_body_is_told_where_and_why(client, editor, exports, body, where, kind):
    problem = is_problem(client.post(URL, json=body, headers=editor), 422, "validation_error")
    fault = problem["details"][0]
    assert ".".join(map(str, fault["loc"])) == ".".join(filter(None, ["body", where]))
    assert fault["type"] == kind
    assert fault["msg"]
    assert not exports.submitted


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff", b'{"scope":1,"scope":2}', b"[" * 10_000, b"NaN", b'{"a":1e']
)
def test_malformed_json(client, editor, data):
    response = client.post(URL, content=data, headers={**editor, "content-type": "application/json"})
    problem = is_problem(response, 422, "validation_error")
    assert [fault["type"] for fault in problem["details"]] == ["json_invalid"]


def test_infinity_through_a_large_exponent(client, editor):
    data = json.dumps(c(offset_x_mm=0)).replace("0}", "1e999}").encode()
    response = client.post(URL, content=data, headers={**editor, "content-type": "application/json"})
    assert is_problem(response, 422, "validation_error")["details"][0]["loc"][-1] == "offset_x_mm"


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"],
)
def test_another_media_type(client, editor, content_type):
    headers = {**editor, **({"content-type": content_type} if content_type else {})}
    is_problem(
        client.post(URL, content=json.dumps(BASE).encode(), headers=headers), 415, "unsupported_media_type"
    )


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"']
)
def test_json_with_a_charset(client, editor, content_type):
    headers = {**editor, "content-type": content_type}
    assert client.post(URL, content=json.dumps(BASE).encode(), headers=headers).status_code == 202


def test_a_body_over_the_limit(client, editor):
    headers = {**editor, "content-type": "application/json"}
    is_problem(client.post(URL, content=b" " * 1_048_577, headers=headers), 413, "payload_too_large")


def test_a_body_over_the_limit_that_does_not_say_so(client, editor):
    headers = {**editor, "content-type": "application/json"}
    chunks = (b" " * 65_536 for _ in range(17))
    is_problem(client.post(URL, content=chunks, headers=headers), 413, "payload_too_large")


def test_a_body_of_just_the_limit(client, editor):
    data = json.dumps(BASE).encode()
    response = client.post(
        URL, content=data.ljust(1_048_576), headers={**editor, "content-type": "application/json"}
    )
    assert response.status_code == 202


def test_a_service_that_takes_nothing_just_now(client, editor, exports):
    exports.error = Unavailable(retry_after=7)
    response = client.post(URL, json=BASE, headers=editor)
    problem = is_problem(response, 503, "unavailable")
    assert (problem["retryable"], problem["retry_after"], response.headers["retry-after"]) == (True, 7, "7")


def test_a_crash_tells_nothing(client, editor, exports):
    exports.error = RuntimeError("password=hunter2")
    response = client.post(URL, json=BASE, headers=editor)
    is_problem(response, 500, "internal_error")
    assert "hunter2" not in response.text
