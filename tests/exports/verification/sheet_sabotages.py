"""Faults in sheets of labels."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from exports.sheets import pages as sheet_pages
from exports.sheets import reports
from renderers.sheets import pages as pdf_pages
from renderers.sheets import placement
from renderers.sheets.placement import SheetLabels
from renderers.symbol import MatrixSymbols
from tests.exports.verification.sabotage import (
    VICTIM,
    Patch,
    Sabotage,
    a_row_late,
    in_rows,
    with_another_digit,
)

#: Three empty cells in front, then two labels of each lot.
FIRST_CELL = 3
SHEET: dict[str, object] = {
    "export_type": "sheet_pdf",
    "file_format": "pdf",
    "asset_config": {"sheet_template": "avery_5160", "copies": 2, "start_position": FIRST_CELL + 1},
}


def _labels(change: Callable[[SheetLabels], SheetLabels]) -> Callable[[Patch], None]:
    """Return a fault in the labels that are drawn on the pages."""
    on = sheet_pages.labels_on
    return lambda patch: patch.setattr(sheet_pages, "labels_on", lambda *given: change(on(*given)))


def _in_group(change: Callable[[Any], Any]) -> Callable[[SheetLabels], SheetLabels]:
    return lambda labels: replace(labels, groups=[change(labels.groups[0]), *labels.groups[1:]])


def _without(group: Any) -> Any:
    kept = np.arange(len(group.symbols.positions)) != VICTIM
    symbols = replace(
        group.symbols, positions=group.symbols.positions[kept], modules=group.symbols.modules[kept]
    )
    return replace(
        group,
        symbols=symbols,
        hri=[[text for text, keep in zip(line, kept, strict=True) if keep] for line in group.hri],
        lines=[[text for text, keep in zip(line, kept, strict=False) if keep] for line in group.lines],
    )


def _twice(labels: SheetLabels) -> SheetLabels:
    """Draw the first label once more, in the first of the empty cells in front."""
    first = labels.groups[0]
    groups = [
        replace(group, symbols=replace(group.symbols, positions=group.symbols.positions + 1))
        for group in labels.groups
    ]
    symbols = MatrixSymbols(np.zeros(1, np.intp), first.symbols.modules[:1])
    again = replace(
        first, symbols=symbols, hri=[line[:1] for line in first.hri], lines=[line[:1] for line in first.lines]
    )
    return replace(labels, cells=np.concatenate([[0], labels.cells]), groups=[again, *groups])


def _exchanged(labels: SheetLabels) -> SheetLabels:
    """Exchange the symbols of two entities, each with both its copies."""

    def change(group: Any) -> Any:
        order = np.arange(len(group.symbols.positions))
        at = 2 * VICTIM
        order[at : at + 4] = order[[at + 2, at + 3, at, at + 1]]
        return replace(group, symbols=replace(group.symbols, modules=group.symbols.modules[order]))

    return _in_group(change)(labels)


def _one_copy(group: Any) -> Any:
    modules = group.symbols.modules.copy()
    at = 2 * VICTIM
    modules[at + 1] = modules[at + 2]
    return replace(group, symbols=replace(group.symbols, modules=modules))


def _sheet_text(change: Callable[[list[str]], list[str]]) -> Callable[[SheetLabels], SheetLabels]:
    return _in_group(lambda group: replace(group, hri=[change(list(line)) for line in group.hri]))


def _a_page_later(labels: SheetLabels) -> SheetLabels:
    """Put the labels of an entity where the next one's belong, and the other way round."""
    position = np.arange(len(labels.cells))
    at = 2 * VICTIM
    position[at : at + 4] = position[[at + 2, at + 3, at, at + 1]]
    return replace(
        labels,
        groups=[
            replace(group, symbols=replace(group.symbols, positions=position[group.symbols.positions]))
            for group in labels.groups
        ],
    )


def _smaller_pages(patch: Patch) -> None:
    head = pdf_pages.page_head
    patch.setattr(
        pdf_pages,
        "page_head",
        lambda document: head(
            replace(document, calibration=replace(document.calibration, scale_percent=93.0))
        ),
    )


def _text_over_the_quiet_zone(patch: Patch) -> None:
    texts = placement.texts

    def wrong(document: Any, group: Any) -> list[Any]:
        return [replace(text, x=text.x - 3 * group.layout.x_dots) for text in texts(document, group)]

    patch.setattr(placement, "texts", wrong)


SHEET_SABOTAGES: Sequence[Sabotage] = (
    Sabotage(
        "a row of manifest.csv twice, another left out",
        "counting",
        SHEET,
        in_rows("manifest", lambda rows: pl.concat([rows.head(1), rows.head(-1)])),
    ),
    Sabotage(
        "cells of a sheet's manifest.csv a row late", "systematic", SHEET, in_rows("manifest", a_row_late)
    ),
    Sabotage("a label left out", "counting", SHEET, _labels(_in_group(_without))),
    Sabotage(
        "a label once too often",
        "counting",
        SHEET,
        _labels(lambda labels: _twice(labels) if labels.cells[0] == FIRST_CELL else labels),
    ),
    Sabotage("two symbols of a sheet exchanged", "single", SHEET, _labels(_exchanged)),
    Sabotage("one copy that shows another symbol", "single", SHEET, _labels(_in_group(_one_copy))),
    Sabotage("labels in each other's places", "single", SHEET, _labels(_a_page_later)),
    Sabotage(
        "the neighbour's text on every label",
        "systematic",
        SHEET,
        _labels(_sheet_text(lambda texts: [*texts[2:], *texts[:2]])),
    ),
    Sabotage(
        "one digit of one label's text",
        "single",
        SHEET,
        _labels(
            _sheet_text(
                lambda texts: [
                    with_another_digit(text) if number // 2 == VICTIM else text
                    for number, text in enumerate(texts)
                ]
            )
        ),
    ),
    Sabotage("pages scaled to 93 %", "systematic", SHEET, _smaller_pages),
    Sabotage("text over the quiet zone", "systematic", SHEET, _text_over_the_quiet_zone),
    Sabotage(
        "places of labels told one late",
        "systematic",
        SHEET,
        lambda patch: patch.setattr(
            reports,
            "places",
            lambda _plan, sheet, rows: pl.Series(
                "file", [f"page 1 label {sheet.cell(label) + 2}" for label in rows["first_label"]]
            ),
        ),
    ),
)
