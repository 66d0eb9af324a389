"""Faults in symbol files, archives and reports."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from exports import assemble, render
from exports.requests.export_types import Slot
from exports.symbols import symbol_files
from exports.symbols.payloads import Carry
from renderers import registry
from renderers.archive.assembler import Assembler
from renderers.registry import FileFormat
from renderers.symbol import Captions, Drawing, QuietZone, SymbolGroup
from renderers.symbologies import data_matrix_encodation
from renderers.writers import eps, hri, picture_layout, png
from tests.exports.verification.sabotage import (
    VICTIM,
    Patch,
    Sabotage,
    a_row_late,
    in_rows,
    turned,
    with_another_digit,
)


def _lots(export_type: str, file_format: str, **config: object) -> dict[str, object]:
    return {"export_type": export_type, "file_format": file_format, "asset_config": config}


QR_SVG = _lots("qr_codes", "svg", hri=True)
QR_PNG = _lots("qr_codes", "png", hri=True, dpi=300)
MATRIX = _lots("datamatrix", "svg")
ASKED = _lots("datamatrix", "svg", carry=["11", "17", "310n", "240"])
LINEAR_SVG = _lots("barcodes_1d", "svg")
LINEAR_EPS = _lots("barcodes_1d", "eps")
BOTH_PNG = _lots("codes_combined", "png")
PRODUCTS = {"scope": "products"}
GTIN = "09506000134352"
SERIALS = {"scope": "serials"}


def _writer(file_format: str, change: Callable[[SymbolGroup, Drawing, Captions], tuple[Any, ...]]) -> Any:
    """Return a fault that changes what a writer is given."""
    known = FileFormat(file_format)
    write = registry.WRITERS[known]

    def do(patch: Patch) -> None:
        patch.setitem(registry.WRITERS, known, lambda *given: write(*change(*given)))  # type: ignore[arg-type]

    return do


def _text(change: Callable[[Sequence[str]], list[str]], field: str = "hri") -> Any:
    return lambda group, drawing, captions: (
        group,
        drawing,
        (
            replace(captions, elements=[[text] for text in change(captions.hri)])
            if field == "hri"
            else replace(captions, **{field: change(getattr(captions, field))})
        ),
    )


def _one(change: Callable[[str], str]) -> Callable[[Sequence[str]], list[str]]:
    """Change the text of the victim alone, whose lot is in it."""
    return lambda texts: [change(text) if f"L{VICTIM:03d}" in text else text for text in texts]


def _drawing(**changes: Any) -> Any:
    return lambda group, drawing, captions: (group, replace(drawing, **changes), captions)


def _modules(change: Callable[[Any], None]) -> Any:
    def do(group: Any, drawing: Drawing, captions: Captions) -> tuple[Any, ...]:
        modules = group.modules.copy()
        change(modules)
        return replace(group, modules=modules), drawing, captions

    return do


def _swap(modules: Any) -> None:
    modules[[VICTIM, VICTIM + 1]] = modules[[VICTIM + 1, VICTIM]]


def _flip(modules: Any) -> None:
    modules[VICTIM, 12:21, 12:21] ^= 1


def _carried(slot: Slot, **columns: pl.Expr) -> Any:
    """Return a fault in the columns of what a slot's symbols carry."""
    make = symbol_files.payloads

    def wrong(its_slot: Slot, resolver: str | None, rows: pl.DataFrame, carry: Carry) -> pl.DataFrame:
        carried = make(its_slot, resolver, rows, carry)
        return carried.with_columns(**columns) if its_slot is slot else carried

    return lambda patch: patch.setattr(symbol_files, "payloads", wrong)


def _from(**cells: pl.Expr) -> Any:
    """Return a fault in the rows that symbols are made from."""
    make = symbol_files.payloads

    def wrong(slot: Slot, resolver: str | None, rows: pl.DataFrame, carry: Carry) -> pl.DataFrame:
        return make(slot, resolver, rows.with_columns(**cells), carry)

    return lambda patch: patch.setattr(symbol_files, "payloads", wrong)


def _another_resolver(patch: Patch) -> None:
    make = symbol_files.payloads
    patch.setattr(
        symbol_files,
        "payloads",
        lambda slot, _, rows, carry: make(slot, "https://id.example.org", rows, carry),
    )


def _no_fnc1(patch: Patch) -> None:
    codewords = data_matrix_encodation.ASCII_CODEWORD.copy()
    codewords[0x1D] = 0x1D + 1
    patch.setattr(data_matrix_encodation, "ASCII_CODEWORD", codewords)


def _constant(module: Any, name: str, old: str, new: str) -> Callable[[Patch], None]:
    text = getattr(module, name)
    assert old in text
    return lambda patch: patch.setattr(module, name, text.replace(old, new))


def _planned(change: Callable[[Drawing], Drawing]) -> Callable[[Patch], None]:
    """Return a fault in how symbols are to be drawn, of which the manifest's rows know."""
    of = symbol_files.drawing_of
    return lambda patch: patch.setattr(symbol_files, "drawing_of", lambda *given: change(of(*given)))


def _first_line_only(patch: Patch) -> None:
    fit = hri.fit

    def wrong(*given: Any, **options: Any) -> Any:
        setting = fit(*given, **options)
        return replace(setting, lines=((0, 10),))

    patch.setattr(picture_layout.hri, "fit", wrong)


def _fewer_pixels_per_metre(patch: Patch) -> None:
    head = png._head

    def wrong(width: int, height: int, bits: int, per_metre: tuple[int, int]) -> bytes:
        across, down = per_metre
        return head(width, height, bits, (across * 9 // 10, down * 9 // 10))

    patch.setattr(png, "_head", wrong)


def _members(change: Callable[[list[Any]], list[Any]]) -> Callable[[Patch], None]:
    """Return a fault in the members of the archive, `(name, bytes)`."""
    add = render.ArchiveFragmentWriter.add

    def wrong(writer: Any, names: Sequence[str], contents: Sequence[bytes], *, store: bool = False) -> None:
        names, contents = zip(*change(list(zip(names, contents, strict=True))), strict=True)
        add(writer, names, contents, store=store)

    return lambda patch: patch.setattr(render.ArchiveFragmentWriter, "add", wrong)


def _named_as_the_next(files: list[Any]) -> list[Any]:
    (name, data), (other, its) = files[VICTIM : VICTIM + 2]
    return [*files[:VICTIM], (name, its), (other, data), *files[VICTIM + 2 :]]


def _cut(files: list[Any]) -> list[Any]:
    name, data = files[VICTIM]
    return [*files[:VICTIM], (name, data[:-30]), *files[VICTIM + 1 :]]


def _damaged(patch: Patch) -> None:
    join = assemble._join_members

    def wrong(plan: Any, parts: Any, written: Any, key: str, store: Any) -> Any:
        joined = join(plan, parts, written, key, store)
        path = store.local_path(key)
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 3] ^= 4
        path.write_bytes(raw)
        return joined

    patch.setattr(assemble, "_join_members", wrong)


def _other_report(patch: Patch) -> None:
    add = Assembler.add

    def wrong(assembler: Assembler, name: str, blocks: Any) -> int:
        return add(assembler, name, [b"".join(blocks).replace(b"L007", b"L008")])

    patch.setattr(Assembler, "add", wrong)


FILE_SABOTAGES: Sequence[Sabotage] = (
    # What a symbol carries.
    Sabotage("another lot in every link", "systematic", QR_SVG, _from(lot_number=pl.lit("L999"))),
    Sabotage(
        "another lot in one link",
        "single",
        QR_SVG,
        _from(lot_number=pl.when(pl.col("row") == VICTIM).then(pl.lit("L999")).otherwise("lot_number")),
    ),
    Sabotage(
        "the expiry a day late",
        "systematic",
        MATRIX,
        _from(expiry=(pl.col("expiry").cast(pl.Int64) + 1).cast(pl.String)),
    ),
    Sabotage(
        "a best-before date as an expiry",
        "systematic",
        MATRIX,
        _from(expiry=pl.coalesce("expiry", "best_before")),
    ),
    Sabotage("no expiry", "systematic", MATRIX, _from(expiry=pl.lit(None, pl.String))),
    Sabotage("a control character in place of FNC1", "systematic", MATRIX, _no_fnc1),
    Sabotage(
        "no FNC1 between lot and serial",
        "systematic",
        MATRIX | SERIALS,
        _carried(Slot.DATAMATRIX, data=pl.lit("\x1d") + pl.col("data").str.replace_all("\x1d", "")),
    ),
    Sabotage(
        "no production date that was asked for",
        "systematic",
        ASKED,
        _from(production_date=pl.lit(None, pl.String)),
    ),
    Sabotage("another weight", "systematic", ASKED, _from(net_weight_kg=pl.lit("9.999"))),
    Sabotage(
        "a weight ten times too large",
        "systematic",
        ASKED,
        _carried(Slot.DATAMATRIX, data=pl.col("data").str.replace("3103", "3102")),
    ),
    Sabotage(
        "no FNC1 between lot and additional identification",
        "systematic",
        ASKED,
        _carried(Slot.DATAMATRIX, data=pl.lit("\x1d") + pl.col("data").str.replace_all("\x1d", "")),
    ),
    Sabotage("no serial", "systematic", MATRIX | SERIALS, _from(serial_number=pl.lit(None, pl.String))),
    Sabotage(
        "a GTIN with a wrong check digit",
        "systematic",
        MATRIX,
        _carried(Slot.DATAMATRIX, data=pl.col("data").str.replace(GTIN, f"{GTIN[:-1]}3")),
    ),
    Sabotage("another product's GTIN", "systematic", QR_SVG, _from(gtin14=pl.lit("00012345678905"))),
    Sabotage("another resolver", "systematic", QR_SVG, _another_resolver),
    Sabotage(
        "ITF-14 in place of EAN/UPC", "systematic", LINEAR_SVG | PRODUCTS, _from(carrier=pl.lit("itf14"))
    ),
    Sabotage(
        "modules of one symbol flipped beyond correction", "single", QR_SVG, _writer("svg", _modules(_flip))
    ),
    Sabotage(
        "blank symbols", "systematic", QR_SVG, _writer("svg", _modules(lambda modules: modules.fill(0)))
    ),
    Sabotage("two symbols exchanged", "single", QR_PNG, _writer("png", _modules(_swap))),
    # Text.
    Sabotage("the neighbour's text, SVG", "systematic", QR_SVG, _writer("svg", _text(turned))),
    Sabotage("the neighbour's text, PNG", "systematic", QR_PNG, _writer("png", _text(turned))),
    Sabotage("the neighbour's text, EPS", "systematic", LINEAR_EPS, _writer("eps", _text(turned))),
    Sabotage(
        "one digit of one text, SVG", "single", LINEAR_SVG, _writer("svg", _text(_one(with_another_digit)))
    ),
    Sabotage(
        "one digit of one text, PNG", "single", BOTH_PNG, _writer("png", _text(_one(with_another_digit)))
    ),
    Sabotage(
        "one digit of one text, EPS", "single", LINEAR_EPS, _writer("eps", _text(_one(with_another_digit)))
    ),
    Sabotage("ten characters of every text alone", "systematic", QR_PNG, _first_line_only),
    Sabotage("no text under bars", "systematic", LINEAR_SVG | PRODUCTS, _writer("svg", _drawing(hri=False))),
    Sabotage(
        "text nobody asked for", "systematic", MATRIX, _planned(lambda drawing: replace(drawing, hri=True))
    ),
    Sabotage("the neighbour's title", "systematic", QR_SVG, _writer("svg", _text(turned, "titles"))),
    Sabotage(
        "the neighbour's description", "systematic", QR_PNG, _writer("png", _text(turned, "descriptions"))
    ),
    # Size.
    Sabotage(
        "a quiet zone of 2 X around QR Code",
        "systematic",
        QR_SVG,
        _writer("svg", _drawing(quiet_zone=QuietZone(2, 2, 2, 2))),
    ),
    Sabotage(
        "no quiet zone around GS1 DataMatrix",
        "systematic",
        MATRIX,
        _writer("svg", _drawing(quiet_zone=QuietZone(0, 0, 0, 0))),
    ),
    Sabotage(
        "a quiet zone of 5 X beside GS1-128",
        "systematic",
        LINEAR_EPS,
        _writer("eps", _drawing(quiet_zone=QuietZone(5, 5))),
    ),
    Sabotage(
        "nine tenths of X",
        "systematic",
        LINEAR_SVG,
        _planned(lambda drawing: replace(drawing, x_dimension_mm=drawing.x_dimension_mm * 0.9)),
    ),
    Sabotage(
        "nine tenths of X, and not told",
        "systematic",
        QR_SVG,
        _writer(
            "svg",
            lambda group, drawing, captions: (
                group,
                replace(drawing, x_dimension_mm=drawing.x_dimension_mm * 0.9),
                captions,
            ),
        ),
    ),
    Sabotage("a tenth too few pixels per metre", "systematic", QR_PNG, _fewer_pixels_per_metre),
    Sabotage("bars half as high", "systematic", LINEAR_SVG, _writer("svg", _drawing(bar_height_mm=15.0))),
    Sabotage(
        "a prolog whose bars paint nothing",
        "systematic",
        LINEAR_EPS,
        _constant(eps, "_PROLOG", "roll rectfill", "roll pop pop pop pop"),
    ),
    Sabotage(
        "a prolog in white",
        "systematic",
        LINEAR_EPS,
        _constant(eps, "_PROLOG", "0 0 0 1 setcmyk", "0 0 0 0 setcmyk"),
    ),
    # Members.
    Sabotage("two members under each other's names", "single", QR_SVG, _members(_named_as_the_next)),
    Sabotage("a member left out", "counting", QR_SVG, _members(lambda files: files[:-1])),
    Sabotage(
        "a member twice", "counting", QR_SVG, _members(lambda files: [*files, ("again.svg", files[0][1])])
    ),
    Sabotage("a member cut short", "single", LINEAR_SVG, _members(_cut)),
    Sabotage("a bit of the finished archive flipped", "counting", QR_PNG, _damaged),
    # Reports.
    Sabotage(
        "a row of manifest.csv left out", "counting", QR_SVG, in_rows("manifest", lambda rows: rows.head(-1))
    ),
    Sabotage(
        "a row of manifest.csv twice",
        "counting",
        QR_SVG,
        in_rows("manifest", lambda rows: pl.concat([rows, rows.tail(1)])),
    ),
    Sabotage("cells of manifest.csv a row late", "systematic", QR_SVG, in_rows("manifest", a_row_late)),
    Sabotage(
        "one payload of manifest.csv wrong",
        "single",
        QR_SVG,
        in_rows(
            "manifest",
            lambda rows: rows.with_columns(
                payload=pl.when(pl.col("row") == VICTIM + 1).then(pl.lit("x")).otherwise("payload")
            ),
        ),
    ),
    Sabotage("another manifest.csv in the archive", "systematic", QR_SVG, _other_report),
    Sabotage(
        "a row of errors.csv left out",
        "counting",
        QR_SVG | PRODUCTS,
        in_rows("errors", lambda rows: rows.head(-1)),
    ),
    Sabotage(
        "a row of errors.csv twice",
        "counting",
        QR_SVG | PRODUCTS,
        in_rows("errors", lambda rows: pl.concat([rows, rows])),
    ),
    Sabotage(
        "an error told of another entity",
        "single",
        QR_SVG | PRODUCTS,
        in_rows("errors", lambda rows: rows.with_columns(gtin=pl.lit("00000096385074"))),
    ),
)
