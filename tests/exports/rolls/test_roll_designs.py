"""Designs on rolls: two symbols, lines of a design, and a logo. Each export verifies its labels."""

import base64
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.designs.chosen import design_of
from exports.designs.document import BUILT_IN, DUAL_NAME, Design, Line
from exports.errors import InvalidRequest, SymbolDoesNotDecode
from exports.jobs.plan import ExportPlan
from exports.sheets.check import require_possible
from renderers.sheets.document import SheetDocument
from renderers.sheets.placement import PlacedText, SheetLabels
from renderers.zpl import labels as zpl_labels
from renderers.zpl import text
from renderers.zpl.media import Media
from tests.exports import conftest
from tests.exports.conftest import Import, plan_for

GTIN = "09506000134352"

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><path d="M0 20L20 0L40 20z"/>'
    '<circle cx="20" cy="13" r="4" fill="white"/></svg>'
)


def design(*lines: dict[str, Any], **members: Any) -> Design:
    return design_of(json.dumps({"version": 1, "lines": lines, **members}).encode())


def png() -> str:
    picture = Image.linear_gradient("L").resize((90, 30))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


NAMED = {"text": "{name}", "place": "above", "weight": "bold", "optional": 1}
LINES = design(
    NAMED,
    {"text": "LOT {lot}", "align": "left"},
    {"text": "USE BY {expiry:DD MMM YYYY}", "align": "right"},
    {"text": "LOT {lot}", "weight": "bold"},
    {"text": "Größe {lot}"},
    {"text": "תוקף {expiry:DD/MM/YYYY} אצווה {lot}", "align": "right"},
    {"text": "หมดอายุ {expiry:DD/MM/YYYY}"},
)


@pytest.fixture
def catalogue(imported: Import) -> Catalogue:
    lots = [f"{GTIN},L{number:03d},2027-05-{number + 1:02d}" for number in range(5)]
    return imported(
        products=f"gtin,name\n{GTIN},Green tea\n",
        lots="\n".join(["gtin,lot_number,expiration_date", *lots, ""]),
    )


def roll_of(design: Design, job_id: str = "22222222222222222222Ab", **config: object) -> ExportPlan:
    plan = plan_for(
        job_id, export_type="roll_labels", file_format="zpl", asset_config={"design": "ours", **config}
    )
    return replace(plan, design=design)


def labels_of(plan: ExportPlan, catalogue: Catalogue, store: ArtefactStore) -> list[str]:
    require_possible(plan, catalogue, store)
    artefact = conftest.run(plan, catalogue, store)
    assert (artefact.processed, artefact.failed) == (5, 0)
    return store.read(artefact.key).decode("ascii").splitlines()


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("symbology", ["qr", "datamatrix"])
@pytest.mark.parametrize("linear", ["gtin", "element_string"])
def test_two_symbols_are_on_each_label(
    catalogue: Catalogue, store: ArtefactStore, rotate: int, symbology: str, linear: str
) -> None:
    config = {"symbology": symbology, "linear": linear, "rotate": rotate, "offset_x_mm": 0.5}
    plan = roll_of(BUILT_IN[DUAL_NAME], **config)
    for number, label in enumerate(labels_of(plan, catalogue, store)):
        assert label.count("^XA") == 1
        assert ("^BX" in label) == (symbology == "datamatrix")
        linear_text = f"(10)L{number:03d}" if linear == "element_string" else "134352"
        assert linear_text in label


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_plain_lines_are_in_the_printers_font_and_others_are_pictures(
    catalogue: Catalogue, store: ArtefactStore, rotate: int
) -> None:
    plan = roll_of(LINES, symbology="datamatrix", rotate=rotate, offset_y_mm=-0.4)
    for number, label in enumerate(labels_of(plan, catalogue, store)):
        words = re.findall(r"\^A0[^^]*\^FB[^^]*\^FD([^^]*)", label)
        assert words[-2:] == [f"LOT L{number:03d}", f"USE BY {number + 1:02d} MAY 2027"]
        assert label.count("^GF") == 5


@pytest.mark.parametrize("dpi", [203, 300, 600])
def test_a_long_name_shows_its_beginning(imported: Import, store: ArtefactStore, dpi: int) -> None:
    lots = [f"{GTIN},L{number:03d},2027-05-{number + 1:02d}" for number in range(5)]
    catalogue = imported(
        products=f"gtin,name\n{GTIN},{'Grüner Tee aus Ceylon ' * 8}\n",
        lots="\n".join(["gtin,lot_number,expiration_date", *lots, ""]),
    )
    plan = roll_of(
        design({"text": "* {name} *"}), sheet_template="thermal_2x1in", dpi=dpi, symbology="datamatrix"
    )
    assert all(label.count("^GF") == 1 for label in labels_of(plan, catalogue, store))


#: What a mistake of the drawing code would print: (the text of a line) -> another one.
MISTAKES = {
    "nothing": lambda words: "",
    "another lot": lambda words: words.replace("L00", "L01"),
    "another date": lambda words: words.replace("MAY", "JUN").replace("/05/", "/06/"),
    "two values in each other's places": lambda words: words[::-1],
    "another name": lambda words: words.replace("Green", "Black"),
    "a character more": lambda words: f"{words}.",
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("line", LINES.lines, ids=range(len(LINES.lines)))
def test_a_mistake_in_one_line_is_found(
    catalogue: Catalogue, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch, line: Line, mistake: str
) -> None:
    made = LINES.model_copy(update={"lines": (line,)})
    drawn, changed = text.fields, MISTAKES[mistake]

    def fields(media: Media, dpi: int, placed: PlacedText, *corner: int) -> list[str]:
        if not placed.strings[0].startswith("("):
            strings = [*map(changed, placed.strings)]
            if strings == list(placed.strings):
                pytest.skip("the line has nothing of the kind")
            placed = replace(placed, strings=strings)
        return drawn(media, dpi, placed, *corner)

    monkeypatch.setattr(text, "fields", fields)
    with pytest.raises(SymbolDoesNotDecode, match=r"shows the text|lacks the picture"):
        labels_of(roll_of(made, symbology="datamatrix"), catalogue, store)


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("dpi", [203, 300, 600])
@pytest.mark.parametrize("picture", [{"svg": SVG}, {"png": png()}], ids=["svg", "png"])
def test_a_logo_is_on_each_label(
    catalogue: Catalogue, store: ArtefactStore, picture: dict[str, str], dpi: int, rotate: int
) -> None:
    made = design(NAMED, logo={**picture, "height_mm": 9})
    plan = roll_of(made, symbology="datamatrix", dpi=dpi, rotate=rotate, offset_x_mm=0.7)
    labels = labels_of(plan, catalogue, store)
    assert {label.count("^GF") for label in labels} == {2}


def test_a_large_logo_is_drawn_in_strips(catalogue: Catalogue, store: ArtefactStore) -> None:
    plan = roll_of(design(logo={"svg": SVG, "height_mm": 40}), symbology="datamatrix", dpi=600)
    sizes = [
        int(size) for label in labels_of(plan, catalogue, store) for size in re.findall(r"\^GFA,(\d+)", label)
    ]
    assert max(sizes) < 100_000
    assert len(sizes) == 4 * 5


#: What no label of 2 x 1 inches has room for.
TOO_LARGE = {
    "a huge logo": design(logo={"svg": SVG, "height_mm": 150}),
    "endless text": design({"text": "W" * 200}),
    "too many lines": design(*[{"text": "LOT {lot}", "smallest_mm": 2}] * 12),
}


@pytest.mark.parametrize("made", TOO_LARGE.values(), ids=TOO_LARGE)
def test_what_does_not_fit_is_refused_in_millimetres(
    catalogue: Catalogue, store: ArtefactStore, made: Design
) -> None:
    plan = roll_of(made, sheet_template="thermal_2x1in", symbology="datamatrix")
    with pytest.raises(InvalidRequest) as refused:
        require_possible(plan, catalogue, store)
    [fault] = refused.value.details
    assert re.search(r"needs [\d.]+ x [\d.]+ mm", fault["msg"])


#: What a mistake in the logo would print: (its field) -> others.
LOGO_MISTAKES = {
    "no logo": lambda field: "",
    "a logo elsewhere": lambda field: re.sub(r"\^FO(\d+)", lambda at: f"^FO{int(at[1]) + 9}", field),
    "a dot of another colour": lambda field: re.sub(r"F(?=[^F]*\^FS$)", "E", field),
    "two logos": lambda field: (
        field + re.sub(r"(\^FO\d+),(\d+)", lambda at: f"{at[1]},{int(at[2]) + 400}", field)
    ),
}


@pytest.mark.parametrize("mistake", LOGO_MISTAKES)
@pytest.mark.parametrize("every", [True, False], ids=["on all labels", "on one label"])
def test_a_mistake_in_the_logo_is_found(
    catalogue: Catalogue, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch, mistake: str, *, every: bool
) -> None:
    draw = zpl_labels.draw
    logos = set()

    def drawn(document: SheetDocument, labels: SheetLabels, copies: Sequence[int]) -> list[str]:
        made = draw(document, labels, copies)
        [logo] = {field for label in made for field in re.findall(r"\^FO\d+,\d+\^GF[^^]*\^FS", label)}
        logos.add(logo)
        changed = [label.replace(logo, LOGO_MISTAKES[mistake](logo)) for label in made]
        return changed if every else [*made[:2], changed[2], *made[3:]]

    monkeypatch.setattr(zpl_labels, "draw", drawn)
    plan = roll_of(design(logo={"svg": SVG, "height_mm": 9}), symbology="datamatrix")
    with pytest.raises(SymbolDoesNotDecode, match=r"logo|picture that belongs to nothing"):
        labels_of(plan, catalogue, store)
    assert logos
