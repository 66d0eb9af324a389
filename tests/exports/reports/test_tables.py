"""Reports are exact in every format: each cell read is the text that was written."""

import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports.errors import TooManyRows
from exports.ports import Report, ReportFormat
from exports.reports import tables
from exports.reports.csv_rows import csv_bytes
from exports.reports.files import COLUMNS, head
from labels_client import tables as client

_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STARTS = "=+-@'\t\r"

#: Case table: a cell's text, why it is here.
ODD = (
    ("-1", "a lot that a spreadsheet takes for a number"),
    ("'-1", "another lot, the same with the apostrophe of a writer that escapes no apostrophes"),
    ("''-1", "and another"),
    ("'", "an apostrophe alone"),
    ("=1+1", "a formula"),
    ("@SUM(A1)", "a formula of old"),
    ("007", "zeros"),
    ("1E5", "a number in another spelling"),
    ("NA", "what some readers take for a missing value"),
    ('A",\r\nB', "what CSV quotes"),
    ("<r>A</r>", "what XlsxWriter takes for rich text"),
    ("_x0041_x0042_", "what Excel reads as AB"),
    ("_x0041\x01", "a character no XML holds, behind what would end an escape"),
    (" A ", "blanks"),
)

texts = st.one_of(
    st.sampled_from([text for text, _ in ODD]),
    st.text(),
    st.builds("{}{}".format, st.sampled_from(_STARTS), st.text(alphabet=f'{_STARTS}A,"\n_x0041<>&')),
)


def manifest(*lots: str) -> bytes:
    """Return a manifest.csv whose rows differ in their lot."""
    rows = pl.DataFrame(
        {"row": range(1, len(lots) + 1), "lot": lots}, schema={"row": pl.Int64, "lot": pl.String}
    )
    columns = [name if name in rows.columns else pl.lit("x").alias(name) for name in COLUMNS[Report.MANIFEST]]
    return head(Report.MANIFEST) + csv_bytes(rows.select(columns))


def converted(content: bytes, wanted: ReportFormat, report: Report = Report.MANIFEST) -> io.BytesIO:
    with tables.converted(io.BytesIO(content), report, wanted) as stream:
        return io.BytesIO(stream.read())


def xlsx_cells(content: io.BytesIO) -> list[dict[str, str]]:
    """Return each row's texts by the letter of their column. Every cell must hold text and nothing else."""
    with zipfile.ZipFile(content) as book, book.open("xl/worksheets/sheet1.xml") as sheet:
        rows = ET.parse(sheet).findall(f"{_SHEET}sheetData/{_SHEET}row")
    found: list[dict[str, str]] = []
    for row in rows:
        cells = {}
        for cell in row:
            assert cell.get("t") == "inlineStr"
            [[text]] = cell
            assert text.tag == f"{_SHEET}t"
            assert not len(text)
            raw = text.text or ""
            kept = text.get("{http://www.w3.org/XML/1998/namespace}space") == "preserve"
            assert raw == raw.strip() or kept
            cells[cell.get("r", "").rstrip("0123456789")] = re.sub(
                "_x([0-9A-Fa-f]{4})_", lambda escape: chr(int(escape[1], 16)), raw
            )
        found.append(cells)
    return found


def every_reader(lots: Sequence[str], folder: Path) -> dict[str, list[str]]:
    """Return the lots as they come out of each format."""
    content = manifest(*lots)
    (folder / "manifest.csv").write_bytes(content)
    parquet = pq.read_table(converted(content, ReportFormat.PARQUET))
    assert parquet["row"].to_pylist() == list(range(1, len(lots) + 1))
    header, *rows = xlsx_cells(converted(content, ReportFormat.XLSX))
    assert list(header.values()) == list(COLUMNS[Report.MANIFEST])
    [letter] = [letter for letter, name in header.items() if name == "lot"]
    return {
        "csv": [row["lot"] for row in client.rows(folder / "manifest.csv")],
        "parquet": [lot or "" for lot in parquet["lot"].to_pylist()],
        "xlsx": [row.get(letter, "") for row in rows],
    }


@given(st.lists(texts, max_size=8))
@settings(deadline=None, max_examples=100)
def test_every_text_comes_back(tmp_path_factory: pytest.TempPathFactory, lots: list[str]) -> None:
    for name, found in every_reader(lots, tmp_path_factory.mktemp("reports")).items():
        assert found == lots, name


@pytest.mark.parametrize(("lot", "reason"), ODD)
def test_odd_texts_come_back(tmp_path: Path, lot: str, reason: str) -> None:
    assert every_reader([lot], tmp_path) == {"csv": [lot], "parquet": [lot], "xlsx": [lot]}, reason


def test_an_empty_cell_is_null_and_a_column_without_rows_has_its_type() -> None:
    errors = head(Report.ERRORS) + b",,09506000134352,,,x,y\r\n"
    table = pq.read_table(converted(errors, ReportFormat.PARQUET, Report.ERRORS))
    assert table.to_pylist() == [
        dict(zip(COLUMNS[Report.ERRORS], (None, None, "09506000134352", None, None, "x", "y"), strict=True))
    ]
    none = pq.read_schema(converted(manifest(), ReportFormat.PARQUET))
    assert [str(field.type) for field in none] == ["int64", *["string"] * (len(none) - 1)]


def test_a_manifest_of_an_earlier_release_has_the_columns_it_had() -> None:
    cells = ",".join(["1", *["''-1"] * 12])
    content = f"{','.join(COLUMNS[Report.MANIFEST][:-1])}\r\n{cells}\r\n".encode()
    table = pq.read_table(converted(content, ReportFormat.PARQUET))
    assert table.column_names == list(COLUMNS[Report.MANIFEST][:-1])
    assert table["lot"].to_pylist() == ["'-1"]


@pytest.mark.parametrize(("most", "fits"), [(2, False), (3, True), (4, True)])
def test_a_sheet_holds_so_many_rows_and_no_more(
    monkeypatch: pytest.MonkeyPatch, most: int, fits: bool
) -> None:
    monkeypatch.setattr(tables, "MAX_XLSX_ROWS", most)
    content = manifest("A", "B", "C")
    if fits:
        assert len(xlsx_cells(converted(content, ReportFormat.XLSX))) == 4
    else:
        with pytest.raises(TooManyRows, match=r"3 rows.*parquet"):
            converted(content, ReportFormat.XLSX)


def test_the_limit_is_a_sheets_without_its_header() -> None:
    assert tables.MAX_XLSX_ROWS == 2**20 - 1


def test_batches_follow_each_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tables, "_BATCH_ROWS", 7)
    monkeypatch.setattr(tables, "_BLOCK_BYTES", 1000)
    lots = [f"-{number}" for number in range(100)]
    assert every_reader(lots, tmp_path) == {"csv": lots, "parquet": lots, "xlsx": lots}
