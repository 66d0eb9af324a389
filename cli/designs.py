"""`labels designs`: the content of an organisation's labels."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from accounts.store import Accounts
from cli.settings import Settings
from exports.designs import chosen, known
from exports.designs.document import Design, schema
from exports.errors import InvalidRequest
from exports.reads import ExportReads
from exports.requests.request import ExportRequest, parse_request

_ORG = click.option("--org", "organisation", required=True, help="The organisation's slug.")
_NAME = click.argument("name")

#: Recorded as the author of a design that was added by this command, not by an API key.
_ACTOR = "cli"


@click.group()
def designs() -> None:
    """Designs: which symbols and which lines are on a label."""


@designs.command("add")
@_ORG
@_NAME
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def designs_add(organisation: str, name: str, file: Path) -> None:
    """Store the design in FILE (JSON) as the newest version of NAME. Print the version."""
    store = _accounts()
    made = checked(
        file, lambda: chosen.add(store.designs, organisation, name, file.read_bytes(), created_by=_ACTOR)
    )
    click.echo(f"{made.name} version {made.version}")


@designs.command("list")
@_ORG
def designs_list(organisation: str) -> None:
    """List the designs that exports can use, each with its newest version."""
    for each in known.newest(_accounts().designs, organisation):
        made = (
            f"{each.created_at.isoformat(timespec='minutes')}\t{each.created_by}"
            if each.created_at
            else "built in"
        )
        click.echo(f"{each.name}\t{each.version}\t{made}")


@designs.command("show")
@_ORG
@_NAME
@click.option("--version", type=click.IntRange(1), help="Default: the newest.")
def designs_show(organisation: str, name: str, version: int | None) -> None:
    """Print the document of the design NAME."""
    found = known.find(_accounts().designs, organisation, name, version)
    click.echo(json.dumps(found.document, indent=2, ensure_ascii=False))


@designs.command("preview")
@_ORG
@click.argument("design", metavar="NAME_OR_FILE")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The PNG to write."
)
@click.option(
    "--scope", type=click.Choice(["products", "lots", "serials"]), default="lots", show_default=True
)
@click.option("--template", "template_id", help="The sheet template; default: that of an export.")
@click.option(
    "--request",
    "request_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A request of a sheet (JSON), instead of --scope and --template.",
)
def designs_preview(
    organisation: str, design: str, out: Path, scope: str, template_id: str | None, request_file: Path | None
) -> None:
    """Draw the first page of the organisation's labels with a design, stored or in a FILE."""
    store = _accounts()
    wanted = _design(store, organisation, design)
    config = {"sheet_template": template_id} if template_id else {}
    asked = {"scope": scope, "export_type": "sheet_pdf", "file_format": "pdf", "asset_config": config}
    settings = Settings().resolved()
    from catalogue.tables import Catalogue, catalogue_url
    from exports.artefacts import ArtefactStore

    reads = ExportReads(Catalogue(catalogue_url(settings.storage_url)), ArtefactStore(settings.storage_url))

    def look() -> Any:
        request: ExportRequest = parse_request(
            json.dumps(asked).encode() if request_file is None else request_file.read_bytes()
        )
        return reads.preview(store.organisation(organisation), request, wanted)

    found = checked(request_file or Path(design), look)
    if not found.pictures:
        raise click.ClickException("The selection is empty: there is no label to show.")
    out.write_bytes(found.pictures[0].png)
    for failure in found.failures:
        click.echo(f"{failure.entity_id}: {failure.reason}", err=True)
    click.echo(out)


@designs.command("remove")
@_ORG
@_NAME
def designs_remove(organisation: str, name: str) -> None:
    """Remove the design NAME with all its versions. Jobs keep the version that they used."""
    _accounts().designs.remove(organisation, name)
    click.echo(f"removed {name}")


@designs.command("schema")
def designs_schema() -> None:
    """Print the JSON Schema of design documents."""
    click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))


def _accounts() -> Accounts:
    return Accounts(Settings().resolved().database_url)


def _design(store: Accounts, organisation: str, name_or_file: str) -> Design:
    """Return the stored design of this name, or the design in the file."""
    path = Path(name_or_file)
    if path.is_file():
        return checked(path, lambda: chosen.design_of(path.read_bytes()))
    return known.find(store.designs, organisation, name_or_file).design


def checked(what: object, act: Callable[[], Any]) -> Any:
    """Return the result of `act`. Print each fault of the document on one line."""
    try:
        return act()
    except InvalidRequest as error:
        faults = (f"{'.'.join(map(str, fault['loc'][1:]))}: {fault['msg']}" for fault in error.details)
        raise click.ClickException("\n".join([f"{what}:", *faults])) from error
