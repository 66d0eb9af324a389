"""The `labels` command."""

# ruff: noqa: D301 - the character \b tells click to keep the lines of a paragraph

import sys
from typing import Any

import click

from cli import catalogue, credentials, imports, label_exports, schedules, templates
from cli.settings import Settings
from gs1.errors import LabelError


class _Commands(click.Group):
    """Prints a LabelError in one line, without a traceback."""

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


for command in (
    credentials.org,
    credentials.keys,
    credentials.webhooks,
    schedules.schedules,
    schedules.plans,
    templates.templates,
    *label_exports.COMMANDS,
    *catalogue.COMMANDS,
    imports.import_,
):
    main.add_command(command)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the façade listens.")
@click.option("--port", default=8000, show_default=True)
@click.option("--dagster-port", default=3000, show_default=True, help="The Dagster UI, on localhost only.")
def serve(host: str, port: int, dagster_port: int) -> None:
    """Run façade, warm workers, code server, daemon and Dagster UI until SIGTERM or Ctrl-C."""
    from cli.supervisor import supervise

    sys.exit(supervise(_settings(), host=host, port=port, dagster_port=dagster_port))


if __name__ == "__main__":
    main()
