"""No value of a catalogue, a manifest or the print history becomes a part of a page, whichever column it is in.

Imports refuse most of these values. The pages do not rely on that, so the values are put where the pages read them; the
cases are made from the tables' columns, so that no new one is forgotten.
"""

from dataclasses import fields, replace
from datetime import UTC, datetime

import polars as pl
import pytest

from catalogue import contents
from catalogue.schema import MANIFEST
from catalogue.selection import Scope
from exports.jobs.manifest_search import Found
from exports.previews.job_details import JobDetails
from exports.previews.preview import PreviewFailure
from exports.reads import ExportReads, PrintEvent, PrintHistory
from tests.web.conftest import HOSTILE, LOTS_AS_QR

_COLUMNS = [(scope, column) for scope in Scope for column in contents.COLUMNS[scope]]


def require_escaped(text):
    """The text begins by ending the attribute that it may be in, and goes on with an element."""
    assert "<img src=x" not in text
    assert "\"'>" not in text


@pytest.mark.parametrize(("scope", "column"), _COLUMNS, ids=str)
def test_catalogue(manager, monkeypatch, scope, column):
    row = dict.fromkeys(contents.COLUMNS[scope], "1") | {
        "gtin": "09506000134352",
        "active": True,
        column: HOSTILE,
    }
    frame = pl.DataFrame([row], schema_overrides={column: pl.String})
    monkeypatch.setattr(contents, "uncounted", lambda *_, **__: (frame, False))
    answer = manager.get(f"/catalogue/{scope.value}")
    assert answer.status_code == 200
    require_escaped(answer.text)


@pytest.mark.parametrize("column", [name for name in MANIFEST.names() if name != "row"])
def test_rows_of_a_job(manager, things, monkeypatch, column):
    row = dict.fromkeys(MANIFEST.names(), "1") | {"row": 0, column: HOSTILE}
    monkeypatch.setattr(ExportReads, "rows", lambda *_, **__: Found([row], None))
    answer = manager.get(f"/jobs/{things.job}/rows")
    assert answer.status_code == 200
    require_escaped(answer.text)


@pytest.mark.parametrize(
    "column", ["entity_id", "gtin", "lot", "serial", "code", "reason"]
)  # those of errors.csv
def test_failures_of_a_job(manager, things, monkeypatch, column):
    failure = dict.fromkeys([field.name for field in fields(PreviewFailure)], "1") | {column: HOSTILE}
    monkeypatch.setattr(ExportReads, "details", lambda *_: JobDetails(None, None, [], [failure]))
    answer = manager.get(f"/jobs/{things.job}")
    assert answer.status_code == 200
    require_escaped(answer.text)


@pytest.mark.parametrize("column", [field.name for field in fields(PreviewFailure)])
def test_failures_of_a_preview(manager, monkeypatch, column):
    failure = PreviewFailure(
        **dict.fromkeys([field.name for field in fields(PreviewFailure)], "1") | {column: HOSTILE}
    )
    preview = ExportReads.preview

    def failing(*given, **options):
        return replace(preview(*given, **options), failures=[failure])

    monkeypatch.setattr(ExportReads, "preview", failing)
    for path, form in (
        ("/exports/new/preview", LOTS_AS_QR),
        ("/new-design/preview", {"document": '{"version": 1}'}),
    ):
        answer = manager.post(path, form)
        assert answer.status_code == 200
        require_escaped(answer.text)


@pytest.mark.parametrize("column", [field.name for field in fields(PrintEvent)])
def test_print_history(manager, monkeypatch, column):
    values = dict.fromkeys([field.name for field in fields(PrintEvent)], "1")
    values |= {"event_type": "REPRINTED", "occurred_at": datetime(2026, 3, 31, tzinfo=UTC)}
    values |= {"carried": {HOSTILE: HOSTILE}, "lines": [HOSTILE]}
    if column not in {"occurred_at", "carried", "lines", "event_type"}:
        values[column] = HOSTILE
    found = PrintHistory([PrintEvent(**values)], 1)
    monkeypatch.setattr(ExportReads, "print_history", lambda *_, **__: found)
    answer = manager.get("/history")
    assert answer.status_code == 200
    assert "&lt;img src=x onerror" in answer.text
    require_escaped(answer.text)
