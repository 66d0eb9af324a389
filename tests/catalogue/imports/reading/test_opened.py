"""Readers: any table in any dialect is read as it was written, and hostile files cost little."""

import csv
import io
import tempfile
import tracemalloc
import zipfile
from datetime import UTC, date, datetime, time
from pathlib import Path

import openpyxl
import polars as pl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.errors import ImportFileError
from catalogue.imports.reading import workbook
from catalogue.imports.reading.opened import Opened, open_path
from tests.faults import FULL, IS_FULL

HEADER = ("gtin", "name", "lot_number")


def is_known(name: str) -> bool:
    return name.strip() in HEADER


def opened(path: Path, **options: int) -> Opened:
    folder = path.parent / "converted"
    folder.mkdir(exist_ok=True)
    return open_path(path, folder, is_known, **options)


def read(path: Path, **options: int) -> list[tuple[int, tuple[str, ...]]]:
    """Return the rows with their numbers; an empty cell is "", and blank rows are left out."""
    frames = [frame.filter(~pl.col("blank")).drop("blank") for frame in opened(path, **options).batches()]
    return [(row[0], tuple(cell or "" for cell in row[1:])) for row in pl.concat(frames).iter_rows()]


def broken(path: Path, **options: int) -> list[tuple[int, str]]:
    return opened(path, **options).broken.select("row", "reason").collect().rows()


# What Windows-1252 can write, with all that CSV must quote. No two of these letters make one of UTF-8's.
_CELLS = st.text(st.sampled_from("aZ09 ,;|\t\"'=\n-.éäÉ"), max_size=8).map(str.strip)
_ROWS = st.lists(st.tuples(*[_CELLS] * len(HEADER)), max_size=20)


@settings(max_examples=150, deadline=None)
@given(
    rows=_ROWS,
    separator=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    has_sep_line=st.booleans(),
    ends=st.booleans(),
)
def test_a_table_is_read_as_it_was_written(
    rows: list[tuple[str, ...]],
    separator: str,
    encoding: str,
    line_end: str,
    quoting: int,
    has_sep_line: bool,
    ends: bool,
) -> None:
    text = io.StringIO()
    # Where lines end in a carriage return, Python's writer leaves a line feed within a cell without quotes.
    quoting = csv.QUOTE_ALL if line_end == "\r" else quoting
    writer = csv.writer(text, delimiter=separator, lineterminator=line_end, quoting=quoting)
    writer.writerows([HEADER, *rows])
    content = f"sep={separator}{line_end}" * has_sep_line + text.getvalue()
    content = content if ends else content.removesuffix(line_end)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(content.encode(encoding))
        found, lost = read(path), broken(path)
    assert lost == []
    assert found == [(number, row) for number, row in enumerate(rows, 2) if any(row)]


@settings(max_examples=25, deadline=None)
@given(rows=_ROWS)
def test_a_workbook_is_read_as_it_was_written(rows: list[tuple[str, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.xlsx"
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet()
            for number, row in enumerate([HEADER, *rows]):
                for column, cell in enumerate(row):
                    sheet.write_string(number, column, cell)
        found = read(path)
    assert found == [(number, row) for number, row in enumerate(rows, 2) if any(row)]


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=200) | st.text("gtiname,;\"'\n\r\t\0é09", max_size=200).map(str.encode))
def test_any_bytes_below_a_header_are_rows_or_refused_rows(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(b"gtin,name,lot_number\n" + content)
        rows, lost = read(path), broken(path)
    numbers = [row for row, *_ in (*rows, *lost)]
    assert len(numbers) == len(set(numbers)), "each row is read once"


# Case table: the lines below the header, the names that are read, and the rows that are refused with their reasons.
BAD_LINES = (
    (b"1,a,\n2,b\n3,c,\n", ["a", "c"], {3: "2 cells, where the header has 3"}),
    (b"1,a,,x\n2,b,,,,\n", ["b"], {2: "4 cells, where the header has 3"}),
    (b'1,"a,\n2,b,\n', ["b"], {2: "a quote that is not closed"}),
    (b'1,"a\nb",\n2,b,\n', ["a\nb", "b"], {}),
    (b'1,"a" b,\n2,b,\n', ["b"], {2: "text behind a closed one"}),
    (b'1,"a ""b""",\n2,5" pipe,\n', ['a "b"', '5" pipe'], {}),
    (b'1,"a\n2,b,\n3,"c",\n', ["b", "c"], {2: "a quote that is not closed"}),
    ("1,é,\n".encode() + b"2,\xe9,\n3,c,\n", ["é", "c"], {3: "bytes that are not in the file's encoding"}),
    (b"1,a\0,\n2,b,\n", ["b"], {2: "a null character"}),
    (b"1,a,\n\n,,\n2,b,\n\n", ["a", "b"], {}),
    (b"1," + b"x" * 200 + b",\n2,b,\n", ["b"], {2: "a line of more than 100 characters"}),
)  # fmt: skip


@pytest.mark.parametrize(("lines", "names", "refused"), BAD_LINES)
def test_a_bad_line_is_one_refused_row(
    tmp_path: Path, lines: bytes, names: list[str], refused: dict[int, str]
) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"gtin,name,lot_number\n" + lines + b"9,\xc3\xa4,\n8,\n")
    found, lost = read(path, line_characters=100), dict(broken(path, line_characters=100))
    assert [row[1][1] for row in found] == [*names, "ä"]
    last = max(lost)
    assert lost.pop(last).startswith("2 cells")
    assert found[-1][0] == last - 1
    assert set(lost) == set(refused)
    assert all(said in lost[row] for row, said in refused.items())


@pytest.mark.parametrize(
    ("content", "name", "encoding"),
    [
        (b"1,caf\xe9", "caf\u00e9", "Windows-1252"),
        (b"1,caf\xc3\xa9", "caf\u00e9", "UTF-8"),
        (b"1,\x93caf\xe9\x94\n", "\u201ccaf\u00e9\u201d", "Windows-1252"),
    ],
)
def test_what_is_no_utf_8_is_windows_1252(tmp_path: Path, content: bytes, name: str, encoding: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"gtin,name\n" + content)
    assert encoding in opened(path).form
    assert read(path) == [(2, ("1", name))]


def test_a_column_without_a_name_need_not_be_there(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("gtin,name,,\n1,a\n2,b,,,\n")
    assert read(path) == [(2, ("1", "a", "", "")), (3, ("2", "b", "", ""))]


@pytest.mark.parametrize(
    ("content", "separator"),
    [
        ("gtin;name, with comma;lot_number\n", ";"),
        ("gtin|name|a;b;c;d\n", "|"),
        ('"gtin","name; x","a;b;c;d"\n', ","),
        ("sep=\t\ngtin,x\tname\n", "\t"),
        ("sep=:\ngtin:name\n", ":"),
    ],
)
def test_the_separator_is_found_from_the_names(tmp_path: Path, content: str, separator: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(content)
    assert opened(path).separator == separator


@pytest.mark.parametrize("columns", [16_384, 16_385, 100_000])
def test_a_header_has_at_most_a_spreadsheets_columns(tmp_path: Path, columns: int) -> None:
    path = tmp_path / "table.csv"
    path.write_text(",".join(["gtin", "name", *["x"] * (columns - 2)]) + "\n" + "1," * (columns - 1) + "1\n")
    if columns > 16_384:
        with pytest.raises(ImportFileError, match="no header that can be read"):
            opened(path)
    else:
        frames = list(opened(path).batches({"gtin": 0, "name": 1}))
        assert [frame.height for frame in frames] == [1]


def test_one_long_line_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    size = (1 << 30) if IS_FULL else (1 << 25)
    with path.open("wb") as stream:
        stream.write(b"gtin,name,lot_number\n1,a,\n2,")
        for _ in range(size >> 20):
            stream.write(b"x" * (1 << 20))
        stream.write(b"\n3,c,\n")
    tracemalloc.start()
    assert broken(path) == [(3, "a line of more than 1,048,576 characters")]
    assert [row[1][1] for row in read(path)] == ["a", "c"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 80 << 20


def test_quotes_that_never_close_cost_linear_time(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    lines = 20_000
    path.write_text("gtin,name,lot_number\n" + f'1,"{"a" * 20},\n' * lines)
    assert len(broken(path)) == lines


def rebuilt(path: Path, sheet: bytes, times: int = 1) -> Path:
    """Write a workbook whose sheet is the given XML, of which the part between two bars comes `times` times."""
    book = openpyxl.Workbook()
    book.active.append(["gtin", "name"])
    plain = io.BytesIO()
    book.save(plain)
    before, repeated, after = sheet.split(b"|")
    with (
        zipfile.ZipFile(plain) as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made,
    ):
        for name in source.namelist():
            if name != "xl/worksheets/sheet1.xml":
                made.writestr(name, source.read(name))
                continue
            with made.open(name, "w", force_zip64=True) as stream:
                space = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
                stream.write(space + before)
                for _ in range(times):
                    stream.write(repeated)
                stream.write(after + b"</sheetData></worksheet>")
    return path


# Case table: a sheet's XML, and how often its middle comes.
BOMBS = (
    (b'<row r="1"><c r="A1"><v>1</v></c></row>||<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>', 1),
    (b'<row r="1"><c r="A1" t="inlineStr"><is><t>|' + b" " * (1 << 20) + b"|</t></is></c></row>", 256),
)


@pytest.mark.parametrize(("sheet", "times"), BOMBS)
def test_a_workbook_that_unpacks_to_more_than_its_memory_is_refused(
    tmp_path: Path, sheet: bytes, times: int
) -> None:
    path = rebuilt(tmp_path / "bomb.xlsx", sheet, times)
    with pytest.raises(ImportFileError, match="cannot be read within 128 MB"):
        workbook.read_sheet(path, None, tmp_path, memory_bytes=128 << 20)


@FULL
def test_a_sheet_of_all_its_rows_is_read_within_a_gigabyte(tmp_path: Path) -> None:
    path = tmp_path / "full.xlsx"
    rows = 1_048_576
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        for row in range(1, rows):
            sheet.write_row(row, 0, ["9506000134352", f"Product {row}", row], None)
    found = workbook.read_sheet(path, None, tmp_path, memory_bytes=1 << 30)
    assert (found.rows.rows, found.rows.broken) == (rows - 1, 0)


def test_a_workbook_reads_no_other_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    outside = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>'.encode()
    path = tmp_path / "links.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        sheet.write_url(1, 0, f"external:{secret}", string="1")
        sheet.write_formula(1, 1, f"='file://{secret}'#$A.A1", None, "kept value")
    assert read(path) == [(2, ("1", "kept value", ""))]
    entity = rebuilt(
        tmp_path / "entity.xlsx", outside + b'<row r="1"><c t="inlineStr"><is><t>gtin&e;</t></is></c></row>||'
    )
    try:
        header = opened(entity).header
    except ImportFileError:
        return
    assert "secret" not in "".join(header)


def test_cells_are_text_as_a_spreadsheet_would_keep_them(tmp_path: Path) -> None:
    path = tmp_path / "types.xlsx"
    cells = {
        "0012": "0012", 12: "12", 12.5: "12.5", 0.1 + 0.2: "0.3", 123456789012345: "123456789012345",
        1234567890123456: "1.23456789012346E+15", date(2027, 3, 1): "2027-03-01 00:00:00",
        datetime.fromisoformat("2027-03-01T12:30"): "2027-03-01 12:30:00", time(12, 30): "12:30:00",
    }  # fmt: skip
    book = openpyxl.Workbook()
    book.active.append(["gtin", "name"])
    for cell in (*cells, True):
        book.active.append(["x", cell])
    book.save(path)
    assert [row[1] for _, row in read(path)] == [*cells.values(), "true"]


@pytest.mark.parametrize("name", ["libreoffice.xlsx", "libreoffice.ods"])
@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".ods", ""])
def test_the_content_tells_a_workbook_whatever_its_name(tmp_path: Path, name: str, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"
    path.write_bytes((Path(__file__).parents[2] / "spreadsheets" / name).read_bytes())
    assert opened(path).form == "workbook, sheet Stock"


def test_errors_and_formulas_without_values_are_no_empty_cells(tmp_path: Path) -> None:
    path = tmp_path / "formulas.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Notes").write_formula(1, 1, "=NA()", None, "#N/A")
        sheet = book.add_worksheet("Stock")
        sheet.write_row(0, 1, HEADER)
        sheet.write_formula(1, 2, "=VLOOKUP(1,Notes!A:B,2)", None, "#N/A")
        sheet.write_formula(2, 3, "=1/0", None, "#DIV/0!")
        sheet.write_formula(3, 1, "=1+1", None, 2)
    folder = tmp_path / "converted"
    folder.mkdir()
    table = open_path(path, folder, is_known, sheet="Stock")
    (frame,) = table.batches()
    assert frame.drop("blank").rows() == [
        (2, None, "#N/A", None), (3, None, None, "#DIV/0!"), (4, "2", None, None),
    ]  # fmt: skip

    without = tmp_path / "openpyxl.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["gtin", "name"])
    book.active.append(["1", "=1+1"])
    book.save(without)
    assert read(without) == [(2, ("1", "#FORMULA!"))]

    rows = (
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>gtin</t></is></c><c r="B1" t="inlineStr"><is><t>name</t></is></c></row>'
        b'|<row r="2"><c r="A2"><v>1</v></c><c r="B2" t="str"><f>""</f><v></v></c></row>|'
    )
    assert read(rebuilt(tmp_path / "empty.xlsx", rows)) == [(2, ("1", ""))], "an empty text is a value"


@pytest.mark.parametrize("name", ["table.parquet", "table.pq"])
def test_parquet_types_become_text(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    moment = datetime(2027, 3, 31, tzinfo=UTC)
    pl.DataFrame(
        {
            "a": [9506000134352.0, 1.5],
            "b": [moment.replace(tzinfo=None), datetime.fromisoformat("2027-03-31T01:00")],
            "c": [moment, None],
            "d": [date(2027, 3, 31), None],
            "e": [True, None],
        }
    ).write_parquet(path)
    assert read(path) == [
        (
            2,
            (
                "9506000134352",
                "2027-03-31 00:00:00",
                "2027-03-31T00:00:00.000000+00:00",
                "2027-03-31",
                "true",
            ),
        ),
        (3, ("1.5", "2027-03-31 01:00:00.000000", "", "", "")),
    ]
