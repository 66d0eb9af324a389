"""`labels requests`: export requests with names."""

# ruff: noqa: D301 - the character \b tells click to keep the lines of a paragraph

import json
from pathlib import Path

import click

from accounts.store import Accounts
from cli.designs import checked
from cli.label_exports import asks_the_service, download_of, out_option, service
from cli.settings import Settings
from exports.requests import saved
from exports.requests.words import stored_in_words

_ORG = click.option("--org", "organisation", required=True, help="The organisation's slug.")
_NAME = click.argument("name")

#: Who saved a request without a key of the API.
_ACTOR = "cli"


@click.group()
def requests() -> None:
    """Saved requests: exports that are made again and again, by name.

    \b
    Examples:
      labels requests save --org acme shelf request.json
      labels requests run shelf --out labels
    """


@requests.command("save")
@_ORG
@_NAME
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def requests_save(organisation: str, name: str, file: Path) -> None:
    """Save the request in FILE (JSON, as `labels export` takes it) as NAME, in place of the one that has the name."""
    stored = _accounts().saved_requests
    made = checked(file, lambda: saved.save(stored, organisation, name, file.read_bytes(), changed_by=_ACTOR))
    click.echo(f"saved {made.name}")


@requests.command("list")
@_ORG
def requests_list(organisation: str) -> None:
    """List the saved requests, each in words."""
    for each in _accounts().saved_requests.list(organisation):
        words = stored_in_words(each.document) or "this release no longer takes it"
        click.echo(f"{each.name}\t{words}")


@requests.command("show")
@_ORG
@_NAME
def requests_show(organisation: str, name: str) -> None:
    """Print the saved request NAME as JSON, for `labels export` or to change and save it again."""
    found = _accounts().saved_requests.get(organisation, name)
    click.echo(json.dumps(saved.document_of(found), indent=2, ensure_ascii=False))


@requests.command("run")
@_NAME
@out_option
@asks_the_service
def requests_run(name: str, out: Path, url: str, key: str | None) -> None:
    """Submit the saved request NAME to the service, wait, and download the ZIP, PDF or ZPL.

    The key says whose request it is. The file's path is printed on standard output, all else on standard error.
    Ctrl-C stops waiting; the export itself goes on.

    \b
    Example:
      labels requests run shelf --out labels
    """
    with service(url, key) as client:
        receipt = client.submit_saved(name)
        click.echo(f"label export {receipt.job_id}", err=True)
        download_of(client, receipt.job_id, out)


@requests.command("remove")
@_ORG
@_NAME
def requests_remove(organisation: str, name: str) -> None:
    """Remove the saved request NAME. Its jobs stay."""
    _accounts().saved_requests.remove(organisation, name)
    click.echo(f"removed {name}")


def _accounts() -> Accounts:
    return Accounts(Settings().resolved().database_url)
