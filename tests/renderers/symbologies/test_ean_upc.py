"""EAN-13, UPC-A and EAN-8: published patterns, independent encoders and an independent reader."""

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import barcode
import numpy as np
import pytest
import zint
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gs1.check_digit import check_digit
from gs1.symbol_size import SymbolKind, symbol_size
from gs1.upc_e import upc_a_of, upc_e_of
from renderers.errors import PayloadNotEncodable
from renderers.symbol import BarSymbols, EncodedBatch
from renderers.symbologies import linear
from renderers.symbologies.ean_upc import encode_ean_8, encode_ean_13, encode_upc_a, encode_upc_e
from tests.renderers.symbologies.refusals import require_refused_alone


@dataclass(frozen=True)
class Case:
    kind: SymbolKind
    encode: Callable[[Sequence[bytes]], EncodedBatch]
    digits: int
    width_x: int
    identifier: str
    by_zint: zint.Symbology


CASES = (
    Case(SymbolKind.EAN_13, encode_ean_13, 13, 95, "]E0", zint.Symbology.EANX),
    Case(SymbolKind.UPC_A, encode_upc_a, 12, 95, "]E0", zint.Symbology.UPCA),
    Case(SymbolKind.EAN_8, encode_ean_8, 8, 67, "]E4", zint.Symbology.EANX),
)
UPC_E = Case(SymbolKind.UPC_E, encode_upc_e, 12, 51, "]E0", zint.Symbology.UPCE)
each_symbology = pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)


def random_gtins(rnd: random.Random, digits: int, count: int) -> list[bytes]:
    bodies = ["".join(rnd.choices("0123456789", k=digits - 1)) for _ in range(count)]
    return [f"{body}{check_digit(body)}".encode() for body in bodies]


def only_group(batch: EncodedBatch) -> BarSymbols:
    (group,) = batch.groups
    assert isinstance(group, BarSymbols)
    return group


def modules(widths: NDArray[np.uint8]) -> str:
    return "".join("10"[i % 2] * int(width) for i, width in enumerate(widths))


def zint_modules(symbology: zint.Symbology, digits: bytes) -> str:
    symbol = zint.Symbol()
    symbol.symbology = symbology
    symbol.encode(digits.decode())
    bits = np.unpackbits(np.asarray(symbol.encoded_data)[0], bitorder="little")
    return "".join(map(str, bits[: symbol.width]))


def read(case: Case, widths: NDArray[np.uint8]) -> tuple[bytes, str]:
    size = symbol_size(case.kind)
    bars = np.frombuffer(modules(widths).encode(), np.uint8) - 48
    line = np.pad(1 - bars, (size.quiet_left_x, size.quiet_right_x), constant_values=1)
    image = np.kron(line * np.ones((20, 1), np.uint8), np.full((3, 3), 255, np.uint8))
    (found,) = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.EANUPC)
    return found.bytes, found.symbology_identifier


@pytest.mark.parametrize(
    ("encode", "digits", "expected", "reason"),
    [
        (
            encode_ean_13,
            b"5901234123457",
            ("101" "0001011" "0100111" "0110011" "0010011" "0111101" "0011101"
            "01010" "1100110" "1101100" "1000010" "1011100" "1001110" "1000100" "101"),
            "first digit 5: sets ABBAAB",
        ),
        (
            encode_upc_a,
            b"036000291452",
            ("101" "0001101" "0111101" "0101111" "0001101" "0001101" "0001101"
            "01010" "1101100" "1110100" "1100110" "1011100" "1001110" "1101100" "101"),
            "left half all in set A",
        ),
        (
            encode_ean_8,
            b"96385074",
            ("101" "0001011" "0101111" "0111101" "0110111" "01010" "1001110" "1110010" "1000100" "1011100" "101"),
            "four digits a side",
        ),
    ],
)  # fmt: skip
def test_published_patterns(
    encode: Callable[[Sequence[bytes]], EncodedBatch], digits: bytes, expected: str, reason: str
) -> None:
    assert modules(only_group(encode([digits])).widths[0]) == expected, reason


@each_symbology
def test_every_symbol_is_as_zint_draws_it_and_reads_back(case: Case) -> None:
    gtins = random_gtins(random.Random(case.digits), case.digits, 2_000)
    group = only_group(case.encode(gtins))
    assert group.positions.tolist() == list(range(len(gtins)))
    assert group.widths.dtype == np.uint8
    assert np.all(group.widths.sum(axis=1) == case.width_x)
    for gtin, widths in zip(gtins, group.widths, strict=True):
        given_to_zint = gtin if case.digits == 12 else gtin[:-1]
        assert modules(widths) == zint_modules(case.by_zint, given_to_zint)
    for gtin, widths in zip(gtins[:300], group.widths, strict=False):
        assert read(case, widths) == (gtin.rjust(13, b"0") if case.digits == 12 else gtin, case.identifier)


def suppressible(count: int) -> list[bytes]:
    rnd = random.Random(count)
    bodies = (f"0{number:06d}" for number in iter(lambda: rnd.randrange(1_000_000), None))
    upc_as = (upc_a_of(f"{body}{check}") for body in bodies for check in range(10))
    return [upc_a.encode() for upc_a in itertools.islice(filter(None, upc_as), count)]


def test_every_upc_e_is_as_zint_draws_it_and_is_read_as_its_upc_a() -> None:
    gtins = suppressible(1_000)
    group = only_group(encode_upc_e(gtins))
    assert group.positions.tolist() == list(range(len(gtins)))
    assert np.all(group.widths.sum(axis=1) == 51)
    for gtin, widths in zip(gtins, group.widths, strict=True):
        upc_e = upc_e_of(gtin.decode())
        assert upc_e
        assert modules(widths) == zint_modules(zint.Symbology.UPCE, upc_e[:7].encode())
        assert read(UPC_E, widths) == (gtin.rjust(13, b"0"), "]E0")


@settings(max_examples=200, deadline=None)
@given(st.text("0159", min_size=10, max_size=10) | st.integers(0, 10**11 - 1).map("{:011d}".format))
def test_a_upc_a_has_a_upc_e_where_gs1_says_so(digits: str) -> None:
    body = digits.rjust(11, "0")
    gtin = f"{body}{check_digit(body)}"
    batch = encode_upc_e([gtin.encode()])
    assert (len(batch.groups) == 1) == (upc_e_of(gtin) is not None)
    if batch.refused:
        assert batch.refused[0].expected == "a UPC-A of number system 0 whose zeros can be left out"


def test_the_digits_of_a_upc_e_stand_in_their_places() -> None:
    group = only_group(encode_upc_e([b"012345000065"]))
    edges = np.concatenate(([0], np.cumsum(group.widths[0], dtype=np.int64)))
    assert [(edges[each], edges[each + 1]) for each in group.guards] == [
        (0, 1),
        (2, 3),
        (46, 47),
        (48, 49),
        (50, 51),
    ]
    assert [(zone.start, zone.stop, zone.left_x, zone.width_x) for zone in group.zones] == [
        (0, 1, -9, 4),
        (1, 7, 3, 42),
        (7, 8, 54, 4),
    ]
    assert group.width_x + symbol_size(SymbolKind.UPC_E).quiet_right_x == 58


@each_symbology
def test_python_barcode_agrees(case: Case) -> None:
    name = {13: "ean13", 12: "upca", 8: "ean8"}[case.digits]
    for gtin in random_gtins(random.Random(1), case.digits, 50):
        (expected,) = barcode.get_barcode_class(name)(gtin.decode()).build()
        assert modules(only_group(case.encode([gtin])).widths[0]) == expected.replace("G", "1")


def test_every_first_digit_of_an_ean_13() -> None:
    for first in "0123456789":
        body = f"{first}50600013435"
        gtin = f"{body}{check_digit(body)}".encode()
        assert read(CASES[0], only_group(encode_ean_13([gtin])).widths[0]) == (gtin, "]E0")


def test_a_upc_a_is_the_ean_13_that_starts_with_zero() -> None:
    gtins = random_gtins(random.Random(12), 12, 200)
    expected = only_group(encode_ean_13([b"0" + gtin for gtin in gtins])).widths
    assert np.array_equal(only_group(encode_upc_a(gtins)).widths, expected)


@each_symbology
def test_guards_are_bars_and_the_text_is_clear_of_them(case: Case) -> None:
    (gtin,) = random_gtins(random.Random(2), case.digits, 1)
    group = only_group(case.encode([gtin]))
    edges = np.concatenate(([0], np.cumsum(group.widths[0], dtype=np.int64)))
    for element in group.guards:
        assert element % 2 == 0
        for zone in group.zones:
            left, right = zone.left_x, zone.left_x + zone.width_x
            assert right <= edges[element] or left >= edges[element + 1]
    # every digit stands somewhere, in order, and nothing outside the quiet zones
    assert [i for zone in group.zones for i in range(zone.start, zone.stop)] == list(range(case.digits))
    size = symbol_size(case.kind)
    assert group.zones[0].left_x >= -size.quiet_left_x
    assert group.zones[-1].left_x + group.zones[-1].width_x <= case.width_x + size.quiet_right_x


def test_digits_stand_below_their_own_bars() -> None:
    for case, outside in zip(CASES, ((0,), (0, 11), ()), strict=True):
        (gtin,) = random_gtins(random.Random(3), case.digits, 1)
        zones = only_group(case.encode([gtin])).zones
        below = [zone for zone in zones if zone.start not in outside]
        assert all(zone.width_x == 7 * (zone.stop - zone.start) and zone.size == 1 for zone in below)
        assert all(zone.left_x in (3, 10, 50, 36) for zone in below)


def test_upc_a_sets_its_outer_digits_smaller_between_longer_bars() -> None:
    group = only_group(encode_upc_a([b"614141000036"]))
    first, *_, last = group.zones
    assert (first.left_x + first.width_x, last.left_x) == (-5, 100)
    assert first.size == last.size < 1
    assert set(only_group(encode_ean_13([b"9506000134352"])).guards) < set(group.guards)


@each_symbology
def test_any_single_digit_change_is_refused(case: Case) -> None:
    for gtin in random_gtins(random.Random(4), case.digits, 10):
        changed = [
            gtin[:i] + bytes([other]) + gtin[i + 1 :]
            for i in range(case.digits)
            for other in b"0123456789"
            if other != gtin[i]
        ]
        batch = case.encode(changed)
        assert batch.groups == []
        assert list(batch.refused) == list(range(9 * case.digits))


REFUSALS = [
    (b"", "nothing"),
    (b"95060001343", "11 digits"),
    (b"09506000134352", "14 digits"),
    (b"950600013435A", "a letter"),
    (b"950600013435 ", "a space"),
    (b"-50600013435", "12 characters with a sign"),
    (b"9506000\xb234352", "a superscript two, a digit to Unicode"),
    (b"\x1d9506000", "FNC1"),
    (b"/0000000", "the byte before 0"),
    (b":0000000", "the byte after 9"),
]


@each_symbology
@pytest.mark.parametrize(("payload", "reason"), REFUSALS)
def test_refusals_leave_the_rest_alone(case: Case, payload: bytes, reason: str) -> None:
    (good,) = random_gtins(random.Random(5), case.digits, 1)
    require_refused_alone(case.encode, good, payload, PayloadNotEncodable, reason)
    batch = case.encode([good, payload, good])
    assert batch.refused[1].code == "payload_not_encodable"
    assert np.array_equal(only_group(batch).widths[0], only_group(batch).widths[1])


def test_a_wrong_check_digit_is_named_and_never_repaired() -> None:
    error = encode_ean_13([b"9506000134353"]).refused[0]
    assert (error.value, error.expected) == (b"9506000134353", "check digit 2")


@each_symbology
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_bytes_are_encoded_or_refused(case: Case, data: st.DataObject) -> None:
    anything = st.binary(max_size=16) | st.text("0123456789", max_size=14).map(str.encode)
    payloads = data.draw(st.lists(anything, max_size=8))
    batch = case.encode(payloads)
    placed = [int(p) for group in batch.groups for p in group.positions]
    assert sorted(placed + list(batch.refused)) == list(range(len(payloads)))
    for group in batch.groups:
        for position, widths in zip(group.positions, group.widths, strict=True):
            payload = payloads[position]
            assert read(case, widths)[0].lstrip(b"0") == payload.lstrip(b"0")


@each_symbology
def test_a_symbol_does_not_depend_on_its_batch(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    gtins = random_gtins(random.Random(6), case.digits, 200)
    together = only_group(case.encode(gtins)).widths
    assert all(np.array_equal(only_group(case.encode([gtins[i]])).widths[0], together[i]) for i in range(200))
    monkeypatch.setattr(linear, "_SYMBOLS_AT_ONCE", 7)
    mixed = [each for gtin in gtins for each in (gtin, b"bad")]
    in_pieces = only_group(case.encode(mixed))
    assert np.array_equal(in_pieces.widths, together)
    assert in_pieces.positions.tolist() == list(range(0, 400, 2))


@each_symbology
def test_an_empty_batch_is_an_empty_result(case: Case) -> None:
    batch = case.encode([])
    assert batch.groups == []
    assert batch.refused == {}
