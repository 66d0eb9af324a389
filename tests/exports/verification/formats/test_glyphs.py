"""Text drawn as outlines is read back, character by character."""

import numpy as np
import pytest

from exports.errors import SymbolDoesNotDecode
from exports.verification.formats import eps_picture, svg_file
from exports.verification.formats.drawn import Drawn
from gs1.cset82 import CSET_82
from renderers.registry import ENCODERS, WRITERS, FileFormat, SymbolKind
from renderers.symbol import Captions, Drawing, MatrixSymbols, QuietZone, SymbolGroup

READ = {FileFormat.SVG: svg_file.read, FileFormat.EPS: eps_picture.read}
FORMATS = pytest.mark.parametrize("file_format", READ, ids=str)


def _drawn(file_format: FileFormat, symbols: SymbolGroup, text: str, **drawing: float) -> bytes:
    drawing_of = Drawing(x_dimension_mm=0.33, quiet_zone=QuietZone(11, 7), hri=True, **drawing)
    (data,) = WRITERS[file_format](symbols, drawing_of, Captions([text], [text], [[text]]))
    return data


def _matrix() -> SymbolGroup:
    return MatrixSymbols(np.zeros(1, np.intp), np.ones((1, 60, 60), np.uint8))


def _text(drawn: Drawn) -> str:
    return "".join(line.text for line in drawn.lines or [])


@FORMATS
def test_every_character_is_known_by_its_outline(file_format: FileFormat) -> None:
    text = "()" + "".join(sorted(CSET_82))
    drawn = READ[file_format]("any", _drawn(file_format, _matrix(), text))
    assert _text(drawn) == text
    assert drawn.title == text


@FORMATS
def test_digits_in_cells_are_known(file_format: FileFormat) -> None:
    (group,) = ENCODERS[SymbolKind.EAN_13]([b"9506000134352"], "M").groups
    read = READ[file_format]("any", _drawn(file_format, group, "9506000134352", bar_height_mm=22.85))
    assert [line.text for line in read.lines or []] == ["9", "506000", "134352"]


@FORMATS
@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("</svg>|grestore end", "<g/></svg>|newpath grestore end", id="something more"),
        pytest.param("zm|\nz\n", "zm1 1m|\n1 1 m\nz\n", id="another outline"),
    ],
)
def test_what_our_writers_never_write_is_refused(file_format: FileFormat, old: str, new: str) -> None:
    which = 0 if file_format is FileFormat.SVG else 1
    data = _drawn(file_format, _matrix(), "(01)8").decode()
    wrong = data.replace(old.split("|")[which], new.split("|")[which], 1)
    assert wrong != data
    with pytest.raises(SymbolDoesNotDecode):
        READ[file_format]("any", wrong.encode())
