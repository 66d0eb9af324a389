"""The rows of a downloaded `manifest.csv` or `errors.csv`."""

import csv
from collections.abc import Iterator
from pathlib import Path


def rows(path: Path | str) -> Iterator[dict[str, str]]:
    """Yield the rows by column, with the original texts of the service.

    In the file, an apostrophe is added before a text that a spreadsheet would interpret as a formula, and before a text
    that begins with an apostrophe. It is removed here. An empty cell is "".
    """
    with Path(path).open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            yield {column: cell.removeprefix("'") for column, cell in row.items()}
