"""Reed–Solomon check codewords over GF(256) for whole batches at once, by table."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

#: Field polynomials: ISO/IEC 18004:2015, 7.5.2 (QR Code) and ISO/IEC 16022:2006, 5.7 (Data Matrix ECC 200).
QR_CODE_PRIMITIVE = 0x11D
DATA_MATRIX_PRIMITIVE = 0x12D

_WORD_BYTES = 8


@lru_cache(maxsize=4)
def multiplication_table(primitive: int) -> NDArray[np.uint8]:
    """Return the products of all pairs of field elements, shape (256, 256).

    >>> int(multiplication_table(QR_CODE_PRIMITIVE)[2, 0x80]) == 0x11D ^ 0x100
    True
    """
    exponentials, logarithms = _powers(primitive)
    products = exponentials[(logarithms[:, None] + logarithms[None, :]) % 255]
    products[0, :] = 0
    products[:, 0] = 0
    products.flags.writeable = False
    return products


@lru_cache(maxsize=256)
def rs_generator_matrix(data_len: int, ecc_len: int, primitive: int, first_root: int) -> NDArray[np.uint8]:
    """Return the matrix that turns data into check codewords, shape (data_len, ecc_len).

    Row i is the contribution of a 1 in data codeword i to the check codewords: x^(ecc_len + data_len - 1 - i) modulo
    the generator polynomial, whose roots are 2^first_root … 2^(first_root + ecc_len - 1). `first_root` is 0 for QR Code
    and 1 for Data Matrix. The last row is the generator polynomial itself:

    >>> rs_generator_matrix(1, 7, QR_CODE_PRIMITIVE, 0).tolist()
    [[127, 122, 154, 164, 11, 68, 117]]
    """
    products = multiplication_table(primitive)
    exponentials, _ = _powers(primitive)
    generator = np.ones(1, np.uint8)
    for power in range(first_root, first_root + ecc_len):
        # Times (x + root), highest power first.
        times_root = products[generator, exponentials[power % 255]]
        generator = np.append(generator, np.uint8(0)) ^ np.insert(times_root, 0, 0)
    feedback = generator[1:]
    rows = np.empty((data_len, ecc_len), np.uint8)
    remainder = feedback
    for row in range(data_len - 1, -1, -1):
        rows[row] = remainder
        remainder = np.append(remainder[1:], np.uint8(0)) ^ products[remainder[0], feedback]
    rows.flags.writeable = False
    return rows


def rs_parity(
    data: NDArray[np.uint8], ecc_len: int, *, primitive: int = QR_CODE_PRIMITIVE, first_root: int = 0
) -> NDArray[np.uint8]:
    """Return the check codewords of each row of data: (n, data_len) uint8 to (n, ecc_len) uint8.

    data_len + ecc_len is at most 255, the length of the longest block of the field.
    """
    rows, data_len = data.shape
    contributions = _contributions(data_len, ecc_len, primitive, first_root)
    words = np.zeros((rows, contributions.shape[2]), np.uint64)
    for column in range(data_len):
        words ^= contributions[column].take(data[:, column], axis=0)
    return words.view(np.uint8)[:, :ecc_len]


@lru_cache(maxsize=32)
def _contributions(data_len: int, ecc_len: int, primitive: int, first_root: int) -> NDArray[np.uint64]:
    """Return the contribution of each value of each data codeword to the check codewords, in 64-bit words.

    Shape (data_len, 256, words): one look-up and one XOR per data codeword and eight check codewords.
    At most a megabyte for the longest block of QR Code.
    """
    generator = rs_generator_matrix(data_len, ecc_len, primitive, first_root)
    words = -(-ecc_len // _WORD_BYTES)
    padded = np.zeros((data_len, 256, words * _WORD_BYTES), np.uint8)
    padded[:, :, :ecc_len] = multiplication_table(primitive)[:, generator].swapaxes(0, 1)
    contributions = padded.view(np.uint64)
    contributions.flags.writeable = False
    return contributions


def _powers(primitive: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the 255 powers of 2 and the logarithms to base 2. The logarithm of 0 is meaningless."""
    exponentials = np.zeros(255, np.uint8)
    logarithms = np.zeros(256, np.int64)
    value = 1
    for exponent in range(255):
        exponentials[exponent] = value
        logarithms[value] = exponent
        value <<= 1
        if value & 0x100:
            value ^= primitive
    return exponentials, logarithms
