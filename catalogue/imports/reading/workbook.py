"""Workbooks (XLSX, ODS): one sheet is read in a process of its own, with little memory, and written as Parquet.

A small file can describe a sheet of many gigabytes, which ends the process that reads it. Here that is this
process and no other.
"""

import json
import math
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from catalogue.errors import ImportFileError
from catalogue.imports.reading.converted import MOST_COLUMNS, Converted, convert
from catalogue.imports.reading.lost_cells import lost_cells

#: The memory of the process, in bytes, and how many seconds of CPU time it may use.
MEMORY_BYTES = 1 << 30
CPU_SECONDS = 600

# Spreadsheets keep 15 digits of a number. From here on, digits have been lost.
_EXACT = 1e15


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet's header, its rows, and the names of all sheets."""

    name: str
    names: tuple[str, ...]
    header: tuple[str, ...]
    rows: Converted


def read_sheet(
    path: Path, sheet: str | None, folder: Path, memory_bytes: int = MEMORY_BYTES, name: str | None = None
) -> Sheet:
    """Write the rows of the named sheet, or of the first one, to Parquet files in the folder.

    A cell becomes text: a date `YYYY-MM-DD HH:MM:SS`, a whole number its digits, a larger one than a
    spreadsheet keeps exactly its scientific notation. Raises ImportFileError if the file has no such sheet or
    cannot be read within the memory.
    """
    shown = name or path.name
    command = [sys.executable, "-P", "-m", __name__, str(path), sheet or "", str(folder), str(memory_bytes)]
    done = subprocess.run(  # noqa: S603 - this module, in the same interpreter
        command, capture_output=True, text=True, check=False, env=_environment()
    )
    if done.returncode or not done.stdout:
        raise ImportFileError(
            f"{shown} cannot be read within {memory_bytes >> 20} MB",
            value=shown,
            expected="a smaller or intact workbook, or the sheet saved as CSV UTF-8",
        )
    told = json.loads(done.stdout)
    if "error" in told:
        raise ImportFileError(f"{shown}: {told['error']}", value=shown, expected=told["expected"])
    files = told["rows"]
    rows = Converted(Path(files["rows_file"]), Path(files["broken_file"]), files["rows"], files["broken"])
    return Sheet(told["name"], tuple(told["names"]), tuple(told["header"]), rows)


def _environment() -> dict[str, str]:
    """Return the environment for the process: what Python needs, the mark by which a service ends it, no secrets."""
    kept = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "HOME", "TMPDIR", "LABELS_SERVE_ID")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _main(path: str, sheet: str, folder: str, memory_bytes: str) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (int(memory_bytes), int(memory_bytes)))
    json.dump(_told(path, sheet, Path(folder)), sys.stdout, default=str)


def _told(path: str, sheet: str, folder: Path) -> dict[str, object]:
    try:
        # Of a path it would believe the suffix.
        with Path(path).open("rb") as stream, CalamineWorkbook.from_filelike(stream) as workbook:
            names = workbook.sheet_names
            if not names or (sheet and sheet not in names):
                return {"error": f"there is no sheet {sheet}", "expected": f"one of {', '.join(names)}"}
            found = workbook.get_sheet_by_name(sheet or names[0])
            lost = lost_cells(Path(path), names.index(found.name)) if zipfile.is_zipfile(path) else iter(())
    except CalamineError as error:
        return {
            "error": f"no workbook that can be read ({error})",
            "expected": "XLSX or ODS, without a password",
        }
    rows = _with_lost(
        ([_text(cell) for cell in row] for row in found.iter_rows()), lost, (found.start or (0, 0))[1]
    )
    header_row, header = next(
        ((number, row) for number, row in enumerate(rows, 1) if any(cell.strip() for cell in row)), (0, [])
    )
    if not header or len(header) > MOST_COLUMNS:
        return {
            "error": f"sheet {found.name} has no header",
            "expected": "a first row with the columns' names",
        }
    written = convert(enumerate(rows, header_row + 1), len(header), folder)
    return {"name": found.name, "names": names, "header": header, "rows": asdict(written)}


def _with_lost(
    rows: Iterator[list[str]], lost: Iterator[tuple[int, int, str]], first: int
) -> Iterator[list[str]]:
    """Yield the rows with the cells that were lost, which come in the rows' order.

    `first` is the number of empty columns before the rows' first cell.
    """
    next_one = next(lost, None)
    for number, row in enumerate(rows, 1):
        while next_one is not None and next_one[0] <= number:
            at, column, text = next_one
            if at == number and first < column <= first + len(row):
                row[column - 1 - first] = text
            next_one = next(lost, None)
        yield row


def _text(cell: object) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return _number(float(cell))
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M:%S}"
    if isinstance(cell, date):
        return f"{cell} 00:00:00"
    return str(cell)


def _number(number: float) -> str:
    if not math.isfinite(number):
        return str(number)
    if abs(number) >= _EXACT:
        return f"{number:.14E}"
    return str(int(number)) if number.is_integer() else f"{number:.15g}"


if __name__ == "__main__":
    _main(*sys.argv[1:])
