"""The tables about an export: `manifest.csv` says what was made, `errors.csv` what was not and why."""

from collections.abc import Mapping, Sequence

from exports.artefacts import ArtefactStore
from exports.jobs.job_id import folder_of
from exports.jobs.parts import Part
from exports.jobs.plan import ExportPlan
from exports.ports import Report
from exports.reports.csv_rows import csv_bytes
from exports.reports.rows import ErrorRow, ManifestRow

_BOM = b"\xef\xbb\xbf"
_COPY_BYTES = 1 << 20

COLUMNS: Mapping[Report, Sequence[str]] = {
    Report.MANIFEST: ManifestRow._fields,
    Report.ERRORS: ErrorRow._fields,
}


def key(job_id: str, report: Report) -> str:
    return f"{folder_of(job_id)}/{report}.csv"


def write(
    plan: ExportPlan, parts: Sequence[Part], unmatched: Sequence[Mapping[str, str]], store: ArtefactStore
) -> list[Report]:
    """Join the parts' rows into the job's reports. Return which were written: errors only if some entity failed.

    Listed GTINs and ids that matched nothing end the errors, with code `not_matched` and no row number.
    """
    written = [Report.MANIFEST]
    _join(plan, Report.MANIFEST, parts, b"", store)
    if unmatched or any(part.failed for part in parts):
        _join(plan, Report.ERRORS, parts, csv_bytes([_unmatched_row(each) for each in unmatched]), store)
        written.append(Report.ERRORS)
    return written


def _join(plan: ExportPlan, report: Report, parts: Sequence[Part], tail: bytes, store: ArtefactStore) -> None:
    with store.write(key(plan.job_id, report)) as out:
        out.write(_BOM + csv_bytes([COLUMNS[report]]))
        for part in parts:
            with store.open(f"{part.key}.{report}.csv") as stream:
                while block := stream.read(_COPY_BYTES):
                    out.write(block)
        out.write(tail)


def _unmatched_row(unmatched: Mapping[str, str]) -> Sequence[str]:
    field, value = unmatched["field"], unmatched["value"]
    entity_id, gtin = ("", value) if field == "gtins" else (value, "")
    return "", entity_id, gtin, "", "", "not_matched", f"{field} names nothing that can be exported"
