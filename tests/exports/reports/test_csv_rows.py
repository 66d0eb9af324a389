"""Cells of CSV files: they never start a formula, and a reader gets every text unchanged."""

import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.imports import ingest
from catalogue.tables import Catalogue
from exports.reports.csv_rows import csv_bytes
from labels_client import tables

_STARTS = "=+-@'\t\r"

texts = st.text() | st.builds("{}{}".format, st.sampled_from(_STARTS), st.text(alphabet=f'{_STARTS}A,"\n'))


@given(texts)
def test_no_cell_of_a_csv_file_starts_a_formula(text: str) -> None:
    [[cell, _]] = csv.reader(
        io.StringIO(csv_bytes(pl.DataFrame({"": [text], "row": 1})).decode(), newline="")
    )
    assert cell[:1] not in frozenset("=+-@\t\r")
    assert cell == (f"'{text}" if text[:1] in frozenset(_STARTS) else text)


@given(st.lists(st.tuples(texts, texts), max_size=8))
def test_a_reader_has_every_text_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("reports") / "manifest.csv"
    table = pl.DataFrame(rows, schema={"lot": pl.String, "serial": pl.String}, orient="row")
    path.write_bytes(b"\xef\xbb\xbflot,serial\r\n" + csv_bytes(table))
    assert [(row["lot"], row["serial"]) for row in tables.rows(path)] == rows


def test_lots_that_differ_in_an_apostrophe_stay_apart() -> None:
    assert csv_bytes(pl.DataFrame({"lot": ["-1", "'-1", "''-1"]})) == b"'-1\r\n''-1\r\n'''-1\r\n"


def test_other_texts_get_no_apostrophe() -> None:
    table = pl.DataFrame({"a": [-1], "b": ["A-1"], "c": [None], "d": ["it's"], "e": [""]})
    assert csv_bytes(table) == b"-1,A-1,,it's,\r\n"


def test_files_to_be_imported_again_hold_the_values_as_they_came(tmp_path: Path) -> None:
    lots = tmp_path / "lots.csv"
    lots.write_text("gtin,lot_number\n-1,A\n'=2,B\n", encoding="utf-8")
    report = ingest.import_files(
        Catalogue(str(tmp_path / "catalogue")), "acme", rejects_dir=tmp_path / "rejects", lots=lots
    )
    rejects = report.tables[0].rejects_file
    assert rejects is not None
    with rejects.open(encoding="utf-8", newline="") as lines:
        assert [row["value"] for row in csv.DictReader(lines) if row["column"] == "gtin"] == ["-1", "'=2"]
