"""Resolvers: URLs that every parser accepts, and those that would mislead one."""

import re
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gs1.cset82 import CSET_82
from gs1.digital_link import digital_link
from gs1.errors import InvalidResolver
from gs1.resolver import SHORT_NAMES, require_resolver
from tests.gs1.link_parsers import OURS, PACKAGE, PRIMARY, QUALIFIERS, published, require_published

GTIN = "09506000134352"

#: Lots and serials that look like something else: keys, names, paths, queries, escapes.
AWKWARD = (
    "01",
    "10",
    "21",
    "lot",
    "gtin",
    "a/01/b",
    "/10/",
    "?17=1",
    "%2F",
    "http://x/",
    "&10=x",
    "+",
    "...",
    '"<>',
)

ACCEPTED = [
    ("https://id.gs1.org", "GS1's own"),
    ("https://id.example.com/", "a slash at the end"),
    ("http://localhost:8080/gs1//", "slashes at the end, a port and no TLS"),
    ("https://EXAMPLE.com", "hosts have no case"),
    ("https://192.0.2.7", "an address"),
    ("https://xn--bcher-kva.example/b%C3%BCcher/a%20b", "an international name, and escapes"),
    ("https://example.com/@shop/a,b", "delimiters that end no segment"),
    ("https://example.com/products/12345", "a number too long for an Application Identifier, at the end"),
    ("https://example.com/v/1", "a number too short for an Application Identifier, at the end"),
    ("https://example.com/lots/series/v10/21a/01-02", "Application Identifiers and names within segments"),
    ("https://example.com/DBHKVAdpQgowOQ", "a segment like a compressed link"),
]  # fmt: skip

#: What is wrong, and a parser that reads it wrongly.
MISLEADING = [
    ("https://example.com/10/shop", "the lot would be 'shop'", "leftmost"),
    ("https://example.com/10/shop", "the same in GS1's first toolkit", "whole path"),
    ("https://example.com/shop/10", "a qualifier as a value", "leftmost"),
    ("https://example.com/%31%30/shop", "an escaped qualifier", "leftmost"),
    ("https://example.com/LOT/shop", "a name in capitals", "leftmost"),
    ("https://example.com/ser", "a name of one segment", "leftmost"),
    ("https://example.com/purchasedFrom/shop", "a long name", "leftmost"),
    ("https://example.com/17/shop", "an Application Identifier of the query", "whole path"),
    ("https://example.com/exp/shop", "its name", "whole path"),
    ("https://example.com/2026/shop", "a number like an Application Identifier", "whole path"),
    ("https://example.com/12345/shop", "another number in the place of a key", "whole path"),
    ("https://example.com/01", "the key itself", "GS1DigitalLinkToolkit"),
    ("https://example.com/01/shop", "the key itself with a value", "GS1DigitalLinkToolkit"),
    ("https://example.com/8006", "another primary key", "GS1DigitalLinkToolkit"),
    ("https://example.com/?a=1", "a query", "rightmost"),
    ("https://example.com/#a", "a fragment", "rightmost"),
    ("https://example.com?", "a bare question mark", "rightmost"),
]

NO_RESOLVERS = [
    ("", "nothing"), ("id.gs1.org", "no scheme"), ("ftp://id.gs1.org", "not of the web"), ("javascript://x", "code"),
    ("HTTPS://id.gs1.org", "capitals, which some parsers do not take for a scheme"),
    ("https://", "no host"), ("https:///x", "no host before a path"), ("https://-a.example", "a label's hyphen"),
    ("https://a..example", "an empty label"), ("https://a.example.", "the root's dot"), ("https://a_b.example", "no host name"),
    ("https://[::1]", "no name"), ("https://%61.example", "an escaped host"), ("https://u:p@id.gs1.org", "credentials"),
    ("https://id.gs1.org@evil.example", "a user"), ("https://id.gs1.org:port", "a named port"), ("https://id.gs1.org:", "no port"),
    ("https://id.gs1.org:0", "port zero"), ("https://id.gs1.org:65536", "a port too high"), ("https://id.gs1.org#", "a fragment"),
    ("https://a b.example", "a blank"), ("https://bücher.example", "not ASCII"), ("https://id.gs1.org\n", "a line's end"),
    ("https://id.gs1.org/a\\b", "a backslash"), ("https://x.example/a//b", "an empty segment"),
    ("https://x.example/./a", "a dot segment"), ("https://x.example/a/..", "two dots"), ("https://x.example/%2e%2E/a", "escaped dots"),
    ("https://x.example/a%2Fb", "an escaped slash"), ("https://x.example/a%2F01%2Fb", "an escaped slash around a key"),
    ("https://x.example/a%5Cb", "an escaped backslash"), ("https://x.example/%253130", "an escape in an escape"),
    ("https://x.example/a%3Fb", "an escaped question mark"), ("https://x.example/a%23b", "an escaped hash"),
    ("https://x.example/a%00", "a control character"), ("https://x.example/%FF", "not UTF-8"), ("https://x.example/%zz", "no escape"),
    ("https://x.example/a%", "half an escape"), ("https://x.example/%EF%BC%91%EF%BC%90/a", "other digits"),
    ("https://x.example/10;v=1", "parameters, which some servers strip"),
]  # fmt: skip


@pytest.fixture(scope="module")
def node():
    with published() as read:
        yield read


def _is_accepted(resolver):
    try:
        require_resolver(resolver)
    except InvalidResolver:
        return False
    return True


_words = st.text(st.sampled_from("abzAZ019-._~!$&'()*+,=:@"), min_size=1, max_size=6)
_escaped = st.text(st.characters(categories=("L", "N", "S", "Zs")), min_size=1, max_size=4).map(quote)
_special = st.sampled_from(
    [
        *PRIMARY,
        *QUALIFIERS,
        *sorted(SHORT_NAMES),
        "17",
        "1",
        "12345",
        "4012345000009",
        "DBHKVAdpQgowOQ",
        "http:",
    ]
)
resolvers = st.builds(
    lambda scheme, host, port, segments, slashes: f"{scheme}://{host}{port}{''.join(segments)}{slashes}",
    st.sampled_from(["https", "http"]),
    st.sampled_from(["id.gs1.org", "example.com", "10.example", "192.0.2.7", "lot", "xn--bcher-kva.example"]),
    st.sampled_from(["", ":8080", ":10"]),
    st.lists((_words | _escaped | _special).map("/{}".format), max_size=4),
    st.sampled_from(["", "/", "//"]),
).filter(_is_accepted)
values = (
    st.none()
    | st.sampled_from(AWKWARD)
    | st.text(st.sampled_from(sorted(CSET_82)), min_size=1, max_size=20).filter(
        lambda v: v not in {".", ".."}
    )
)


def _link_and_elements(resolver, lot=None, serial=None, expiry=None):
    elements = {"01": GTIN, "10": lot, "21": serial, "17": expiry}
    link = digital_link(resolver, GTIN, lot=lot, serial=serial, expiry=expiry)
    return link, {ai: value for ai, value in elements.items() if value}


@given(resolvers, values, values, st.sampled_from([None, "270331"]))
@settings(max_examples=500)
def test_every_way_of_parsing_finds_our_elements(resolver, lot, serial, expiry):
    link, elements = _link_and_elements(resolver, lot, serial, expiry)
    assert {name: parse(link) for name, parse in OURS.items()} == dict.fromkeys(OURS, elements)


@given(resolvers, values, values, st.sampled_from([None, "270331"]))
@settings(max_examples=500, deadline=None)
def test_digital_link_js_finds_our_elements(node, resolver, lot, serial, expiry):
    link, elements = _link_and_elements(resolver, lot, serial, expiry)
    assert node(link)["digital-link.js"] == elements


@given(resolvers)
@settings(max_examples=500, deadline=None)
def test_gs1s_toolkit_finds_our_elements(node, resolver):
    # Values are plain here: the toolkit takes a lot 01 for a key wherever it stands, and knows no : ; < = > ?.
    link, elements = _link_and_elements(resolver, "A/1%", "S+1", "270331")
    assert node(link)["GS1DigitalLinkToolkit"] == elements


@pytest.mark.parametrize(("resolver", "reason"), ACCEPTED)
def test_accepted_resolvers(resolver, reason):
    for value in AWKWARD:
        link, elements = _link_and_elements(resolver, value, value, "270331")
        assert {name: parse(link) for name, parse in OURS.items()} == dict.fromkeys(OURS, elements), reason


@pytest.mark.parametrize(("resolver", "reason"), ACCEPTED)
def test_digital_link_js_agrees_on_accepted_resolvers(node, resolver, reason):
    for value in AWKWARD:
        link, elements = _link_and_elements(resolver, value, value, "270331")
        assert node(link)["digital-link.js"] == elements, reason


@pytest.mark.parametrize(("resolver", "reason", "parser"), MISLEADING)
def test_misleading_resolvers_are_refused(resolver, reason, parser, request):
    with pytest.raises(InvalidResolver) as refused:
        require_resolver(resolver)
    assert (refused.value.field, refused.value.value) == ("resolver", resolver)
    assert refused.value.expected is not None
    assert refused.value.expected in str(refused.value)
    link = f"{resolver.rstrip('/')}/01/{GTIN}/10/ABC"
    if parser in OURS:
        try:
            found = OURS[parser](link)
        except (IndexError, StopIteration):
            found = {}
    else:
        found = request.getfixturevalue("node")(link)[parser]
    assert found != {"01": GTIN, "10": "ABC"}, reason


@pytest.mark.parametrize(
    "segment", [*PRIMARY, *QUALIFIERS, *sorted(SHORT_NAMES), *map(str.upper, sorted(SHORT_NAMES))]
)
def test_no_key_is_a_segment(segment):
    for path in (segment, f"{segment}/shop", f"shop/{segment}/", quote(segment).replace("0", "%30")):
        with pytest.raises(InvalidResolver):
            require_resolver(f"https://example.com/{path}")


@pytest.mark.parametrize(("text", "reason"), NO_RESOLVERS)
def test_what_is_no_resolver(text, reason):
    with pytest.raises(InvalidResolver):
        require_resolver(text)


def test_short_names_are_those_of_gs1s_grammar():
    require_published()
    grammar = (PACKAGE / "grammar" / "GS1_Digital_Link_Grammar_1_1.abnf").read_text(encoding="utf-8")
    assert {name.lower() for name in re.findall(r'%s"(\w+)"', grammar)} == SHORT_NAMES
    newest = (PACKAGE / "grammar" / "GS1_Digital_Link_Grammar_1_4.abnf").read_text(encoding="utf-8")
    keys = re.findall(r'^\S+-code\s*= "(\d+)"', newest, re.MULTILINE)
    assert len(keys) >= 20
    assert set(keys) <= PRIMARY.keys() | QUALIFIERS.keys()
