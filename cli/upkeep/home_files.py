"""The files of a backup of a home with embedded databases, in their order.

The order makes the backup consistent while the service runs. A store may be newer than the stores saved before it: a
resumed run finds that later work is done and does not repeat it. A store must not be older, because what it lacks would
be lost. The order is: the accounts, which have the requests; Dagster's databases, with the state of sensors before the
runs they request, and runs before their events; uploads to be imported; the catalogue; the files of exports and the
outputs of their steps.
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

#: The folder of a Delta table's commits.
_LOG = "_delta_log"

#: The suffix of files that are still being written.
_UNFINISHED = ".tmp"

#: Attempts to copy the log of a table, one of whose files may be removed meanwhile.
_ATTEMPTS = 5


class ElsewhereStored(LabelError):
    """The settings name servers, which a backup of files cannot include."""

    code = "elsewhere_stored"

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"{' and '.join(names)} name servers")


class Home(NamedTuple):
    """The places of the files that a backup saves."""

    folder: Path
    accounts: Path
    storage: Path


def home_of(settings: Settings) -> Home:
    """Return the places for these settings. Nothing is created. Raises ElsewhereStored."""
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
    """Yield the members of a backup, with ZIPs and PDFs if `artefacts`.

    The iterator is lazy, so that each store is read after those before it.
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
    """Yield the tables' logs, then their files. A file that a log names is not removed for days.

    Logs of referring tables come before logs of the tables that they refer to.
    """
    catalogue = storage / "catalogue"
    for table in reversed(TABLES):
        for path in _log_of(catalogue / table, copies / table):
            yield Member(f"{STORAGE}/catalogue/{table}/{_LOG}/{path.name}", path)
    yield from (member for member in _below(storage, catalogue) if _LOG not in member.path.parts)


def _exports(storage: Path, *, artefacts: bool) -> Iterator[Member]:
    """Yield the files of jobs without their parts, which may be removed meanwhile and can be drawn again.

    A job's documents are read first, because they say that its other files are complete.
    """
    jobs = storage / "exports"
    for folder in sorted(jobs.iterdir()) if jobs.is_dir() else ():
        members = sorted(_below(storage, folder), key=lambda member: member.path.suffix != ".json")
        for member in members:
            name = member.path.relative_to(folder).parts[0]
            if name != "parts" and (artefacts or name != "artefact"):
                yield member


def _others(folder: Path) -> Iterator[Member]:
    """Yield the secret key, and the outputs of steps, which Dagster has in a folder for each run."""
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
    """Return the time and the release of the backup. Raises BadBackup if this release cannot read it."""
    try:
        document = json.loads(about.read_bytes())
        known = document["format"] == _FORMAT and document["accounts_schema"] <= HEAD
        made = f"made by release {document['release']} at {document['created_at']}"
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadBackup(f"{ABOUT} cannot be read") from error
    if not known:
        raise BadBackup(f"it was {made}, which is newer than this one")
    return made


def _copy_of(database: Path, copy: Path) -> Path:
    """Copy a consistent snapshot of the database, and return the copy. Writers are not blocked."""
    source = sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS)
    with closing(source), closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


def _log_of(table: Path, copy: Path) -> list[Path]:
    """Copy a consistent snapshot of the table's log, and return its files.

    Maintenance may remove old commits after it has written a checkpoint; then the log is copied again. The pointer to
    the last checkpoint is left out, because it is the only file that changes, and readers find checkpoints without it.
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
