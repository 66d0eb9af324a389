"""libdmtx's symbols equal the batch engine's in ASCII encodation, and are decoded in every case."""

import random

import numpy as np
import pytest
import zxingcpp

from renderers.errors import PayloadNotEncodable, PayloadTooLong
from renderers.reference import data_matrix as reference
from renderers.symbol import EncodedBatch
from renderers.symbologies import data_matrix
from renderers.symbologies.data_matrix_structure import RECTANGLES

CSET_82 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!\"%&'()*+,-./:;<=>?_"


def in_order(batch: EncodedBatch) -> dict[int, np.ndarray]:
    return {
        int(position): modules
        for group in batch.groups
        for position, modules in zip(group.positions, group.modules, strict=True)
    }


def read(modules: np.ndarray) -> tuple[str, bytes]:
    picture = np.pad((1 - modules) * np.uint8(255), 2, constant_values=255).repeat(3, 0).repeat(3, 1)
    (found,) = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.DataMatrix, is_pure=True)
    return found.symbology_identifier, bytes(found.bytes)


def message(rnd: random.Random, alphabet: bytes) -> bytes:
    lot = bytes(rnd.choices(alphabet, k=rnd.randint(1, 20)))
    serial = bytes(rnd.choices(alphabet, k=rnd.randint(0, 20)))
    tail = b"\x1d21" + serial if serial else b""
    return b"\x1d01%014d17271231" % rnd.randrange(10**14) + b"10" + lot + tail


def test_symbols_of_digits_equal_those_of_the_batch_engine() -> None:
    rnd = random.Random(16022)
    messages = [message(rnd, b"0123456789") for _ in range(300)]
    theirs, ours = (
        in_order(batch) for batch in (reference.encode(messages, "M"), data_matrix.encode(messages))
    )
    assert sorted(theirs) == sorted(ours) == list(range(300))
    assert all(np.array_equal(theirs[position], ours[position]) for position in ours)


def test_rectangles_of_digits_equal_those_of_the_batch_engine() -> None:
    rnd = random.Random(18)
    messages = [b"\x1d" + bytes(rnd.choices(b"0123456789", k=length)) for length in range(1, 97)]
    theirs, ours = (
        in_order(reference.encode_rectangular(messages, "M")),
        in_order(data_matrix.encode(messages, RECTANGLES)),
    )
    assert sorted(theirs) == sorted(ours) == list(range(96))
    assert all(np.array_equal(theirs[position], ours[position]) for position in ours)
    for error in (
        reference.encode_rectangular([b"\x1d" + b"1" * 97], "M").refused[0],
        data_matrix.encode([b"\x1d" + b"1" * 97], RECTANGLES).refused[0],
    ):
        assert str(error) == "98 characters do not fit the largest DataMatrix, 16×48."


@pytest.mark.parametrize("alphabet", [CSET_82, CSET_82[:36], CSET_82[36:62], bytes(range(0x1D))])
def test_random_messages_are_read(alphabet: bytes) -> None:
    rnd = random.Random(len(alphabet))
    messages = [message(rnd, alphabet) for _ in range(60)]
    ours = in_order(data_matrix.encode(messages))
    symbols = in_order(reference.encode(messages, "M"))
    assert sorted(symbols) == list(range(60))
    for position, modules in symbols.items():
        assert read(modules) == ("]d2", messages[position][1:])
        assert len(modules) >= len(ours[position])


def test_messages_that_end_the_process_in_libdmtx_s_own_search_are_drawn() -> None:
    rnd = random.Random(3)
    for length in range(1, 120):
        data = b"\x1d" + bytes(rnd.choices(CSET_82 + b"\x1d", k=length))
        (modules,) = in_order(reference.encode([data], "M")).values()
        assert read(modules) == ("]d2", data[1:])


@pytest.mark.parametrize(
    ("reason", "data"),
    [
        ("empty", b""),
        ("no FNC1", b"0109506000134352"),
        ("no data", b"\x1d"),
        ("above 127", b"\x1d10\xe9"),
        ("one digit more than fits", b"\x1d" + b"1" * 3_115),
        ("more letters than fit", b"\x1d" + b"A" * 2_335),
    ],
)
def test_refusals_equal_those_of_the_batch_engine(reason: str, data: bytes) -> None:
    (theirs,), (ours,) = (
        encoded.refused.items() for encoded in (reference.encode([data], "M"), data_matrix.encode([data]))
    )
    assert (theirs[0], type(theirs[1]), theirs[1].value) == (ours[0], type(ours[1]), ours[1].value), reason
    assert type(theirs[1]) in {PayloadNotEncodable, PayloadTooLong}


def test_the_largest_symbol_holds_what_it_should() -> None:
    for data in (b"\x1d" + b"1" * 3_114, b"\x1d" + b"A" * 2_334):
        assert in_order(reference.encode([data], "M"))[0].shape == (144, 144)
