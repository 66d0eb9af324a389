"""Fragments of ZPL joined to a file."""

import io
from dataclasses import replace
from hashlib import sha256

import pytest

from exports.sheets import pages
from exports.sheets import plan as sheet_plan
from renderers.sheets.templates import template
from renderers.zpl.writer import CorruptZpl, ZplFragment, ZplFragmentWriter, join
from tests.rolls.jobs import plan_of
from tests.sheets import jobs


def fragments(rows: int, at: int) -> list[tuple[ZplFragment, io.BytesIO]]:
    """Return the labels of rows before and from `at` on."""
    plan, frame = plan_of(symbology="datamatrix"), jobs.lots(rows)
    sheet = sheet_plan.plan_sheets(plan, template("thermal_4x6in"), rows, lambda: iter([frame]))
    labels = pages.labels_on(sheet, pages.encode(plan, sheet, frame), 0, rows)
    made: list[tuple[ZplFragment, io.BytesIO]] = []
    for first, last in ((0, at), (at, rows)):
        out = io.BytesIO()
        writer = ZplFragmentWriter(sheet.document, out)
        writer.add(
            pages.labels_on(sheet, pages.encode(plan, sheet, frame[first:last]), first, last),
            [1] * (last - first),
        )
        made.append((writer.close(), out))
        out.seek(0)
    whole = io.BytesIO()
    writer = ZplFragmentWriter(sheet.document, whole)
    writer.add(labels, [1] * rows)
    assert writer.close().data_bytes == sum(fragment.data_bytes for fragment, _ in made)
    return made


def test_a_file_is_its_fragments_in_order() -> None:
    made, out = fragments(7, 3), io.BytesIO()
    summary = join(made, out)
    data = out.getvalue()
    assert data == b"".join(stream.getvalue() for _, stream in made)
    assert (summary.labels, summary.size_bytes, summary.sha256) == (7, len(data), sha256(data).hexdigest())
    assert [line.split(b"^FXlabel ")[1][:1] for line in data.splitlines()] == [b"%d" % n for n in range(1, 8)]


def test_another_fragment_is_found() -> None:
    (first, stream), _ = fragments(4, 2)
    with pytest.raises(CorruptZpl):
        join([(replace(first, sha256="00"), stream)], io.BytesIO())
    stream.seek(5)
    with pytest.raises(CorruptZpl):
        join([(first, stream)], io.BytesIO())
