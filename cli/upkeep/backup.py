"""`labels backup` and `labels restore`: a home with embedded databases, in one file."""

import os
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import click

from cli.settings import Settings, make_private, restrict
from cli.upkeep import archive, home_files
from cli.upkeep.archive import BadBackup
from cli.upkeep.home_files import ElsewhereStored, Home

_STAGE = ".restoring"

_ELSEWHERE = """\
{what}. `labels {command}` supports SQLite databases and local files only. For these settings, use the servers' own tools:
  databases   pg_dump each of them, the accounts (LABELS_DATABASE_URL) before Dagster's (LABELS_DAGSTER_URL);
  storage     turn on the bucket's versioning, or copy it, after the databases were dumped;
  secret      keep LABELS_SECRET_KEY: without it, webhook secrets and download addresses are lost.
Restore all of them to the same moment or the storage to a later one, never to an earlier one."""


@click.command()
@click.argument("file", metavar="FILE")
@click.option(
    "--without-artefacts", is_flag=True, help="Leave out the ZIPs and PDFs, which are most of the data."
)
def backup(file: str, without_artefacts: bool) -> None:
    """Save the home into FILE, a tar archive; `-` is standard output. The service may run meanwhile.

    FILE has secrets: anybody who has it can sign download addresses.
    """
    settings = Settings()
    home = _embedded(settings, "backup")
    if not home.accounts.exists():
        raise click.ClickException(f"{home.folder} is not a home of the service: nothing to save.")
    with _output(file, home) as stream, home_files.saved(home, artefacts=not without_artefacts) as members:
        files, size = archive.write(members, stream)
    click.echo(f"saved {files:,} files, {size / 1e6:,.1f} MB", err=True)
    if settings.secret_key:
        click.echo("LABELS_SECRET_KEY is set, and is not in the backup. Keep it.", err=True)


@click.command()
@click.argument("file", metavar="FILE")
def restore(file: str) -> None:
    """Restore the backup FILE into an empty home; `-` is standard input.

    Nothing is restored unless FILE is complete and undamaged. When the copy is served, it acts like the original: its
    schedules run and its webhooks are sent.
    """
    home = _embedded(Settings(), "restore")
    _require_empty(home)
    # On the same file system as the target, so that a rename moves it into place.
    stages = home.folder / _STAGE, home.storage / _STAGE
    ours, storage = stages

    def target(name: str) -> Path:
        first, *rest = PurePosixPath(name).parts
        if first not in {
            home_files.ABOUT,
            home_files.ACCOUNTS,
            home_files.SECRET_KEY,
            "dagster",
            home_files.STORAGE,
        }:
            raise BadBackup(f"{name!r} is not a file of a home")
        return storage.joinpath(*rest) if first == home_files.STORAGE else ours / name

    try:
        for stage in stages:
            shutil.rmtree(stage, ignore_errors=True)
            stage.mkdir(parents=True, mode=0o700)
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as stream:
            files = archive.read(stream, target)
        made = home_files.require_known(ours / home_files.ABOUT)
        os.sync()
        _move_into_place(ours, storage, home)
    finally:
        for stage in stages:
            shutil.rmtree(stage, ignore_errors=True)
    click.echo(f"restored {files:,} files, {made}")


def _move_into_place(ours: Path, storage: Path, home: Home) -> None:
    """Move everything into place, the accounts last, because a folder without them is not a home."""
    restrict(home.folder, 0o700)
    for entry in storage.iterdir():
        entry.rename(home.storage / entry.name)
    for name in ("dagster", home_files.SECRET_KEY):
        if (entry := ours / name).exists():
            entry.rename(home.folder / name)
    home.accounts.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(ours / home_files.ACCOUNTS, home.accounts)
    make_private(home.folder)
    restrict(home.accounts, 0o600)


def _embedded(settings: Settings, command: str) -> Home:
    """Return the home of the settings. If they name servers, exit with 2 and print what to do instead."""
    try:
        return home_files.home_of(settings)
    except ElsewhereStored as error:
        click.echo(_ELSEWHERE.format(what=error, command=command), err=True)
        sys.exit(2)


@contextmanager
def _output(file: str, home: Home) -> Generator[BinaryIO]:
    """Open the file for writing. It appears when it is complete, readable by its owner only."""
    if file == "-":
        yield sys.stdout.buffer
        return
    path = Path(file).resolve()
    if path.exists():
        raise click.ClickException(f"{path} exists. Name a new file.")
    if path.is_relative_to(home.storage):
        raise click.ClickException(f"{path} is in the storage, which is saved. Name a file elsewhere.")
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _require_empty(home: Home) -> None:
    """Exit unless home and storage are absent or empty. An interrupted restore is ignored."""
    allowed = {home.folder: {_STAGE, home.storage.name}, home.storage: {_STAGE}}
    for folder, names in allowed.items():
        if folder.is_dir() and (left := {entry.name for entry in folder.iterdir()} - names):
            raise click.ClickException(
                f"{folder} is not empty: it has {min(left)}. Restore into an empty home, named by LABELS_HOME."
            )
    if home.accounts.exists():
        raise click.ClickException(
            f"{home.accounts} exists. Restore into an empty home, named by LABELS_HOME."
        )
