"""Designs on rolls: two symbols, lines of a design, and what is refused. Each export verifies its labels."""

import json
import re
from dataclasses import replace

import pytest

from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.designs.chosen import require_applicable
from exports.designs.document import BUILT_IN, DUAL_NAME, Design
from exports.errors import InvalidRequest, SymbolDoesNotDecode
from exports.jobs.plan import ExportPlan
from exports.sheets.check import require_possible
from renderers.zpl import text
from tests.exports import conftest
from tests.exports.conftest import Import, plan_for

GTIN = "09506000134352"

LINES = Design.model_validate_json(
    json.dumps(
        {
            "version": 1,
            "lines": [
                {"text": "{name}", "place": "above", "weight": "bold", "optional": 1},
                {"text": "LOT {lot}", "align": "left"},
                {"text": "USE BY {expiry:DD MMM YYYY}", "align": "right"},
            ],
        }
    )
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


@pytest.mark.parametrize("rotate", [0, 180])
@pytest.mark.parametrize("template", ["thermal_4x6in", "thermal_2x1in"])
def test_lines_of_a_design_are_pictures(
    catalogue: Catalogue, store: ArtefactStore, template: str, rotate: int
) -> None:
    plan = roll_of(LINES, sheet_template=template, symbology="datamatrix", rotate=rotate)
    for label in labels_of(plan, catalogue, store):
        assert "LOT" not in label
        assert label.count("^GF") in {2, 3}
        assert len(re.findall(r"\^FD", label)) >= 2


def test_a_line_that_is_not_drawn_is_found(
    catalogue: Catalogue, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = text._picture
    monkeypatch.setattr(
        text,
        "_picture",
        lambda media, style, words, *rest: (
            "" if words.startswith("LOT") else drawn(media, style, words, *rest)
        ),
    )
    with pytest.raises(SymbolDoesNotDecode, match="lacks 'LOT L000'"):
        labels_of(roll_of(LINES, symbology="datamatrix"), catalogue, store)


def test_a_logo_is_refused() -> None:
    square = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rect width="1" height="1"/></svg>'
    logo = Design.model_validate_json(json.dumps({"version": 1, "logo": {"svg": square, "height_mm": 5}}))
    plan = roll_of(logo)
    with pytest.raises(InvalidRequest) as caught:
        require_applicable(plan.request, logo)
    [fault] = caught.value.details
    assert (fault["loc"], fault["type"]) == (["body", "asset_config", "design"], "incoherent_setting")
