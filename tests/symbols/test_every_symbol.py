"""Every symbol of every kind of export is decoded to the expected text, with each rasteriser and resolution.

`entities` derives the expected text from the entity alone.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import biip
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports.jobs.plan import ExportPlan
from exports.requests.export_types import FORMATS_OF, ExportType, RequestedFormat
from exports.symbols.symbol_files import draw
from exports.verification.formats.eps_picture import picture_of
from renderers.engine import Engine
from tests.decoding import Reading
from tests.exports.conftest import plan_for
from tests.symbols import pictures
from tests.symbols.entities import (
    SCOPES,
    SYMBOLS_OF,
    Entity,
    carries_gtin_alone,
    elements_of,
    entities,
    frame_of,
    random_entities,
    readings_of,
)

FULL = os.environ.get("LABELS_TEST_FULL") == "1"
# How many times as many random entities the full tests draw.
MORE = 8 if FULL else 1
RESOLVER = "https://id.gs1.org"
EXPORTS = (
    ("qr_codes", "svg"), ("qr_codes", "png"),
    ("datamatrix", "svg"), ("datamatrix", "png"),
    ("barcodes_1d", "svg"), ("barcodes_1d", "eps"),
    ("codes_combined", "svg"), ("codes_combined", "png"), ("codes_combined", "eps"),
)  # fmt: skip
SVG_EXPORTS = [kind for kind in EXPORTS if kind[1] == "svg"]
EPS_EXPORTS = [kind for kind in EXPORTS if kind[1] == "eps"]


def plan_of(export_type: str, file_format: str, scope: str, dpi: int | None = None) -> ExportPlan:
    config = {"asset_config": {"dpi": dpi}} if file_format == "png" else {}
    return plan_for(scope=scope, export_type=export_type, file_format=file_format, **config)


def files_of(plan: ExportPlan, members: list[Entity]) -> list[bytes]:
    """Return the files of all entities, none of which may fail."""
    drawn = draw(plan, frame_of(plan.request.scope, members))
    assert drawn.errors.is_empty()
    assert drawn.symbols.height == len(drawn.files)
    return drawn.files


def require_says(
    plan: ExportPlan, members: list[Entity], read: Sequence[list[Reading]], resolver: str = RESOLVER
) -> None:
    """Fail unless each entity's symbols, in turn, were read as what they must say, and mean it to a parser."""
    scope, symbols = plan.request.scope.value, SYMBOLS_OF[plan.request.export_type.value]
    wanted = [(symbol, member) for member in members for symbol in symbols]
    assert len(read) == len(wanted)
    for (symbol, member), found in zip(wanted, read, strict=True):
        assert len(found) == 1, (symbol, member, found)
        assert found[0] in readings_of(symbol, scope, member, resolver), (symbol, member)
        require_means(found[0], symbol, scope, member, resolver)


def require_means(reading: Reading, symbol: str, scope: str, member: Entity, resolver: str) -> None:
    """Fail unless biip, and urllib for a link, find the entity's own values in the reading."""
    identifier, message = reading[0], reading[1].decode("ascii")
    wanted = elements_of(symbol, member)
    parsed = biip.parse(message if symbol == "qr" else identifier + message)
    assert parsed.gtin is not None
    assert parsed.gtin.as_gtin_14() == member.gtin14
    if carries_gtin_alone(symbol, scope):
        return
    if symbol == "qr":
        assert link_elements(message, resolver) == dict(wanted)
        assert parsed.gs1_digital_link_uri is not None
        found = parsed.gs1_digital_link_uri.element_strings
        assert {element.ai.ai: element.value for element in found} == dict(wanted)
    else:
        assert parsed.gs1_message is not None
        found = parsed.gs1_message.element_strings
        assert [(element.ai.ai, element.value) for element in found] == wanted


def link_elements(link: str, resolver: str) -> dict[str, str]:
    parts = urlsplit(link)
    stem = urlsplit(resolver)
    assert (parts.scheme, parts.netloc, parts.fragment) == (stem.scheme, stem.netloc, "")
    steps = parts.path.removeprefix(stem.path).split("/")[1:]
    path = zip(steps[::2], map(unquote, steps[1::2]), strict=True)
    return {**dict(path), **dict(parse_qsl(parts.query, strict_parsing=True) if parts.query else ())}


def read_all(
    files: Sequence[bytes], rasteriser: pictures.Rasteriser, dpi: int, folder: Path
) -> list[list[Reading]]:
    return [pictures.read(picture) for picture in rasteriser(files, dpi, folder)]


def test_the_table_of_exports_is_complete() -> None:
    offered = {
        (kind, form)
        for kind in ExportType
        for form in FORMATS_OF[kind]
        # Sheets and rolls have tests of their own.
        if form not in {RequestedFormat.PDF, RequestedFormat.ZPL}
    }
    assert set(EXPORTS) == offered
    assert set(SYMBOLS_OF) == {kind for kind, _ in EXPORTS}


@pytest.mark.parametrize("dpi", pictures.PRINTERS_DPI)
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(("export_type", "file_format"), [kind for kind in EXPORTS if kind[1] != "eps"])
def test_svg_and_png_decode(export_type: str, file_format: str, scope: str, dpi: int, tmp_path: Path) -> None:
    plan = plan_of(export_type, file_format, scope, dpi)
    members = random_entities(f"{export_type} {scope} {dpi}", scope, MORE * 900 // dpi)
    rasteriser = {"svg": pictures.resvg, "png": pictures.png}[file_format]
    require_says(plan, members, read_all(files_of(plan, members), rasteriser, dpi, tmp_path))


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(("export_type", "file_format"), EPS_EXPORTS)
def test_eps_decodes_without_an_interpreter(export_type: str, file_format: str, scope: str) -> None:
    plan = plan_of(export_type, file_format, scope)
    members = random_entities(f"eps {export_type} {scope}", scope, MORE * 8)
    files = files_of(plan, members)
    require_says(plan, members, [pictures.read(picture_of(file)) for file in files])


@pytest.mark.parametrize("dpi", pictures.PRINTERS_DPI)
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(("export_type", "file_format"), EPS_EXPORTS)
def test_eps_decodes_in_ghostscript(
    export_type: str, file_format: str, scope: str, dpi: int, tmp_path: Path
) -> None:
    plan = plan_of(export_type, file_format, scope)
    members = random_entities(f"gs {export_type} {scope} {dpi}", scope, MORE * 2)
    require_says(plan, members, read_all(files_of(plan, members), pictures.ghostscript, dpi, tmp_path))


@pytest.mark.skipif(not FULL, reason="a second rasteriser is for the full tests")
@pytest.mark.parametrize("dpi", pictures.PRINTERS_DPI)
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(
    ("export_type", "file_format", "rasteriser"),
    [
        *((*kind, pictures.librsvg) for kind in SVG_EXPORTS),
        *((*kind, pictures.poppler) for kind in EPS_EXPORTS),
    ],
)
def test_a_second_rasteriser_agrees(
    export_type: str,
    file_format: str,
    rasteriser: pictures.Rasteriser,
    scope: str,
    dpi: int,
    tmp_path: Path,
) -> None:
    plan = plan_of(export_type, file_format, scope)
    members = random_entities(f"second {export_type} {scope} {dpi}", scope, 4_500 // dpi)
    require_says(plan, members, read_all(files_of(plan, members), rasteriser, dpi, tmp_path))


@pytest.mark.parametrize("scope", SCOPES)
def test_our_picture_of_an_eps_is_ghostscripts(scope: str, tmp_path: Path) -> None:
    """At the same resolution, pixel by pixel: what the service verifies is what an interpreter draws."""
    plan = plan_of("codes_combined", "eps", scope)
    for number, file in enumerate(files_of(plan, random_entities(f"picture {scope}", scope, 4))):
        eps, ours = without_text(file), np.array(picture_of(file)) < 128
        folder = tmp_path / str(number)
        folder.mkdir()
        [drawn] = pictures.ghostscript([eps], PICTURE_POINTS / points_per_x(eps), folder)
        # The bounding box is in whole points from the lower left corner; ours is the picture's own.
        theirs = np.array(drawn.convert("L"))[::-1][: ours.shape[0], : ours.shape[1]] < 128
        assert ours.any()
        # Bars end in the midst of a pixel row, which Ghostscript inks: two heights, or two bearer bars.
        differing = (ours[::-1] != theirs).any(axis=1)
        assert differing.sum() <= (2 if eps != file else 0)
        assert not (ours[::-1] & ~theirs).any()


# Dots per inch at which a point-wide X takes the eight pixels that our pictures give it.
PICTURE_POINTS = 8 * 72


def points_per_x(eps: bytes) -> float:
    [line] = [line for line in eps.split(b"\n") if line.endswith(b" dup scale")]
    return float(line.split()[0])


def without_text(eps: bytes) -> bytes:
    """Return a linear symbol's file without what follows its last bar; that of a matrix symbol as it is."""
    lines = eps.split(b"\n")
    bars = [number for number, line in enumerate(lines) if line.endswith((b" b", b" g"))]
    end = lines.index(b"grestore end")
    return b"\n".join([*lines[: bars[-1] + 1], *lines[end:]]) if bars else eps


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(("export_type", "file_format"), EXPORTS)
def test_the_reference_engine_says_the_same(
    export_type: str, file_format: str, scope: str, tmp_path: Path
) -> None:
    plan = replace(plan_of(export_type, file_format, scope), engine=Engine.REFERENCE)
    members = random_entities(f"reference {export_type} {scope}", scope, MORE * 2)
    files = files_of(plan, members)
    if file_format == "eps":
        read = [pictures.read(picture_of(file)) for file in files]
    else:
        read = read_all(files, {"svg": pictures.resvg, "png": pictures.png}[file_format], 300, tmp_path)
    require_says(plan, members, read)


@settings(deadline=None, max_examples=MORE * 40)
@given(st.data())
def test_any_entity_decodes(data: st.DataObject) -> None:
    export_type, file_format = data.draw(st.sampled_from(EXPORTS))
    scope = data.draw(st.sampled_from(SCOPES))
    dpi = data.draw(st.sampled_from(pictures.PRINTERS_DPI))
    members = data.draw(st.lists(entities(scope), min_size=1, max_size=3))
    plan = plan_of(export_type, file_format, scope, dpi)
    files = files_of(plan, members)
    if file_format == "eps":
        read = [pictures.read(picture_of(file)) for file in files]
    else:
        read = read_all(files, {"svg": pictures.resvg, "png": pictures.png}[file_format], dpi, Path())
    require_says(plan, members, read)
