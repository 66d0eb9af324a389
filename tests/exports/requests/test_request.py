"""The request body: what is accepted, the error for each invalid body, and the normalised form."""

import json
from datetime import UTC, datetime
from itertools import product

import pytest
from pydantic import ValidationError

from catalogue.selection import Scope, Selection
from exports.errors import InvalidRequest
from exports.requests.export_types import FORMATS_OF, ExportType, RequestedFormat
from exports.requests.json_body import MAX_DETAILS
from exports.requests.request import ACCEPTED_BEFORE, ExportRequest, parse_request

BASE = {"scope": "lots", "export_type": "datamatrix", "file_format": "svg"}


def body(**members):
    return json.dumps({**BASE, **members}).encode()


def details_of(data):
    with pytest.raises(InvalidRequest) as caught:
        parse_request(data)
    return caught.value.details


def test_the_published_example():
    request = parse_request(body(filters={"gtins": ["00012345678905"], "never_printed": True}))
    assert request.selection("acme") == Selection(
        "acme", Scope.LOTS, gtins=("00012345678905",), never_printed=True
    )


def test_an_opaque_id_is_accepted():
    request = parse_request(body(filters={"lot_ids": ["abc123def456"], "product_id": "abc123def456"}))
    selection = request.selection("acme")
    assert (selection.lot_ids, selection.product_id) == (("abc123def456",), "abc123def456")


def test_every_filter_reaches_the_selection():
    request = parse_request(
        body(
            scope="serials",
            filters={
                "gtins": ["00012345678905"],
                "product_id": "p",
                "lot_ids": ["l"],
                "serial_ids": ["s"],
                "lot_run_id": "r",
                "never_printed": True,
                "created_after": "2026-01-01T00:00:00+02:00",
                "created_before": "2026-02-01T00:00:00.5Z",
            },
        )
    )
    assert request.selection("acme") == Selection(
        organisation="acme",
        scope=Scope.SERIALS,
        gtins=("00012345678905",),
        product_id="p",
        lot_ids=("l",),
        serial_ids=("s",),
        lot_run_id="r",
        never_printed=True,
        created_after=datetime(2025, 12, 31, 22, tzinfo=UTC),
        created_before=datetime(2026, 2, 1, microsecond=500_000, tzinfo=UTC),
    )


@pytest.mark.parametrize("gtin", ["012345678905", "0012345678905", "00012345678905"])
def test_gtins_become_14_digits(gtin):
    assert parse_request(body(filters={"gtins": [gtin]})).selection("a").gtins == ("00012345678905",)


def test_a_repeated_entry_counts_once():
    request = parse_request(body(filters={"gtins": ["012345678905", "00012345678905"]}))
    assert request.selection("a").gtins == ("00012345678905",)


def test_an_empty_list_matches_nothing():
    assert parse_request(body(filters={"gtins": []})).selection("a").gtins == ()


@pytest.mark.parametrize(
    "filters", [None, {}, {"gtins": None}, {"never_printed": False}, {"never_printed": None}]
)
def test_what_says_nothing_is_left_out(filters):
    request = parse_request(body(filters=filters, asset_config=None))
    assert request.selection("a") == Selection("a", Scope.LOTS)
    assert request.normalised() == BASE


def test_defaults_spelled_out_are_left_out():
    config = {"record_printed": True, "copies": 1, "environment": "retail", "sheet_template": "x" * 64}
    assert parse_request(body(asset_config=config)).normalised() == BASE


def test_the_normalised_form_is_a_fixed_point():
    request = parse_request(
        body(
            export_type="qr_codes",
            file_format="png",
            filters={
                "gtins": ["012345678905"],
                "lot_ids": ["7f3c2a9e-1111-4222-8333-444455556666"],
                "created_after": "2026-01-01T00:00:00+02:00",
            },
            asset_config={
                "record_printed": False,
                "module_size_mm": 0.5,
                "dpi": 300,
                "error_correction": "H",
            },
        )
    )
    normalised = request.normalised()
    assert ExportRequest.model_validate_json(json.dumps(normalised)).normalised() == normalised
    assert ExportRequest.model_validate(normalised).selection("a") == request.selection("a")


def test_a_whole_number_and_its_float_are_one_request():
    sheet = {"export_type": "sheet_pdf", "file_format": "pdf"}
    one = parse_request(body(**sheet, asset_config={"offset_x_mm": 2}))
    other = parse_request(body(**sheet, asset_config={"offset_x_mm": 2.0}))
    assert json.dumps(one.normalised()) == json.dumps(other.normalised())


def test_a_request_cannot_be_changed():
    request = parse_request(body())
    with pytest.raises(ValidationError):
        request.scope = Scope.SERIALS


@pytest.mark.parametrize(("export_type", "file_format"), list(product(ExportType, RequestedFormat)))
def test_the_coherence_of_type_and_format(export_type, file_format):
    data = body(export_type=export_type, file_format=file_format)
    if file_format not in FORMATS_OF[export_type]:
        [fault] = details_of(data)
        assert (fault["loc"], fault["type"]) == (["body", "file_format"], "incoherent_format")
    else:
        assert parse_request(data).file_format == file_format


@pytest.mark.parametrize("stored", [{"dpi": 300}, {"copies": 2}])
def test_a_request_that_was_accepted_before_is_still_read(stored):
    document = json.dumps({**BASE, "asset_config": stored})
    request = ExportRequest.model_validate_json(document, context=ACCEPTED_BEFORE)
    assert request.normalised() == BASE


def test_every_fault_is_told_at_once():
    faults = details_of(
        body(scope="products", file_format="eps", filters={"lot_ids": ["a"], "serial_ids": []})
    )
    assert [fault["loc"][1:] for fault in faults] == [
        ["file_format"],
        ["filters", "lot_ids"],
        ["filters", "serial_ids"],
    ]


def test_the_list_of_faults_is_bounded():
    with pytest.raises(InvalidRequest, match="5000 faults") as caught:
        parse_request(body(filters={"gtins": ["1"] * 5000}))
    assert len(caught.value.details) == MAX_DETAILS


def test_a_full_list_is_accepted():
    assert (
        len(
            parse_request(body(filters={"lot_ids": [f"lot-{n}" for n in range(5000)]})).selection("a").lot_ids
        )
        == 5000
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"{", "cut off"),
        (b"{} {}", "two documents"),
        (b'{"scope": "lots", "scope": "serials"}', "a key twice"),
        (b'{"filters": {"gtins": [], "gtins": null}}', "a key twice, inside"),
        (b'{"asset_config": {"dpi": NaN}}', "NaN"),
        (b'{"asset_config": {"dpi": -Infinity}}', "infinity"),
        (b'{"asset_config": {"dpi": ' + b"9" * 5000 + b"}}", "a number of 5,000 digits"),
        (b"[" * 100_000, "nested until the parser gives up"),
        (b"[" * 100 + b"]" * 100, "nested, but well-formed"),
        (b'{"scope": "\xff"}', "not UTF-8"),
        ('{"scope": "lots"}'.encode("utf-16"), "UTF-16"),
        (b"\xef\xbb\xbf{}", "a byte order mark"),
        (b"{'scope': 'lots'}", "single quotes"),
        (b'{"scope": "lo\x00ts"}', "a raw NUL"),
    ],
)  # fmt: skip
def test_what_is_not_json(data, reason):
    [fault] = details_of(data)
    assert (fault["loc"], fault["type"]) == (["body"], "json_invalid"), reason


@pytest.mark.parametrize(
    ("filters", "loc", "kind"),
    [
        ({"product_id": "a\0b"}, ["body", "filters", "product_id"], "nul_character"),
        ({"gtins": ["\ud800"]}, ["body", "filters", "gtins", 0], "string_unicode"),
        ({"\0": 1}, ["body", "filters", "\0"], "nul_character"),
    ],
)
def test_text_that_cannot_be_stored(filters, loc, kind):
    [fault] = details_of(body(filters=filters))
    assert (fault["loc"], fault["type"]) == (loc, kind)
    json.dumps(fault, ensure_ascii=False).encode()


def test_a_long_unknown_key_is_cut_in_the_answer():
    [fault] = details_of(body(**{"k" * 10_000: 1}))
    assert len(fault["loc"][1]) == 64


def test_braces_in_a_message_stay_as_they_are():
    [fault] = details_of(body(filters={"gtins": ["{reason}"]}))
    assert fault["loc"] == ["body", "filters", "gtins", 0]
