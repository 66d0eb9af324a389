"""The `labels` command."""

# ruff: noqa: D301 - the character \b tells click to keep the lines of a paragraph

import builtins
from importlib import import_module
from keyword import iskeyword
from typing import Any

import click
from pydantic import ValidationError

from cli.rules import SettingUnreadable
from gs1.errors import LabelError

#: The modules of the other commands. Each is imported when it is needed, so that a long-running command such as `labels
#: serve` does not have the libraries of others in memory.
_MODULES = {
    "serve": "service.processes",
    "facade": "service.processes",
    "daemon": "service.processes",
    "code-server": "service.processes",
    "ui": "service.processes",
    "worker": "service.worker",
    "org": "credentials",
    "keys": "credentials",
    "operators": "credentials",
    "webhooks": "credentials",
    "schedules": "schedules",
    "plans": "schedules",
    "templates": "templates",
    "designs": "designs",
    "printers": "printers",
    "requests": "saved_requests",
    "export": "label_exports",
    "status": "label_exports",
    "download": "label_exports",
    "cancel": "label_exports",
    "jobs": "label_exports",
    "print": "printing",
    "import": "imports",
    "catalogue": "catalogue",
    "history": "catalogue",
    "doctor": "upkeep.doctor",
    "backup": "upkeep.backup",
    "restore": "upkeep.backup",
}


class _Commands(click.Group):
    """Imports commands when needed. Prints a LabelError or a wrong setting on one line, without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_MODULES])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _MODULES:
            return super().get_command(ctx, cmd_name)
        # A function cannot have the name of a Python keyword or built-in, such as `import` or `print`, or a hyphen.
        is_taken = iskeyword(cmd_name) or hasattr(builtins, cmd_name)
        function = f"{cmd_name}_" if is_taken else cmd_name.replace("-", "_")
        found: click.Command = getattr(import_module(f"cli.{_MODULES[cmd_name]}"), function)
        return found

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LabelError as error:
            raise click.ClickException(str(error)) from error
        except ValidationError as error:
            if not error.title.endswith("Settings"):
                raise
            raise click.ClickException(str(SettingUnreadable(error))) from error


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


if __name__ == "__main__":
    main()
