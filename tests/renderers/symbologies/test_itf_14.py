"""ITF-14: a published pattern, an independent encoder and an independent reader."""

import random

import numpy as np
import pytest
import zint
import zxingcpp
from numpy.typing import NDArray

from gs1.check_digit import check_digit
from gs1.symbol_size import SymbolKind, symbol_size
from renderers.errors import PayloadNotEncodable
from renderers.symbol import BarSymbols, EncodedBatch
from renderers.symbologies import linear
from renderers.symbologies.itf_14 import encode
from tests.renderers.symbologies.refusals import require_refused_alone


def random_gtins(seed: int, count: int) -> list[bytes]:
    rnd = random.Random(seed)
    bodies = ["".join(rnd.choices("0123456789", k=13)) for _ in range(count)]
    return [f"{body}{check_digit(body)}".encode() for body in bodies]


def only_group(batch: EncodedBatch) -> BarSymbols:
    (group,) = batch.groups
    assert isinstance(group, BarSymbols)
    return group


def wide(widths: NDArray[np.uint8]) -> str:
    return "".join("W" if width == 5 else "n" for width in widths)


def zint_wide(gtin: bytes) -> str:
    symbol = zint.Symbol()
    symbol.symbology = zint.Symbology.ITF14
    symbol.encode(gtin[:-1].decode())
    bits = np.unpackbits(np.asarray(symbol.encoded_data)[0], bitorder="little")[: symbol.width]
    edges = np.flatnonzero(np.diff(bits.astype(np.int8), prepend=-1, append=-1))
    return "".join("n" if width == 1 else "W" for width in np.diff(edges))


def read(group: BarSymbols, row: int) -> tuple[bytes, str]:
    size = symbol_size(SymbolKind.ITF_14)
    colours = np.resize(np.array([0, 255], np.uint8), group.widths.shape[1])
    quiet = [
        np.full(zone * group.units_per_x, 255, np.uint8) for zone in (size.quiet_left_x, size.quiet_right_x)
    ]
    line = np.concatenate([quiet[0], np.repeat(colours, group.widths[row]), quiet[1]])
    image = np.repeat(np.tile(line, (60, 1)), 3, axis=1)
    (found,) = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.ITF)
    return found.bytes, found.symbology_identifier


def test_published_pattern() -> None:
    # Interleaved 2 of 5: 1 is WnnnW, 2 nWnnW, 3 WWnnn, 4 nnWnW … and the second of a pair is in the spaces
    pairs = ["WnnWnnnnWW", "WnWnnWnnnW", "WnnWWWnnnn", "nWnnnnWWWn", "nnWnnWWWnn", "WnnWnnnnWW", "WWWnnnnnnW"]
    assert wide(only_group(encode([b"12345678901231"])).widths[0]) == "nnnn" + "".join(pairs) + "Wnn"


def test_two_elements_of_five_are_wide_and_twice_and_a_half_as_wide_as_the_narrow() -> None:
    group = only_group(encode(random_gtins(1, 500)))
    assert group.widths.shape == (500, 77)
    assert set(np.unique(group.widths)) == {2, 5}
    assert np.max(group.widths) / np.min(group.widths) == symbol_size(SymbolKind.ITF_14).wide_to_narrow
    assert group.units_per_x == np.min(group.widths)
    characters = group.widths[:, 4:74].reshape(-1, 5, 2)
    assert np.all((characters == 5).sum(axis=1) == 2)
    assert np.all(group.widths.sum(axis=1) == 241)
    assert group.width_x == 120.5
    assert (group.guards, group.zones) == ((), ())


def test_every_symbol_is_as_zint_draws_it_and_reads_back() -> None:
    gtins = random_gtins(2, 2_000)
    group = only_group(encode(gtins))
    assert group.positions.tolist() == list(range(len(gtins)))
    for gtin, widths in zip(gtins, group.widths, strict=True):
        assert wide(widths) == zint_wide(gtin)
    for row, gtin in enumerate(gtins[:400]):
        assert read(group, row) in ((gtin, "]I0"), (gtin, "]I1"))


def test_every_pair_of_digits() -> None:
    bodies = [f"{pair:02}{(pair + 37) % 100:02}" * 3 + "0" for pair in range(100)]
    gtins = [f"{body}{check_digit(body)}".encode() for body in bodies]
    group = only_group(encode(gtins))
    for row, gtin in enumerate(gtins):
        assert wide(group.widths[row]) == zint_wide(gtin)
        assert read(group, row)[0] == gtin


def test_any_single_digit_change_is_refused() -> None:
    for gtin in random_gtins(3, 10):
        changed = [
            gtin[:i] + bytes([other]) + gtin[i + 1 :]
            for i in range(14)
            for other in b"0123456789"
            if other != gtin[i]
        ]
        batch = encode(changed)
        assert batch.groups == []
        assert list(batch.refused) == list(range(9 * 14))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "nothing"),
        (b"9506000134352", "a GTIN-13 is not padded"),
        (b"095060001343520", "15 digits"),
        (b"0950600013435A", "a letter"),
        (b"09506000134353", "wrong check digit"),
        (b"\x1d0109506000134", "an element string"),
    ],
)
def test_refusals_leave_the_rest_alone(payload: bytes, reason: str) -> None:
    require_refused_alone(encode, b"09506000134352", payload, PayloadNotEncodable, reason)


def test_a_symbol_does_not_depend_on_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    gtins = random_gtins(4, 200)
    together = only_group(encode(gtins)).widths
    assert all(np.array_equal(only_group(encode([gtins[i]])).widths[0], together[i]) for i in range(200))
    monkeypatch.setattr(linear, "_SYMBOLS_AT_ONCE", 7)
    assert np.array_equal(only_group(encode(gtins)).widths, together)


def test_an_empty_batch_is_an_empty_result() -> None:
    batch = encode([])
    assert batch.groups == []
    assert batch.refused == {}
