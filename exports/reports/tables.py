"""A job's reports as Parquet and XLSX, without the apostrophes that `csv_rows` adds for spreadsheets.

They are made from the job's CSV on request, not with the artefact, because few jobs need them. Both are written in
batches to an unnamed temporary file. XLSX is made from Parquet, because a Parquet file has the number of rows.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from exports.errors import TooManyRows
from exports.ports import Report, ReportFormat
from exports.reports.files import COLUMNS

#: An Excel sheet has 1,048,576 rows. The first has the names of the columns.
MAX_XLSX_ROWS = 1_048_575

#: Characters that XML text cannot have, and text that looks like their escapes. Source: ECMA-376, part 1, ST_Xstring.
_ESCAPED = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4})")

_BLOCK_BYTES = 1 << 20
_BATCH_ROWS = 10_000


def converted(csv: BinaryIO, report: Report, wanted: ReportFormat) -> BinaryIO:
    """Return the report in `csv` in another format, as a temporary file. Closes `csv`.

    Empty cells become null. `row` is a number in Parquet, everything else is text. A million rows take some seconds as
    Parquet and about a minute as XLSX. Raises TooManyRows.
    """
    out = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    try:
        with csv:
            _WRITERS[wanted](csv, report, out)
        out.seek(0)
    except BaseException:
        out.close()
        raise
    return out


def _write_parquet(csv: BinaryIO, report: Report, out: BinaryIO) -> None:
    types = {name: pa.int64() if name == "row" else pa.string() for name in COLUMNS[report]}
    reader = pa_csv.open_csv(
        csv,
        read_options=pa_csv.ReadOptions(block_size=_BLOCK_BYTES),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=True),
    )
    with pq.ParquetWriter(out, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(pa.record_batch([_unquoted(column) for column in batch], schema=batch.schema))


def _unquoted(column: Any) -> Any:
    """Return the column without the apostrophe that `csv_rows` may have added in front of a text."""
    if not pa.types.is_string(column.type):
        return column
    return pc.call_function("replace_substring_regex", [column], pc.ReplaceSubstringOptions("^'", ""))


def _write_xlsx(csv: BinaryIO, report: Report, out: BinaryIO) -> None:
    with tempfile.TemporaryFile() as table:
        _write_parquet(csv, report, table)
        write_sheet(table, report.value, out)


def write_sheet(parquet: BinaryIO, name: str, out: BinaryIO) -> None:
    """Write the rows of a Parquet file as a workbook with one sheet of text. Raises TooManyRows."""
    rows = pq.ParquetFile(parquet)
    if rows.metadata.num_rows > MAX_XLSX_ROWS:
        raise TooManyRows(rows.metadata.num_rows, MAX_XLSX_ROWS)
    with Workbook(out, {"constant_memory": True}) as workbook:
        workbook.use_zip64()
        sheet = workbook.add_worksheet(name, _TextSheet)
        sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        sheet.freeze_panes(1, 0)
        _add_rows(sheet, 0, [rows.schema_arrow.names])
        written = 1
        for batch in rows.iter_batches(_BATCH_ROWS):
            _add_rows(sheet, written, zip(*[column.to_pylist() for column in batch], strict=True))
            written += batch.num_rows


def _add_rows(sheet: Worksheet, first: int, rows: Iterable[Iterable[object]]) -> None:
    """Write the rows as text, from the sheet's row `first` on. None is an empty cell."""
    for number, row in enumerate(rows, first):
        for column, cell in enumerate(row):
            if cell is not None and sheet.write_string(number, column, str(cell)) != 0:
                msg = f"not within the limits of a sheet: row {number}, column {column}, {cell!r:.100}"
                raise ValueError(msg)


class _TextSheet(Worksheet):
    """A sheet from which every text reads back unchanged.

    XlsxWriter writes `<r>…</r>` unescaped, as rich text, and escapes only the first part of `_x0041_x0042_`. A lot may
    have either text.
    """

    @staticmethod
    def _escape_control_characters(data: str) -> str:
        return _ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", data)

    def _xml_rich_inline_string(self, string: str, attributes: Any = ()) -> None:
        self._xml_inline_string(string, preserve=False, attributes=attributes)


_Writer: TypeAlias = Callable[[BinaryIO, Report, BinaryIO], None]

_WRITERS: Mapping[ReportFormat, _Writer] = {
    ReportFormat.PARQUET: _write_parquet,
    ReportFormat.XLSX: _write_xlsx,
}
