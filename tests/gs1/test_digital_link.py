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


#: Some attributes of a trade item, each once.
attributes = st.fixed_dictionaries(
    {},
    optional={
        "11": st.just("260331"),
        "15": st.just("270400"),
        "17": st.just("270331"),
        "240": st.text(st.sampled_from(sorted(CSET_82)), min_size=1, max_size=30),
        "242": st.from_regex("[0-9]{1,6}", fullmatch=True),
        "30": st.from_regex("[0-9]{1,8}", fullmatch=True),
        "3103": st.from_regex("[0-9]{6}", fullmatch=True),
        "7003": st.just("2703311430"),
    },
).map(lambda found: list(found.items()))


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
        ({"attributes": [("17", "270331"), ("15", "270301")]}, "?15=270301&17=270331"),
        (
            {"lot": "A", "attributes": [("3103", "000195"), ("240", "A&B/1")]},
            "/10/A?240=A%26B%2F1&3103=000195",
        ),
        (
            {"expiry": "270331", "attributes": [("7003", "2703311430"), ("11", "260331")]},
            "?11=260331&17=270331&7003=2703311430",
        ),
        ({"attributes": [("240", ".")]}, "?240=."),
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


@pytest.mark.parametrize(
    "link",
    [
        f"{ROOT}/01/09520123456788/10/ABC1/21/12345?17=180426",
        f"{ROOT}/01/09520123456788?3103=000195",
        f"{ROOT}/01/09520123456788?17=201225&3103=000195&3922=0299",
    ],
)
def test_the_standards_examples_are_links_of_ours(link):
    """GS1 Digital Link Standard: URI Syntax, examples of section 5; the last in its canonical form."""
    resolver, elements = parse_digital_link(link)
    path, query = dict(elements), [element for element in elements if element[0] not in {"01", "10", "21"}]
    assert digital_link(
        resolver, path["01"], lot=path.get("10"), serial=path.get("21"), attributes=query[::-1]
    ) == link  # fmt: skip


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ([("3103", "19")], "a measure of two digits"),
        ([("7003", "2703312460")], "a time that no clock shows"),
        ([("3102", "000019"), ("3103", "000195")], "two net weights"),
        ([("37", "6")], "a count of contained items beside (01)"),
        ([("392n", "1")], "no AI"),
        ([("3922", "199")], "a price without a measure"),
        ([("22", "A")], "a qualifier, which stands on the path"),
        ([("10", "A")], "a lot, which stands on the path"),
        ([("8200", "x")], "no attribute"),
        ([("240", "")], "an empty value"),
    ],
)
def test_attributes_follow_the_table_of_identifiers(attributes, reason):
    with pytest.raises(Gs1Error):
        digital_link(ROOT, GTIN, attributes=attributes)


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
    attributes,
)
def test_parsing_is_the_inverse(resolver, lot, serial, attributes):
    link = digital_link(resolver, GTIN, lot=lot, serial=serial, attributes=attributes)
    elements = [("01", GTIN), ("10", lot), ("21", serial), *sorted(attributes)]
    assert parse_digital_link(link) == (resolver, tuple(pair for pair in elements if pair[1]))


@given(st.none() | values, attributes)
def test_biip_reads_attributes(lot, attributes):
    link = GS1DigitalLinkURI.parse(digital_link(ROOT, GTIN, lot=lot, attributes=attributes))
    read = {item.ai.ai: item.value for item in link.element_strings}
    assert read == {"01": GTIN, **({"10": lot} if lot else {}), **dict(attributes)}


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
        (f"{ROOT}/01/{GTIN}?17=270331&15=270331", "attributes in another order"),
        (f"{ROOT}/01/{GTIN}?17=270331&", "an ampersand at the end"),
        (f"{ROOT}/01/{GTIN}?linkType=all", "a parameter that is no AI"),
        (f"{ROOT}/01/{GTIN}?12=270331", "a date that is not of trade items"),
        (f"{ROOT}/01/{GTIN}#a", "a fragment"),
        (f"{ROOT}/01/{GTIN}\n", "a line's end"),
    ],
)
def test_what_is_no_link_of_ours(link, reason):
    with pytest.raises(InvalidDigitalLink):
        parse_digital_link(link)


_PIECES = [
    "/10/",
    "/21/",
    "/01/",
    "A",
    "%2F",
    "%2f",
    "%41",
    "+",
    "/",
    "?17=",
    "?15=",
    "&",
    "30=",
    "270331",
    GTIN,
]


@given(st.lists(st.sampled_from(_PIECES), max_size=6).map("".join))
def test_what_is_parsed_is_what_would_be_written(rest):
    link = f"{ROOT}/01/{GTIN}{rest}"
    try:
        resolver, elements = parse_digital_link(link)
    except InvalidDigitalLink:
        return
    path, query = dict(elements), [element for element in elements if element[0] not in {"01", "10", "21"}]
    assert link == digital_link(
        resolver, path["01"], lot=path.get("10"), serial=path.get("21"), attributes=query
    )
