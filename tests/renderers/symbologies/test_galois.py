import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderers.symbologies import galois

# (reason, data, check codewords, field polynomial, power of the first root)
PUBLISHED = [
    (
        "ISO/IEC 18004, annex I: 01234567 in version 1-M",
        "10 20 0C 56 61 80 EC 11 EC 11 EC 11 EC 11 EC 11",
        "A5 24 D4 C1 ED 36 C7 87 2C 55",
        galois.QR_CODE_PRIMITIVE,
        0,
    ),
    (
        "widely published tutorial: HELLO WORLD in version 1-M",
        "20 5B 0B 78 D1 72 DC 4D 43 40 EC 11 EC 11 EC 11",
        "C4 23 27 77 EB D7 E7 E2 5D 17",
        galois.QR_CODE_PRIMITIVE,
        0,
    ),
    (
        "ISO/IEC 16022, annex O: 123456 in a 10 x 10 Data Matrix",
        "8E A4 BA",
        "72 19 05 58 66",
        galois.DATA_MATRIX_PRIMITIVE,
        1,
    ),
]


@pytest.mark.parametrize(("reason", "data", "check", "primitive", "first_root"), PUBLISHED)
def test_published_check_codewords(
    reason: str, data: str, check: str, primitive: int, first_root: int
) -> None:
    rows = np.frombuffer(bytes.fromhex(data) * 3, np.uint8).reshape(3, -1)
    expected = bytes.fromhex(check)
    parity = galois.rs_parity(rows, len(expected), primitive=primitive, first_root=first_root)
    assert [row.tobytes() for row in parity] == [expected] * 3, reason


def _value_at(codeword: bytes, root: int, primitive: int) -> int:
    """Horner's rule with schoolbook multiplication: no table of ours takes part."""
    value = 0
    for coefficient in codeword:
        product = 0
        for bit in range(8):
            product ^= (value << bit) * (root >> bit & 1)
        for bit in range(15, 7, -1):
            product ^= (primitive << (bit - 8)) * (product >> bit & 1)
        value = product ^ coefficient
    return value


@given(
    data=st.binary(min_size=1, max_size=60),
    ecc_len=st.integers(1, 68),
    primitive=st.sampled_from([galois.QR_CODE_PRIMITIVE, galois.DATA_MATRIX_PRIMITIVE]),
    first_root=st.integers(0, 1),
)
def test_codewords_vanish_at_every_root(data: bytes, ecc_len: int, primitive: int, first_root: int) -> None:
    row = np.frombuffer(data, np.uint8).reshape(1, -1)
    codeword = data + galois.rs_parity(row, ecc_len, primitive=primitive, first_root=first_root).tobytes()
    root = 2 if first_root else 1
    for _ in range(ecc_len):
        assert _value_at(codeword, root, primitive) == 0
        root = root << 1 ^ (primitive if root & 0x80 else 0)


def test_an_empty_batch_has_no_check_codewords() -> None:
    assert galois.rs_parity(np.zeros((0, 5), np.uint8), 7).shape == (0, 7)
