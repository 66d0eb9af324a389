"""EAN-13, UPC-A, EAN-8, ITF-14 and GS1-128 by python-barcode, UPC-E by zxing-cpp, one symbol at a time.

python-barcode silently replaces a wrong check digit and cuts surplus digits
(WhyNotHugo/python-barcode issues 27, 49 and 80), so payloads are checked here first.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

import barcode
import numpy as np
import zxingcpp
from barcode.base import Barcode
from barcode.codex import Gs1_128
from barcode.itf import ITF
from numpy.typing import NDArray

from gs1.element_string import FNC1
from gs1.upc_e import upc_e_of
from renderers.reference import one_by_one
from renderers.symbol import BarSymbols, BatchEncoder, EncodedBatch, ErrorCorrection
from renderers.symbologies import element_strings, gs1_128, linear
from renderers.symbologies.ean_upc import EAN_8, EAN_13, UPC_A, UPC_E
from renderers.symbologies.itf_14 import ITF_14
from renderers.symbologies.linear import DigitSymbology


def encode_gs1_128(messages: Sequence[bytes], error_correction: ErrorCorrection) -> EncodedBatch:
    r"""Return the GS1-128 symbols of GS1 element strings, one group per number of symbol characters.

    A message is ASCII, starts with FNC1 as byte 0x1D, and every later 0x1D is FNC1 as separator.
    python-barcode changes code sets by simple rules, so a symbol may be wider than the batch
    engine's. The level is ignored: linear symbols have none.

    Refused: PayloadNotEncodable for a message without FNC1 in front, without data or with bytes above 127;
    PayloadTooLong for one of more than 48 data characters, separators included.

    >>> encode_gs1_128([b"\x1d0109506000134352"], "M").groups[0].width_x
    134.0
    """
    del error_correction
    return one_by_one.encode(messages, _draw_gs1_128, BarSymbols)


def _draw_gs1_128(message: bytes) -> NDArray[np.uint8]:
    if error := element_strings.refusal(message, "GS1-128"):
        raise error
    if len(message) - 1 > gs1_128.MOST_CHARACTERS:
        raise gs1_128.too_long(message)
    # Gs1_128 puts the first FNC1 itself; 0x1D would be the control character GS, which is not FNC1.
    return _widths(Gs1_128(message[1:].decode("ascii").replace(FNC1, Gs1_128.FNC1_CHAR)))


def _digits_encoder(symbology: DigitSymbology, widths_of: Callable[[str], NDArray[np.uint8]]) -> BatchEncoder:
    """Return an encoder of the symbology's digits, check digit included, as in `renderers.symbologies.linear`."""

    def draw(payload: bytes) -> NDArray[np.uint8]:
        if not linear.is_valid(payload, symbology):
            raise linear.refusal(payload, symbology)
        return widths_of(payload.decode("ascii"))

    def group(positions: NDArray[np.intp], widths: NDArray[np.uint8]) -> BarSymbols:
        return BarSymbols(positions, widths, symbology.units_per_x, symbology.guards, symbology.zones)

    def encode(payloads: Sequence[bytes], error_correction: ErrorCorrection) -> EncodedBatch:
        del error_correction
        return one_by_one.encode(payloads, draw, group)

    return encode


def _by_python_barcode(library: Callable[[str], Barcode]) -> Callable[[str], NDArray[np.uint8]]:
    return lambda digits: _widths(library(digits))


def _narrow_2_wide_5(digits: str) -> Barcode:
    return ITF(digits, narrow=2, wide=5)  # in X / 2, as the batch engine's


def _upc_e(digits: str) -> NDArray[np.uint8]:
    """Return the element widths of a UPC-E; zxing-cpp takes its eight digits."""
    symbol = zxingcpp.create_barcode(upc_e_of(digits) or digits, zxingcpp.BarcodeFormat.UPCE)
    picture = np.array(zxingcpp.write_barcode_to_image(symbol, scale=1, add_quiet_zones=False))
    return _runs("1" if light == 0 else "0" for light in picture[0].tolist())


encode_ean_13 = _digits_encoder(EAN_13, _by_python_barcode(barcode.EAN13))
encode_upc_a = _digits_encoder(UPC_A, _by_python_barcode(barcode.UPCA))
encode_ean_8 = _digits_encoder(EAN_8, _by_python_barcode(barcode.EAN8))
encode_itf_14 = _digits_encoder(ITF_14, _by_python_barcode(_narrow_2_wide_5))
encode_upc_e = _digits_encoder(UPC_E, _upc_e)


def _widths(symbol: Barcode) -> NDArray[np.uint8]:
    """Return the element widths of a symbol that python-barcode builds as a line of 1, dark, and 0, light."""
    (line,) = symbol.build()
    return _runs(line)


def _runs(modules: Iterable[str]) -> NDArray[np.uint8]:
    return np.array([len(list(run)) for _, run in groupby(modules)], np.uint8)
