"""Two independent encoders (zint, segno) and an independent decoder (zxing-cpp) judge the symbols."""

import random
import string
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
import segno
import zint
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from segno import encoder as segno_encoder

from renderers.errors import PayloadNotEncodable, PayloadTooLong
from renderers.symbol import EncodedBatch, ErrorCorrection
from renderers.symbologies import qr_code, qr_masks, qr_segments, qr_tables

Modules = NDArray[np.uint8]

LEVELS: tuple[ErrorCorrection, ...] = ("L", "M", "Q", "H")
LETTERS_AND_DIGITS = string.ascii_letters + string.digits


def digital_link(random_source: random.Random) -> bytes:
    gtin = f"{random_source.randrange(10**14):014d}"
    lot = "".join(random_source.choices(LETTERS_AND_DIGITS, k=random_source.randint(1, 20)))
    serial = "".join(random_source.choices(LETTERS_AND_DIGITS, k=random_source.randint(0, 20)))
    tail = f"/21/{serial}" if serial else ""
    return f"https://id.gs1.org/01/{gtin}/10/{lot}{tail}?17=271231".encode()


def mixed_payloads(random_source: random.Random, count: int, longest: int) -> list[bytes]:
    """Payloads of every kind of character, alone and mixed."""
    alphabets = [b"0123456789", qr_segments.ALPHANUMERIC, bytes(range(256)), b"0123456789Aa", b"7A:"]
    made: list[bytes] = []
    for index in range(count):
        length = random_source.randint(1, longest)
        if index % 6 == 5:
            made.append(digital_link(random_source))
        else:
            made.append(bytes(random_source.choices(alphabets[index % 6], k=length)))
    return made


def in_order(batch: EncodedBatch) -> dict[int, Modules]:
    return {
        int(position): modules
        for group in batch.groups
        for position, modules in zip(group.positions, group.modules, strict=True)
    }


def one(payload: bytes, level: ErrorCorrection = "M") -> Modules:
    return in_order(qr_code.encode([payload], level=level))[0]


def version_of(modules: Modules) -> int:
    return (len(modules) - 17) // 4


def mask_of(modules: Modules, level: ErrorCorrection) -> int:
    """Read the mask number from both copies of the format information, as a reader would."""
    size = len(modules)
    beside = [(row, 8) for row in (0, 1, 2, 3, 4, 5, 7, 8)] + [
        (8, column) for column in (7, 5, 4, 3, 2, 1, 0)
    ]
    apart = [(8, size - 1 - bit) for bit in range(8)] + [(size - 7 + bit, 8) for bit in range(7)]
    first, second = (
        sum(int(modules[place]) << bit for bit, place in enumerate(places)) for places in (beside, apart)
    )
    assert first == second
    unmasked = first ^ 0b101010000010010
    assert unmasked >> 13 == {"L": 1, "M": 0, "Q": 3, "H": 2}[level]
    return unmasked >> 10 & 7


def read(modules: Modules, pixels: int = 3) -> list[tuple[str, bytes, str]]:
    """Return what zxing-cpp reads: symbology identifier, bytes and error correction level."""
    picture = np.pad((1 - modules) * np.uint8(255), 4, constant_values=255)
    found = zxingcpp.read_barcodes(
        picture.repeat(pixels, 0).repeat(pixels, 1), formats=zxingcpp.BarcodeFormat.QRCode
    )
    return [(each.symbology_identifier, bytes(each.bytes), str(each.ec_level)) for each in found]


def drawn_by_zint(payload: bytes, level: ErrorCorrection) -> Modules:
    symbol = zint.Symbol()
    symbol.symbology = zint.Symbology.QRCODE
    symbol.input_mode = zint.InputMode.DATA
    symbol.option_1 = LEVELS.index(level) + 1
    symbol.show_hrt = False
    symbol.encode(payload)
    symbol.buffer()
    pixels = np.array(symbol.bitmap)  # two pixels to a module
    return (pixels[1::2, ::2, 0] < 128).astype(np.uint8)


def data_codewords_of(payload: bytes, level: ErrorCorrection) -> tuple[int, str]:
    (encoded,), unfit = qr_segments.data_codewords([payload], np.array([0]), level)
    assert not unfit.size
    return encoded.version, encoded.codewords[0].tobytes().hex(" ").upper()


# (reason, payload, level, version, data codewords)
PUBLISHED = [
    (
        "ISO/IEC 18004, annex I",
        b"01234567",
        "M",
        1,
        "10 20 0C 56 61 80 EC 11 EC 11 EC 11 EC 11 EC 11",
    ),
    (
        "widely published tutorial; the stream ends inside a codeword",
        b"HELLO WORLD",
        "Q",
        1,
        "20 5B 0B 78 D1 72 DC 4D 43 40 EC 11 EC",
    ),
    (
        "after the terminator the stream ends on a codeword: no further zero codeword",
        b"abc",
        "L",
        1,
        "40 36 16 26 30 EC 11 EC 11 EC 11 EC 11 EC 11 EC 11 EC 11",
    ),
    (
        "17 bytes fill 1-L: the terminator is whole, nothing is padded",
        b"\xff" * 17,
        "L",
        1,
        "41 1F" + " FF" * 16 + " F0",
    ),
    (
        "41 digits fill 1-L but for one bit: a terminator of one bit",
        b"9" * 41,
        "L",
        1,
        f"{(1 << 148 | 41 << 138 | int('1111100111' * 13, 2) << 8 | 99 << 1):038X}",
    ),
]


#: Bytes that versions 1 to 40 hold in byte mode. Source: ISO/IEC 18004:2015, table 7.
BYTES_OF_VERSION: dict[ErrorCorrection, str] = {
    "L": "17 32 53 78 106 134 154 192 230 271 321 367 425 458 520 586 644 718 792 858"
    " 929 1003 1091 1171 1273 1367 1465 1528 1628 1732 1840 1952 2068 2188 2303 2431 2563 2699 2809 2953",
    "M": "14 26 42 62 84 106 122 152 180 213 251 287 331 362 412 450 504 560 624 666"
    " 711 779 857 911 997 1059 1125 1190 1264 1370 1452 1538 1628 1722 1809 1911 1989 2099 2213 2331",
    "Q": "11 20 32 46 60 74 86 108 130 151 177 203 241 258 292 322 364 394 442 482"
    " 509 565 611 661 715 751 805 868 908 982 1030 1112 1168 1228 1283 1351 1423 1499 1579 1663",
    "H": "7 14 24 34 44 58 64 84 98 119 137 155 177 194 220 250 280 310 338 382"
    " 403 439 461 511 535 593 625 658 698 742 790 842 898 958 983 1051 1093 1139 1219 1273",
}


@pytest.mark.parametrize(("reason", "payload", "level", "version", "codewords"), PUBLISHED)
def test_published_data_codewords(
    reason: str, payload: bytes, level: ErrorCorrection, version: int, codewords: str
) -> None:
    found = data_codewords_of(payload, level)
    assert (found[0], found[1].replace(" ", "")) == (version, codewords.replace(" ", "")), reason


def test_symbols_equal_those_of_zint_mask_included() -> None:
    payloads = mixed_payloads(random.Random(18004), 60, 250)
    for level in LEVELS:
        for position, modules in in_order(qr_code.encode(payloads, level=level)).items():
            theirs = drawn_by_zint(payloads[position], level)
            assert modules.shape == theirs.shape
            # Restless mixtures can be cut in several ways of equal length: there only the size is comparable.
            if position % 6 not in {3, 4}:
                assert np.array_equal(modules, theirs), payloads[position]


def test_symbols_equal_those_of_segno_under_the_same_mask() -> None:
    # Digits alone, and no stream that ends on a codeword: there segno 1.6.6 adds a zero codeword.
    random_source = random.Random(1)
    payloads = ["".join(random_source.choices(string.digits, k=length)) for length in (1, 12, 45, 101, 203)]
    for level in LEVELS:
        for position, modules in in_order(
            qr_code.encode([each.encode() for each in payloads], level=level)
        ).items():
            length = len(payloads[position])
            bits = 4 + 10 + length // 3 * 10 + (0, 4, 7)[length % 3]
            assert version_of(modules) < 10
            if (bits + 4) % 8 == 0:
                continue
            theirs = segno.make(
                payloads[position], error=level, mask=mask_of(modules, level), boost_error=False, micro=False
            )
            assert np.array_equal(modules, np.array(theirs.matrix, np.uint8))


@pytest.mark.parametrize("level", LEVELS)
def test_every_version_is_read(level: ErrorCorrection) -> None:
    """Each version filled to the last byte: short terminators, all block structures and alignments."""
    random_source = random.Random(level)
    capacities = qr_tables.data_bits(level)
    payloads = [
        random_source.randbytes(int(bits) // 8 - (2 if version < 10 else 3))
        for version, bits in zip(qr_tables.VERSIONS, capacities, strict=True)
    ]
    batch = qr_code.encode(payloads, level=level)
    assert batch.refused == {}
    for position, modules in in_order(batch).items():
        # Random bytes hold almost no digits worth a segment, so the byte segment fills the version.
        assert version_of(modules) == position + 1
        if position % 3 == LEVELS.index(level) % 3 or position > 37:
            assert read(modules) == [("]Q1", payloads[position], level)]


def test_random_digital_links_are_read() -> None:
    random_source = random.Random(71)
    payloads = [digital_link(random_source) for _ in range(200)]
    for position, modules in in_order(qr_code.encode(payloads)).items():
        assert read(modules) == [("]Q1", payloads[position], "M")]


@settings(max_examples=50, deadline=None)
@given(payload=st.binary(min_size=1, max_size=300), level=st.sampled_from(LEVELS))
def test_any_bytes_come_back(payload: bytes, level: ErrorCorrection) -> None:
    assert read(one(payload, level)) == [("]Q1", payload, level)]


def _least_bits(payload: bytes, count_bits: Sequence[int]) -> int:
    """Return the bits of the best of all ways to cut a payload, tried one segment after another."""
    best = [0] + [1 << 30] * len(payload)
    for start in range(len(payload)):
        for end in range(start + 1, len(payload) + 1):
            part, length = payload[start:end], end - start
            ways = [4 + count_bits[2] + 8 * length]
            if all(each in qr_segments.ALPHANUMERIC for each in part):
                ways.append(4 + count_bits[1] + (11 * length + 1) // 2)
            if part.isdigit():
                ways.append(4 + count_bits[0] + (10 * length + 2) // 3)
            best[end] = min(best[end], best[start] + min(ways))
    return best[-1]


@settings(max_examples=40, deadline=None)
@given(
    payloads=st.lists(
        st.lists(st.tuples(st.sampled_from(["7", "A", "a"]), st.integers(1, 18)), min_size=1, max_size=5).map(
            lambda runs: "".join(character * length for character, length in runs).encode()
        ),
        min_size=1,
        max_size=4,
    )
)
def test_segments_take_the_fewest_bits(payloads: list[bytes]) -> None:
    ranges = qr_segments._VERSION_RANGES
    for versions in ranges:
        _, bits = qr_segments._segment(payloads, max(map(len, payloads)), versions)
        assert bits.tolist() == [_least_bits(each, versions.count_bits) for each in payloads]


@pytest.mark.parametrize("level", LEVELS)
def test_every_version_holds_as_many_bytes_as_published(level: ErrorCorrection) -> None:
    capacities = [int(most) for most in BYTES_OF_VERSION[level].split()]
    assert len(capacities) == 40
    payloads = [b"\xe9" * (most + more) for most in capacities for more in (-1, 0, 1)]
    batch = qr_code.encode(payloads, level=level)
    assert list(batch.refused) == [len(payloads) - 1]
    versions = {position: version_of(modules) for position, modules in in_order(batch).items()}
    for version in range(1, 41):
        at = 3 * (version - 1)
        assert [versions.get(at + each, 41) for each in range(3)] == [version, version, version + 1]
    assert qr_code.sizes(payloads, level=level).tolist() == [
        4 * versions[position] + 17 if position in versions else 0 for position in range(len(payloads))
    ]


@pytest.mark.parametrize("level", LEVELS)
def test_the_smallest_version_that_fits(level: ErrorCorrection) -> None:
    capacities = qr_tables.data_bits(level)
    for version in (1, 5, 9, 10, 26, 27, 39):
        full = int(capacities[version - 1]) // 8 - (2 if version < 10 else 3)
        batch = qr_code.encode([b"\xe9" * full, b"\xe9" * (full + 1)], level=level)
        sizes = {position: version_of(modules) for position, modules in in_order(batch).items()}
        assert sizes == {0: version, 1: version + 1}


def test_what_fits_no_symbol_is_refused_and_the_rest_is_drawn() -> None:
    most: dict[ErrorCorrection, int] = {"L": 2953, "H": 1273}  # ISO/IEC 18004:2015, table 7
    for level, longest in most.items():
        payloads = [b"\xff" * longest, b"\xff" * (longest + 1), b"", b"5" * 7090, b"ok"]
        batch = qr_code.encode(payloads, level=level)
        assert sorted(in_order(batch)) == [0, 4]
        assert {position: type(error) for position, error in batch.refused.items()} == {
            1: PayloadTooLong,
            2: PayloadNotEncodable,
            3: PayloadTooLong,
        }
    assert in_order(qr_code.encode([b"5" * 7089], level="L"))[0].shape == (177, 177)


def test_no_payloads_no_symbols() -> None:
    assert qr_code.encode([]) == EncodedBatch([])


def test_a_symbol_does_not_depend_on_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    payloads = mixed_payloads(random.Random(5), 150, 120)
    together = in_order(qr_code.encode(payloads))
    assert sorted(together) == list(range(150))
    backwards = in_order(qr_code.encode(payloads[::-1]))
    monkeypatch.setattr(qr_code, "_PAYLOADS_AT_ONCE", 7)
    monkeypatch.setattr(qr_code, "_MODULE_WORDS_AT_ONCE", 1)
    small_steps = in_order(qr_code.encode(payloads))
    for position, modules in together.items():
        assert np.array_equal(modules, backwards[149 - position])
        assert np.array_equal(modules, small_steps[position])
    for position in range(0, 150, 10):
        assert np.array_equal(together[position], one(payloads[position]))


def test_groups_are_one_per_version_in_the_order_of_the_batch() -> None:
    groups = qr_code.encode(mixed_payloads(random.Random(6), 150, 200)).groups
    sizes = [group.modules.shape[1] for group in groups]
    assert sizes == sorted(set(sizes))
    assert all(np.all(np.diff(group.positions) > 0) for group in groups)
    assert {group.modules.dtype for group in groups} == {np.dtype(np.uint8)}


def _points(symbol: Modules) -> int:
    """Return the penalty points, counted module by module as the standard's table puts it."""
    size = len(symbol)
    total = 0
    for lines in (symbol, symbol.T):
        for line in lines.tolist():
            edges = [0, *(at for at in range(1, size) if line[at] != line[at - 1]), size]
            total += sum(3 + end - start - 5 for start, end in pairwise(edges) if end - start >= 5)
            text = "0000" + "".join(map(str, line)) + "0000"
            for at in range(4, size + 4 - 6):
                around = text[at - 4 : at], text[at + 7 : at + 11]
                total += 40 * (text[at : at + 7] == "1011101" and "0000" in around)
    for row, column in np.ndindex(size - 1, size - 1):
        total += 3 * (int(symbol[row : row + 2, column : column + 2].sum()) in {0, 4})
    return total + int(abs(100 * int(symbol.sum()) / size**2 - 50) / 5) * 10


def _penalties(symbols: NDArray[np.uint8]) -> list[int]:
    planes = np.packbits(symbols.transpose(1, 2, 0), axis=2, bitorder="little")
    padded = np.zeros((*planes.shape[:2], -(-planes.shape[2] // 8) * 8), np.uint8)
    padded[:, :, : planes.shape[2]] = planes
    return qr_masks.penalties(padded.view(np.uint64))[: len(symbols)].tolist()


@pytest.mark.parametrize("darkness", [0.0, 0.2, 0.42, 0.5, 0.7, 1.0])
def test_penalty_points_of_noise(darkness: float) -> None:
    noise = np.random.default_rng(4)
    symbols = (noise.random((70, 25, 25)) < darkness).astype(np.uint8)
    # Finder-like patterns are rare in noise, so plant some, at the edges too.
    for index, symbol in enumerate(symbols):
        at = index % 19
        symbol[index % 25, at : at + 7] = [1, 0, 1, 1, 1, 0, 1]
        symbol[max(0, at - 4) : at, index % 25] = 0
        symbol[at : at + 7, index % 25] = [1, 0, 1, 1, 1, 0, 1]
    assert _penalties(symbols) == [_points(symbol) for symbol in symbols]


def test_the_mask_is_the_first_of_those_with_fewest_points() -> None:
    payloads = mixed_payloads(random.Random(7), 40, 60)
    for level in LEVELS:
        for modules in in_order(qr_code.encode(payloads, level=level)).values():
            patterns = qr_tables.masked_patterns(version_of(modules), level)
            chosen = mask_of(modules, level)
            candidates = modules ^ patterns[chosen] ^ patterns
            points = _penalties(candidates)
            assert chosen == points.index(min(points))
            theirs = [
                segno_encoder.evaluate_mask([bytearray(row) for row in each.tolist()], len(each), len(each))
                for each in candidates
            ]
            # segno skips a finder-like pattern that overlaps the one before, so it may count less.
            assert all(
                ours >= their and (ours - their) % 40 == 0 for ours, their in zip(points, theirs, strict=True)
            )
            assert sum(ours == their for ours, their in zip(points, theirs, strict=True)) >= 4


@pytest.mark.parametrize(("level", "share"), [("L", 0.06), ("M", 0.13), ("Q", 0.22), ("H", 0.27)])
def test_a_damaged_symbol_is_still_read(level: ErrorCorrection, share: float) -> None:
    """Codewords destroyed at random, a little less than the level promises to restore."""
    payload = b"https://id.gs1.org/01/09506000134352/10/ABC123/21/7654321?17=271231"
    modules = one(payload, level)
    version = version_of(modules)
    layout = qr_tables.block_layout(version, level)
    source = qr_tables.interleaving(version, level)
    places = qr_tables.data_places(version)
    # Spread evenly over the blocks, each of which restores half its check codewords.
    of_block: dict[int, list[int]] = {}
    for codeword, origin in enumerate(source.tolist()):
        if origin >= layout.data_codewords:
            block = (origin - layout.data_codewords) // layout.ecc_per_block
        else:
            in_short = layout.short_blocks * layout.short_data
            block = (
                origin // layout.short_data
                if origin < in_short
                else layout.short_blocks + (origin - in_short) // (layout.short_data + 1)
            )
        of_block.setdefault(block, []).append(codeword)
    random_source = random.Random(9)
    damaged = modules.copy().ravel()
    for codewords in of_block.values():
        for codeword in random_source.sample(codewords, int(share * len(codewords))):
            damaged[np.flatnonzero(places // 8 == codeword)] ^= 1
    assert not np.array_equal(damaged, modules.ravel())
    assert read(damaged.reshape(modules.shape)) == [("]Q1", payload, level)]
