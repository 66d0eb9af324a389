"""Folders that files are dropped into to be imported: one for each organisation below one root."""

import hashlib
import posixpath
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs

from catalogue.errors import ImportFileError
from catalogue.imports.ingest import TableReport, import_files
from catalogue.imports.staging import REJECTS
from catalogue.tables import Catalogue

# A file's name begins with its table's, in the order in which they are imported: what is referred to first.
PREFIXES = ("products", "lots", "serials", "events")
_SUFFIXES = (".csv", ".parquet", ".pq")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file in an organisation's folder. `fingerprint` changes with its name and its content."""

    organisation: str
    name: str
    fingerprint: str

    @property
    def prefix(self) -> str | None:
        """The table its name begins with, as `import_files` calls it; None for another name."""
        return next((prefix for prefix in PREFIXES if self.name.startswith(prefix)), None)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one file: where it is now, and its report, None where it was refused as a whole."""

    arrival: Arrival
    moved_to: str
    report: TableReport | None
    reason: str | None


class Inbox:
    """The folders `<root>/<organisation>`; taken files go on to `done` or `rejected` below them."""

    def __init__(self, root_url: str) -> None:
        filesystem, root = url_to_fs(root_url)
        self._filesystem: AbstractFileSystem = filesystem
        self._root = str(root).rstrip("/")

    def arrivals(self) -> list[Arrival]:
        """Return the CSV and Parquet files of all organisations, in the order in which they can be imported."""
        self._filesystem.invalidate_cache()
        found = [
            Arrival(posixpath.basename(folder), posixpath.basename(str(file["name"])), _fingerprint(file))
            for folder in self._listed(self._root, "directory")
            for file in self._details(folder)
            if file["type"] == "file" and str(file["name"]).lower().endswith(_SUFFIXES)
        ]
        return sorted(found, key=_import_order)

    def take(self, arrivals: Iterable[Arrival], catalogue: Catalogue) -> Iterable[Taken]:
        """Import the files one after the other, and move each; what is no longer there is left out.

        A killed import is repeated without harm, for a second import changes nothing.
        """
        for arrival in sorted(arrivals, key=_import_order):
            if self._filesystem.exists(self._path(arrival)):
                yield self._take(arrival, catalogue)

    def _take(self, arrival: Arrival, catalogue: Catalogue) -> Taken:
        with tempfile.TemporaryDirectory(prefix="labels-inbox-") as folder:
            try:
                report = self._import(arrival, Path(folder), catalogue)
            except ImportFileError as error:
                rejects = Path(folder) / "rejects.csv"
                row = {"file": arrival.name, "column": error.field, "reason": str(error)}
                pl.DataFrame([row], schema=REJECTS).write_csv(rejects)
                return Taken(arrival, self._move(arrival, "rejected", rejects), None, str(error))
            outcome = "rejected" if report.rejected else "done"
            moved_to = self._move(arrival, outcome, report.rejects_file)
        return Taken(arrival, moved_to, report, None)

    def _import(self, arrival: Arrival, folder: Path, catalogue: Catalogue) -> TableReport:
        if arrival.prefix is None:
            raise ImportFileError(
                f"{arrival.name} tells no table",
                value=arrival.name,
                expected=f"a name that begins with {', '.join(PREFIXES)}",
            )
        path = folder / arrival.name
        self._filesystem.get_file(self._path(arrival), str(path))
        given = {arrival.prefix: path}
        report = import_files(
            catalogue,
            arrival.organisation,
            products=given.get("products"),
            lots=given.get("lots"),
            serials=given.get("serials"),
            events=given.get("events"),
            rejects_dir=folder / "rejects",
        )
        return report.tables[0]

    def _move(self, arrival: Arrival, outcome: str, rejects: Path | None) -> str:
        """Move the file below `outcome`, the rejects beside it first; return where it is, below the root."""
        stem, suffix = posixpath.splitext(arrival.name)
        target = f"{arrival.organisation}/{outcome}/{stem}.{arrival.fingerprint}{suffix}"
        self._filesystem.makedirs(posixpath.dirname(f"{self._root}/{target}"), exist_ok=True)
        if rejects is not None:
            self._filesystem.put_file(str(rejects), f"{self._root}/{target}.rejects.csv")
        self._filesystem.mv(self._path(arrival), f"{self._root}/{target}")
        return target

    def _path(self, arrival: Arrival) -> str:
        return f"{self._root}/{arrival.organisation}/{arrival.name}"

    def _listed(self, folder: str, kind: str) -> list[str]:
        return [str(entry["name"]).rstrip("/") for entry in self._details(folder) if entry["type"] == kind]

    def _details(self, folder: str) -> list[dict[str, object]]:
        try:
            return list(self._filesystem.ls(folder, detail=True))
        except FileNotFoundError:
            return []


def _import_order(arrival: Arrival) -> tuple[str, int, str]:
    order = len(PREFIXES) if arrival.prefix is None else PREFIXES.index(arrival.prefix)
    return arrival.organisation, order, arrival.name


def _fingerprint(entry: dict[str, object]) -> str:
    changed = entry.get("ETag") or entry.get("mtime") or entry.get("LastModified") or ""
    return hashlib.sha256(f"{entry['name']}|{entry['size']}|{changed}".encode()).hexdigest()[:16]
