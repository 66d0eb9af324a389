"""The cases of `symbols.py`: payloads like those of a catalogue, and the engines that draw them."""

import io
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import arbez_dmtx
import barcode
import segno
import zint
from arbez_dmtx._libdmtx.wrapper import DmtxScheme
from barcode.writer import SVGWriter

from gs1.check_digit import check_digit
from gs1.symbol_size import SymbolKind, symbol_size
from renderers.engine import Engine
from renderers.reference import data_matrix
from renderers.registry import WRITERS, FileFormat, encoders
from renderers.symbol import Captions, Drawing, QuietZone

BATCH = 2_000  # as in exports: what is encoded and written together
DPI = 600
MODULE_PIXELS = 12  # of the PNGs: X 0.495 mm at 600 dpi

#: payloads -> how many bytes of files were made of them
Maker = Callable[[Sequence[bytes]], int]

_UPPER_AND_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of file, and how many times a peer's speed the batch engine should reach."""

    kind: SymbolKind
    file_format: FileFormat
    hri: bool = False
    aims: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def name(self) -> str:
        return f"{self.kind} {self.file_format}{' with text' if self.hri else ''}"


CASES = (
    Case(SymbolKind.QR_CODE, FileFormat.SVG, aims={"segno": 200, "zint": 3}),
    Case(SymbolKind.QR_CODE, FileFormat.PNG),
    Case(SymbolKind.GS1_DATAMATRIX, FileFormat.SVG, aims={"libdmtx, smallest size": 20, "zint": 2}),
    Case(SymbolKind.GS1_DATAMATRIX, FileFormat.PNG),
    Case(SymbolKind.EAN_13, FileFormat.SVG, aims={"python-barcode": 500}),
    Case(SymbolKind.EAN_13, FileFormat.SVG, hri=True),
    Case(SymbolKind.EAN_13, FileFormat.EPS),
    Case(SymbolKind.ITF_14, FileFormat.SVG),
    Case(SymbolKind.ITF_14, FileFormat.SVG, hri=True),
    Case(SymbolKind.GS1_128, FileFormat.SVG, aims={"zint": 1}),
    Case(SymbolKind.GS1_128, FileFormat.SVG, hri=True, aims={"zint": 1}),
)


def payloads(kind: SymbolKind, count: int, seed: int = 0) -> list[bytes]:
    """Return links of 70 characters, element strings with expiry and lot, or GTINs; all different."""
    rnd = random.Random(f"{kind} {seed}")
    return [_PAYLOADS[kind](rnd) for _ in range(count)]


def _gtin(rnd: random.Random, digits: int) -> str:
    key = "".join(rnd.choices("0123456789", k=digits - 1))
    return f"{key}{check_digit(key)}"


def _link(rnd: random.Random) -> bytes:
    lot = "".join(rnd.choices(_UPPER_AND_DIGITS, k=8))
    serial = f"{rnd.randrange(10**8):08d}"
    return f"https://id.gs1.org/01/{_gtin(rnd, 14)}/10/{lot}/21/{serial}?17=271231".encode()


def _element_string(rnd: random.Random) -> bytes:
    lot = "".join(rnd.choices(_UPPER_AND_DIGITS, k=8))
    return f"\x1d01{_gtin(rnd, 14)}17{rnd.randrange(27, 32)}123110{lot}".encode()


_PAYLOADS: dict[SymbolKind, Callable[[random.Random], bytes]] = {
    SymbolKind.QR_CODE: _link,
    SymbolKind.GS1_DATAMATRIX: _element_string,
    SymbolKind.GS1_128: _element_string,
    SymbolKind.EAN_13: lambda rnd: _gtin(rnd, 13).encode(),
    SymbolKind.ITF_14: lambda rnd: _gtin(rnd, 14).encode(),
}


def engines(case: Case) -> dict[str, Maker]:
    """Return the functions that make a case's files, by name; the batch engine is first."""
    made: dict[str, Maker] = {"batch engine": _ours(case, Engine.BATCH)}
    if case.kind is SymbolKind.QR_CODE:
        made["segno"] = lambda batch: sum(map(_by_segno(case), batch))
        made["segno, our writer"] = _ours(case, Engine.REFERENCE)
    elif case.kind is SymbolKind.GS1_DATAMATRIX:
        made["libdmtx, smallest size"] = _by_libdmtx
        made["pylibdmtx"] = _by_pylibdmtx
        made["libdmtx, our writer"] = _ours(case, Engine.REFERENCE)
    else:
        if case.file_format is FileFormat.SVG:
            made["python-barcode"] = lambda batch: sum(map(_by_python_barcode(case), batch))
        made["python-barcode, our writer"] = _ours(case, Engine.REFERENCE)
    made["zint"] = _by_zint(case)
    return made


def _ours(case: Case, engine: Engine) -> Maker:
    def make(batch: Sequence[bytes]) -> int:
        return sum(
            sum(map(len, files))
            for start in range(0, len(batch), BATCH)
            for files in files_of(case, batch[start : start + BATCH], engine)
        )

    return make


def files_of(case: Case, batch: Sequence[bytes], engine: Engine = Engine.BATCH) -> Iterator[list[bytes]]:
    """Yield the files of one batch, group by group, as an export makes them."""
    encoded = encoders(engine)[case.kind](batch, "M")
    if encoded.refused:
        raise next(iter(encoded.refused.values()))
    size = symbol_size(case.kind)
    drawing = Drawing(
        x_dimension_mm=size.x_target_mm,
        quiet_zone=QuietZone(size.quiet_left_x, size.quiet_right_x, size.quiet_top_x, size.quiet_bottom_x),
        dpi=DPI,
        bar_height_mm=size.height_mm,
        bearer_bar_x=size.bearer_bar_x,
        hri=case.hri,
    )
    for group in encoded.groups:
        texts = [_text(case.kind, batch[position]) for position in group.positions.tolist()]
        elements = [re.split(r"(?=\()", text) for text in texts]  # no lot of ours has a parenthesis
        captions = Captions([f"{case.kind} {text}" for text in texts], texts, elements)
        yield WRITERS[case.file_format](group, drawing, captions)


def _text(kind: SymbolKind, payload: bytes) -> str:
    if kind in {SymbolKind.GS1_DATAMATRIX, SymbolKind.GS1_128}:
        return _bracketed(payload, "()")
    return payload.decode("ascii")


def _bracketed(message: bytes, brackets: str) -> str:
    """Return an element string of `_element_string` with its AIs in brackets."""
    text, (left, right) = message.decode("ascii"), brackets
    return f"{left}01{right}{text[3:17]}{left}17{right}{text[19:25]}{left}10{right}{text[27:]}"


def _by_libdmtx(batch: Sequence[bytes]) -> int:
    """Return libdmtx's modules after a search of all schemes: sizes as the batch engine's, but no files."""
    schemes = (data_matrix.in_scheme(message, DmtxScheme.DmtxSchemeAutoBest) for message in batch)
    return sum(symbol.size for symbol in schemes if symbol is not None)


def _by_pylibdmtx(batch: Sequence[bytes]) -> int:
    """Return the bytes of pixels from pylibdmtx's `encode` with its defaults: ASCII, no FNC1, no files."""
    return sum(len(arbez_dmtx.encode(message[1:], size="SquareAuto").pixels) for message in batch)


def _by_segno(case: Case) -> Callable[[bytes], int]:
    options = (
        {"scale": MODULE_PIXELS, "dpi": DPI}
        if case.file_format is FileFormat.PNG
        else {"scale": symbol_size(case.kind).x_target_mm, "unit": "mm"}
    )

    def make(payload: bytes) -> int:
        file = io.BytesIO()
        symbol = segno.make(payload, error="M", micro=False, boost_error=False)
        symbol.save(file, kind=case.file_format.value, border=4, **options)
        return file.tell()

    return make


def _by_python_barcode(case: Case) -> Callable[[bytes], int]:
    options = {"write_text": case.hri}
    symbologies: dict[SymbolKind, Callable[..., barcode.base.Barcode]] = {
        SymbolKind.EAN_13: barcode.EAN13,
        SymbolKind.ITF_14: barcode.ITF,
        SymbolKind.GS1_128: barcode.Gs1_128,
    }
    symbology = symbologies[case.kind]

    def make(payload: bytes) -> int:
        file = io.BytesIO()
        symbology(payload.decode("ascii").removeprefix("\x1d"), writer=SVGWriter()).write(file, options)
        return file.tell()

    return make


def _by_zint(case: Case) -> Maker:
    """Return a function that has zint write the file to memory, from data in zint's form."""
    symbol = zint.Symbol()
    symbol.outfile = f"x.{case.file_format}"
    symbol.output_options = zint.OutputOptions.BARCODE_MEMORY_FILE | zint.OutputOptions.BARCODE_QUIET_ZONES
    symbol.warn_level = zint.WarningLevel.FAIL_ALL
    symbol.show_hrt = case.hri
    symbol.scale = MODULE_PIXELS / 2 if case.file_format is FileFormat.PNG else 1
    given: Callable[[bytes], str | bytes]
    if case.kind is SymbolKind.QR_CODE:
        symbol.symbology, given = zint.Symbology.QRCODE, bytes
        symbol.input_mode, symbol.option_1 = zint.InputMode.DATA, 2
    elif case.kind in {SymbolKind.EAN_13, SymbolKind.ITF_14}:
        symbol.symbology = {
            SymbolKind.EAN_13: zint.Symbology.EANX,
            SymbolKind.ITF_14: zint.Symbology.ITF14,
        }[case.kind]
        given = lambda payload: payload[:-1]  # noqa: E731 - zint adds the check digit
    else:
        symbol.symbology = {
            SymbolKind.GS1_DATAMATRIX: zint.Symbology.DATAMATRIX,
            SymbolKind.GS1_128: zint.Symbology.GS1_128,
        }[case.kind]
        symbol.input_mode = zint.InputMode.GS1 | zint.InputMode.GS1NOCHECK
        if case.kind is SymbolKind.GS1_DATAMATRIX:
            symbol.option_3 = int(zint.DataMatrixOptions.SQUARE)
        given = lambda payload: _bracketed(payload, "[]")  # noqa: E731

    def make(batch: Sequence[bytes]) -> int:
        total = 0
        for payload in batch:
            symbol.clear()
            symbol.encode(given(payload))
            symbol.print()
            total += len(bytes(symbol.memfile or b""))
        return total

    return make
