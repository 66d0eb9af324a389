"""Nayuki's `qrcodegen` draws the same symbols, module by module, from Digital Links like a catalogue's.

It is plain Python, so an ordinary run compares 200 links; all 2,000 are compared under LABELS_TEST_FULL=1.

It gets two things from our symbol. The segments are read from our data codewords, because it does not divide
a payload into segments. The mask is read from our format information: trying all eight would take eight times
as long, and it counts a finder-like pattern with light areas on both sides twice, ours once.
"""

import os
import random
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import qrcodegen
from numpy.typing import NDArray

from renderers.symbol import ErrorCorrection
from renderers.symbologies import qr_code, qr_segments

LINKS = 2_000 if os.environ.get("LABELS_TEST_FULL") == "1" else 200

_DIGITS = "0123456789"
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#: CSET 82 as a link carries it: what RFC 3986 does not leave unreserved is percent-encoded.
_CSET_82 = [*_DIGITS, *_UPPER, *_UPPER.lower(), *"-._"] + [
    f"%{ord(each):02X}" for each in "!\"%&'()*+,/:;<=>?"
]
_ALPHABETS: Sequence[Sequence[str]] = (_DIGITS, _UPPER + _DIGITS, _UPPER + _UPPER.lower() + _DIGITS, _CSET_82)

_ECC = {
    "L": qrcodegen.QrCode.Ecc.LOW,
    "M": qrcodegen.QrCode.Ecc.MEDIUM,
    "Q": qrcodegen.QrCode.Ecc.QUARTILE,
    "H": qrcodegen.QrCode.Ecc.HIGH,
}


def digital_link(rnd: random.Random) -> bytes:
    def value(longest: int) -> str:
        return "".join(rnd.choices(rnd.choice(_ALPHABETS), k=rnd.randint(1, longest)))

    gtin = "".join(rnd.choices(_DIGITS, k=14))
    path = "".join(
        f"/{ai}/{value(20)}" for ai, share in (("22", 0.1), ("10", 0.8), ("21", 0.6)) if rnd.random() < share
    )
    query = f"?17={rnd.randrange(10**6):06d}" if rnd.random() < 0.7 else ""
    resolver = rnd.choice(("https://id.gs1.org", "https://example.com/r", "HTTPS://ID.EXAMPLE.COM"))
    return f"{resolver}/01/{gtin}{path}{query}".encode()


def segments_of(version: int, codewords: bytes) -> Iterator[tuple[bytes, qrcodegen.QrSegment]]:
    """Yield what data codewords hold, segment by segment, read as a decoder reads them (ISO/IEC 18004:2015, 7.4)."""
    bits = "".join(f"{each:08b}" for each in codewords)
    at = 0

    def take(count: int) -> int:
        nonlocal at
        at += count
        return int(bits[at - count : at], 2)

    modes = {1: qrcodegen.QrSegment.Mode.NUMERIC, 2: qrcodegen.QrSegment.Mode.ALPHANUMERIC}
    while at + 4 <= len(bits) and (indicator := take(4)):
        mode = modes.get(indicator, qrcodegen.QrSegment.Mode.BYTE)
        length = take(mode.num_char_count_bits(version))
        if indicator == 1:
            groups = [min(3, length - start) for start in range(0, length, 3)]
            digits = "".join(f"{take((4, 7, 10)[size - 1]):0{size}d}" for size in groups)
            yield digits.encode(), qrcodegen.QrSegment.make_numeric(digits)
        elif indicator == 2:
            text = ""
            for start in range(0, length, 2):
                size = min(2, length - start)
                places = divmod(take(11), 45) if size == 2 else (take(6),)
                text += "".join(chr(qr_segments.ALPHANUMERIC[place]) for place in places)
            yield text.encode(), qrcodegen.QrSegment.make_alphanumeric(text)
        else:
            data = bytes(take(8) for _ in range(length))
            yield data, qrcodegen.QrSegment.make_bytes(data)


def mask_of(modules: NDArray[np.uint8]) -> int:
    """Return the mask number from the three bits of format information that hold it, beside the finder."""
    return int(modules[8, 2] << 2 | modules[8, 3] << 1 | modules[8, 4]) ^ 0b101


def drawn_by_nayuki(
    segments: Sequence[qrcodegen.QrSegment], level: ErrorCorrection, mask: int
) -> NDArray[np.uint8]:
    symbol = qrcodegen.QrCode.encode_segments(list(segments), _ECC[level], mask=mask, boostecl=False)
    side = range(symbol.get_size())
    return np.array([[symbol.get_module(x, y) for x in side] for y in side], np.uint8)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("level", ["L", "M", "Q", "H"])
def test_symbols_of_random_digital_links_are_nayuki_s(level: ErrorCorrection) -> None:
    rnd = random.Random(level)
    links = [digital_link(rnd) for _ in range(LINKS // 4)]
    batch = qr_code.encode(links, level=level)
    assert batch.refused == {}
    seen: list[int] = []
    for group in batch.groups:
        version = (group.modules.shape[1] - 17) // 4
        for position, modules in zip(group.positions.tolist(), group.modules, strict=True):
            (encoded,), _ = qr_segments.data_codewords(links, np.array([position]), level)
            read_back = list(segments_of(version, encoded.codewords.tobytes()))
            assert b"".join(text for text, _ in read_back) == links[position]
            segments = [segment for _, segment in read_back]
            # qrcodegen chooses the version itself: the smallest that holds these segments.
            assert np.array_equal(drawn_by_nayuki(segments, level, mask_of(modules)), modules)
            seen.append(position)
    assert sorted(seen) == list(range(LINKS // 4))
