"""`labels printers`: what each printer does to an export, and the sheet in its tray."""

# ruff: noqa: D301 - the character \b tells click to keep the lines of a paragraph

import json
from pathlib import Path

import click

from accounts.labels.printers import StoredPrinter
from accounts.store import Accounts
from cli.designs import checked
from cli.settings import Settings
from exports.artefacts import ArtefactStore
from exports.ports import ExportJob
from exports.printers import profile
from exports.printers.profile import Profile, Tray, profile_of
from exports.printers.trays import Trays
from exports.requests.json_body import parse
from exports.sheets.templates import templates_in

_ORG = click.option("--org", "organisation", required=True, help="The organisation's slug.")
_NAME = click.argument("name")

#: Who changed a printer without a key of the API.
_ACTOR = "cli"


@click.group()
def printers() -> None:
    """Printers: offsets, scale, resolution and rotation by name, and the sheet in the tray.

    \b
    A request names one; what the request gives itself wins:
      {"scope": "lots", "export_type": "sheet_pdf", "file_format": "pdf",
       "asset_config": {"printer": "desk"}}

    A sheet of the template in the tray begins at its next free cell, and the job's end moves that on.
    """


@printers.command("add")
@_ORG
@_NAME
@click.option("--offset-x-mm", type=float, help="Moves everything to the right, -50 to 50.")
@click.option("--offset-y-mm", type=float, help="Moves everything down, -50 to 50.")
@click.option(
    "--scale-percent", type=float, help="Makes up for a printer that shrinks, 90 to 110. Sheets only."
)
@click.option("--dpi", type=int, help="Dots per inch; label printers have 203, 300 or 600.")
@click.option("--rotate", type=int, help="0, 90, 180 or 270, where a page is one label.")
@click.option("--sheet-template", help="The sheet in the tray; see `labels templates`.")
@click.option("--next-position", type=int, help="The sheet's first free cell, counted from 1.")
def printers_add(organisation: str, name: str, **members: object) -> None:
    """Store the printer NAME, in place of the one that has the name.

    Without --sheet-template and --next-position the tray stays as it is. To find the offsets, print one sheet on
    plain paper, lay it on the labels, and measure.

    \b
    Example:
      labels printers add --org acme desk --offset-x-mm 0.5 --sheet-template avery_5160
    """
    store, trays = _stores()
    body = json.dumps({key: value for key, value in members.items() if value is not None}).encode()
    saved = checked(
        name,
        lambda: profile.save(store.printers, trays.templates, organisation, name, body, changed_by=_ACTOR),
    )
    click.echo(f"saved {_line(saved)}")


@printers.command("list")
@_ORG
def printers_list(organisation: str) -> None:
    """List the printers, each with its settings and the first free cell of the sheet in its tray."""
    for each in _stores()[1].list(organisation):
        click.echo(_line(each))


@printers.command("show")
@_ORG
@_NAME
def printers_show(organisation: str, name: str) -> None:
    """Print the printer NAME as JSON. `taken_by` is the job that has the tray until it ends."""
    printer = _stores()[1].get(organisation, name)
    document = {**profile_of(printer).model_dump(exclude_none=True), "taken_by": printer.taken_by}
    click.echo(json.dumps(document, indent=2))


@printers.command("tray")
@_ORG
@_NAME
@click.option("--sheet-template", help="Default: that of the sheet before.")
@click.option("--next-position", type=int, default=1, show_default=True, help="The first free cell.")
def printers_tray(organisation: str, name: str, sheet_template: str | None, next_position: int) -> None:
    """Tell which sheet is in the tray of NAME: a new one, or the same with another free cell.

    This counts whatever job had the sheet before.

    \b
    Examples:
      labels printers tray --org acme desk
      labels printers tray --org acme desk --sheet-template avery_5163 --next-position 3
    """
    store, trays = _stores()
    members = {"sheet_template": sheet_template, "next_position": next_position}

    def load() -> StoredPrinter:
        tray = parse(json.dumps(members).encode(), Tray)
        return profile.load_tray(store.printers, trays.templates, organisation, name, tray)

    click.echo(_line(checked(name, load)))


@printers.command("remove")
@_ORG
@_NAME
def printers_remove(organisation: str, name: str) -> None:
    """Remove the printer NAME. Jobs keep its settings."""
    _stores()[0].printers.remove(organisation, name)
    click.echo(f"removed {name}")


def _stores() -> tuple[Accounts, Trays]:
    settings = Settings().resolved()
    store = Accounts(settings.database_url)
    artefacts = ArtefactStore(settings.storage_url)
    return store, Trays(store.printers, templates_in(artefacts), _job)


def _job(organisation: str, job_id: str) -> ExportJob:
    """Return the state of the job, which Dagster's database has. Only a taken tray pays for the imports."""
    from catalogue.tables import Catalogue, catalogue_url
    from pipelines.export.job_state import job_of, run_of
    from pipelines.export.progress import ProgressReader
    from pipelines.storage import instance

    settings = Settings().resolved()
    with instance.load(Path(settings.home)) as dagster:
        run = run_of(dagster, organisation, job_id)
        catalogue = Catalogue(catalogue_url(settings.storage_url))
        return job_of(run, ProgressReader(dagster), ArtefactStore(settings.storage_url), catalogue)


def _line(printer: StoredPrinter) -> str:
    settings = Profile.model_validate_json(printer.document).model_dump(exclude_none=True)
    told = ", ".join(f"{key} {value}" for key, value in settings.items())
    if printer.sheet_template is None:
        tray = "no sheet in its tray"
    elif printer.taken_by is None:
        tray = f"{printer.sheet_template} from cell {printer.next_position}"
    else:
        tray = f"{printer.sheet_template} taken by {printer.taken_by}"
    return "\t".join((printer.name, told or "no settings", tray))
