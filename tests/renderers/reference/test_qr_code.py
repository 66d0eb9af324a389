"""segno's symbols are decoded, not compared: some contain a pad codeword that the standard does not have."""

import random

import numpy as np
import pytest
import zxingcpp

from renderers.errors import PayloadNotEncodable, PayloadTooLong
from renderers.reference import qr_code as reference
from renderers.symbol import EncodedBatch
from renderers.symbologies import qr_code

LETTERS_AND_DIGITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def digital_link(rnd: random.Random) -> bytes:
    lot = bytes(rnd.choices(LETTERS_AND_DIGITS, k=rnd.randint(1, 20)))
    serial = bytes(rnd.choices(b"0123456789", k=rnd.randint(1, 20)))
    return b"https://id.gs1.org/01/%014d/10/%b/21/%b?17=271231" % (rnd.randrange(10**14), lot, serial)


def in_order(batch: EncodedBatch) -> dict[int, np.ndarray]:
    return {
        int(position): modules
        for group in batch.groups
        for position, modules in zip(group.positions, group.modules, strict=True)
    }


def read(modules: np.ndarray) -> tuple[str, bytes, str]:
    picture = np.pad((1 - modules) * np.uint8(255), 4, constant_values=255).repeat(3, 0).repeat(3, 1)
    (found,) = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    return found.symbology_identifier, bytes(found.bytes), str(found.ec_level)


@pytest.mark.parametrize("level", ["L", "M", "Q", "H"])
def test_random_links_are_read(level: str) -> None:
    rnd = random.Random(level)
    payloads = [digital_link(rnd) for _ in range(12)]
    batch = reference.encode(payloads, level)
    assert batch.refused == {}
    symbols = in_order(batch)
    assert sorted(symbols) == list(range(12))
    for position, modules in symbols.items():
        assert read(modules) == ("]Q1", payloads[position], level)


@pytest.mark.parametrize(
    ("reason", "payload"),
    [
        ("segno would take it for Kanji", "日本語".encode("shift_jis")),
        ("digits alone", b"09506000134352"),
        ("alphanumeric alone", b"HTTPS://ID.GS1.ORG/01/09506000134352"),
        ("digits at both ends", b"123456789abc987654321"),
        ("line feeds between digits", b"\n123456789\n\n1234567890\r\n"),
        ("control characters and bytes that are no text", bytes(range(256))),
        ("eight digits stay bytes", b"a12345678b"),
        ("the bit stream ends on a codeword: the spurious 0x00 follows", b"abc"),
        ("the same, where the bytes fill the symbol to its last bit but the terminator", b"a" * 14),
    ],
)
def test_bytes_come_back(reason: str, payload: bytes) -> None:
    assert read(in_order(reference.encode([payload], "M"))[0]) == ("]Q1", payload, "M"), reason


def test_symbols_differ_from_the_batch_engine_only_by_the_cut_the_mask_and_the_spurious_codeword() -> None:
    """Digits alone leave one cut, and a stream that ends inside a codeword gets no spurious one."""
    payload = b"09506000134352"
    (ours,) = in_order(qr_code.encode([payload], level="M")).values()
    (theirs,) = in_order(reference.encode([payload], "M")).values()
    assert ours.shape == theirs.shape
    # Outside format information, two symbols that differ in the mask alone differ by two masks.
    from renderers.symbologies.qr_tables import masked_patterns

    patterns = masked_patterns(1, "M")
    assert any(np.array_equal(ours ^ theirs, one ^ other) for one in patterns for other in patterns)


def test_sizes_of_links_are_at_most_one_version_above_the_shortest_cut() -> None:
    rnd = random.Random(9)
    payloads = [digital_link(rnd) for _ in range(30)]
    ours = in_order(qr_code.encode(payloads))
    for position, modules in in_order(reference.encode(payloads, "M")).items():
        assert 0 <= len(modules) - len(ours[position]) <= 4


def test_refusals_equal_those_of_the_batch_engine() -> None:
    payloads = [b"", b"\xff" * 2332, b"5" * 5597, b"ok", b"\xff" * 2331]
    theirs, ours = reference.encode(payloads, "M"), qr_code.encode(payloads, level="M")
    assert {position: (type(error), error.value) for position, error in theirs.refused.items()} == {
        position: (type(error), error.value) for position, error in ours.refused.items()
    }
    assert [type(error) for error in theirs.refused.values()] == [
        PayloadNotEncodable,
        PayloadTooLong,
        PayloadTooLong,
    ]
    assert sorted(in_order(theirs)) == sorted(in_order(ours)) == [3, 4]
