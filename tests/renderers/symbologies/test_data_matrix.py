"""GS1 DataMatrix: published example, independent readers and an independent encoder."""

import random
from collections.abc import Sequence
from itertools import groupby

import numpy as np
import pytest
import zint
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from renderers.errors import PayloadNotEncodable, PayloadTooLong
from renderers.symbologies import data_matrix
from renderers.symbologies.data_matrix import encode
from renderers.symbologies.data_matrix_encodation import to_codewords
from renderers.symbologies.data_matrix_structure import (
    RECTANGLES,
    SQUARES,
    Size,
    Sizes,
    error_correction,
    module_sources,
)
from tests.renderers.symbologies.refusals import require_refused_alone

DIGITS = "0123456789"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CSET_82 = DIGITS + UPPER + UPPER.lower() + "!\"%&'()*+,-./:;<=>?_"
#: What lots are made of in practice, and what brings out each encodation scheme.
ALPHABETS = (
    CSET_82,
    DIGITS,
    UPPER,
    UPPER + DIGITS,
    UPPER.lower(),
    "AB1*>",
    "A-/.+1:",
    "Ab1",
    "ABCDEF123456789",
)

#: AI and value, in order; FNC1 goes after (10) and (91)–(99) unless last.
Elements = tuple[tuple[str, str], ...]


def message_of(elements: Elements) -> bytes:
    parts = [ai + value + ("\x1d" if ai in ("10", "21") or ai[0] == "9" else "") for ai, value in elements]
    return ("\x1d" + "".join(parts).removesuffix("\x1d")).encode()


def random_elements(rnd: random.Random) -> Elements:
    elements = [("01", "".join(rnd.choices(DIGITS, k=14)))]
    if rnd.random() < 0.7:
        elements.append(("17", "".join(rnd.choices(DIGITS, k=6))))
    if rnd.random() < 0.9:
        elements.append(("10", "".join(rnd.choices(rnd.choice(ALPHABETS), k=rnd.randint(1, 20)))))
    if rnd.random() < 0.4:
        elements.append(("21", "".join(rnd.choices(rnd.choice(ALPHABETS), k=rnd.randint(1, 20)))))
    return tuple(elements)


def filling(codewords: int, value: str = "12") -> Elements:
    """Elements that take exactly so many codewords in ASCII, the first FNC1 included."""
    elements: list[tuple[str, str]] = []
    left = codewords - 1
    while left > 1:
        separator = 1 if elements else 0
        pairs = min(45, left - 1 - separator)
        if left - 1 - separator - pairs in (1, 2):  # too little for another element
            pairs -= 3
        elements.append(("91", value * pairs))
        left -= 1 + separator + pairs
    return tuple(elements)


def symbols(messages: Sequence[bytes], allowed: Sizes = SQUARES) -> dict[int, NDArray[np.uint8]]:
    batch = encode(messages, allowed)
    assert not batch.refused
    return {
        int(position): modules
        for group in batch.groups
        for position, modules in zip(group.positions, group.modules, strict=True)
    }


def read(modules: NDArray[np.uint8]) -> tuple[bytes, str] | None:
    light = np.pad(1 - modules, 4, constant_values=1)
    image = np.ascontiguousarray(np.kron(light, np.full((3, 3), 255, dtype=np.uint8)))
    found = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.DataMatrix, is_pure=True)
    return (found[0].bytes, found[0].symbology_identifier) if found else None


def by_zint(elements: Elements, size: Size | None = None) -> NDArray[np.uint8]:
    """Return zint's symbol: the smallest square, or one of this size."""
    symbol = zint.Symbol()
    symbol.symbology = zint.Symbology.DATAMATRIX
    symbol.input_mode = zint.InputMode.GS1 | zint.InputMode.GS1NOCHECK
    symbol.option_3 = int(zint.DataMatrixOptions.SQUARE)
    if size is not None:
        symbol.option_2 = 1 + (SQUARES + RECTANGLES).index(size)
    symbol.encode("".join(f"[{ai}]{value}" for ai, value in elements))
    bits = np.unpackbits(np.asarray(symbol.encoded_data), axis=1, bitorder="little")
    return bits[: symbol.rows, : symbol.width]


def codewords_of(message: bytes) -> list[int]:
    text = np.frombuffer(message, dtype=np.uint8).reshape(1, -1)
    codewords = to_codewords(text, np.array([len(message)]), SQUARES)
    return codewords.rows[0, : SQUARES[int(codewords.sizes[0])].data].tolist()


def test_published_example() -> None:
    # ISO/IEC 16022:2006, worked example: "123456" is 142 164 186, and its error correction
    data = np.array([[142, 164, 186]], dtype=np.uint8)
    assert error_correction(SQUARES[0], data).tolist() == [[114, 25, 5, 88, 102]]
    assert codewords_of(b"\x1d123456")[:4] == [232, 142, 164, 186]


@pytest.mark.parametrize(
    ("message", "expected", "reason"),
    [
        (b"\x1d1012", [232, 140, 142], "digit pairs fill the smallest symbol"),
        (b"\x1d10", [232, 140, 129], "the first pad is plain"),
        (b"\x1d101", [232, 140, 50], "an odd digit stands alone"),
        (b"\x1d1012\x1d21AB", [232, 140, 142, 232, 151, 66, 67, 129], "FNC1 again as separator"),
        (b"\x1d1A", [232, 50, 66], "a digit beside a letter stands alone"),
        (b"\x1d101234", [232, 140, 142, 164, 129], "pad in the second size"),
        (b"\x1d10ABC", [232, 140, 66, 67, 68], "ASCII wins where the size is the same"),
        (
            b"\x1dABCDEFGHIJKL",
            [232, 230, 89, 233, 109, 36, 128, 95, 147, 154, 254, 129],
            "C40, and its unlatch before a pad",
        ),
        (
            b"\x1d91ABCDEFGHIJKL",
            [232, 221, 230, 89, 233, 109, 36, 128, 95, 147, 154, 254],
            "unlatch in the last codeword",
        ),
        (b"\x1dABCDEFGHI", [232, 230, 89, 233, 109, 36, 128, 95], "no unlatch where the symbol is full"),
        (b"\x1d91ABCDEFG", [232, 221, 230, 89, 233, 109, 36, 72], "unlatch implied before one codeword"),
        (b"\x1dABCDEFGH", [232, 66, 230, 96, 82, 115, 141, 73], "no value of C40 wasted"),
        (b"\x1d91abcdefg", [232, 221, 239, 89, 233, 109, 36, 104], "lower case in Text"),
    ],
)
def test_codewords(message: bytes, expected: list[int], reason: str) -> None:
    assert codewords_of(message) == expected, reason
    assert read(symbols([message])[0]) == (message[1:], "]d2")


@pytest.mark.parametrize("size", SQUARES + RECTANGLES, ids=str)
def test_every_size_as_zint_draws_it_and_zxing_reads_it(size: Size) -> None:
    elements = filling(size.data)
    message = message_of(elements)
    modules = symbols([message], RECTANGLES if size in RECTANGLES else SQUARES)[0]
    assert modules.shape == (size.rows, size.columns)
    assert np.array_equal(modules, by_zint(elements, size))
    assert read(modules) == (message[1:], "]d2")


@pytest.mark.parametrize("size", SQUARES + RECTANGLES, ids=str)
def test_every_codeword_bit_has_one_module(size) -> None:
    bits = 8 * (size.data + size.ecc)
    sources = module_sources(size)
    assert sorted(sources[sources < bits]) == list(range(bits))


def test_random_messages_against_zint_and_zxing() -> None:
    rnd = random.Random(16022)
    batch = [random_elements(rnd) for _ in range(1_500)]
    messages = [message_of(elements) for elements in batch]
    equal = 0
    for position, modules in symbols(messages).items():
        assert read(modules) == (messages[position][1:], "]d2")
        other = by_zint(batch[position])
        assert len(modules) <= len(other), messages[position]
        equal += np.array_equal(modules, other)
    # the rest differ in encodation, most often at equal size
    assert equal > len(batch) // 3


def test_digit_messages_equal_zint_module_for_module() -> None:
    rnd = random.Random(1)
    batch: list[Elements] = [
        (("01", "".join(rnd.choices(DIGITS, k=14))), ("10", "".join(rnd.choices(DIGITS, k=k))))
        for k in range(1, 21)
    ]
    for position, modules in symbols([message_of(elements) for elements in batch]).items():
        assert np.array_equal(modules, by_zint(batch[position]))


C40_SET = dict.fromkeys(" " + DIGITS + UPPER, 1)
TEXT_SET = dict.fromkeys(" " + DIGITS + UPPER.lower(), 1)
RINGS = {
    "c40": (3, 2, lambda c: C40_SET.get(c, 2)),
    "text": (3, 2, lambda c: TEXT_SET.get(c, 2)),
    "x12": (3, 2, lambda c: 1 if c in C40_SET or c in "\r*>" else None),
    "edifact": (4, 3, lambda c: 1 if " " <= c <= "^" else None),
}


#: Characters taken, scheme, values held back, codewords spent.
Move = tuple[int, str, int, int]


def moves_in_ascii(rest: str) -> list[Move]:
    moves: list[Move] = [(0, scheme, 0, 1) for scheme in RINGS]
    moves += [(1, "ascii", 0, 1)] if rest else []
    moves += [(2, "ascii", 0, 1)] if len(rest) > 1 and rest[:2].isdigit() else []
    return moves


def moves_in_ring(rest: str, scheme: str, held: int, room: int) -> list[Move]:
    ring, emitted, taken = RINGS[scheme]
    moves: list[Move] = []
    if scheme == "edifact":
        if held == 0 and room <= 2:
            moves.append((0, "ascii", 0, 0))
        elif room > 2:
            moves.append((0, "ascii", 0, min(held + 1, 3)))
    elif held == 0:
        moves.append((0, "ascii", 0, 0 if room == 1 and rest else 1))
    if rest and (values := taken(rest[0])) is not None:
        whole, now = divmod(held + values, ring)
        moves.append((1, scheme, now, emitted * whole))
    return moves


def ends(scheme: str, held: int, room: int) -> bool:
    padded = scheme in ("c40", "text") and (held, room) == (2, 2)
    return scheme == "ascii" or (held == 0 and room == 0) or padded


def fits(message: str, capacity: int) -> bool:
    """Whether some sequence of latches holds the message in exactly this symbol.

    A slow restatement of ISO/IEC 16022, 5.2, that follows every count of codewords, not the least one.
    """
    seen: set[Move] = set()
    ahead: list[Move] = [(1, "ascii", 0, 1)]
    while ahead:
        state = place, scheme, held, spent = ahead.pop()
        room = capacity - spent
        if room < 0 or state in seen:
            continue
        seen.add(state)
        rest = message[place:]
        if not rest and ends(scheme, held, room):
            return True
        moves = moves_in_ascii(rest) if scheme == "ascii" else moves_in_ring(rest, scheme, held, room)
        ahead += [(place + taken, other, kept, spent + cost) for taken, other, kept, cost in moves]
    return False


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(0, 14), st.sampled_from(ALPHABETS), st.sampled_from(ALPHABETS)).flatmap(
        lambda t: st.tuples(
            st.text(DIGITS, min_size=t[0], max_size=t[0]),
            st.text(t[1] + "\x1d", max_size=14),
            st.text(t[2], max_size=8),
        )
    )
)
def test_no_smaller_symbol_could_hold_it(parts: tuple[str, str, str]) -> None:
    message = "\x1d" + "".join(parts) + "0"
    (side,) = {len(modules) for modules in symbols([message.encode()]).values()}
    assert side == next(size.rows for size in SQUARES if fits(message, size.data))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(ALPHABETS), st.integers(1, 90)).flatmap(
            lambda t: st.text(t[0] + "\x1d", min_size=1, max_size=t[1]).map(
                lambda text: f"\x1d{text}".encode()
            )
        ),
        max_size=6,
    )
)
def test_rectangles_are_the_smallest_that_hold_it_and_read_as_written(messages: list[bytes]) -> None:
    batch = encode(messages, RECTANGLES)
    extents = data_matrix.sizes(messages, RECTANGLES)
    for position, message in enumerate(messages):
        holding = [size for size in RECTANGLES if fits(message.decode(), size.data)]
        if not holding:
            error = batch.refused[position]
            assert isinstance(error, PayloadTooLong)
            assert error.expected == "at most 49 codewords"
        expected = (holding[0].rows, holding[0].columns) if holding else (0, 0)
        assert tuple(extents[position]) == expected
    drawn = {
        int(position): modules
        for group in batch.groups
        for position, modules in zip(group.positions, group.modules, strict=True)
    }
    assert sorted([*drawn, *batch.refused]) == list(range(len(messages)))
    for position, modules in drawn.items():
        assert modules.shape == tuple(extents[position])
        assert read(modules) == (messages[position][1:], "]d2")


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.text(CSET_82 + "\x1d", min_size=1, max_size=60).map(lambda t: ("\x1d" + t).encode()), max_size=6
    )
)
def test_what_is_read_is_what_was_written(messages: list[bytes]) -> None:
    for position, modules in symbols(messages).items():
        assert read(modules) == (messages[position][1:], "]d2")


def test_every_character_up_to_127_is_carried() -> None:
    message = b"\x1d" + bytes(b for b in range(128) if b != 0x1D)
    assert read(symbols([message])[0]) == (message[1:], "]d2")


def test_a_symbol_does_not_depend_on_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    rnd = random.Random(7)
    messages = [message_of(random_elements(rnd)) for _ in range(300)]
    together = symbols(messages)
    order = rnd.sample(range(300), 300)
    shuffled = symbols([messages[i] for i in order])
    assert all(np.array_equal(shuffled[k], together[i]) for k, i in enumerate(order))
    assert all(np.array_equal(symbols([messages[i]])[0], together[i]) for i in range(0, 300, 15))
    monkeypatch.setattr(data_matrix, "_ROWS_AT_ONCE", 7)
    in_pieces = symbols(messages)
    assert all(np.array_equal(in_pieces[i], together[i]) for i in range(300))


def test_groups_rise_in_size_and_position() -> None:
    rnd = random.Random(3)
    groups = encode([message_of(random_elements(rnd)) for _ in range(200)]).groups
    sides = [group.modules.shape[1] for group in groups]
    assert [key for key, _ in groupby(sides)] == sorted(set(sides)) == sides
    for group in groups:
        assert group.positions.dtype == np.intp
        assert group.modules.dtype == np.uint8
        assert np.all(np.diff(group.positions) > 0)
        assert set(np.unique(group.modules)) == {0, 1}


@pytest.mark.parametrize("size", [SQUARES[6], SQUARES[9], SQUARES[14], SQUARES[23]], ids=str)
def test_damaged_symbols_are_still_read(size) -> None:
    message = message_of(filling(size.data))
    modules = symbols([message])[0].reshape(-1).copy()
    sources = module_sources(size)
    rnd = random.Random(size.rows)
    # as many wrong codewords in every block as its error correction mends
    for block in range(size.blocks):
        members = range(block, size.data + size.ecc, size.blocks)
        for codeword in rnd.sample(members, size.ecc_per_block // 2):
            modules[sources == 8 * codeword + rnd.randrange(8)] ^= 1
    assert read(modules.reshape(size.rows, size.columns)) == (message[1:], "]d2")


@pytest.mark.parametrize(
    ("message", "error", "reason"),
    [
        (b"", PayloadNotEncodable, "nothing at all"),
        (b"\x1d", PayloadNotEncodable, "FNC1 without data"),
        (b"0109506000134352", PayloadNotEncodable, "no FNC1 in front"),
        ("\x1d10É".encode("latin-1"), PayloadNotEncodable, "a byte above 127"),
        (b"\x1d" + b"1" * 3_115, PayloadTooLong, "one codeword more than 144×144 holds"),
        (b"\x1d" + b"1" * 9_000, PayloadTooLong, "longer than any"),
        (b"\x1d" + b"_a" * 1_000, PayloadTooLong, "too long in every scheme"),
    ],
)
def test_refusals_leave_the_rest_alone(message: bytes, error: type[Exception], reason: str) -> None:
    require_refused_alone(encode, b"\x1d0109506000134352", message, error, reason)


#: Modules of a side and data codewords of the square symbols. Source: ISO/IEC 16022:2006, table 7.
CODEWORDS_OF_SIDE = {
    10: 3, 12: 5, 14: 8, 16: 12, 18: 18, 20: 22, 22: 30, 24: 36, 26: 44, 32: 62, 36: 86, 40: 114, 44: 144, 48: 174,
    52: 204, 64: 280, 72: 368, 80: 456, 88: 576, 96: 696, 104: 816, 120: 1050, 132: 1304, 144: 1558,
}  # fmt: skip

#: Rows, columns and data codewords of the rectangular symbols, by the same table.
CODEWORDS_OF_RECTANGLE = {(8, 18): 5, (8, 32): 10, (12, 26): 16, (12, 36): 22, (16, 36): 32, (16, 48): 49}


@pytest.mark.parametrize(
    ("allowed", "codewords_of"),
    [
        (SQUARES, {(side, side): codewords for side, codewords in CODEWORDS_OF_SIDE.items()}),
        (RECTANGLES, CODEWORDS_OF_RECTANGLE),
    ],
)
def test_every_size_holds_as_many_digits_as_published(
    allowed: Sizes, codewords_of: dict[tuple[int, int], int]
) -> None:
    """FNC1 takes one codeword, each two digits one, a digit that is left over one."""
    extents = [*codewords_of, (0, 0)]
    full = [2 * (codewords - 1) for codewords in codewords_of.values()]
    messages = [b"\x1d" + b"1" * (digits + more) for digits in full for more in (-1, 0, 1)]
    found = list(map(tuple, data_matrix.sizes(messages, allowed).tolist()))
    for number, extent in enumerate(extents[:-1]):
        assert found[3 * number : 3 * number + 3] == [extent, extent, extents[number + 1]]
    drawn = {position: modules.shape for position, modules in symbols(messages[:-1], allowed).items()}
    assert drawn == dict(enumerate(found[:-1]))


def test_the_largest_symbol_holds_what_it_should() -> None:
    for message in (b"\x1d" + b"1" * 3_114, b"\x1d" + b"A" * 2_334):
        assert symbols([message])[0].shape == (144, 144)


def test_an_empty_batch_is_an_empty_result() -> None:
    batch = encode([])
    assert batch.groups == []
    assert batch.refused == {}
