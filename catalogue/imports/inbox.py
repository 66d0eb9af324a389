"""Folders that files are dropped into to be imported: one for each organisation below one root."""

import hashlib
import posixpath
import re
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from catalogue import scratch
from catalogue.errors import ImportFileError
from catalogue.imports.folders import Entry, folders_at
from catalogue.imports.ingest import import_paths
from catalogue.imports.options import ImportFile, ImportOptions
from catalogue.imports.reading.opened import SUFFIXES
from catalogue.imports.report import ImportReport
from catalogue.tables import Catalogue

# File names begin with the name of a table, or say that the columns tell. They are in order of import: referenced
# ones first.
PREFIXES: dict[str, tuple[str, ...]] = {
    "catalogue": (),
    "products": ("products",),
    "lots": ("lots",),
    "serials": ("serials",),
    "events": ("lifecycle_events",),
}

_PROCESSING = "processing"
# Name of a claimed file: number of import attempts, fingerprint when it was claimed, original name.
_CLAIM = re.compile(r"(\d+)\.[0-9a-f]{16}\.(.+)", re.DOTALL)

#: An import that has ended its process this often is not started again.
MOST_ATTEMPTS = 3

# File systems allow names of 255 bytes, and we add to the names.
_NAME_BYTES = 120


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file in an organisation's folder, or one that was claimed earlier and not finished.

    `fingerprint` changes with the name, the content and each attempt. `entry` is the file's entry in
    `folder`; "" is the organisation's own folder.
    """

    organisation: str
    name: str
    fingerprint: str
    folder: str
    entry: Entry
    attempts: int

    @property
    def file(self) -> tuple[str, str]:
        return self.folder, self.entry.name

    @property
    def prefix(self) -> str | None:
        """The name in PREFIXES that the file's begins with, or None."""
        return next((prefix for prefix in PREFIXES if self.name.lower().startswith(prefix)), None)


@dataclass(frozen=True, slots=True)
class Taken:
    """The result for one file: where it is now, and its report, None if the whole file was refused."""

    arrival: Arrival
    moved_to: str
    report: ImportReport | None
    reason: str | None


class Inbox:
    """The folders `<root>/<organisation>`. A file goes to `processing` below it, and on to `done` or `rejected`."""

    def __init__(self, root_url: str) -> None:
        self._folders = folders_at(root_url)

    def organisations(self) -> list[str]:
        """Return the names of the folders."""
        return self._folders.organisations()

    def arrivals(self, organisation: str) -> list[Arrival]:
        """Return the organisation's files, in the order in which they can be imported.

        Names that begin with a dot are left out: those files are still being written, or hidden.
        """
        found = (
            _arrival(organisation, folder, entry)
            for folder in ("", _PROCESSING)
            for entry in self._folders.entries(organisation, folder)
            if not entry.name.startswith(".")
        )
        return sorted(found, key=_import_order)

    def take(self, organisation: str, fingerprints: Collection[str], catalogue: Catalogue) -> Iterator[Taken]:
        """Import the organisation's files with these fingerprints one after the other; yield each result.

        All files are claimed first, so that files left by a killed process can be recognised. A file that was
        changed or removed after it was listed is left out. Repeating a killed import is harmless: a second
        import of the same rows changes nothing.
        """
        wanted = [arrival for arrival in self.arrivals(organisation) if arrival.fingerprint in fingerprints]
        for claim in [claim for arrival in wanted if (claim := self._claim(arrival))]:
            if taken := self._take(claim, catalogue):
                yield taken

    def _claim(self, arrival: Arrival) -> Arrival | None:
        if arrival.folder:
            return arrival
        try:
            return self._carried(arrival, attempts=0)
        except FileNotFoundError:
            return None

    def _carried(self, arrival: Arrival, attempts: int) -> Arrival | None:
        """Return the file, claimed with this number of attempts; None if it has changed and must wait."""
        name = f"{attempts}.{arrival.fingerprint}.{_shortened(arrival.name)}"
        stamp = self._folders.carry(arrival.organisation, arrival.folder, arrival.entry, (_PROCESSING, name))
        if stamp is None:
            return None
        return replace(arrival, folder=_PROCESSING, entry=Entry(name, stamp), attempts=attempts)

    def _take(self, claim: Arrival, catalogue: Catalogue) -> Taken | None:
        with tempfile.TemporaryDirectory(prefix=scratch.prefix("inbox")) as folder:
            try:
                _require_importable(claim)
                begun = self._carried(claim, claim.attempts + 1)
                if begun is None:
                    return None
                claim = begun
                report = self._import(claim, Path(folder), catalogue)
            except ImportFileError as error:
                text = Path(folder) / "reason.txt"
                reason = f"{error}\nexpected: {error.expected}\n"
                text.write_text(reason, encoding="utf-8", errors="backslashreplace")
                return Taken(claim, self._move(claim, "rejected", [(text, "reason.txt")]), None, str(error))
            if report is None or self._folders.stamp(claim.organisation, claim.file) != claim.entry.stamp:
                # Somebody is still writing to the file. It is imported when it no longer changes.
                name = f"0.{claim.fingerprint}.{_shortened(claim.name)}"
                self._folders.move(claim.organisation, claim.file, (_PROCESSING, name))
                return None
            beside = list(_beside(report))
            moved_to = self._move(claim, "rejected" if beside else "done", beside)
        return Taken(claim, moved_to, report, None)

    def _import(self, claim: Arrival, folder: Path, catalogue: Catalogue) -> ImportReport | None:
        """Import a copy that nobody else writes to; return None if the file changed while it was copied."""
        copy = folder / _shortened(claim.name)
        if self._folders.copy(claim.organisation, claim.file, copy) != claim.entry.stamp:
            return None
        kinds = PREFIXES[claim.prefix or "catalogue"]
        return import_paths(
            catalogue, claim.organisation, [ImportFile(copy, kinds)], ImportOptions(), folder / "rejects"
        )

    def _move(self, claim: Arrival, outcome: str, beside: list[tuple[Path, str]]) -> str:
        """Move the file below `outcome`, after its reports, each with the end of its name.

        Returns the file's path below the root.
        """
        stem, suffix = posixpath.splitext(_shortened(claim.name))
        name = f"{stem}.{claim.fingerprint}{suffix}"
        for path, kind in beside:
            self._folders.put(claim.organisation, path, (outcome, f"{name}.{kind}"))
        self._folders.move(claim.organisation, claim.file, (outcome, name))
        return f"{claim.organisation}/{outcome}/{name}"


def _beside(report: ImportReport) -> Iterator[tuple[Path, str]]:
    """Yield the files with rows that were not imported, and with the reasons, each with the end of its name."""
    several = len(report.tables) > 1
    for table in report.tables:
        if table.rejects_file is not None:
            yield table.rejects_file, f"{table.table}.rejects.csv" if several else "rejects.csv"
    for file in report.files:
        for path, kind in ((file.held_file, "held"), (file.refused_file, "refused")):
            if path is not None:
                yield path, f"{kind}{path.suffix}"


def _require_importable(claim: Arrival) -> None:
    """Raise ImportFileError if the name is not an import's, or the import has ended too many processes."""
    if claim.prefix is None:
        raise ImportFileError(
            f"{claim.name} tells no table",
            value=claim.name,
            expected=f"a name that begins with {', '.join(PREFIXES)}",
        )
    if not claim.name.lower().endswith(SUFFIXES):
        raise ImportFileError(
            f"{claim.name} is of no kind that is imported",
            value=claim.name,
            expected=f"a name that ends with {', '.join(SUFFIXES)}",
        )
    if claim.attempts >= MOST_ATTEMPTS:
        raise ImportFileError(
            f"{claim.name}: its import was begun {claim.attempts} times and never ended",
            value=claim.attempts,
            expected="a file that is imported at once; the service's log tells what ended it",
        )


def _arrival(organisation: str, folder: str, entry: Entry) -> Arrival:
    claim = _CLAIM.fullmatch(entry.name) if folder else None
    attempts, name = (int(claim[1]), claim[2]) if claim else (0, entry.name)
    known = f"{folder}/{entry.name}|{entry.stamp}"
    fingerprint = hashlib.sha256(known.encode(errors="surrogateescape")).hexdigest()[:16]
    return Arrival(organisation, _printable(name), fingerprint, folder, entry, attempts)


def _import_order(arrival: Arrival) -> tuple[int, str]:
    order = len(PREFIXES) if arrival.prefix is None else list(PREFIXES).index(arrival.prefix)
    return order, arrival.name


def _printable(name: str) -> str:
    """Return a name that can be stored and shown, even if its bytes are not UTF-8."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _shortened(name: str) -> str:
    """Return the name; if it is long, only its beginning and its suffix."""
    suffix = posixpath.splitext(name)[1]
    if len(name.encode(errors="surrogateescape")) <= _NAME_BYTES or len(suffix) > len(".parquet"):
        suffix = ""
    kept = name.encode(errors="surrogateescape")[: _NAME_BYTES - len(suffix.encode(errors="surrogateescape"))]
    return kept.decode(errors="ignore") + suffix
