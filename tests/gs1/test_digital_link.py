"""GS1 Digital Link URIs: examples, urllib and biip as oracles."""

from urllib.parse import quote, unquote, urlsplit

import pytest
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from hypothesis import given
from hypothesis import strategies as st

from gs1.cset82 import CSET_82
from gs1.digital_link import digital_link, require_resolver
from gs1.errors import Gs1Error, InvalidPathSegment, InvalidResolver

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


@pytest.mark.parametrize(
    "resolver",
    ["", "id.gs1.org", "ftp://id.gs1.org", "https://", "https:///x", "https://id.gs1.org?", "https://id.gs1.org#",
     "https://id.gs1.org/?a=1", "https://a b.example", "https://bücher.example", "https://u:p@id.gs1.org",
     "https://id.gs1.org:port", "https://id.gs1.org\n", "javascript://x"],
)  # fmt: skip
def test_what_is_no_resolver(resolver):
    with pytest.raises(InvalidResolver):
        require_resolver(resolver)


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
