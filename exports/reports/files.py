"""The tables about an export: `manifest.csv` lists the drawn symbols, `errors.csv` the failed entities."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import polars as pl
from isal import isal_zlib

from exports.artefacts import ArtefactStore
from exports.jobs.job_id import folder_of
from exports.jobs.parts import Part
from exports.jobs.plan import ExportPlan
from exports.ports import Report
from exports.reports.csv_rows import csv_bytes
from exports.reports.rows import ERROR_COLUMNS, MANIFEST_COLUMNS

_BOM = b"\xef\xbb\xbf"
_COPY_BYTES = 1 << 20

COLUMNS: Mapping[Report, Sequence[str]] = {
    Report.MANIFEST: MANIFEST_COLUMNS,
    Report.ERRORS: ERROR_COLUMNS,
}


def key(job_id: str, report: Report) -> str:
    return f"{folder_of(job_id)}/{report}.csv"


def head(report: Report) -> bytes:
    """Return the start of a report: a byte order mark and the names of its columns."""
    return _BOM + f"{','.join(COLUMNS[report])}\r\n".encode()


def write(
    plan: ExportPlan, parts: Sequence[Part], unmatched: Sequence[Mapping[str, str]], store: ArtefactStore
) -> dict[Report, int]:
    """Join the parts' rows into the job's reports. Return the CRC-32 of each. `errors` exists only if an entity failed.

    The errors end with the listed GTINs and ids that matched nothing, with code `not_matched` and no row number.
    """
    written = {Report.MANIFEST: _join(plan, Report.MANIFEST, parts, b"", store)}
    if unmatched or any(part.failed for part in parts):
        tail = csv_bytes(_unmatched_rows(unmatched))
        written[Report.ERRORS] = _join(plan, Report.ERRORS, parts, tail, store)
    return written


def _join(plan: ExportPlan, report: Report, parts: Sequence[Part], tail: bytes, store: ArtefactStore) -> int:
    crc = 0
    with store.write(key(plan.job_id, report)) as out:
        for block in chain([head(report)], _blocks(report, parts, store), [tail]):
            out.write(block)
            crc = isal_zlib.crc32(block, crc)
    return crc


def _blocks(report: Report, parts: Sequence[Part], store: ArtefactStore) -> Iterator[bytes]:
    for part in parts:
        with store.open(f"{part.key}.{report}.csv") as stream:
            while block := stream.read(_COPY_BYTES):
                yield block


def _unmatched_rows(unmatched: Sequence[Mapping[str, str]]) -> pl.DataFrame:
    rows = [
        {
            "gtin" if each["field"] == "gtins" else "entity_id": each["value"],
            "code": "not_matched",
            "reason": f"{each['field']} names nothing that "
            + ("is selected" if each["field"] == "quantities" else "can be exported"),
        }
        for each in unmatched
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(ERROR_COLUMNS, pl.String))
