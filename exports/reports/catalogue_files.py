"""The catalogue's rows as a CSV, Parquet or XLSX file that can be imported again unchanged."""

import tempfile
from collections.abc import Iterable
from typing import Any, BinaryIO

import polars as pl
import pyarrow.parquet as pq

from exports.ports import ReportFormat
from exports.reports.tables import write_sheet

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def written(frames: Iterable[pl.DataFrame], name: str, wanted: ReportFormat) -> BinaryIO:
    """Return a temporary file with the rows of the frames, at least one. Closing the file removes it.

    It is written in batches. `name` is the name of an XLSX file's sheet. CSV is UTF-8 with a byte order mark, for
    spreadsheets; its cells are the exact values, so that they can be imported. Raises TooManyRows if there are too many
    rows for XLSX.
    """
    out = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    try:
        if wanted is ReportFormat.CSV:
            _write_csv(frames, out)
        elif wanted is ReportFormat.PARQUET:
            _write_parquet(frames, out)
        else:
            with tempfile.TemporaryFile() as table:
                _write_parquet(frames, table)
                write_sheet(table, name, out)
        out.seek(0)
    except BaseException:
        out.close()
        raise
    return out


def _write_csv(frames: Iterable[pl.DataFrame], out: BinaryIO) -> None:
    out.write(_BYTE_ORDER_MARK)
    for number, frame in enumerate(frames):
        frame.write_csv(out, include_header=number == 0)


def _write_parquet(frames: Iterable[pl.DataFrame], out: BinaryIO) -> None:
    remaining = iter(frames)
    first: Any = next(remaining).to_arrow()
    with pq.ParquetWriter(out, first.schema, compression="zstd") as writer:
        for frame in remaining:
            writer.write_table(frame.to_arrow().cast(first.schema))
