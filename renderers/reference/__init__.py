"""The reference engine: every symbology through somebody else's library, one symbol at a time.

Slower than the batch engine by one to three orders of magnitude, and here to compare it with. Importing
this package imports those libraries, which nothing else does: `renderers.registry` does so when asked.
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
}
