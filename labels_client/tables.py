"""The rows of a downloaded `manifest.csv` or `errors.csv`."""

import csv
from collections.abc import Iterator
from pathlib import Path


def rows(path: Path | str) -> Iterator[dict[str, str]]:
    """Yield the rows by column, every text as the service has it.

    In the file one more apostrophe stands before a text that a spreadsheet would take for a formula, and before
    one that begins with an apostrophe itself. It is dropped here. An empty cell is "".
    """
    with Path(path).open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            yield {column: cell.removeprefix("'") for column, cell in row.items()}
