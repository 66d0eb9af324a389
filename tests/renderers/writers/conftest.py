"""Symbols from independent encoders, so that writers are tested without ours."""

import numpy as np
import pytest
import segno
import zxingcpp

from renderers.symbol import MatrixSymbols

LINKS = [f"https://id.gs1.org/01/09506000134352/10/LOT-{number:04d}".encode() for number in range(8)]
BRACKETED = [f"(01)09506000134352(17)271231(10)00{number:02d}" for number in range(8)]
MESSAGES = [text.replace("(", "").replace(")", "") for text in BRACKETED]


@pytest.fixture(scope="session")
def qr_symbols() -> MatrixSymbols:
    matrices = [
        segno.make_qr(link, error="m", mode="byte", version=5, boost_error=False).matrix for link in LINKS
    ]
    return MatrixSymbols(np.arange(len(LINKS)), np.array(matrices, np.uint8))


@pytest.fixture(scope="session")
def data_matrix_symbols() -> MatrixSymbols:
    images = []
    for text in BRACKETED:
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.DataMatrix, gs1=True, force_square=True)
        image = np.array(zxingcpp.write_barcode_to_image(code, scale=1, add_quiet_zones=False))
        images.append(image < 128)
    return MatrixSymbols(np.arange(len(MESSAGES)), np.array(images, np.uint8))
