"""GS1-128: published examples, an exhaustive search, an independent encoder and an independent reader."""

import heapq
import itertools
import random
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
import zint
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gs1.cset82 import CSET_82
from gs1.symbol_size import SymbolKind, symbol_size
from renderers.errors import PayloadNotEncodable, PayloadTooLong
from renderers.symbol import BarSymbols
from renderers.symbologies import gs1_128
from renderers.symbologies.gs1_128 import encode
from tests.renderers.symbologies.refusals import require_refused_alone

DIGITS = "0123456789"
CSET = "".join(sorted(CSET_82))
#: What lots are made of in practice, and what brings out each code set.
ALPHABETS = (CSET, DIGITS, "ABCDEF", "abcdef", DIGITS * 3 + "AB-", DIGITS * 5 + "ab", "Aa1")

#: AI and value, in order; FNC1 goes after (10) and (21) unless last.
Elements = tuple[tuple[str, str], ...]

GTIN = "09506000134352"


def message_of(elements: Elements) -> bytes:
    parts = [ai + value + ("\x1d" if ai in ("10", "21") else "") for ai, value in elements]
    return ("\x1d" + "".join(parts).removesuffix("\x1d")).encode()


def random_elements(rnd: random.Random) -> Elements:
    def text(most: int) -> str:
        return "".join(rnd.choices(rnd.choice(ALPHABETS), k=rnd.randint(1, most)))

    gtin = "".join(rnd.choices(DIGITS, k=14))
    date = "".join(rnd.choices(DIGITS, k=6))
    return rnd.choice(
        [
            (("01", gtin), ("10", text(20))),
            (("01", gtin), ("21", text(20))),
            (("01", gtin), ("17", date), ("10", text(20))),
            (("01", gtin), ("10", text(12)), ("21", text(14))),
            (("10", text(20)), ("21", text(20))),
        ]
    )


def symbols(messages: Sequence[bytes]) -> dict[int, NDArray[np.uint8]]:
    batch = encode(messages)
    assert not batch.refused
    return {
        int(position): widths
        for group in batch.groups
        if isinstance(group, BarSymbols)
        for position, widths in zip(group.positions, group.widths, strict=True)
    }


def characters_of(widths: NDArray[np.uint8]) -> list[int]:
    """The symbol characters from start to check, looked up in zint's table through Code 128 symbols."""
    patterns = zint_patterns()
    return [patterns[tuple(each)] for each in widths[:-7].reshape(-1, 6).tolist()]


@cache
def zint_patterns() -> dict[tuple[int, ...], int]:
    """Widths of each symbol character as zint draws them: digit pairs in C, and what starts and switches."""
    patterns = {
        tuple(widths_by_zint(f"{pair:02}99", zint.Symbology.CODE128)[6:12].tolist()): pair
        for pair in range(100)
    }
    for value, text, place in (
        (105, "1234", 0),
        (104, "abc", 0),
        (103, "\x01\x02", 0),
        (100, "1234ab", 3),
        (101, "1234\x01\x02", 3),
    ):
        patterns[tuple(widths_by_zint(text, zint.Symbology.CODE128)[6 * place :][:6].tolist())] = value
    patterns[tuple(by_zint((("01", GTIN),))[6:12].tolist())] = 102
    return patterns


def widths_by_zint(text: str, symbology: zint.Symbology) -> NDArray[np.uint8]:
    symbol = zint.Symbol()
    symbol.symbology = symbology
    if symbology is zint.Symbology.GS1_128:
        symbol.input_mode = zint.InputMode.GS1 | zint.InputMode.GS1NOCHECK
    symbol.encode(text)
    bits = np.unpackbits(np.asarray(symbol.encoded_data)[0], bitorder="little")[: symbol.width]
    edges = np.flatnonzero(np.diff(bits.astype(np.int8), prepend=-1, append=-1))
    return np.diff(edges).astype(np.uint8)


def by_zint(elements: Elements) -> NDArray[np.uint8]:
    return widths_by_zint("".join(f"[{ai}]{value}" for ai, value in elements), zint.Symbology.GS1_128)


def read(widths: NDArray[np.uint8]) -> tuple[bytes, str]:
    size = symbol_size(SymbolKind.GS1_128)
    colours = np.resize(np.array([0, 255], np.uint8), len(widths))
    bars = np.repeat(colours, widths)
    line = np.pad(bars, (size.quiet_left_x, size.quiet_right_x), constant_values=255)
    image = np.repeat(np.tile(line, (30, 1)), 3, axis=1)
    (found,) = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.Code128)
    return found.bytes, found.symbology_identifier


def test_published_check_character() -> None:
    # the example most descriptions of Code 128 work through: PJJ123C in set A has check character 54
    values = np.array([[103, 48, 42, 42, 17, 18, 19, 35]], np.uint8)
    group = gs1_128._symbols([gs1_128._Characters(np.array([0]), values)])
    assert characters_of(group.widths[0]) == [103, 48, 42, 42, 17, 18, 19, 35, 54]
    assert group.widths[0, -7:].tolist() == [2, 3, 3, 1, 1, 1, 2]


@pytest.mark.parametrize(
    ("data", "expected", "reason"),
    [
        ("0109506000134352", [105, 102, 1, 9, 50, 60, 0, 13, 43, 52], "an even number of digits all in C"),
        ("10123", [105, 102, 10, 12, 100, 19], "the odd digit last"),
        ("10A", [105, 102, 10, 100, 33], "C first among equals"),
        ("1A", [104, 102, 17, 33], "one digit is no pair"),
        ("1A23B", [104, 102, 17, 33, 18, 19, 34], "two digits are not worth two switches"),
        ("1A2345B", [104, 102, 17, 33, 18, 19, 20, 21, 34], "and four only as much"),
        ("1A234567B", [104, 102, 17, 33, 99, 23, 45, 67, 100, 34], "but six are"),
        ("101234AB", [105, 102, 10, 12, 34, 100, 33, 34], "C first, B for the rest"),
        ("1012345A", [105, 102, 10, 12, 34, 100, 21, 33], "switch before the odd digit, not after the first"),
        ("1A1234", [104, 102, 17, 33, 99, 12, 34], "four digits at the end are worth a switch"),
        ("1a\x01b", [104, 102, 17, 65, 98, 65, 66], "one control character is shifted"),
        ("1\x01a\x02", [103, 102, 17, 65, 98, 65, 66], "and one lower-case letter among controls"),
        ("1012\x1d2134", [105, 102, 10, 12, 102, 21, 34], "FNC1 as separator within C"),
        ("101\x1d21345", [105, 102, 10, 100, 17, 102, 18, 99, 13, 45], "FNC1 between odd runs"),
    ],
)
def test_code_sets(data: str, expected: list[int], reason: str) -> None:
    widths = symbols([b"\x1d" + data.encode()])[0]
    assert characters_of(widths)[:-1] == expected, reason
    assert read(widths) == (data.encode(), "]C1")


def test_symbols_against_zint_and_zxing() -> None:
    rnd = random.Random(128)
    batch = [
        elements
        for elements in (random_elements(rnd) for _ in range(3_000))
        if len(message_of(elements)) < 50
    ]
    messages = [message_of(elements) for elements in batch]
    equal = 0
    for position, widths in symbols(messages).items():
        other = by_zint(batch[position])
        assert len(widths) <= len(other), messages[position]
        equal += np.array_equal(widths, other)
        if position < 1_000:
            assert read(widths) == (messages[position][1:], "]C1")
    # the rest switch code set at another place, at equal length
    assert equal > 0.8 * len(batch)


def test_digits_alone_equal_zint_bar_for_bar() -> None:
    rnd = random.Random(1)
    batch: list[Elements] = [
        (("01", "".join(rnd.choices(DIGITS, k=14))), ("21", "".join(rnd.choices(DIGITS, k=k))))
        for k in range(1, 21)
        for _ in range(10)
    ]
    for position, widths in symbols([message_of(elements) for elements in batch]).items():
        assert np.array_equal(widths, by_zint(batch[position]))


def test_every_length_of_lot_and_every_character_of_cset_82() -> None:
    rnd = random.Random(82)
    lots = [character * length for character in CSET for length in (1, 20)]
    lots += ["".join(rnd.choices(CSET, k=length)) for length in range(1, 21) for _ in range(15)]
    messages = [message_of((("01", GTIN), ("17", "270331"), ("10", lot))) for lot in lots]
    for position, widths in symbols(messages).items():
        assert read(widths) == (messages[position][1:], "]C1")


def test_every_character_up_to_127_is_carried() -> None:
    others = [bytes([byte]) for byte in range(128) if byte != 0x1D]
    messages = [b"\x1d" + b"".join(others[i : i + 40]) for i in range(0, 127, 40)]
    for position, widths in symbols(messages).items():
        assert read(widths) == (messages[position][1:], "]C1")


def moves(rest: str, code_set: str) -> list[tuple[int, int, str]]:
    """What one may do next: characters of data, symbol characters, code set after it."""
    in_a = rest[0] == "\x1d" or rest[0] < "`"
    in_b = rest[0] == "\x1d" or rest[0] >= " "
    found = [(0, 1, other) for other in "ABC"]
    if code_set == "C":
        found += [(1, 1, "C")] if rest[0] == "\x1d" else []
        found += [(2, 1, "C")] if len(rest) > 1 and rest[:2].isdigit() else []
    else:
        here, shifted = (in_a, in_b) if code_set == "A" else (in_b, in_a)
        found += [(1, 1, code_set)] if here else []
        found += [(1, 2, code_set)] if shifted else []
    return found


def fewest(text: str) -> int:
    """Symbol characters from start to last data, found by trying every choice.

    A slow restatement of ISO/IEC 15417 that assumes nothing about when to switch or to shift.
    """
    seen: set[tuple[int, str]] = set()
    ahead = [(2, 0, code_set) for code_set in "ABC"]  # start and first FNC1
    while True:
        spent, place, code_set = heapq.heappop(ahead)
        if place == len(text):
            return spent
        if (place, code_set) not in seen:
            seen.add((place, code_set))
            for characters, cost, after in moves(text[place:], code_set):
                heapq.heappush(ahead, (spent + cost, place + characters, after))


def taken(widths: NDArray[np.uint8]) -> int:
    return (len(widths) - 7) // 6 - 1  # without stop and check


def test_no_other_code_sets_take_fewer_characters_in_any_short_text() -> None:
    texts = ["".join(t) for length in range(1, 7) for t in itertools.product("0Aa\x01\x1d", repeat=length)]
    drawn = symbols([b"\x1d" + text.encode() for text in texts])
    for position, text in enumerate(texts):
        assert taken(drawn[position]) == fewest(text), repr(text)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(DIGITS * 2 + "ABab\x01\x1d", min_size=1, max_size=48), min_size=1, max_size=5))
def test_no_other_code_sets_take_fewer_characters(texts: list[str]) -> None:
    messages = [b"\x1d" + text.encode() for text in texts]
    for position, widths in symbols(messages).items():
        assert taken(widths) == fewest(texts[position])
        assert read(widths) == (messages[position][1:], "]C1")


@settings(max_examples=80, deadline=None)
@given(st.lists(st.text(CSET, min_size=1, max_size=20), max_size=6))
def test_serials_read_back(serials: list[str]) -> None:
    messages = [message_of((("01", GTIN), ("21", serial))) for serial in serials]
    for position, widths in symbols(messages).items():
        assert read(widths) == (messages[position][1:], "]C1")


def test_a_symbol_does_not_depend_on_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    rnd = random.Random(7)
    messages = [
        message for message in (message_of(random_elements(rnd)) for _ in range(300)) if len(message) < 50
    ]
    together = symbols(messages)
    order = rnd.sample(range(len(messages)), len(messages))
    shuffled = symbols([messages[i] for i in order])
    assert all(np.array_equal(shuffled[k], together[i]) for k, i in enumerate(order))
    assert all(np.array_equal(symbols([message])[0], together[i]) for i, message in enumerate(messages))
    monkeypatch.setattr(gs1_128, "_SYMBOLS_AT_ONCE", 7)
    in_pieces = symbols(messages)
    assert all(np.array_equal(in_pieces[i], together[i]) for i in range(len(messages)))


def test_groups_rise_in_width_and_position() -> None:
    rnd = random.Random(3)
    messages = [
        message for message in (message_of(random_elements(rnd)) for _ in range(5_000)) if len(message) < 50
    ]
    groups = encode(messages).groups
    widths_x = [group.width_x for group in groups]
    assert sorted(set(widths_x)) == widths_x
    for group in groups:
        assert isinstance(group, BarSymbols)
        assert group.positions.dtype == np.intp
        assert group.widths.dtype == np.uint8
        assert (group.units_per_x, group.guards, group.zones) == (1, (), ())
        assert np.all(np.diff(group.positions) > 0)
        assert np.all(group.widths.sum(axis=1) == group.width_x)
        assert (group.width_x - 13) % 11 == 0


def test_48_data_characters_fit_and_49_do_not() -> None:
    fitting = b"\x1d" + b"10" + b"A" * 20 + b"\x1d" + b"21" + b"b" * 20 + b"\x1d" + b"99"
    assert len(fitting) == 1 + 48
    batch = encode([fitting, fitting + b"1", fitting])
    assert read(symbols([fitting])[0]) == (fitting[1:], "]C1")
    assert batch.groups[0].positions.tolist() == [0, 2]
    error = batch.refused[1]
    assert type(error) is PayloadTooLong
    assert error.value == fitting + b"1"
    assert "48" in str(error.expected)


@pytest.mark.parametrize(
    ("message", "error", "reason"),
    [
        (b"", PayloadNotEncodable, "nothing at all"),
        (b"\x1d", PayloadNotEncodable, "FNC1 without data"),
        (b"0109506000134352", PayloadNotEncodable, "no FNC1 in front"),
        (b"]C10109506000134352", PayloadNotEncodable, "a symbology identifier is no FNC1"),
        ("\x1d10É".encode("latin-1"), PayloadNotEncodable, "a byte above 127"),
        (b"\x1d10\xff", PayloadNotEncodable, "the byte that fills texts"),
        (b"\x1d" + b"1" * 49, PayloadTooLong, "one character more than GS1 allows"),
        (b"\x1d" + b"1" * 9_000, PayloadTooLong, "longer than any"),
    ],
)
def test_refusals_leave_the_rest_alone(message: bytes, error: type[Exception], reason: str) -> None:
    require_refused_alone(encode, b"\x1d0109506000134352", message, error, reason)
    assert not encode([message]).groups


def test_an_empty_batch_is_an_empty_result() -> None:
    batch = encode([])
    assert batch.groups == []
    assert batch.refused == {}
