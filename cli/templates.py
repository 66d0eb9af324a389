"""`labels templates`: list sheet templates, register an organisation's own, and write calibration pages."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import click

from accounts.store import Accounts
from cli.settings import Settings
from exports.artefacts import ArtefactStore
from exports.sheets import templates as registered
from renderers.sheets.document import Calibration
from renderers.sheets.model import SheetTemplate
from renderers.sheets.templates import TEMPLATES, template

_ORG_HELP = "The organisation's slug."

_HEADER = ("id", "description", "page, mm", "labels", "label, mm")


@click.group(invoke_without_command=True)
@click.option("--org", "organisation", help="List this organisation's own sheets too.")
@click.option("--json", "as_json", is_flag=True, help="Print all values of each, as JSON.")
@click.pass_context
def templates(ctx: click.Context, organisation: str | None, as_json: bool) -> None:
    """Sheets of labels: list those that exports can use."""
    if ctx.invoked_subcommand is not None:
        if organisation is not None or as_json:
            raise click.UsageError(f"Options belong behind {ctx.invoked_subcommand!r}.")
        return
    sheets = _known(organisation).values()
    if as_json:
        click.echo(json.dumps([_document(sheet) for sheet in sheets], indent=2, ensure_ascii=False))
    else:
        _table(sheets)


@templates.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--org", "organisation", required=True, help=_ORG_HELP)
def templates_add(file: Path, organisation: str) -> None:
    """Register the sheets in FILE as the organisation's own. They replace its earlier ones.

    FILE is CSV: a column for each value that `labels templates --json` shows of a sheet, lengths in millimetres. A
    sheet with the id of a built-in one replaces it.
    """
    before = _own(organisation)
    try:
        sheets = registered.register(organisation, file.read_text(encoding="utf-8"), _store())
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file} is not UTF-8: {error}") from error
    click.echo(f"{organisation} has {len(sheets)} of its own:")
    _table(sheets)
    if gone := sorted(before - {sheet.id for sheet in sheets}):
        click.echo(f"no longer known: {', '.join(gone)}")


@templates.command("calibration")
@click.argument("name", metavar="TEMPLATE")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The PDF to write."
)
@click.option("--org", "organisation", help="The organisation, for one of its own sheets.")
@click.option("--offset-x-mm", type=click.FloatRange(-50, 50), default=0, help="To the right; 0.")
@click.option("--offset-y-mm", type=click.FloatRange(-50, 50), default=0, help="Down; 0.")
@click.option("--scale-percent", type=click.FloatRange(50, 200), default=100, help="Of the true size; 100.")
def templates_calibration(
    name: str,
    out: Path,
    organisation: str | None,
    offset_x_mm: float,
    offset_y_mm: float,
    scale_percent: float,
) -> None:
    """Write a page that shows how far a printer deviates from TEMPLATE, and what to set in asset_config.

    Print it again with the measured values: the outlines then meet the labels.
    """
    # reportlab is slow to import, and listing does not need it.
    from renderers.sheets.calibration import calibration_page

    sheet = template(name, _known(organisation))
    out.write_bytes(calibration_page(sheet, Calibration(offset_x_mm, offset_y_mm, scale_percent)))
    click.echo(out)


def _store() -> ArtefactStore:
    return ArtefactStore(Settings().resolved().storage_url)


def _known(organisation: str | None) -> dict[str, SheetTemplate]:
    """Return the sheets by id, with the organisation's own if one is named. Raises NoSuchOrganisation."""
    if organisation is None:
        return dict(TEMPLATES)
    Accounts(Settings().resolved().database_url).organisation(organisation)
    return dict(registered.of_organisation(organisation, _store()))


def _own(organisation: str) -> set[str]:
    """Return the ids of the organisation's own sheets. Raises NoSuchOrganisation."""
    return {name for name, sheet in _known(organisation).items() if TEMPLATES.get(name) is not sheet}


def _document(sheet: SheetTemplate) -> dict[str, object]:
    return {**asdict(sheet), "labels_per_page": sheet.labels_per_page}


def _table(sheets: Iterable[SheetTemplate]) -> None:
    rows = [_HEADER, *(_cells(sheet) for sheet in sheets)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _cells(sheet: SheetTemplate) -> tuple[str, str, str, str, str]:
    size = f"{sheet.label_width_mm:g} x {sheet.label_height_mm:g}"
    return (
        sheet.id,
        sheet.description,
        f"{sheet.page_width_mm:g} x {sheet.page_height_mm:g}",
        str(sheet.labels_per_page),
        f"{sheet.label_width_mm:g} round" if sheet.shape == "round" else size,
    )
