"""Import a stored upload into the catalogue. Store the outcome and the rows that were not imported."""

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from catalogue import scratch
from catalogue.errors import ImportFileError
from catalogue.imports.ingest import import_paths
from catalogue.imports.options import ImportFile
from catalogue.imports.report import FileReport, ImportReport, TableReport
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.errors import ImportNotFound
from exports.imports import record
from exports.imports.ports import Kind, Rows, TableCounts, UnderstoodFile
from exports.imports.record import Asked, Outcome

_PARQUET_MAGIC = b"PAR1"


def execute(job_id: str, catalogue: Catalogue, store: ArtefactStore) -> ImportReport | None:
    """Import the upload and remove it. Return the report, or None if the file is refused or was done before.

    A killed import can be repeated, because a second import of the same rows changes nothing. Raises ImportNotFound if
    nothing is stored under this id.
    """
    asked = record.find_asked(job_id, store)
    if asked is None:
        raise ImportNotFound(job_id)
    report = None
    if record.find_outcome(job_id, store) is None:
        with tempfile.TemporaryDirectory(prefix=scratch.prefix("import")) as folder:
            try:
                report = _imported(asked, Path(folder), catalogue, store)
                outcome = _outcome(report, job_id, store)
            except ImportFileError as error:
                outcome = Outcome(datetime.now(UTC), error=f"{error} Expected: {error.expected}.")
        record.save_outcome(job_id, outcome, store)
    store.delete(asked.upload)
    return report


def _imported(asked: Asked, folder: Path, catalogue: Catalogue, store: ArtefactStore) -> ImportReport:
    with store.on_disk(asked.upload) as path:
        with path.open("rb") as stream:
            is_parquet = stream.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC
        # The name in the store has no suffix, but Parquet needs its suffix.
        named = folder / ("upload.parquet" if is_parquet else "upload")
        named.symlink_to(path.absolute())
        request = asked.request
        kinds = () if request.kind is None else (request.kind.table,)
        return import_paths(
            catalogue,
            asked.organisation,
            [ImportFile(named, kinds, request.name)],
            request.options,
            folder / "rows",
        )


def _outcome(report: ImportReport, job_id: str, store: ArtefactStore) -> Outcome:
    """Store the rows that were not imported, and return the outcome."""
    (file,) = report.files
    suffixes: dict[Rows, str] = {}
    for rows, path in ((Rows.HELD, file.held_file), (Rows.REFUSED, file.refused_file)):
        if path is not None:
            suffixes[rows] = path.suffix
            with path.open("rb") as source, store.write(record.rows_key(job_id, rows, path.suffix)) as out:
                shutil.copyfileobj(source, out, 1 << 20)
    return Outcome(datetime.now(UTC), tuple(map(_counts, report.tables)), _understood(file), suffixes)


def _counts(table: TableReport) -> TableCounts:
    return TableCounts(
        kind=Kind.of(table.table),
        read=table.read,
        added=table.added,
        updated=table.updated,
        unchanged=table.unchanged,
        held=table.held,
        refused=table.rejected,
    )


def _understood(file: FileReport) -> UnderstoodFile:
    return UnderstoodFile(
        form=file.form,
        kinds=tuple(map(Kind.of, file.tables)),
        columns=file.columns,
        ignored_columns=file.ignored_columns,
        other_sheets=file.other_sheets,
        rows=file.rows,
        blank_rows=file.blank_rows,
        held=file.held,
        refused=file.refused,
        first_rows=file.first_rows,
    )
