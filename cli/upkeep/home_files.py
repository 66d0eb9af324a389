"""What a backup of the embedded default saves, and in which order.

The order is what makes it consistent beside a running service. Each store may be ahead of those saved before it: a run
that is resumed finds that later work was done already, and does not do it again. None may be behind: what it lacks
would be lost. So the accounts come first, which remember what was asked for; then Dagster's databases, where a
sensor's memory comes before the runs it has asked for, and the runs before their events; then what is to be imported;
then the catalogue; and last the files of exports and what their steps have handed on.
"""

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from fsspec.core import url_to_fs
from fsspec.utils import get_protocol
from sqlalchemy import make_url

from accounts.database import HEAD
from catalogue.schema import TABLES
from cli.settings import Settings
from cli.upkeep.archive import BadBackup, FileChanged, Member, files_below
from gs1.errors import LabelError

ABOUT = "backup.json"
ACCOUNTS, SECRET_KEY, STORAGE = "accounts.sqlite", "secret_key", "storage"
RUNS = "dagster/storage"

_FORMAT = 1
_DATABASES = ("schedules.db", "runs.db", "event_log.db")
_BUSY_SECONDS = 60.0

#: The folder in which a Delta table has its commits.
_LOG = "_delta_log"

#: The suffix of files that are still being written.
_UNFINISHED = ".tmp"

#: How often the log of a table is copied anew because a file of it was removed meanwhile.
_ATTEMPTS = 5


class ElsewhereStored(LabelError):
    """The settings name servers, which a backup of files does not reach."""

    code = "elsewhere_stored"

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"{' and '.join(names)} name servers")


class Home(NamedTuple):
    """Where the embedded default keeps what a backup saves."""

    folder: Path
    accounts: Path
    storage: Path


def home_of(settings: Settings) -> Home:
    """Return the places of these settings; nothing is created. Raises ElsewhereStored."""
    folder = settings.home.expanduser().resolve()
    accounts = make_url(settings.database_url or f"sqlite:///{folder / ACCOUNTS}")
    file = accounts.database or ""
    storage = settings.storage_url or str(folder / STORAGE)
    elsewhere = {
        "LABELS_DAGSTER_URL": bool(settings.dagster_url.get_secret_value()),
        "LABELS_DATABASE_URL": accounts.get_backend_name() != "sqlite"
        or file.startswith(("file:", ":"))
        or not file,
        "LABELS_STORAGE_URL": get_protocol(storage) not in {"file", "local"},
    }
    if names := [name for name, is_elsewhere in elsewhere.items() if is_elsewhere]:
        raise ElsewhereStored(names)
    return Home(folder, Path(file).resolve(), Path(url_to_fs(storage)[1]).resolve())


@contextmanager
def saved(home: Home, *, artefacts: bool) -> Generator[Iterator[Member]]:
    """Yield the members of a backup; `artefacts` says whether ZIPs and PDFs are among them.

    They are found while they are taken, so that each store is read after those before it.
    """
    with tempfile.TemporaryDirectory(prefix="labels-backup-") as folder:
        copies = Path(folder)
        yield chain(
            [_about(copies, artefacts=artefacts)],
            _databases(home, copies),
            _uploads(home.storage),
            _catalogue(home.storage, copies),
            _exports(home.storage, artefacts=artefacts),
            _others(home.folder),
        )


def _databases(home: Home, copies: Path) -> Iterator[Member]:
    yield Member(ACCOUNTS, _copy_of(home.accounts, copies / ACCOUNTS))
    for name in _DATABASES:
        if (file := home.folder / RUNS / name).exists():
            yield Member(f"{RUNS}/{name}", _copy_of(file, copies / name))


def _uploads(storage: Path) -> Iterator[Member]:
    for entry in sorted(storage.iterdir()) if storage.is_dir() else ():
        if entry.name not in {"catalogue", "exports"}:
            yield from _below(storage, entry)


def _catalogue(storage: Path, copies: Path) -> Iterator[Member]:
    """Yield the tables' logs, then their files: a file that a log names is not removed within days.

    A log that names rows comes before the log that has what those rows refer to.
    """
    catalogue = storage / "catalogue"
    for table in reversed(TABLES):
        for path in _log_of(catalogue / table, copies / table):
            yield Member(f"{STORAGE}/catalogue/{table}/{_LOG}/{path.name}", path)
    yield from (member for member in _below(storage, catalogue) if _LOG not in member.path.parts)


def _exports(storage: Path, *, artefacts: bool) -> Iterator[Member]:
    """Yield what jobs keep, but for their parts: those are removed while we read, and can be drawn anew.

    A job's documents say that its other files are whole. So they are read first.
    """
    jobs = storage / "exports"
    for folder in sorted(jobs.iterdir()) if jobs.is_dir() else ():
        members = sorted(_below(storage, folder), key=lambda member: member.path.suffix != ".json")
        for member in members:
            name = member.path.relative_to(folder).parts[0]
            if name != "parts" and (artefacts or name != "artefact"):
                yield member


def _others(folder: Path) -> Iterator[Member]:
    """Yield what steps hand on, which Dagster keeps in a folder for each run, and the secret key."""
    for path in files_below(folder / RUNS):
        if path.parent != folder / RUNS:  # the databases, and what SQLite keeps beside them
            yield Member(path.relative_to(folder).as_posix(), path)
    if (key := folder / SECRET_KEY).exists():
        yield Member(SECRET_KEY, key)


def _below(storage: Path, folder: Path) -> Iterator[Member]:
    for path in [folder] if folder.is_file() else files_below(folder):
        if path.suffix != _UNFINISHED:
            yield Member(f"{STORAGE}/{path.relative_to(storage).as_posix()}", path)


def _about(copies: Path, *, artefacts: bool) -> Member:
    path = copies / ABOUT
    about = {
        "format": _FORMAT,
        "release": version("gs1-label-exporter"),
        "accounts_schema": HEAD,
        "created_at": datetime.now(UTC).isoformat(),
        "artefacts": artefacts,
    }
    path.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return Member(ABOUT, path)


def require_known(about: Path) -> str:
    """Return when the backup was made and by which release. Raises BadBackup if this release cannot read it."""
    try:
        told = json.loads(about.read_bytes())
        known = told["format"] == _FORMAT and told["accounts_schema"] <= HEAD
        made = f"made by release {told['release']} at {told['created_at']}"
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadBackup(f"{ABOUT} cannot be read") from error
    if not known:
        raise BadBackup(f"it was {made}, which is newer than this one")
    return made


def _copy_of(database: Path, copy: Path) -> Path:
    """Copy the database as it is at one moment, and return the copy. Its writers go on meanwhile."""
    source = sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS)
    with closing(source), closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


def _log_of(table: Path, copy: Path) -> list[Path]:
    """Copy the table's log as it is at one moment, and return its files.

    Upkeep may remove old commits once it has written a checkpoint; then the log is copied anew. The pointer to the last
    checkpoint is left out: it is the one file that is ever changed, and readers find checkpoints without it.
    """
    log = table / _LOG
    for _ in range(_ATTEMPTS):
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        try:
            for path in sorted(log.glob("[0-9]*")):
                shutil.copy2(path, copy)
        except FileNotFoundError:
            continue
        return sorted(copy.iterdir())
    raise FileChanged(log)
