"""Sheets of a design: what is drawn, recorded, verified and refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from unicodedata import normalize

import polars as pl
import pytest

from exports import printed
from exports.artefacts import ArtefactStore
from exports.designs import texts
from exports.designs.chosen import design_of
from exports.designs.document import Design
from exports.errors import SymbolDoesNotDecode
from exports.jobs import parts
from exports.jobs import plan as plans
from exports.jobs.plan import ExportPlan
from exports.sheets import pages
from exports.sheets import plan as sheet_plan
from renderers.sheets.errors import DoesNotFit
from tests.sheets import jobs

LOGO = {
    "svg": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 10"><path d="M0 10L20 0L40 10z"/></svg>',
    "height_mm": 5,
    "align": "left",
    "optional": 1,
}


def design(*lines: dict[str, Any] | str, **members: Any) -> Design:
    given = [{"text": line} if isinstance(line, str) else line for line in lines]
    return design_of(json.dumps({"version": 1, "lines": given, **members}).encode())


RICH = design(
    {"text": "{name}", "place": "above", "weight": "bold", "optional": 2},
    "{lot.title} {lot}",
    {"text": "EXP {expiry:DD MMM YYYY}", "align": "left"},
    {"text": "תוקף {expiry:DD/MM/YYYY} אצווה {lot}", "align": "right"},
    logo=LOGO,
)


def plan_of(made: Design, scope: str = "lots", **config: Any) -> ExportPlan:
    config = {"sheet_template": "avery_5163", "dpi": 300} | config
    return replace(jobs.plan_of(scope, **config), design=made)


def rows(*expiries: str | None) -> pl.DataFrame:
    return jobs.lots(len(expiries), names=("Oat biscuits",)).with_columns(
        expiry=pl.Series(expiries, dtype=pl.String)
    )


def recorded(plan: ExportPlan, store: ArtefactStore, frame: pl.DataFrame) -> list[list[str]]:
    """Return what the print history says that each label shows."""
    manifest = jobs.frozen(plan, [frame], store)
    artefact = jobs.finished(plan, manifest, store)
    assert artefact.failed == 0
    done = [
        part
        for chunk in manifest.chunks()
        if (part := parts.stored(parts.key_of(plan, manifest, chunk), store))
    ]
    return [lines.split("\n") for each in printed.labels(plan, done, store) for lines in each["lines"]]


@pytest.mark.parametrize("symbology", ["qr", "datamatrix", "barcode_1d"])
def test_labels_say_what_their_entity_has_and_the_record_says_it_too(symbology: str, tmp_path: Path) -> None:
    store = ArtefactStore(str(tmp_path))
    frame = rows("270331", "270400", None)
    labels = recorded(plan_of(RICH, symbology=symbology), store, frame)
    for lot, label in zip(("L0000", "L0001", "L0002"), labels, strict=True):
        assert f"BATCH/LOT {lot}" in label
        assert "Oat biscuits" in label
    assert "EXP 31 MAR 2027" in labels[0]
    assert "תוקף 31/03/2027 אצווה L0000" in labels[0]
    # No day is made up, and no date.
    assert "EXP APR 2027" in labels[1]
    assert not [line for line in labels[2] if "EXP" in line or "תוקף" in line]


@pytest.mark.parametrize("weight", ["regular", "bold"])
@pytest.mark.parametrize(
    "text",
    [
        "หมดอายุ {expiry:DD/MM/YYYY}", "समाप्ति {expiry:DD/MM/YYYY} {lot}", "காலாவதி {lot}", "মেয়াদ {lot}", "ផុតកំណត់ {lot}",
        "የሚያበቃበት {lot}", "انتهاء {expiry:YYYY/MM/DD} {lot}", "تاریخ انقضا می\u200cشود {lot}", "Größe ẹ́ {lot}", "שָׁלוֹם {lot}",
    ],
)  # fmt: skip
def test_lines_of_all_scripts_are_drawn_and_verified(text: str, weight: str, tmp_path: Path) -> None:
    [label] = recorded(
        plan_of(design({"text": text, "weight": weight})), ArtefactStore(str(tmp_path)), rows("270331")
    )
    dates = {"{expiry:DD/MM/YYYY}": "31/03/2027", "{expiry:YYYY/MM/DD}": "2027/03/31", "{lot}": "L0000"}
    for placeholder, value in dates.items():
        text = text.replace(placeholder, value)
    assert label[-1] == normalize("NFC", text)


def test_the_hri_of_a_matrix_symbol_may_be_left_to_the_lines(tmp_path: Path) -> None:
    store = ArtefactStore(str(tmp_path))
    labels = recorded(plan_of(design("GTIN {gtin}", "LOT {lot}", hri=False)), store, rows(None))
    assert labels == [["GTIN 09506000000008", "LOT L0000"]]
    linear = recorded(
        plan_of(design("LOT {lot}", hri=False), symbology="barcode_1d"),
        ArtefactStore(str(tmp_path / "1d")),
        rows(None),
    )
    assert linear == [["(01)09506000000008(10)L0000", "LOT L0000"]]


def test_what_does_not_fit_is_told_in_millimetres(tmp_path: Path) -> None:
    crowded = design(*["A LINE OF THE DESIGN THAT MUST BE THERE"] * 12)
    with pytest.raises(DoesNotFit, match=r"needs [\d.]+ x [\d.]+ mm"):
        jobs.exported(
            plan_of(crowded, sheet_template="63up_1in_square_letter"),
            ArtefactStore(str(tmp_path)),
            rows(None),
        )


def test_large_text_is_as_large_as_the_design_asks(tmp_path: Path) -> None:
    store = ArtefactStore(str(tmp_path))
    plan = plan_of(design({"text": "LOT {lot}", "smallest_mm": 4, "largest_mm": 6}))
    jobs.exported(plan, store, rows(None))
    [layout] = sheet_plan.load(plan, store).layouts
    [line] = layout.lines
    assert 4 <= line.size_pt * 0.668 * 25.4 / 72 <= 6.001


def test_a_job_keeps_its_design(tmp_path: Path) -> None:
    store = ArtefactStore(str(tmp_path))
    plan = plan_of(RICH)
    plans.save(plan, store)
    assert plans.load(plan.job_id, store) == plan


#: What a mistake of the drawing code would print.
MISTAKES = {
    "another lot": lambda text: text.str.replace("L0000", "L0001"),
    "another date": lambda text: text.str.replace("31 MAR", "11 MAR"),
    "nothing": lambda text: pl.lit(None, pl.String),
    "a lot in pieces": lambda text: text.str.replace("L0000", "0000L"),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_label_that_says_something_else_is_not_published(
    mistake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed = texts.composed

    def wrong(parts: Any, frame: pl.DataFrame, months: Any = texts.MONTHS) -> pl.Series:
        made = composed(parts, frame, months)
        return (
            made.to_frame("text").select(mistake(pl.col("text")).alias("text")).to_series()
            if made.len()
            else made
        )

    for made in (
        design("LOT {lot} EXP {expiry:DD MMM YYYY}"),
        design("אצווה {lot} תוקף {expiry:DD MMM YYYY}"),
    ):
        plan, store = plan_of(made), ArtefactStore(str(tmp_path / made.lines[0].text[:3]))
        manifest = jobs.frozen(plan, [rows("270331")], store)
        with monkeypatch.context() as patch:
            jobs.render.prepare(plan, manifest, store)
            patch.setattr(
                pages,
                "with_lines",
                lambda labels, made_of, frame, _made=made: labels.with_columns(
                    wrong(texts.parse(_made.lines[0].text), frame).alias("line 0")
                ),
            )
            done = [jobs.render.chunk_to_part(plan, manifest, chunk, store) for chunk in manifest.chunks()]
        with pytest.raises(SymbolDoesNotDecode):
            jobs.assemble.assemble(plan, manifest, done, store)
