"""`labels doctor`: check everything that the service needs, and report faults."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from pydantic import ValidationError

from cli.rules import SettingUnreadable
from cli.settings import Settings
from cli.upkeep import findings
from cli.upkeep.findings import Finding, Installation, Level


@click.command()
@click.option(
    "--url",
    envvar="LABELS_URL",
    default="http://127.0.0.1:8000",
    show_default=True,
    help="The façade to ask.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of lines.")
def doctor(url: str, as_json: bool) -> None:
    """Check settings, packages, disk, databases, storage, Redis, clocks, leases and the running service.

    Prints a line for each check: ok, warn or FAIL, what was found, and what to do. Exits with 1 if a check fails. It
    shows no secrets. It changes nothing, except for a few test objects in the storage, which it removes.
    """
    found: list[Finding] = []
    for finding in _examined(url):
        found.append(finding)
        if not as_json:
            click.echo(_line(finding))
    failed = any(finding.level is Level.FAIL for finding in found)
    if as_json:
        click.echo(
            json.dumps({"ok": not failed, "findings": [finding._asdict() for finding in found]}, indent=1)
        )
    sys.exit(failed)


def _examined(url: str) -> Iterator[Finding]:
    try:
        installation = Installation.of(Settings(), url)
    except ValidationError as error:
        yield Finding("settings", Level.FAIL, str(SettingUnreadable(error)), "Correct the setting.")
        return
    owner = _owner(installation.home)
    if owner not in {None, os.geteuid()}:
        found = f"{installation.home} belongs to user {owner}, and this is user {os.geteuid()}"
        # SQLite would create files of this user, which the service's user could not write.
        yield Finding("home", Level.FAIL, found, "Run this as the user that runs the service.")
        return
    # Imported after the settings are checked, because these import the whole service.
    from cli.upkeep import connections, installed, running

    checks = (*installed.CHECKS, *connections.CHECKS, *running.CHECKS)
    yield from findings.run(checks, installation)


def _owner(home: Path) -> int | None:
    return home.stat().st_uid if home.exists() else None


def _line(finding: Finding) -> str:
    advice = f"  → {finding.advice}" if finding.advice else ""
    return f"{finding.level:<5} {finding.subject:<12} {finding.found}{advice}"
