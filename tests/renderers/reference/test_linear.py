"""python-barcode's element widths equal ours unless the standards allow a choice; all symbols are decoded."""

import random
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import zxingcpp

from gs1.check_digit import check_digit
from gs1.upc_e import upc_a_of
from renderers.errors import PayloadNotEncodable, PayloadTooLong
from renderers.reference import linear as reference
from renderers.symbol import BarSymbols, BatchEncoder, EncodedBatch
from renderers.symbologies import ean_upc, gs1_128, itf_14

CSET_82 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!\"%&'()*+,-./:;<=>?_"

#: Digits, both engines, and what a reader reports: its symbology identifier and text.
DIGIT_SYMBOLOGIES = [
    pytest.param(13, reference.encode_ean_13, ean_upc.encode_ean_13, "]E0", id="EAN-13"),
    pytest.param(12, reference.encode_upc_a, ean_upc.encode_upc_a, "]E0", id="UPC-A"),
    pytest.param(8, reference.encode_ean_8, ean_upc.encode_ean_8, "]E4", id="EAN-8"),
    pytest.param(14, reference.encode_itf_14, itf_14.encode, "]I", id="ITF-14"),
]


def gtins(digits: int, count: int) -> list[bytes]:
    rnd = random.Random(digits)
    made = ["".join(rnd.choices("0123456789", k=digits - 1)) for _ in range(count)]
    return [f"{each}{check_digit(each)}".encode() for each in made]


def in_order(batch: EncodedBatch) -> dict[int, tuple[BarSymbols, np.ndarray]]:
    return {
        int(position): (group, widths)
        for group in batch.groups
        for position, widths in zip(group.positions, group.widths, strict=True)
    }


def read(widths: np.ndarray) -> tuple[str, bytes]:
    dark = np.repeat(np.arange(len(widths)) % 2 == 0, widths)
    line = np.pad((1 - dark.astype(np.uint8)) * np.uint8(255), 24, constant_values=255).repeat(3)
    (found,) = zxingcpp.read_barcodes(np.ascontiguousarray(np.broadcast_to(line, (60, len(line)))))
    return found.symbology_identifier, bytes(found.bytes)


def test_a_upc_e_equals_that_of_the_batch_engine() -> None:
    numbers = (f"0{body:06d}{check}" for body in range(0, 1_000_000, 7_919) for check in range(10))
    payloads = [upc_a.encode() for number in numbers if (upc_a := upc_a_of(number))]
    (expected,), (found,) = (
        ean_upc.encode_upc_e(payloads).groups,
        reference.encode_upc_e(payloads, "M").groups,
    )
    assert np.array_equal(found.widths, expected.widths)
    refused = [b"614141000036", b"01234565"]
    assert [reference.encode_upc_e(refused, "M").refused[place].expected for place in (0, 1)] == [
        ean_upc.encode_upc_e(refused).refused[place].expected for place in (0, 1)
    ]


@pytest.mark.parametrize(("digits", "theirs", "ours", "identifier"), DIGIT_SYMBOLOGIES)
def test_element_widths_equal_those_of_the_batch_engine(
    digits: int,
    theirs: BatchEncoder,
    ours: Callable[[Sequence[bytes]], EncodedBatch],
    identifier: str,
) -> None:
    payloads = gtins(digits, 1_000)
    (expected,), (found,) = ours(payloads).groups, theirs(payloads, "M").groups
    assert np.array_equal(found.widths, expected.widths)
    assert found.widths.dtype == np.uint8
    assert np.array_equal(found.positions, expected.positions)
    assert (found.units_per_x, found.guards, found.zones) == (
        expected.units_per_x,
        expected.guards,
        expected.zones,
    )
    for payload, widths in zip(payloads[:30], found.widths, strict=False):
        symbology, data = read(widths)
        assert symbology.startswith(identifier)
        assert data.lstrip(b"0") == payload.lstrip(b"0")  # a UPC-A is read as the EAN-13 that it also is


@pytest.mark.parametrize(("digits", "theirs", "ours", "identifier"), DIGIT_SYMBOLOGIES)
def test_nothing_is_repaired_or_cut(
    digits: int,
    theirs: BatchEncoder,
    ours: Callable[[Sequence[bytes]], EncodedBatch],
    identifier: str,
) -> None:
    (right,) = gtins(digits, 1)
    wrong = right[:-1] + b"%d" % ((int(right[-1:]) + 1) % 10)
    payloads = [right, wrong, right + b"0", right[:-1], b"", right[:-1] + b"x", b"\xb2" * digits, right]
    batch = theirs(payloads, "M")
    assert {position: (type(error), error.value) for position, error in batch.refused.items()} == {
        position: (PayloadNotEncodable, payloads[position]) for position in range(1, 7)
    }
    assert {position: type(error) for position, error in ours(payloads).refused.items()} == {
        position: type(error) for position, error in batch.refused.items()
    }
    assert batch.groups[0].positions.tolist() == [0, 7]


def gs1_messages(alphabet: bytes, count: int) -> list[bytes]:
    rnd = random.Random(alphabet)
    made: list[bytes] = []
    for _ in range(count):
        gtin = b"%014d" % rnd.randrange(10**14)
        lot = bytes(rnd.choices(alphabet, k=rnd.randint(1, 20)))
        serial = bytes(rnd.choices(alphabet, k=rnd.randint(0, 7)))
        made.append(b"\x1d01" + gtin + b"10" + lot + (b"\x1d21" + serial if serial else b""))
    return made


@pytest.mark.parametrize("alphabet", [b"0123456789", b"A7", CSET_82, CSET_82 + b"\x00\x07\x1f\x7f"])
def test_gs1_128_is_read_and_never_narrower_than_ours(alphabet: bytes) -> None:
    messages = gs1_messages(alphabet, 100)
    batch = reference.encode_gs1_128(messages, "M")
    assert batch.refused == {}
    ours = in_order(gs1_128.encode(messages))
    symbols = in_order(batch)
    assert sorted(symbols) == list(range(100))
    for position, (group, widths) in symbols.items():
        assert read(widths) == ("]C1", messages[position][1:])
        assert group.width_x >= ours[position][0].width_x


def test_gs1_128_of_digits_equals_ours() -> None:
    messages = [b"\x1d01%014d" % value for value in (9506000134352, 614141000036, 95050003)]
    (found,), (expected,) = reference.encode_gs1_128(messages, "M").groups, gs1_128.encode(messages).groups
    assert np.array_equal(found.widths, expected.widths)


@pytest.mark.parametrize(
    ("reason", "data", "error"),
    [
        ("empty", b"", PayloadNotEncodable),
        ("no FNC1", b"0109506000134352", PayloadNotEncodable),
        ("no data", b"\x1d", PayloadNotEncodable),
        ("above 127", b"\x1d10\xe9", PayloadNotEncodable),
        ("python-barcode's own sign for FNC1", b"\x1d10A\xf121B", PayloadNotEncodable),
        ("49 characters", b"\x1d" + b"1" * 49, PayloadTooLong),
    ],
)
def test_gs1_128_refusals_equal_those_of_the_batch_engine(
    reason: str, data: bytes, error: type[Exception]
) -> None:
    theirs, ours = reference.encode_gs1_128([data], "M"), gs1_128.encode([data])
    assert theirs.groups == ours.groups == []
    assert type(theirs.refused[0]) is type(ours.refused[0]) is error, reason
    assert theirs.refused[0].value == data
