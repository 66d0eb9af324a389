"""`labels import --url`: send files to a running service, with the same report as a local import."""

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click

from catalogue.imports.report import FileReport, ImportReport, TableReport
from cli.label_exports import service
from exports.imports.ports import Kind
from labels_client.client import LabelsClient
from labels_client.imports import ImportJob, ReadAs


def import_all(
    files: Iterable[tuple[Path, Kind | None]],
    read_as: ReadAs,
    results_dir: Path,
    *,
    url: str,
    key: str | None,
) -> ImportReport:
    """Import the files in sequence and return their reports. Rows not imported are saved below the folder.

    Raises ClickException for a file that is refused as a whole. Files before it are imported.
    """
    tables: list[TableReport] = []
    reports: list[FileReport] = []
    with service(url, key) as client:
        for path, kind in files:
            asked = replace(read_as, kind=None if kind is None else kind.value)
            job = client.imports.wait(_uploaded(client, path, asked))
            if job.file is None:
                raise click.ClickException(f"{path.name}: {job.error}")
            reports.append(_file_report(client, job, results_dir / job.job_id))
            tables += _table_reports(job)
    return ImportReport(tuple(tables), tuple(reports))


def _uploaded(client: LabelsClient, path: Path, read_as: ReadAs) -> str:
    """Upload the file, show a progress bar, and return the import's id."""
    with click.progressbar(length=path.stat().st_size, label=f"{path.name}, sending", file=sys.stderr) as bar:
        receipt = client.imports.submit(path, read_as, on_progress=lambda sent: bar.update(sent - bar.pos))
    click.echo(f"import {receipt.job_id}", err=True)
    return receipt.job_id


def _table_reports(job: ImportJob) -> list[TableReport]:
    return [
        TableReport(
            table=Kind(table.kind).table,
            read=table.read,
            added=table.added,
            updated=table.updated,
            unchanged=table.unchanged,
            rejected=table.refused,
            rejects_file=None,
            version=None,
            held=table.held,
        )
        for table in job.tables
    ]


def _file_report(client: LabelsClient, job: ImportJob, results_dir: Path) -> FileReport:
    """Save the held and refused rows of the file. Return how it was read."""
    file = job.file
    assert file is not None  # noqa: S101 - the caller has looked
    return FileReport(
        name=job.name,
        form=file.form,
        tables=tuple(Kind(kind).table for kind in file.kinds),
        columns=file.columns,
        ignored_columns=file.ignored_columns,
        other_sheets=file.other_sheets,
        rows=file.rows,
        blank_rows=file.blank_rows,
        held=file.held,
        refused=file.refused,
        held_file=client.imports.download(job, "held", results_dir) if job.held_url else None,
        refused_file=client.imports.download(job, "refused", results_dir) if job.refused_url else None,
        first_rows=file.first_rows,
    )
