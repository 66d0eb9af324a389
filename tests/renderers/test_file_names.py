"""File names: unique, safe on every system, and reversible."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderers.file_names import MAX_LENGTH, escape, member_name

CSET_82 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!\"%&'()*+,-./:;<=>?_"
PARTS = st.lists(st.text(max_size=60), max_size=4)


def unescape(text: str) -> str:
    """Return the text that `escape` was given."""
    raw = re.sub("~([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), text)
    return raw.encode("latin-1").decode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    ("row", "parts", "extension", "expected", "reason"),
    [
        (0, ["09506000134352"], "svg", "0000/00000000_09506000134352.svg", "first row"),
        (9_999, ["1"], "png", "0000/00009999_1.png", "last of a folder"),
        (10_000, ["1"], "png", "0001/00010000_1.png", "first of the next folder"),
        (7, ["1", "A/7", "x\\y"], "svg", "0000/00000007_1_A~2F7_x~5Cy.svg", "no path inside a part"),
        (7, ["1", ".."], "svg", "0000/00000007_1_...svg", "dots are inside the name, never a step up"),
        (7, ["CON"], "svg", "0000/00000007_CON.svg", "the row number disarms device names"),
        (7, ["a~b"], "svg", "0000/00000007_a~7Eb.svg", "the escape character itself"),
        (7, ["é"], "svg", "0000/00000007_~C3~A9.svg", "UTF-8 bytes: no normalisation to differ in"),
        (100_000_000, ["1"], "svg", "10000/100000000_1.svg", "beyond eight digits"),
    ],
)
def test_member_name(row: int, parts: list[str], extension: str, expected: str, reason: str) -> None:
    assert member_name(row, parts, extension) == expected, reason


@given(st.integers(0, 10**9), PARTS, st.sampled_from(["svg", "png"]))
def test_names_are_safe_and_bounded(row: int, parts: list[str], extension: str) -> None:
    name = member_name(row, parts, extension)
    assert len(name) <= MAX_LENGTH
    assert re.fullmatch(r"[0-9]{4,}/[0-9]{8,}_[A-Za-z0-9._~-]*\.(svg|png)", name)


@given(st.lists(PARTS, min_size=2, max_size=20))
def test_rows_never_share_a_name_even_under_case_folding(stems: list[list[str]]) -> None:
    names = {member_name(row, parts, "svg").casefold() for row, parts in enumerate(stems)}
    assert len(names) == len(stems)


@given(st.text())
def test_escape_is_reversible(text: str) -> None:
    assert unescape(escape(text)) == text


@given(*[st.text(CSET_82, min_size=1, max_size=20)] * 2)
def test_any_lot_and_serial_fit_uncut(lot: str, serial: str) -> None:
    name = member_name(99_999_999, ["09506000134352", lot, serial], "svg")
    assert (
        unescape(name.removeprefix("9999/").removesuffix(".svg")) == f"99999999_09506000134352_{lot}_{serial}"
    )


def test_long_parts_are_cut_but_stay_different() -> None:
    names = {member_name(5, ["/" * 300 + end], "svg") for end in "ab"}
    assert len(names) == 2
    assert all(len(name) <= MAX_LENGTH for name in names)
    assert all(re.search(r"(~2F)~~[0-9a-f]{8}\.svg$", name) for name in names)
