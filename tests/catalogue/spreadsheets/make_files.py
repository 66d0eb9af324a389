"""Write the spreadsheets beside this script with the programs that people use, one catalogue in every dialect.

    apt-get install libreoffice-calc-nogui
    python tests/catalogue/spreadsheets/make_files.py

Excel itself cannot be run here. Its CSV dialects (`excel-*`) are written byte by byte as it writes them.
"""

import shutil
import subprocess
import tempfile
from datetime import date, datetime, time
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

HERE = Path(__file__).parent

HEADER = (" GTIN ", "Product Name", "Batch", "Best before", "Remark", None)
ROWS: tuple[tuple[object, ...], ...] = (
    ("09506000134352", "Oat biscuits", "A001", date(2027, 3, 31), "text", None),
    (9506000134369, "Käse, gereift", "B-02", date(2027, 4, 15), "a number, and a comma in the name", None),
    (9506000134376, "Tea\nin two lines", '="D"&4', date(2027, 12, 24), "a formula", None),
    (None, None, None, None, None, None),
    (12345678905, "Coffee", "C3", date(2027, 5, 1), "without its leading zeros", None),
    ("09506000134352", "Oat biscuits", date(2026, 3, 2), date(2027, 6, 30), "lot 2-3 taken for a date", None),
    ("09506000134352", "Oat biscuits", 1234567890123456, date(2027, 6, 30), "16 digits", None),
    ("09506000134353", "Oat biscuits", "E5", date(2027, 6, 30), "a wrong check digit", None),
)  # fmt: skip
DATE_FORMATS = {2: "d-mmm", 3: "dd.mm.yyyy"}

# LibreOffice's export options: separator, quote, character set (76 UTF-8, 1 Windows-1252, 65535 UTF-16), first line,
# column formats, language, whether to quote all text, whether to write what is shown.
DIALECTS = {
    "libreoffice-utf8-commas.csv": "44,34,76,1,,0,false,true",
    "libreoffice-utf8-all-quoted.csv": "44,34,76,1,,0,true,true",
    "libreoffice-windows1252-semicolons.csv": "59,34,1,1,,0,false,true",
    "libreoffice-utf16-tabs.csv": "9,34,65535,1,,0,false,true",
    "libreoffice-utf8-bars.csv": "124,34,76,1,,0,false,true",
}


def openpyxl_book(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Stock"
    for row in (HEADER, *ROWS):
        sheet.append(row)
    for column, form in DATE_FORMATS.items():
        for (cell,) in sheet.iter_rows(min_row=2, min_col=column + 1, max_col=column + 1):
            if isinstance(cell.value, date):
                cell.number_format = form
    for row in (2, 7, 8, 9):
        sheet.cell(row, 1).number_format = "@"
    sheet.cell(8, 3).number_format = "General"
    book.create_sheet("Notes").append(["nothing to import"])
    book.save(path)


def xlsxwriter_book(path: Path) -> None:
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("Stock")
    forms = {column: book.add_format({"num_format": form}) for column, form in DATE_FORMATS.items()}
    for number, row in enumerate((HEADER, *ROWS)):
        for column, cell in enumerate(row):
            if isinstance(cell, date):
                sheet.write_datetime(number, column, cell, forms[column])
            elif isinstance(cell, str) and cell.startswith("="):
                sheet.write_formula(number, column, cell, None, "D4")
            elif isinstance(cell, str):
                sheet.write_string(number, column, cell)
            elif isinstance(cell, int):
                sheet.write_number(number, column, cell)
    book.add_worksheet("Notes").write_string(0, 0, "nothing to import")
    book.close()


def parquet(path: Path) -> None:
    """What pandas makes of such a sheet: GTINs that are floats, dates that are midnights."""
    rows = (
        ("9506000134352", *ROWS[0][1:]),
        *ROWS[1:2],
        (*ROWS[2][:2], "D4", *ROWS[2][3:]),
        *ROWS[3:5],
        *ROWS[7:],
    )
    floats = [None if row[0] is None else float(str(row[0])) for row in rows]
    moments = [datetime.combine(row[3], time()) if isinstance(row[3], date) else None for row in rows]
    pq.write_table(
        pa.table({
            "GTIN": pa.array(floats, pa.float64()),
            "Product Name": pa.array([row[1] for row in rows], pa.string()).dictionary_encode(),
            "Batch": pa.array([row[2] for row in rows], pa.string()),
            "Best before": pa.array(moments, pa.timestamp("ns")),
        }),
        path,
    )  # fmt: skip


def libreoffice(source: Path, folder: Path, form: str, target: str) -> None:
    made = folder / "made"
    made.mkdir(exist_ok=True)
    subprocess.run(
        ["soffice", "--headless", f"-env:UserInstallation=file://{folder}/profile", "--convert-to", form,
         "--outdir", made, source],
        check=True, capture_output=True,
    )  # fmt: skip
    (written,) = made.iterdir()
    written.replace(HERE / target)


def excel_csv() -> None:
    """What Excel saves: as it shows the cells, CRLF, quotes only where needed, with trailing separators."""
    shown = [
        ["09506000134352", "Oat biscuits", "A001", "3/31/2027", "text", ""],
        ["9506000134369", "Käse, gereift", "B-02", "4/15/2027", "a number, and a comma in the name", ""],
        ["9506000134376", "Tea\nin two lines", "D4", "12/24/2027", "a formula", ""],
        [""] * 6,
        ["12345678905", "Coffee", "C3", "5/1/2027", "without its leading zeros", ""],
        ["09506000134352", "Oat biscuits", "2-Mar", "6/30/2027", "lot 2-3 taken for a date", ""],
        ["09506000134352", "Oat biscuits", "1.23457E+15", "6/30/2027", "16 digits", ""],
        ["09506000134353", "Oat biscuits", "E5", "6/30/2027", "a wrong check digit", ""],
    ]
    header = [name or "" for name in HEADER]

    def text(separator: str) -> str:
        def cell(value: str) -> str:
            quoted = any(mark in value for mark in (separator, '"', "\n"))
            return '"' + value.replace('"', '""') + '"' if quoted else value

        return "".join(separator.join(map(cell, row)) + "\r\n" for row in (header, *shown))

    (HERE / "excel-csv-utf8.csv").write_bytes(b"\xef\xbb\xbf" + text(",").encode())
    (HERE / "excel-csv-windows.csv").write_bytes(text(";").encode("cp1252"))
    (HERE / "excel-unicode-text.txt").write_bytes(text("\t").encode("utf-16"))
    (HERE / "excel-sep-line.csv").write_bytes(("sep=|\r\n" + text("|")).encode())
    (HERE / "excel-macintosh.csv").write_bytes(text(";").replace("\r\n", "\r").encode("cp1252"))


def main() -> None:
    openpyxl_book(HERE / "openpyxl-formula-without-value.xlsx")
    xlsxwriter_book(HERE / "xlsxwriter.xlsx")
    parquet(HERE / "pyarrow.parquet")
    excel_csv()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source = folder / "stock.xlsx"
        shutil.copy(HERE / "openpyxl-formula-without-value.xlsx", source)
        libreoffice(source, folder, "xlsx", "libreoffice.xlsx")
        libreoffice(source, folder, "ods", "libreoffice.ods")
        for name, options in DIALECTS.items():
            libreoffice(source, folder, f"csv:Text - txt - csv (StarCalc):{options}", name)


if __name__ == "__main__":
    main()
