"""`labels catalogue` and `labels history`: sizes and checks of the catalogue, and the print history."""

import sys
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import click

from accounts.store import Accounts
from cli.settings import Settings
from gs1.gtin import as_gtin_14

_ORG = click.option("--org", "organisation", required=True, help="The organisation's slug.")


def _settings_of(organisation: str | None) -> Settings:
    """Return the settings. Raises NoSuchOrganisation if the named organisation does not exist."""
    settings = Settings().resolved()
    if organisation is not None:
        Accounts(settings.database_url).organisation(organisation)
    return settings


@click.group()
def catalogue() -> None:
    """Products, lots, serials and their history."""


@catalogue.command("stats")
@click.option("--org", "organisation", help="One organisation's slug; default: all.")
def catalogue_stats(organisation: str | None) -> None:
    """Print rows, data files, size and version of each organisation's tables."""
    from catalogue import inspection
    from catalogue.tables import Catalogue, catalogue_url

    settings = _settings_of(organisation)
    click.echo(f"{'organisation':<24}{'table':<18}{'rows':>14}{'files':>8}{'MB':>10}{'version':>9}")
    for part in inspection.stats(Catalogue(catalogue_url(settings.storage_url)), organisation):
        click.echo(
            f"{part.organisation:<24}{part.table:<18}{part.rows:>14,}{part.files:>8,}"
            f"{part.size / 1e6:>10,.1f}{part.version:>9}"
        )


@catalogue.command("verify")
@_ORG
def catalogue_verify(organisation: str) -> None:
    """Check keys, check digits, references and sort order of all rows; exit 1 if any is broken."""
    from catalogue import inspection
    from catalogue.tables import Catalogue, catalogue_url

    settings = _settings_of(organisation)
    broken = False
    for check in inspection.verify(Catalogue(catalogue_url(settings.storage_url)), organisation):
        verdict = f"{check.violations:,} broken, as {check.example}" if check.violations else "ok"
        click.echo(f"{check.table:<18}{check.invariant:<32}{verdict}")
        broken = broken or check.violations > 0
    if broken:
        sys.exit(1)


@click.command()
@_ORG
@click.option("--gtin", help="8, 12, 13 or 14 digits.")
@click.option("--lot", help="Lot number.")
@click.option("--serial", help="Serial number.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--offset", default=0, show_default=True, type=click.IntRange(0))
def history(
    organisation: str, gtin: str | None, lot: str | None, serial: str | None, limit: int, offset: int
) -> None:
    """List print and reprint events, newest first, with job, time and what the labels carried. Filters combine with AND."""
    from catalogue import lifecycle
    from catalogue.tables import Catalogue, catalogue_url

    settings = _settings_of(organisation)
    rows, total = lifecycle.history(
        Catalogue(catalogue_url(settings.storage_url)),
        organisation,
        gtin14=None if gtin is None else as_gtin_14(gtin),
        lot=lot,
        serial=serial,
        offset=offset,
        limit=limit,
    )
    for row in rows.iter_rows(named=True):
        moment = row["occurred_at"].isoformat(timespec="seconds")
        what = [f"({ai}){row[name]}" for ai, name in _KEY_AIS.items() if row[name] is not None]
        carried = lifecycle.carried(row)
        keys = {
            "actor": row["actor"],
            "reason": row["reason"],
            "carried": carried and "".join(f"({ai}){value}" for ai, value in carried.items()),
            "resolver": row["resolver"],
            "lines": " | ".join(lifecycle.lines(row) or ()) or None,
        }
        by = [f"{name} {value}" for name, value in keys.items() if value is not None]
        click.echo("\t".join((moment, row["event_type"], "".join(what), row["job_id"] or "-", *by)))
    click.echo(f"{rows.height} of {total}", err=True)


class ImportBars:
    """Progress bars on standard error: one for each file and stage of an import."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._step: tuple[str, str] | None = None
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def moved(self, table: str, stage: str, rows: int, total: int) -> None:
        """Show that `rows` of `total` have passed the stage."""
        if (table, stage) != self._step:
            self._open.close()
            self._step = (table, stage)
            bar: Any = click.progressbar(
                length=total, label=f"{table}, {stage}", show_pos=True, file=sys.stderr
            )
            self._bar = self._open.enter_context(bar)
        self._bar.length = total
        self._bar.update(rows - self._bar.pos)


# GS1 application identifiers of the keys an event has.
_KEY_AIS = {"01": "gtin14", "10": "lot_number", "21": "serial_number"}
