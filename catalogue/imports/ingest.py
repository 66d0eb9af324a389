"""Import of products, lots, serials and events: every row checked, good rows landed, doubtful and bad ones reported.

`import_paths` is the entry point; `import_files` is its short form for files whose tables are known.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from deltalake import DeltaTable

from catalogue import scratch
from catalogue.errors import ImportFileError
from catalogue.imports.columns import column_of, simplified
from catalogue.imports.landing import land
from catalogue.imports.merge import MERGED, Outcome, merge
from catalogue.imports.options import ImportFile, ImportOptions, Progress, Stage
from catalogue.imports.reading.opened import Opened, open_path
from catalogue.imports.report import FileReport, ImportReport, TableReport, write_problem_rows
from catalogue.imports.source import FILES, SourceFile, sources_of
from catalogue.imports.staging import Staged, settle, stage, workshop
from catalogue.schema import TABLES
from catalogue.tables import Catalogue, Commit

_ALL_COLUMNS = tuple({name: None for file in FILES.values() for name in (*file.required, *file.optional)})


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
    options: ImportOptions | None = None,
) -> ImportReport:
    """Import one file for each of the tables as `import_paths` does. One file may be given for several tables."""
    given = {"products": products, "lots": lots, "serials": serials, "lifecycle_events": events}
    return import_paths(
        catalogue,
        organisation,
        kinds_by_path(given),
        options or ImportOptions(),
        rejects_dir,
        now=now,
        on_progress=on_progress,
    )


def kinds_by_path(given: Mapping[str, Path | None]) -> list[ImportFile]:
    """Return the files of these tables. A file that is given for several tables is read once."""
    by_path: dict[Path, list[str]] = {}
    for table, path in given.items():
        if path is not None:
            by_path.setdefault(path, []).append(table)
    return [ImportFile(path, tuple(kinds)) for path, kinds in by_path.items()]


def import_paths(
    catalogue: Catalogue,
    organisation: str,
    files: Sequence[ImportFile],
    options: ImportOptions,
    results_dir: Path,
    *,
    now: datetime | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> ImportReport:
    """Import CSV, XLSX, ODS or Parquet files into the organisation's tables; return a report per table and file.

    A row with a known natural key updates that entity; columns that the file does not have stay as they are.
    Every row is imported, held or refused. Held and refused rows are written below `results_dir`, with the
    tables' names: `lots-held.csv` and `lots-refused.csv` (`.xlsx` for workbooks) have the rows themselves, to be
    corrected and imported again; `lots-rejects.csv` has a line for each reason of a refusal. `now` (aware;
    default the present) is the creation time of rows without one. Its year is the present one of the century
    rule.

    Files can have any size: rows are kept on disk, below the system's temporary folder, and memory is bounded.
    Each table is one commit. Raises ImportFileError if a file has no table in it, lacks a required column, or two
    are for the same table; then no row of any file is imported.
    """
    moment = now or datetime.now(UTC)
    _require_known(options.mapping)
    with (
        tempfile.TemporaryDirectory(prefix=scratch.prefix("import")) as folder,
        workshop(catalogue) as connection,
    ):
        read = [_read(file, Path(folder) / str(n), options) for n, file in enumerate(files)]
        _require_once(read)
        staged = [
            [_staged(connection, source, moment, on_progress) for source in file.sources] for file in read
        ]
        for tables in staged:
            settle(tables)
        order = sorted((table for tables in staged for table in tables), key=_table_order)
        jobs = [
            _Import(catalogue, organisation, table, results_dir, moment, options, on_progress)
            for table in order
        ]
        reports = tuple(_land(job) for job in jobs)
        told = tuple(
            _file_report(file, tables, results_dir) for file, tables in zip(read, staged, strict=True)
        )
    return ImportReport(reports, told)


@dataclass(frozen=True, slots=True)
class _Read:
    """An opened file, what each table takes from it, and the columns that none takes."""

    opened: Opened
    sources: list[SourceFile]
    ignored: tuple[str, ...]


def _read(file: ImportFile, folder: Path, options: ImportOptions) -> _Read:
    folder.mkdir()
    names = {simplified(name) for name in options.mapping.values()}
    opened = open_path(
        file.path,
        folder,
        lambda name: simplified(name) in names or column_of(name, _ALL_COLUMNS) is not None,
        sheet=options.sheet,
        name=file.name,
        line_characters=options.line_characters,
    )
    return _Read(opened, *sources_of(opened, sorted(file.kinds, key=list(FILES).index), options))


def _require_known(mapping: Mapping[str, str]) -> None:
    for column in mapping:
        if column not in _ALL_COLUMNS:
            raise ImportFileError(
                f"there is no column {column} to map to",
                value=column,
                expected=f"one of {', '.join(_ALL_COLUMNS)}",
                field=column,
            )


def _require_once(read: list[_Read]) -> None:
    named: dict[str, str] = {}
    for source in (source for file in read for source in file.sources):
        if other := named.get(source.table):
            raise ImportFileError(
                f"{other} and {source.name} both hold {source.table}",
                value=source.name,
                expected="one file for each table, or one import after the other",
            )
        named[source.table] = source.name


def _table_order(staged: Staged) -> int:
    return list(FILES).index(staged.source.table)


def _staged(
    connection: duckdb.DuckDBPyConnection,
    source: SourceFile,
    now: datetime,
    on_progress: Callable[[Progress], None],
) -> Staged:
    total = source.opened.expected_rows
    return stage(
        connection,
        source,
        now,
        lambda rows: on_progress(Progress(source.table, Stage.CHECKING, rows, max(rows, total))),
    )


def _file_report(file: _Read, tables: list[Staged], results_dir: Path) -> FileReport:
    opened, first = file.opened, tables[0]
    names = tuple(staged.source.table for staged in tables)
    problems = " UNION ALL ".join(staged.problems for staged in tables)
    found = write_problem_rows(first.workshop, opened, problems, results_dir / "-".join(names))
    return FileReport(
        name=opened.name,
        form=opened.form,
        tables=names,
        columns={column: opened.header[place].strip() for column, place in first.source.places.items()},
        ignored_columns=file.ignored,
        other_sheets=tuple(name for name in opened.sheets if name != opened.sheet),
        rows=first.file_rows,
        blank_rows=first.blank,
        held=found["held"].rows,
        refused=found["refused"].rows,
        held_file=found["held"].file,
        refused_file=found["refused"].file,
        first_rows=tuple(
            {
                tuple(row.items()): row
                for staged in tables
                for row in staged.first_rows.iter_rows(named=True)
            }.values()
        ),
    )


@dataclass(frozen=True, slots=True)
class _Import:
    """The import of one staged table."""

    catalogue: Catalogue
    organisation: str
    staged: Staged
    results_dir: Path
    now: datetime
    options: ImportOptions
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
            if job.options.dry_run:
                _show_planned(session)
            outcome = merge(job.staged, session, job.organisation, job.now)
            changed = outcome.added + outcome.updated
            job.tell(Stage.LANDING, 0, changed)
            if job.options.dry_run:
                columns = ", ".join(TABLES[table])
                session.execute(f"CREATE TABLE planned_{table} AS SELECT {columns} FROM {MERGED}")  # noqa: S608 - our own names
                return None
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
    rejected, rejects_file = job.staged.write_rejects(job.results_dir)
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
        held=job.staged.held(),
    )


def _show_planned(session: duckdb.DuckDBPyConnection) -> None:
    """Let the session's views also show the rows that a dry run would have imported into earlier tables."""
    tables = session.execute(
        "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'planned_%'"
    ).fetchall()
    for (planned,) in tables:
        table = planned.removeprefix("planned_")
        columns = ", ".join(TABLES[table])
        session.execute(f"ALTER VIEW {table} RENAME TO stored_{table}")
        session.execute(
            f"CREATE TEMP VIEW {table} AS SELECT {columns}, filename FROM stored_{table}"  # noqa: S608 - our own names
            f" WHERE id_key NOT IN (SELECT id_key FROM {planned})"
            f" UNION ALL SELECT {columns}, NULL AS filename FROM {planned}"
        )
