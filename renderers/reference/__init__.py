"""The reference engine: every symbology by a third-party library, one symbol at a time.

It serves for comparison with the batch engine, which is 10 to 1,000 times faster. Only this package imports
those libraries, and `renderers.registry` imports this package when the engine is requested.
"""

from collections.abc import Mapping

from gs1.symbol_size import SymbolKind
from renderers.reference import data_matrix, linear, qr_code
from renderers.symbol import BatchEncoder

ENCODERS: Mapping[SymbolKind, BatchEncoder] = {
    SymbolKind.QR_CODE: qr_code.encode,
    SymbolKind.GS1_DATAMATRIX: data_matrix.encode,
    SymbolKind.EAN_13: linear.encode_ean_13,
    SymbolKind.UPC_A: linear.encode_upc_a,
    SymbolKind.EAN_8: linear.encode_ean_8,
    SymbolKind.ITF_14: linear.encode_itf_14,
    SymbolKind.GS1_128: linear.encode_gs1_128,
    SymbolKind.UPC_E: linear.encode_upc_e,
    SymbolKind.GS1_DATAMATRIX_RECTANGULAR: data_matrix.encode_rectangular,
}
