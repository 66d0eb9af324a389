"""The `labels` command."""

# ruff: noqa: D301 - the character \b tells click to keep the lines of a paragraph

import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from cli.settings import Settings
from gs1.errors import LabelError

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


#: The modules of the commands that are not in this one. Each is imported when it is needed, so that a command has no
#: other's libraries in memory: `labels serve` lives as long as the service.
_MODULES = {
    "org": "credentials",
    "keys": "credentials",
    "operators": "credentials",
    "webhooks": "credentials",
    "schedules": "schedules",
    "plans": "schedules",
    "templates": "templates",
    "export": "label_exports",
    "status": "label_exports",
    "download": "label_exports",
    "cancel": "label_exports",
    "jobs": "label_exports",
    "catalogue": "catalogue",
    "history": "catalogue",
}


class _Commands(click.Group):
    """Imports commands late, and prints a LabelError in one line, without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_MODULES])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _MODULES:
            return super().get_command(ctx, cmd_name)
        found: click.Command = getattr(import_module(f"cli.{_MODULES[cmd_name]}"), cmd_name)
        return found

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LabelError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Bulk GS1 labels: from a catalogue to scannable symbols in a ZIP.

    \b
    A first tour:
      labels org create acme --name "Acme Foods"
      labels keys create --org acme
      labels import --org acme --products products.csv --lots lots.csv
      labels serve
      labels export request.json --out labels

    All local state is kept in LABELS_HOME (default: .labels in this folder).
    """


def _settings() -> Settings:
    return Settings().resolved()


@main.command("import")
@click.option("--org", "organisation", required=True, help="The organisation's slug.")
@click.option("--products", type=_FILE, help="id?, gtin, name, carrier?, active?, created_at?")
@click.option(
    "--lots", type=_FILE, help="id?, gtin, lot_number, lot_run_id?, production_date?, expiration_date?, …"
)
@click.option("--serials", type=_FILE, help="id?, gtin, lot_number?, serial_number, active?, created_at?")
@click.option(
    "--events", type=_FILE, help="entity_type, gtin, lot_number?, serial_number?, event_type, occurred_at"
)
@click.option("--rejects", type=click.Path(file_okay=False, path_type=Path), help="Where rejects files go.")
def import_(
    organisation: str,
    products: Path | None,
    lots: Path | None,
    serials: Path | None,
    events: Path | None,
    rejects: Path | None,
) -> None:
    """Import CSV or Parquet files into the organisation's catalogue.

    Good rows land; bad ones are written to a rejects file with file, row, column, value and reason,
    and the command exits 1. Importing a file twice changes nothing.
    """
    if not any((products, lots, serials, events)):
        raise click.UsageError("Name at least one of --products, --lots, --serials, --events.")
    from accounts.store import Accounts
    from catalogue.imports import ingest
    from catalogue.tables import Catalogue, catalogue_url
    from cli.catalogue import ImportBars

    settings = _settings()
    Accounts(settings.database_url).organisation(organisation)
    with ImportBars() as bars:
        report = ingest.import_files(
            Catalogue(catalogue_url(settings.storage_url)),
            organisation,
            products=products,
            lots=lots,
            serials=serials,
            events=events,
            rejects_dir=rejects or settings.home / "rejects" / f"{datetime.now(UTC):%Y%m%dT%H%M%S}",
            on_progress=lambda at: bars.moved(at.table, at.stage.value, at.rows, at.total),
        )
    for table in report.tables:
        click.echo(
            f"{table.table}: {table.read} read, {table.added} added, {table.updated} updated, "
            f"{table.unchanged} unchanged, {table.rejected} rejected"
        )
        if table.rejects_file is not None:
            click.echo(f"  rejected rows: {table.rejects_file}")
    if any(table.rejected for table in report.tables):
        sys.exit(1)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the façade listens.")
@click.option("--port", default=8000, show_default=True)
@click.option(
    "--dagster-port", default=3000, show_default=True, help="The Dagster UI; LABELS_UI_HOST is its host."
)
def serve(host: str, port: int, dagster_port: int) -> None:
    """Run façade, warm workers, code server, daemon and Dagster UI until SIGTERM or Ctrl-C."""
    from cli.supervisor import supervise

    sys.exit(supervise(_settings(), host=host, port=port, dagster_port=dagster_port))


if __name__ == "__main__":
    main()
