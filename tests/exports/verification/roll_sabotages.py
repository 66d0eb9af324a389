"""Faults in labels on rolls."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from exports.sheets import pages as sheet_pages
from renderers.sheets.placement import LabelGroup, SheetLabels
from renderers.zpl import labels as zpl_labels
from renderers.zpl import symbols, text
from renderers.zpl.media import Media
from tests.exports.verification.sabotage import (
    VICTIM,
    Patch,
    Sabotage,
    a_row_late,
    in_rows,
    turned,
    with_another_digit,
)

_ROLL: dict[str, object] = {"export_type": "roll_labels", "file_format": "zpl"}
NATIVE = _ROLL | {"asset_config": {"symbology": "datamatrix", "copies": 2}}
PICTURED = _ROLL | {"asset_config": {"symbology": "qr", "rotate": 90}}
BARS = _ROLL | {"asset_config": {"symbology": "barcode_1d", "dpi": 300}}


def _drawn(change: Callable[[list[str]], list[str]]) -> Callable[[Patch], None]:
    """Return a fault in the finished labels."""
    draw = zpl_labels.draw
    return lambda patch: patch.setattr(zpl_labels, "draw", lambda *given: change(draw(*given)))


def _label(change: Callable[[str], str]) -> Callable[[Patch], None]:
    return _drawn(
        lambda labels: [change(label) if at == VICTIM else label for at, label in enumerate(labels)]
    )


def _everywhere(old: str, new: str) -> Callable[[Patch], None]:
    return _drawn(lambda labels: [label.replace(old, new, 1) for label in labels])


def _group(change: Callable[[LabelGroup], LabelGroup]) -> Callable[[Patch], None]:
    on = sheet_pages.labels_on

    def changed(labels: SheetLabels) -> SheetLabels:
        return replace(labels, groups=[change(labels.groups[0]), *labels.groups[1:]])

    return lambda patch: patch.setattr(sheet_pages, "labels_on", lambda *given: changed(on(*given)))


def _modules_turned(group: Any) -> Any:
    modules = group.symbols.modules
    order = [*range(1, len(modules)), 0]
    return replace(group, symbols=replace(group.symbols, modules=modules[order]))


def _other_escape(patch: Patch) -> None:
    patch.setattr(symbols, "ESCAPE", "_")


def _moved(patch: Patch) -> None:
    corner = Media.corner
    patch.setattr(Media, "corner", lambda self, left, *rest: corner(self, left + 700, *rest))


def _text_over_the_symbol(patch: Patch) -> None:
    fields = text.fields
    patch.setattr(
        text,
        "fields",
        lambda media, dpi, placed, left, bottom: fields(media, dpi, placed, left, bottom + 40),
    )


def _not_turned(patch: Patch) -> None:
    patch.setattr(Media, "turned", lambda _, samples: samples)


ROLL_SABOTAGES: Sequence[Sabotage] = (
    Sabotage(
        "rows of a roll's manifest.csv a row late", "systematic", NATIVE, in_rows("manifest", a_row_late)
    ),
    Sabotage(
        "a row of a roll's manifest.csv twice",
        "counting",
        NATIVE,
        in_rows("manifest", lambda rows: pl.concat([rows.head(1), rows.head(-1)])),
    ),
    Sabotage("a label of a roll left out", "counting", NATIVE, _label(lambda _: "")),
    Sabotage("a label of a roll twice", "counting", NATIVE, _label(lambda label: label + label)),
    Sabotage("labels of a roll in another order", "counting", PICTURED, _drawn(turned)),
    Sabotage("another number of copies", "counting", NATIVE, _everywhere("^PQ2", "^PQ3")),
    Sabotage(
        "another lot in one symbol that the printer draws",
        "systematic",
        NATIVE,
        _label(lambda label: label.replace("10L", "10M", 1)),
    ),
    Sabotage(
        "one digit of one label's text on a roll",
        "systematic",
        NATIVE,
        _label(lambda label: label.replace("(17)270", "(17)271", 1)),
    ),
    Sabotage(
        "the neighbour's message in every symbol",
        "systematic",
        NATIVE,
        _group(lambda group: replace(group, data=turned(group.data))),
    ),
    Sabotage("the neighbour's symbol as a picture", "systematic", PICTURED, _group(_modules_turned)),
    Sabotage("the escape that lots may hold", "systematic", NATIVE, _other_escape),
    Sabotage("X of the printer's symbol one dot less", "systematic", NATIVE, _everywhere("^BXN,7", "^BXN,6")),
    Sabotage("no code page", "systematic", NATIVE, _everywhere("^CI28", "")),
    Sabotage("a shift of all fields", "systematic", NATIVE, _everywhere("^LH0,0", "^LH9,0")),
    Sabotage("a command that ends a label early", "systematic", NATIVE, _everywhere("^PQ", "^XZ^XA^PQ")),
    Sabotage("the media of another printer", "systematic", PICTURED, _everywhere("^PW812", "^PW1200")),
    Sabotage("fields beside the label", "systematic", NATIVE, _moved),
    Sabotage("text over the symbol", "systematic", NATIVE, _text_over_the_symbol),
    Sabotage("pictures that are not turned", "systematic", PICTURED, _not_turned),
    Sabotage("bars of another height", "systematic", BARS, _everywhere("^BY", "^FXhigher^FS^BY")),
    Sabotage(
        "another day in every label's text",
        "systematic",
        BARS,
        _group(
            lambda group: replace(
                group, hri=[[with_another_digit(each) for each in line] for line in group.hri]
            )
        ),
    ),
)
