"""Import of products, lots, serials and events: every row checked, good rows landed, bad ones reported."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import duckdb
from deltalake import DeltaTable

from catalogue.imports.landing import land
from catalogue.imports.merge import MERGED, Outcome, merge
from catalogue.imports.source import SourceFile, open_file
from catalogue.imports.staging import Staged, stage, workshop
from catalogue.tables import Catalogue, Commit


@dataclass(frozen=True, slots=True)
class TableReport:
    """The result for one file's rows; `version` is the table's Delta version, None if nothing changed."""

    table: str
    read: int
    added: int
    updated: int
    unchanged: int
    rejected: int
    rejects_file: Path | None
    version: int | None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """One report per imported file, in the order of import."""

    tables: tuple[TableReport, ...]


class Stage(StrEnum):
    """A stage of importing one file. They follow each other in this order."""

    CHECKING = "checking"
    COMPARING = "comparing"
    LANDING = "landing"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of one file: `rows` of `total` rows have passed the stage.

    `total` is an estimate while a CSV file is checked. A stage may start over after another writer's commit.
    """

    table: str
    stage: Stage
    rows: int
    total: int


def import_files(
    catalogue: Catalogue,
    organisation: str,
    *,
    products: Path | None = None,
    lots: Path | None = None,
    serials: Path | None = None,
    events: Path | None = None,
    rejects_dir: Path,
    now: datetime | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> ImportReport:
    """Import CSV or Parquet files into the organisation's tables; return a report for each.

    A row with a known natural key updates that entity; columns the file does not have stay as they are. Bad
    rows are written to `<rejects_dir>/<table>-rejects.csv`, one line per reason. `now` (aware; default the
    present) is the creation time of rows without one. Its year is the present one of the century rule.

    Files can have any size: rows are kept on disk, below the system's temporary folder, and memory is
    bounded. Each table is one commit. Raises ImportFileError if a file cannot be read, lacks a required
    column or has an unknown one; then no row of any file is imported.
    """
    moment = now or datetime.now(UTC)
    given = {"products": products, "lots": lots, "serials": serials, "lifecycle_events": events}
    sources = [open_file(path, table) for table, path in given.items() if path is not None]
    with workshop(catalogue) as connection:
        staged = [_staged(connection, source, moment, on_progress) for source in sources]
        return ImportReport(
            tuple(
                _land(_Import(catalogue, organisation, file, rejects_dir, moment, on_progress))
                for file in staged
            )
        )


def _staged(
    connection: duckdb.DuckDBPyConnection,
    source: SourceFile,
    now: datetime,
    on_progress: Callable[[Progress], None],
) -> Staged:
    total = source.expected_rows()
    return stage(
        connection,
        source,
        now,
        lambda rows: on_progress(Progress(source.table, Stage.CHECKING, rows, max(rows, total))),
    )


@dataclass(frozen=True, slots=True)
class _Import:
    """The import of one staged file into one table."""

    catalogue: Catalogue
    organisation: str
    staged: Staged
    rejects_dir: Path
    now: datetime
    on_progress: Callable[[Progress], None]

    def tell(self, stage: Stage, rows: int, total: int) -> None:
        self.on_progress(Progress(self.staged.source.table, stage, rows, total))


def _land(job: _Import) -> TableReport:
    table, read = job.staged.source.table, job.staged.read
    outcome = Outcome(0, 0, 0)

    def decide(handle: DeltaTable) -> Commit | None:
        nonlocal outcome
        job.tell(Stage.COMPARING, 0, read)
        version = job.catalogue.version_with(table, handle)
        with job.catalogue.session(job.organisation, version, on=job.staged.workshop) as session:
            outcome = merge(job.staged, session, job.organisation, job.now)
            changed = outcome.added + outcome.updated
            job.tell(Stage.LANDING, 0, changed)
            if not changed:
                return None
            return land(
                job.catalogue,
                session,
                table,
                job.organisation,
                handle,
                MERGED,
                # Rows copied from replaced data files do not count as progress.
                lambda rows: job.tell(Stage.LANDING, min(rows, changed), changed),
            )

    version: int | None = None
    if job.catalogue.commit(table, job.organisation, decide):
        with job.catalogue.opened(table) as handle:
            version = handle.version()
    rejected, rejects_file = job.staged.write_rejects(job.rejects_dir)
    job.tell(Stage.DONE, read, read)
    return TableReport(
        table=table,
        read=read,
        added=outcome.added,
        updated=outcome.updated,
        unchanged=outcome.unchanged,
        rejected=rejected,
        rejects_file=rejects_file,
        version=version,
    )
