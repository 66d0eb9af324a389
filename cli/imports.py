"""`labels import`: import catalogue files from spreadsheets and databases."""

# ruff: noqa: D301 - the character \b tells click to keep the lines of a paragraph

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import click

from accounts.store import Accounts
from cli.catalogue import ImportBars
from cli.settings import Settings

if TYPE_CHECKING:
    from catalogue.imports.report import FileReport, ImportReport

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _mapping(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Return `column=Header` options as a dictionary."""
    pairs = [value.partition("=") for value in values]
    for column, sign, header in pairs:
        if not (column and sign and header):
            raise click.BadParameter(f"{column or '='}: expected COLUMN=HEADER", context, parameter)
    return {column.strip(): header for column, _, header in pairs}


@click.command("import")
@click.argument("files", nargs=-1, type=_FILE)
@click.option("--org", "organisation", help="The organisation's slug; with --url it is that of the key.")
@click.option("--products", type=_FILE, help="gtin, name, carrier?, active?, created_at?, id?, …")
@click.option(
    "--lots",
    type=_FILE,
    help="gtin, lot_number, expiration_date?, best_before_date?, production_date?, lot_run_id?, …",
)
@click.option("--serials", type=_FILE, help="gtin, serial_number, lot_number?, active?, created_at?, id?, …")
@click.option(
    "--events", type=_FILE, help="entity_type, gtin, lot_number?, serial_number?, event_type, occurred_at"
)
@click.option("--sheet", help="The sheet of a workbook; default: the first one.")
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="COLUMN=HEADER",
    callback=_mapping,
    help="The header of a column, such as lot_number=Partie. May be repeated.",
)
@click.option("--date-order", type=click.Choice(["dmy", "mdy", "ymd"]), help="How 3/4/2027 is read.")
@click.option(
    "--first-of-month",
    type=click.Choice(["day", "month"]),
    help="Whether a column of dates that are all the first of a month means these days, or months without a day.",
)
@click.option("--accept-warnings", is_flag=True, help="Import held values as they are.")
@click.option("--dry-run", is_flag=True, help="Change nothing; show how the files are understood.")
@click.option(
    "--rejects", type=click.Path(file_okay=False, path_type=Path), help="Folder for the rows not imported."
)
@click.option("--url", help="A running service that imports the files, instead of this machine.")
@click.option("--key", envvar="LABELS_API_KEY", help="The API key for --url; default: LABELS_API_KEY.")
def import_(
    files: tuple[Path, ...],
    organisation: str | None,
    products: Path | None,
    lots: Path | None,
    serials: Path | None,
    events: Path | None,
    sheet: str | None,
    mapping: dict[str, str],
    date_order: Literal["dmy", "mdy", "ymd"] | None,
    first_of_month: Literal["day", "month"] | None,
    accept_warnings: bool,
    dry_run: bool,
    rejects: Path | None,
    url: str | None,
    key: str | None,
) -> None:
    """Import CSV, XLSX, ODS or Parquet files into the organisation's catalogue.

    \b
      labels import --org acme --dry-run stock.xlsx   # how is it understood?
      labels import --org acme stock.xlsx             # its header says what is in it
      labels import --org acme --products p.csv --lots l.csv
      labels import --org acme --lots l.csv --map lot_number=Partie
      labels import --url https://labels.example --key KEY stock.xlsx

    Encoding, separator and usual names of columns (EAN, batch, best before, …) are detected, and the report shows them.
    Other columns are ignored. A FILE without an option may have several kinds of rows, such as products and their lots.

    Every row ends in one of three classes. Added: it is in the catalogue; importing it again changes nothing. Held: a
    spreadsheet may have changed the value (a lot 2-Mar, a GTIN without its zeros, 3/4/2027); correct it, or say what it
    means with --date-order, --first-of-month or --accept-warnings. Refused: the value is wrong, such as a wrong check
    digit.

    Held and refused rows are written to files with the reason after each row: correct these files and import them. If
    there are any, the command exits with 1.
    """
    named = {"products": products, "lots": lots, "serials": serials, "lifecycle_events": events}
    if not files and not any(named.values()):
        raise click.UsageError("Name at least one FILE, --products, --lots, --serials or --events.")
    results_dir = rejects or Settings().resolved().home / "rejects" / f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    wanted = _Wanted(sheet, mapping, date_order, first_of_month, accept_warnings, dry_run)
    if url is not None and organisation is None:
        report = _imported_there(files, named, wanted, results_dir, url=url, key=key)
    elif organisation is not None and url is None:
        report = _imported_here(files, named, wanted, results_dir, organisation)
    else:
        raise click.UsageError("Name either the organisation with --org or the service with --url.")
    _print(report, dry_run=dry_run)
    if any(file.held or file.refused for file in report.files):
        sys.exit(1)


class _Wanted(NamedTuple):
    """The options of the command that control how files are read."""

    sheet: str | None
    mapping: dict[str, str]
    date_order: Literal["dmy", "mdy", "ymd"] | None
    first_of_month: Literal["day", "month"] | None
    accept_warnings: bool
    dry_run: bool


def _imported_here(
    files: tuple[Path, ...],
    named: Mapping[str, Path | None],
    wanted: _Wanted,
    results_dir: Path,
    organisation: str,
) -> "ImportReport":
    from catalogue.imports.dates import DateOrder, FirstOfMonth
    from catalogue.imports.ingest import import_paths, kinds_by_path
    from catalogue.imports.options import ImportFile, ImportOptions
    from catalogue.tables import Catalogue, catalogue_url

    settings = Settings().resolved()
    Accounts(settings.database_url).organisation(organisation)
    options = ImportOptions(
        mapping=wanted.mapping,
        sheet=wanted.sheet,
        date_order=DateOrder(wanted.date_order) if wanted.date_order else None,
        first_of_month=FirstOfMonth(wanted.first_of_month) if wanted.first_of_month else None,
        accept_warnings=wanted.accept_warnings,
        dry_run=wanted.dry_run,
    )
    with ImportBars() as bars:
        return import_paths(
            Catalogue(catalogue_url(settings.storage_url)),
            organisation,
            [*(ImportFile(path) for path in files), *kinds_by_path(named)],
            options,
            results_dir,
            on_progress=lambda at: bars.moved(at.table, at.stage.value, at.rows, at.total),
        )


def _imported_there(
    files: tuple[Path, ...],
    named: Mapping[str, Path | None],
    wanted: _Wanted,
    results_dir: Path,
    *,
    url: str,
    key: str | None,
) -> "ImportReport":
    from cli.remote_imports import import_all
    from exports.imports.ports import Kind
    from labels_client.imports import ReadAs

    with_kinds = [(path, Kind.of(table)) for table, path in named.items() if path is not None]
    read_as = ReadAs(None, *wanted)
    return import_all(
        [*with_kinds, *((path, None) for path in files)], read_as, results_dir, url=url, key=key
    )


def _print(report: "ImportReport", *, dry_run: bool) -> None:
    for file in report.files:
        _print_file(file, in_full=dry_run)
    for table in report.tables:
        click.echo(
            f"{table.table}: {table.read} read, {table.added} added, {table.updated} updated, "
            f"{table.unchanged} unchanged, {table.rejected} rejected"
            + (f", {table.held} held" if table.held else "")
        )
        if table.rejects_file is not None:
            click.echo(f"  rejected rows: {table.rejects_file}")
    if dry_run:
        click.echo("dry run: nothing was imported")


def _print_file(file: "FileReport", *, in_full: bool) -> None:
    """Print how the file was read. With `in_full`, also print what is as expected."""
    click.echo(
        f"{file.name}: {file.form}; {' and '.join(file.tables)}, {file.rows} row{'s' * (file.rows != 1)}"
    )
    renamed = [
        f"{column} from {header}" for column, header in file.columns.items() if in_full or header != column
    ]
    notes = {
        "columns": renamed,
        "ignored columns": file.ignored_columns,
        "sheets not read": file.other_sheets,
        "blank rows skipped": [str(file.blank_rows)] if file.blank_rows else [],
    }
    for what, found in notes.items():
        if found:
            click.echo(f"  {what}: {', '.join(found)}")
    for row in file.first_rows if in_full else ():
        click.echo("  row: " + ", ".join(f"{column}={value}" for column, value in row.items() if value))
    for kind, rows, path in (
        ("held", file.held, file.held_file),
        ("refused", file.refused, file.refused_file),
    ):
        if path is not None:
            click.echo(f"  {rows} {kind}, to be corrected and imported again: {path}")
