"""The `labels` command."""

# ruff: noqa: D301 - the character \b tells click to keep the lines of a paragraph

import builtins
import sys
from importlib import import_module
from keyword import iskeyword
from typing import Any

import click

from cli.settings import Settings
from gs1.errors import LabelError

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
    "print": "printing",
    "import": "imports",
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
        # Python's own words `import` and `print` name no function.
        function = f"{cmd_name}_" if iskeyword(cmd_name) or hasattr(builtins, cmd_name) else cmd_name
        found: click.Command = getattr(import_module(f"cli.{_MODULES[cmd_name]}"), function)
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
