"""Invalid requests of every known kind: the response says where and why, and the port is not called."""

import json

import pytest

from exports.ports import JobStatus
from tests.api.problem import is_problem

URL = "/products/api/v1/labels/export/"
TEMPLATES = "/products/api/v1/labels/templates/"
HISTORY = "/products/api/v1/labels/print-history/"
UNKNOWN = "AbCdEfGhJkLmNoPqRsTuVw"
BASE = {"scope": "lots", "export_type": "datamatrix", "file_format": "svg"}
GTIN = "00012345678905"


def f(**filters):
    return {**BASE, "filters": filters}


def s(**filters):
    return {**BASE, "scope": "serials", "filters": filters}


def c(**config):
    return {**BASE, "asset_config": config}


def without(key):
    return {k: v for k, v in BASE.items() if k != key}


BODIES = [
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
    (c(copies_from="stock"), "asset_config.copies_from", "literal_error"),
    (c(quantities=[]), "asset_config.quantities", "too_short"),
    (c(quantities=[{"id": str(n), "copies": 1} for n in range(5001)]), "asset_config.quantities", "too_long"),
    (c(quantities=[{"id": "a", "copies": -1}]), "asset_config.quantities.0.copies", "greater_than_equal"),
    (c(quantities=[{"id": "a", "copies": 100_001}]), "asset_config.quantities.0.copies", "less_than_equal"),
    (c(quantities=[{"id": "a"}]), "asset_config.quantities.0.copies", "missing"),
    (c(quantities=[{"id": "a", "copies": 1}] * 2), "asset_config.quantities", "repeated_id"),
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
    (c(scale_percent=89.9), "asset_config.scale_percent", "greater_than_equal"),
    (f(GTINS=[GTIN]), "filters.GTINS", "extra_forbidden"),
    (f(**{"": 1}), "filters.", "extra_forbidden"),
    (f(__proto__={}), "filters.__proto__", "extra_forbidden"),
    (f(gtins=[[GTIN]]), "filters.gtins.0", "string_type"),
    (f(gtins=[f" {GTIN}"]), "filters.gtins.0", "invalid_value"),
    (f(gtins=[f"{GTIN}\n"]), "filters.gtins.0", "invalid_value"),
    (f(gtins=["-0012345678905"]), "filters.gtins.0", "invalid_value"),
    (f(gtins=["0" * 15]), "filters.gtins.0", "invalid_value"),
    (f(gtins=["9" * 100_000]), "filters.gtins.0", "invalid_value"),
    (f(gtins=["=cmd|' /C calc'!A0"]), "filters.gtins.0", "invalid_value"),
    (f(lot_ids="abc"), "filters.lot_ids", "tuple_type"),
    (f(lot_ids=[["a"]]), "filters.lot_ids.0", "string_type"),
    (f(lot_ids=["a\u0000"]), "filters.lot_ids.0", "nul_character"),
    (f(lot_ids=["a\x7f"]), "filters.lot_ids.0", "control_characters"),
    (f(lot_ids=["a\x9bm"]), "filters.lot_ids.0", "control_characters"),
    (s(serial_ids=[1]), "filters.serial_ids.0", "string_type"),
    (s(serial_ids=["a\r\nSet-Cookie: b=c"]), "filters.serial_ids.0", "control_characters"),
    ({**s(serial_ids=["a"]), "scope": "products"}, "filters.serial_ids", "incoherent_filter"),
    (f(product_id=["p"]), "filters.product_id", "string_type"),
    (f(product_id={"$ne": ""}), "filters.product_id", "string_type"),
    (f(lot_run_id=""), "filters.lot_run_id", "string_too_short"),
    (f(lot_run_id="a\tb"), "filters.lot_run_id", "control_characters"),
    (f(never_printed=0), "filters.never_printed", "bool_type"),
    (f(never_printed=[]), "filters.never_printed", "bool_type"),
    (f(created_after=""), "filters.created_after", "datetime_parsing"),
    (f(created_after="2026-01-01T00:00:00+25:00"), "filters.created_after", "datetime_parsing"),
    (f(created_after="2026-01-01T00:00:60Z"), "filters.created_after", "datetime_parsing"),
    (f(created_after="9999-12-31T23:59:59-01:00"), "filters.created_after", "datetime_parsing"),
    (f(created_before="2026-W01-1T00:00:00Z"), "filters.created_before", "datetime_parsing"),
    (f(created_before=[]), "filters.created_before", "string_type"),
    (f(created_before="2026-01-01 00:00:00Z"), "filters.created_before", "datetime_parsing"),
    (f(created_before="٢٠٢٦-01-01T00:00:00Z"), "filters.created_before", "datetime_parsing"),
    (c(sheet_template=["a"]), "asset_config.sheet_template", "string_type"),
    (c(sheet_template="../../etc/passwd\n"), "asset_config.sheet_template", "control_characters"),
    (c(Dpi=300), "asset_config.Dpi", "extra_forbidden"),
    (c(dpi=10**30), "asset_config.dpi", "less_than_equal"),
    (c(dpi=-300), "asset_config.dpi", "greater_than_equal"),
    (c(copies="2"), "asset_config.copies", "int_type"),
    (c(copies=1.5), "asset_config.copies", "int_type"),
    (c(start_position=10_001), "asset_config.start_position", "less_than_equal"),
    (c(start_position=True), "asset_config.start_position", "int_type"),
    (c(offset_x_mm="1"), "asset_config.offset_x_mm", "float_type"),
    (c(offset_y_mm=-51), "asset_config.offset_y_mm", "greater_than_equal"),
    (c(offset_y_mm=True), "asset_config.offset_y_mm", "float_type"),
    (c(scale_percent=110.1), "asset_config.scale_percent", "less_than_equal"),
    (c(module_size_mm=0), "asset_config.module_size_mm", "greater_than"),
    (c(module_size_mm=11), "asset_config.module_size_mm", "less_than_equal"),
    (c(error_correction="m"), "asset_config.error_correction", "literal_error"),
    (c(symbology=None, symbolgy="qr"), "asset_config.symbolgy", "extra_forbidden"),
    (c(hri="yes"), "asset_config.hri", "bool_type"),
    (c(environment=1), "asset_config.environment", "enum"),
    (c(copies=2), "asset_config.copies", "incoherent_setting"),
    (c(dpi=300), "asset_config.dpi", "incoherent_setting"),
    ({"": BASE}, "scope", "missing"),
    ([BASE], "", "object_type"),
    (None, "", "object_type"),
]  # fmt: skip

#: Bodies that are not strict JSON.
MALFORMED = [
    b"",
    b" ",
    b"{",
    b'{"scope": "lots",}',
    b"{'scope': 'lots'}",
    b"{scope: 1}",
    b"// comment\n{}",
    b'{"scope": "lo\nts"}',
    b"\xff",
    b"\xef\xbb\xbf{}",
    '{"scope": "lots"}'.encode("utf-16"),
    b'{"scope": "\xed\xa0\x80"}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"a":' * 20 + b"1" + b"}" * 20,
    b"NaN",
    b'{"asset_config": {"dpi": Infinity}}',
    b'{"asset_config": {"dpi": ' + b"9" * 10_000 + b"}}",
    b'{"scope": "lots", "scope": "serials"}',
    b'{"filters": {"gtins": [], "gtins": []}}',
    b'{"scope": "lots"} {}',
    b'{"a": 1e}',
    b"01",
    b"scope=lots",
    b"<scope>lots</scope>",
]


@pytest.mark.parametrize("path", [URL, URL + "preview/"])
@pytest.mark.parametrize(("body", "where", "kind"), BODIES)
def test_a_bad_body_is_told_where_and_why(client, editor, exports, path, body, where, kind):
    response = client.post(path, content=json.dumps(body).encode(), headers={**editor, **JSON})
    problem = is_problem(response, 422, "validation_error")
    fault = problem["details"][0]
    assert ".".join(map(str, fault["loc"])) == (f"body.{where}" if where else "body")
    assert fault["type"] == kind
    assert fault["msg"]
    assert not problem["retryable"]
    assert len(response.content) < 20_000
    assert not exports.calls


@pytest.mark.parametrize("path", [URL, f"{URL}{UNKNOWN}/reprint/"])
@pytest.mark.parametrize("data", MALFORMED, ids=range(len(MALFORMED)))
def test_malformed_json(client, editor, exports, path, data):
    problem = is_problem(client.post(path, content=data, headers={**editor, **JSON}), 422, "validation_error")
    [fault] = problem["details"]
    assert (fault["loc"], fault["type"]) == (["body"], "json_invalid")
    assert not exports.calls


def test_infinity_through_a_large_exponent(client, editor, exports):
    data = json.dumps(c(offset_x_mm=0)).replace("0}", "1e999}").encode()
    response = client.post(URL, content=data, headers={**editor, **JSON})
    assert is_problem(response, 422, "validation_error")["details"][0]["loc"][-1] == "offset_x_mm"
    assert not exports.calls


REASONS = [
    ({}, "reason", "missing"),
    ({"reason": None}, "reason", "string_type"),
    ({"reason": ""}, "reason", "string_too_short"),
    ({"reason": "a" * 501}, "reason", "string_too_long"),
    ({"reason": 1}, "reason", "string_type"),
    ({"reason": ["a"]}, "reason", "string_type"),
    ({"reason": "a\nb"}, "reason", "string_pattern_mismatch"),
    ({"reason": "a\u0000"}, "reason", "nul_character"),
    ({"reason": "\ud800"}, "reason", "string_unicode"),
    ({"reason": "a", "who": "me"}, "who", "extra_forbidden"),
    ({"reason": "a", "rows": "180-121"}, "rows", "invalid_rows"),
    ({"reason": "a", "rows": "0"}, "rows", "invalid_rows"),
    ({"reason": "a", "rows": ""}, "rows", "invalid_rows"),
    ({"reason": "a", "rows": ",".join(["1"] * 1001)}, "rows", "invalid_rows"),
    ({"reason": "a", "rows": 7}, "rows", "string_type"),
    ({"reason": "a", "rows": [[1, 2]]}, "rows", "string_type"),
    ([], "", "model_type"),
    ("damaged", "", "model_type"),
]


@pytest.mark.parametrize(("body", "where", "kind"), REASONS)
def test_a_bad_reason_for_a_reprint(client, editor, exports, body, where, kind):
    job = exports.add("acme", JobStatus.COMPLETED)
    data = json.dumps(body).encode()
    response = client.post(f"{URL}{job.job_id}/reprint/", content=data, headers={**editor, **JSON})
    fault = is_problem(response, 422, "validation_error")["details"][0]
    assert (fault["loc"], fault["type"]) == (["body", *filter(None, [where])], kind)
    assert not exports.calls


QUERIES = [
    (URL, "page=0", "page", "greater_than_equal"),
    (URL, "page=-1", "page", "int_parsing"),
    (URL, "page=", "page", "int_parsing"),
    (URL, "page=1.0", "page", "int_parsing"),
    (URL, "page=1e3", "page", "int_parsing"),
    (URL, "page=%201", "page", "int_parsing"),
    (URL, "page=1_0", "page", "int_parsing"),
    (URL, "page=%D9%A1", "page", "int_parsing"),
    (URL, "page=1000001", "page", "less_than_equal"),
    (URL, "page=" + "9" * 5000, "page", "int_parsing"),
    (URL, "page=1&page=2", "page", "repeated"),
    (URL, "page_size=0", "page_size", "greater_than_equal"),
    (URL, "page_size=101", "page_size", "less_than_equal"),
    (URL, "page_size=all", "page_size", "int_parsing"),
    (URL, "status=done", "status", "enum"),
    (URL, "status=", "status", "enum"),
    (URL, "status=COMPLETED", "status", "enum"),
    (URL, "state=failed", "state", "extra_forbidden"),
    (URL, "status=failed&status=failed", "status", "repeated"),
    (URL, "status=failed%00", "status", "enum"),
    (TEMPLATES, "page=0", "page", "greater_than_equal"),
    (TEMPLATES, "status=failed", "status", "extra_forbidden"),
    (HISTORY, "gtin=00012345678904", "gtin", "invalid_value"),
    (HISTORY, "gtin=", "gtin", "invalid_value"),
    (HISTORY, "gtin=abc", "gtin", "invalid_value"),
    (HISTORY, "gtin=00012345678905%0A", "gtin", "invalid_value"),
    (HISTORY, "lot=", "lot", "string_too_short"),
    (HISTORY, "lot=" + "a" * 65, "lot", "string_too_long"),
    (HISTORY, "lot=a%00", "lot", "string_pattern_mismatch"),
    (HISTORY, "serial=a%0D%0Ab", "serial", "string_pattern_mismatch"),
    (HISTORY, "gtn=00012345678905", "gtn", "extra_forbidden"),
    (HISTORY, "page_size=1000", "page_size", "less_than_equal"),
]


@pytest.mark.parametrize(("path", "query", "where", "kind"), QUERIES)
def test_a_bad_query(client, editor, exports, path, query, where, kind):
    response = client.get(f"{path}?{query}", headers=editor)
    fault = is_problem(response, 422, "validation_error")["details"][0]
    assert (fault["loc"], fault["type"]) == (["query", where], kind)
    assert not exports.calls


JSON = {"content-type": "application/json"}
KEY = "Idempotency-Key"

HEADERS = [
    ({"content-type": "text/plain"}, 415, "unsupported_media_type"),
    ({"content-type": ""}, 415, "unsupported_media_type"),
    ({"content-type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
    ({"content-type": "multipart/form-data; boundary=a"}, 415, "unsupported_media_type"),
    ({"content-type": "application/json5"}, 415, "unsupported_media_type"),
    ({"content-type": "application/json, text/plain"}, 415, "unsupported_media_type"),
    ({"content-type": "application/json; charset=latin-1"}, 415, "unsupported_media_type"),
    ({"content-type": "application/json; charset=utf-16"}, 415, "unsupported_media_type"),
    ({**JSON, "content-encoding": "gzip"}, 415, "unsupported_media_type"),
    ({**JSON, "content-encoding": "br"}, 415, "unsupported_media_type"),
    ({**JSON, "content-encoding": "identity, gzip"}, 415, "unsupported_media_type"),
    ({**JSON, "content-encoding": "nonsense"}, 415, "unsupported_media_type"),
    ({**JSON, "content-length": "1048577"}, 413, "payload_too_large"),
    ({**JSON, "content-length": "9" * 60}, 413, "payload_too_large"),
    ({**JSON, KEY: ""}, 422, "validation_error"),
    ({**JSON, KEY: '""'}, 422, "validation_error"),
    ({**JSON, KEY: "a" * 256}, 422, "validation_error"),
    ({**JSON, KEY: f'"{"a" * 256}"'}, 422, "validation_error"),
    ({**JSON, KEY: '"open'}, 422, "validation_error"),
    ({**JSON, KEY: 'a"b'}, 422, "validation_error"),
    ({**JSON, KEY: r'"a\b"'}, 422, "validation_error"),
    ({**JSON, KEY: '"a";p=1'}, 422, "validation_error"),
    ({**JSON, KEY: '"a", "b"'}, 422, "validation_error"),
    ({**JSON, KEY: "é".encode("latin-1")}, 422, "validation_error"),
    ({**JSON, KEY: "a\tb"}, 422, "validation_error"),
]


@pytest.mark.parametrize(("headers", "status", "code"), HEADERS)
def test_a_bad_header(client, editor, exports, headers, status, code):
    response = client.post(URL, content=json.dumps(BASE).encode(), headers={**editor, **headers})
    problem = is_problem(response, status, code)
    if status == 422:
        [fault] = problem["details"]
        assert (fault["loc"], fault["type"]) == (["header", KEY], "idempotency_key")
    assert not exports.calls


def test_two_idempotency_keys(client, editor, exports):
    headers = [*editor.items(), *JSON.items(), (KEY, "a"), (KEY, "a")]
    response = client.post(URL, content=json.dumps(BASE).encode(), headers=headers)
    is_problem(response, 422, "validation_error")
    assert not exports.calls


def test_a_body_over_the_limit_that_does_not_say_so(client, editor, exports):
    chunks = (b" " * 65_536 for _ in range(17))
    response = client.post(URL, content=chunks, headers={**editor, **JSON})
    is_problem(response, 413, "payload_too_large")
    assert not exports.calls


@pytest.mark.parametrize(
    "job_id",
    ["a", "a" * 21, "a" * 23, "a" * 21 + "-", "é" * 22, "%00" + "a" * 21, "a" * 22 + "%0a", "%2e%2e"],
)
@pytest.mark.parametrize(
    ("method", "tail"),
    [
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "reprint/"),
        ("GET", "download/"),
        ("GET", "manifest/"),
        ("GET", "errors/"),
    ],
)
def test_a_malformed_job_id(client, editor, exports, method, tail, job_id):
    response = client.request(method, f"{URL}{job_id}/{tail}", headers=editor)
    fault = is_problem(response, 422, "validation_error")["details"][0]
    assert (fault["loc"], fault["type"]) == (["path", "job_id"], "invalid_job_id")
    assert not exports.calls


@pytest.mark.parametrize("job_id", ["0" * 22, "l" * 22, "z" * 22])
def test_a_well_formed_job_id_that_no_run_can_have(client, editor, exports, job_id):
    is_problem(client.get(f"{URL}{job_id}/", headers=editor), 404, "not_found")
    assert not exports.calls


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nowhere",
        URL.rstrip("/"),
        f"{URL}{UNKNOWN}",
        f"{URL}{UNKNOWN}/x/",
        f"{URL}{UNKNOWN}/download",
        f"{URL}preview",
        "/healthz/",
        "/docs/",
        f"{URL}..%2f..%2fetc%2fpasswd/",
        f"/{URL}",
        URL.upper(),
    ],
)
def test_an_unknown_path(client, editor, exports, path):
    is_problem(client.get(path, headers=editor), 404, "not_found")
    assert not exports.calls


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", URL, "GET, HEAD, OPTIONS, POST"),
        ("DELETE", URL, "GET, HEAD, OPTIONS, POST"),
        ("GET", URL + "preview/", "OPTIONS, POST"),
        ("PATCH", f"{URL}{UNKNOWN}/", "DELETE, GET, HEAD, OPTIONS"),
        ("GET", f"{URL}{UNKNOWN}/reprint/", "OPTIONS, POST"),
        ("POST", f"{URL}{UNKNOWN}/download/", "GET, HEAD, OPTIONS"),
        ("POST", TEMPLATES, "GET, HEAD, OPTIONS"),
        ("TRACE", HISTORY, "GET, HEAD, OPTIONS"),
        ("GET", "/products/api/v1/session/", "DELETE, OPTIONS, POST"),
        ("POST", "/healthz", "GET, HEAD, OPTIONS"),
    ],
)
def test_another_method(client, editor, exports, method, path, allow):
    response = client.request(method, path, headers=editor)
    is_problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == allow
    assert not exports.calls


def test_so_many_faults_that_nobody_reads_them_all(client, editor):
    response = client.post(URL, json=f(gtins=["x"] * 5_000), headers=editor)
    problem = is_problem(response, 422, "validation_error")
    assert len(problem["details"]) == 100
    assert "5000" in problem["detail"]


def test_the_tables_are_as_large_as_promised():
    assert sum(map(len, (BODIES, MALFORMED, REASONS, QUERIES, HEADERS))) >= 150
