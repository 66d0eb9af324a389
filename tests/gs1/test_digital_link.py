"""GS1 Digital Link URIs: examples, urllib and biip as oracles."""

from urllib.parse import quote, unquote, urlsplit

import pytest
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from hypothesis import given
from hypothesis import strategies as st

from gs1.cset82 import CSET_82
from gs1.digital_link import digital_link, parse_digital_link
from gs1.errors import Gs1Error, InvalidDigitalLink, InvalidPathSegment, InvalidResolver

ROOT = "https://id.gs1.org"
GTIN = "09506000134352"

values = st.text(st.sampled_from(sorted(CSET_82)), min_size=1, max_size=20).filter(
    lambda v: v not in {".", ".."}
)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({}, ""),
        ({"lot": "ABC123", "expiry": "270331"}, "/10/ABC123?17=270331"),
        ({"lot": "A", "serial": "1"}, "/10/A/21/1"),
        ({"serial": "S1"}, "/21/S1"),
        ({"lot": "A/B+%&"}, "/10/A%2FB%2B%25%26"),
        ({"lot": "L", "best_before": "270400"}, "/10/L?15=270400"),
        ({"lot": "L", "expiry": "270331", "best_before": "270400"}, "/10/L?17=270331"),
        ({"lot": "", "serial": None, "expiry": ""}, ""),
    ],
)
def test_links(parts, expected):
    assert digital_link(ROOT, GTIN, **parts) == f"{ROOT}/01/{GTIN}{expected}"


@pytest.mark.parametrize(
    ("resolver", "expected"),
    [
        ("https://id.example.com/", "https://id.example.com"),
        ("http://localhost:8080/gs1//", "http://localhost:8080/gs1"),
        ("https://xn--bcher-kva.example/a%20b", "https://xn--bcher-kva.example/a%20b"),
    ],
)
def test_slashes_at_the_end_are_trimmed(resolver, expected):
    assert digital_link(resolver, GTIN) == f"{expected}/01/{GTIN}"


def test_a_link_needs_a_resolver():
    with pytest.raises(InvalidResolver):
        digital_link("https://example.com/10/shop", GTIN)


@pytest.mark.parametrize(
    "parts",
    [{"lot": "a b"}, {"lot": "x" * 21}, {"serial": "ä"}, {"expiry": "270230"}, {"expiry": "2027-03-31"}],
)
def test_invalid_values(parts):
    with pytest.raises(Gs1Error):
        digital_link(ROOT, GTIN, **parts)


@pytest.mark.parametrize("gtin", ["9506000134352", "09506000134353", ""])
def test_invalid_gtins(gtin):
    with pytest.raises(Gs1Error):
        digital_link(ROOT, gtin)


@pytest.mark.parametrize("text", [".", ".."])
def test_dot_segments_would_be_lost(text):
    with pytest.raises(InvalidPathSegment):
        digital_link(ROOT, GTIN, lot=text)
    with pytest.raises(InvalidPathSegment):
        digital_link(ROOT, GTIN, lot="A", serial=text)


@given(values, values)
def test_urllib_agrees(lot, serial):
    link = digital_link(ROOT, GTIN, lot=lot, serial=serial, expiry="270331")
    assert link == f"{ROOT}/01/{GTIN}/10/{quote(lot, safe='')}/21/{quote(serial, safe='')}?17=270331"
    assert [unquote(part) for part in urlsplit(link).path.split("/")] == [
        "",
        "01",
        GTIN,
        "10",
        lot,
        "21",
        serial,
    ]


@given(values, values)
def test_biip_reads_what_we_write(lot, serial):
    link = GS1DigitalLinkURI.parse(digital_link(ROOT, GTIN, lot=lot, serial=serial, best_before="270300"))
    read = {item.ai.ai: item.value for item in link.element_strings}
    assert read == {"01": GTIN, "10": lot, "21": serial, "15": "270300"}


@given(
    st.sampled_from([ROOT, "http://localhost:8080", "https://example.com/a%20b/12345"]),
    st.none() | values | st.sampled_from(["01", "10"]),
    st.none() | values | st.sampled_from(["01", "21"]),
    st.sampled_from([None, ("17", "270331"), ("15", "270400")]),
)
def test_parsing_is_the_inverse(resolver, lot, serial, dated):
    ai, date = dated or (None, None)
    link = digital_link(
        resolver,
        GTIN,
        lot=lot,
        serial=serial,
        expiry=date if ai == "17" else None,
        best_before=date if ai == "15" else None,
    )
    elements = [("01", GTIN), ("10", lot), ("21", serial), (ai, date)]
    assert parse_digital_link(link) == (resolver, tuple(pair for pair in elements if pair[1]))


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("", "nothing"),
        (ROOT, "a resolver alone"),
        (f"{ROOT}/01/9506000134352", "a GTIN of 13 digits"),
        (f"{ROOT}/01/09506000134353", "a wrong check digit"),
        (f"{ROOT}/01/{GTIN}/", "a slash at the end"),
        (f"{ROOT}//01/{GTIN}", "a slash too many"),
        (f"{ROOT}/gtin/{GTIN}", "a name for the key"),
        (f"{ROOT}/%30%31/{GTIN}", "an escaped key"),
        (f"https://example.com/10/shop/01/{GTIN}", "no resolver"),
        (f"{ROOT}/01/{GTIN}/21/S/10/L", "serial before lot"),
        (f"{ROOT}/01/{GTIN}/10/L/10/M", "two lots"),
        (f"{ROOT}/01/{GTIN}/22/V", "an element we do not write"),
        (f"{ROOT}/01/{GTIN}/10/", "an empty lot"),
        (f"{ROOT}/01/{GTIN}/10/{'x' * 21}", "a lot too long"),
        (f"{ROOT}/01/{GTIN}/10/a%20b", "a lot outside the character set"),
        (f"{ROOT}/01/{GTIN}/10/%2E%2E", "a dot segment"),
        (f"{ROOT}/01/{GTIN}/10/A%2f1", "an escape in small letters"),
        (f"{ROOT}/01/{GTIN}/10/%41", "an escape that is not needed"),
        (f"{ROOT}/01/{GTIN}/10/A+1", "no escape where one is needed"),
        (f"{ROOT}/01/{GTIN}/10/%FF", "not UTF-8"),
        (f"{ROOT}/01/{GTIN}?", "a bare question mark"),
        (f"{ROOT}/01/{GTIN}?17=270230", "a date that no calendar has"),
        (f"{ROOT}/01/{GTIN}?17=%3270331", "an escape in the date"),
        (f"{ROOT}/01/{GTIN}?17=270331&15=270331", "two dates"),
        (f"{ROOT}/01/{GTIN}?11=270331", "a date we do not write"),
        (f"{ROOT}/01/{GTIN}#a", "a fragment"),
        (f"{ROOT}/01/{GTIN}\n", "a line's end"),
    ],
)
def test_what_is_no_link_of_ours(link, reason):
    with pytest.raises(InvalidDigitalLink):
        parse_digital_link(link)


_PIECES = ["/10/", "/21/", "/01/", "A", "%2F", "%2f", "%41", "+", "/", "?17=", "?15=", "270331", GTIN]


@given(st.lists(st.sampled_from(_PIECES), max_size=6).map("".join))
def test_what_is_parsed_is_what_would_be_written(rest):
    link = f"{ROOT}/01/{GTIN}{rest}"
    try:
        resolver, elements = parse_digital_link(link)
    except InvalidDigitalLink:
        return
    found = dict(elements)
    assert link == digital_link(
        resolver, found["01"], lot=found.get("10"), serial=found.get("21"),
        expiry=found.get("17"), best_before=found.get("15"),
    )  # fmt: skip
