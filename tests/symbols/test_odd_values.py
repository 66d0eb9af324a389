"""Values that have caused errors in encoders, links and files: CSET 82, separators, quotes, longest values."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from exports.symbols.drawn import manifest_rows
from exports.symbols.symbol_files import draw
from exports.verification.formats.eps_picture import picture_of
from tests.exports.conftest import plan_for
from tests.symbols import pictures
from tests.symbols.entities import CSET_82, Entity, frame_of
from tests.symbols.test_every_symbol import EXPORTS, files_of, plan_of, read_all, require_says

GTIN = "09506000134352"
# Case table: lot, why it is here.
ODD = (
    ("%", "what starts an escape in a link"),
    ("%41", "an escape already: A to whoever decodes twice"),
    ("%1D", "an escaped separator"),
    ("\"'", "both quotes, for the SVG's attributes"),
    ("<a>&amp;</a>", "markup, and an entity"),
    ("(10)A(21)B", "Application Identifiers in parentheses"),
    (")%/(", "parentheses that do not match, for the EPS's title"),
    ("a/../b", "a path that a client would shorten"),
    ("...", "not a dot segment"),
    ("?17=270331", "a query"),
    ("+", "a blank to whoever reads a form"),
    ("=1+1", "a formula to a spreadsheet"),
    ("00000000000000000000", "as many zeros as fit"),
    ("1", "the shortest, and half a pair of digits"),
    ("12345a", "an odd number of digits, then a letter"),
    ("a12b345c6789d", "runs of digits of every length"),
    ("_", "what is no separator in a file's name"),
)
# Twenty at a time, so that each character stands in some lot, and the first and the last once more.
WHOLE_SET = [CSET_82[start : start + 20] for start in range(0, len(CSET_82), 20)]
# Letters and digits in turn: no pair of digits that one symbol character could carry.
WORST_LOT = "a1b2c3d4e5f6g7h8i9j0"


@pytest.mark.parametrize(("export_type", "file_format"), EXPORTS)
@pytest.mark.parametrize("scope", ["lots", "serials"])
def test_odd_lots_and_serials(export_type: str, file_format: str, scope: str, tmp_path: Path) -> None:
    values = [lot for lot, _ in ODD] + WHOLE_SET
    members = [Entity(GTIN, value, value[::-1] if scope == "serials" else None, "270331") for value in values]
    plan = plan_of(export_type, file_format, scope, 203)
    files = files_of(plan, members)
    if file_format == "eps":
        read = [pictures.read(picture_of(file)) for file in files]
    else:
        read = read_all(files, {"svg": pictures.resvg, "png": pictures.png}[file_format], 203, tmp_path)
    require_says(plan, members, read)
    names = draw(plan, frame_of(scope, members)).symbols["file"].str.to_lowercase()
    assert names.n_unique() == len(names)


def test_a_gs1_128_in_whose_bars_the_decoder_sees_an_ean_13(tmp_path: Path) -> None:
    plan, members = plan_of("codes_combined", "png", "lots", 203), [Entity("01000000000009", "0")]
    require_says(plan, members, read_all(files_of(plan, members), pictures.png, 203, tmp_path))


def test_the_table_holds_the_whole_set() -> None:
    assert len(set("".join(WHOLE_SET))) == 82
    assert set("".join(lot for lot, _ in ODD)) <= set(CSET_82)


@pytest.mark.parametrize("lot", [".", ".."])
def test_what_a_link_cannot_carry_is_refused_and_the_others_are_drawn(lot: str) -> None:
    frame = frame_of("lots", [Entity(GTIN, "A"), Entity(GTIN, lot), Entity(GTIN, "B")])
    drawn = draw(plan_for(), frame)
    assert drawn.symbols["row"].to_list() == [1, 3]
    assert drawn.errors.select("row", "lot", "code").rows() == [(2, lot, "invalid_path_segment")]
    assert len(draw(plan_for(export_type="datamatrix"), frame).files) == 3


@pytest.mark.parametrize("dpi", pictures.PRINTERS_DPI)
@pytest.mark.parametrize("file_format", ["svg", "eps"])
def test_the_widest_gs1_128_is_drawn_smaller_and_reads(file_format: str, dpi: int, tmp_path: Path) -> None:
    """440 X with quiet zones: 165.10 mm, the most GS1 allows, are reached at an X-dimension of 0.375 mm."""
    member = Entity(GTIN, WORST_LOT, None, "270331")
    plan = plan_of("barcodes_1d", file_format, "lots")
    drawn = draw(plan, frame_of("lots", [member]))
    [row] = manifest_rows(drawn.symbols).rows(named=True)
    assert (row["modules"], row["x_dimension_mm"]) == ("420", "0.375")
    assert row["note"] == "X reduced from 0.495 mm to stay within the greatest width GS1 allows"
    rasteriser = {"svg": pictures.resvg, "eps": pictures.ghostscript}[file_format]
    require_says(plan, [member], read_all(drawn.files, rasteriser, dpi, tmp_path))


def test_the_widest_gs1_128_is_as_wide_as_it_says() -> None:
    member = Entity(GTIN, WORST_LOT, None, "270331")
    [svg] = files_of(plan_of("barcodes_1d", "svg", "lots"), [member])
    assert ET.fromstring(svg).attrib["width"] == "165mm"
    [eps] = files_of(plan_of("barcodes_1d", "eps", "lots"), [member])
    box = re.search(rb"^%%HiResBoundingBox: 0 0 ([\d.]+) ", eps, re.MULTILINE)
    assert box is not None
    assert float(box[1]) == pytest.approx(165 * 72 / 25.4, abs=0.001)


def test_asking_for_a_large_x_does_not_make_it_wider() -> None:
    plan = plan_for(export_type="barcodes_1d", asset_config={"module_size_mm": 1.016})
    drawn = draw(plan, frame_of("lots", [Entity(GTIN, WORST_LOT, None, "270331"), Entity(GTIN, "1")]))
    assert drawn.symbols["x_dimension_mm"].to_list() == ["0.375", "0.882"]
    narrow = drawn.symbols["modules"][1]
    assert (int(narrow) + 20) * 0.882 <= 165.10 < (int(narrow) + 20) * 0.883


@pytest.mark.parametrize(
    ("resolver", "reason"),
    [
        ("https://example.com/gs1/dl", "a path"),
        ("http://example.com:8443", "a port, and no TLS"),
        ("https://example.com/products/01000", "a path of digits"),
        ("https://id.example.com/a%20b", "a path with an escape"),
    ],
)
def test_resolvers(resolver: str, reason: str, tmp_path: Path) -> None:
    members = [Entity(GTIN, "A/B%", None, "270331"), Entity("00000096385074", "\"'", None, None, "270400")]
    plan = replace(plan_of("qr_codes", "svg", "lots"), resolver=resolver)
    read = read_all(files_of(plan, members), pictures.resvg, 300, tmp_path)
    require_says(plan, members, read, resolver)


def test_the_slash_behind_a_resolver_is_not_doubled(tmp_path: Path) -> None:
    plan = replace(plan_of("qr_codes", "svg", "lots"), resolver="https://example.com/gs1/")
    members = [Entity(GTIN, "A")]
    read = read_all(files_of(plan, members), pictures.resvg, 300, tmp_path)
    require_says(plan, members, read, "https://example.com/gs1")
