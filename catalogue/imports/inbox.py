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
from catalogue.imports.ingest import TableReport, import_files
from catalogue.tables import Catalogue

# A file's name begins with its table's, in the order in which they are imported: what is referred to first.
PREFIXES = ("products", "lots", "serials", "events")
_SUFFIXES = (".csv", ".parquet", ".pq")

_PROCESSING = "processing"
# A claim: how often its import was begun, the fingerprint it was claimed by, and its name.
_CLAIM = re.compile(r"(\d+)\.[0-9a-f]{16}\.(.+)", re.DOTALL)

#: An import that ended its process so often is not begun again.
MOST_ATTEMPTS = 3

# File systems allow names of 255 bytes, and ours add to them.
_NAME_BYTES = 120


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file in an organisation's folder, or one claimed before and never finished.

    `fingerprint` changes with its name, its content and each attempt; `entry` is what the folder, "" for the
    organisation's own, has of it.
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
        """The table its name begins with, as `import_files` calls it; None for another name."""
        return next((prefix for prefix in PREFIXES if self.name.lower().startswith(prefix)), None)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one file: where it is now, and its report, None where it was refused as a whole."""

    arrival: Arrival
    moved_to: str
    report: TableReport | None
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

        Names that begin with a dot are left out: they are of files on their way, and of nobody's.
        """
        found = (
            _arrival(organisation, folder, entry)
            for folder in ("", _PROCESSING)
            for entry in self._folders.entries(organisation, folder)
            if not entry.name.startswith(".")
        )
        return sorted(found, key=_import_order)

    def take(self, organisation: str, fingerprints: Collection[str], catalogue: Catalogue) -> Iterator[Taken]:
        """Import the organisation's files with these fingerprints one after the other; yield what became of them.

        All are claimed first, so that what a killed process leaves can be told. What has changed or gone since it
        was looked at is left out: it has another fingerprint. To repeat a killed import is harmless, for a second
        import changes nothing.
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
        """Return the file as a claim that says the number of attempts; None if it has changed, and is to wait."""
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
                return Taken(claim, self._move(claim, "rejected", text, "reason.txt"), None, str(error))
            if report is None or self._folders.stamp(claim.organisation, claim.file) != claim.entry.stamp:
                # Somebody still writes to it. What it becomes is imported when it has come to rest.
                name = f"0.{claim.fingerprint}.{_shortened(claim.name)}"
                self._folders.move(claim.organisation, claim.file, (_PROCESSING, name))
                return None
            outcome = "rejected" if report.rejected else "done"
            moved_to = self._move(claim, outcome, report.rejects_file, "rejects.csv")
        return Taken(claim, moved_to, report, None)

    def _import(self, claim: Arrival, folder: Path, catalogue: Catalogue) -> TableReport | None:
        """Import a copy that nobody else writes to; return None if the file changed before it was whole."""
        copy = folder / _shortened(claim.name)
        if self._folders.copy(claim.organisation, claim.file, copy) != claim.entry.stamp:
            return None
        given = {claim.prefix: copy}
        report = import_files(
            catalogue,
            claim.organisation,
            products=given.get("products"),
            lots=given.get("lots"),
            serials=given.get("serials"),
            events=given.get("events"),
            rejects_dir=folder / "rejects",
        )
        return report.tables[0]

    def _move(self, claim: Arrival, outcome: str, beside: Path | None, kind: str) -> str:
        """Move the file below `outcome`, what is told of it beside it first; return where it is, below the root."""
        stem, suffix = posixpath.splitext(_shortened(claim.name))
        name = f"{stem}.{claim.fingerprint}{suffix}"
        if beside is not None:
            self._folders.put(claim.organisation, beside, (outcome, f"{name}.{kind}"))
        self._folders.move(claim.organisation, claim.file, (outcome, name))
        return f"{claim.organisation}/{outcome}/{name}"


def _require_importable(claim: Arrival) -> None:
    """Raise ImportFileError if its name says that it is not for us, or it ended too many processes."""
    if claim.prefix is None:
        raise ImportFileError(
            f"{claim.name} tells no table",
            value=claim.name,
            expected=f"a name that begins with {', '.join(PREFIXES)}",
        )
    if not claim.name.lower().endswith(_SUFFIXES):
        raise ImportFileError(
            f"{claim.name} is of no kind that is imported",
            value=claim.name,
            expected=f"a name that ends with {', '.join(_SUFFIXES)}",
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
    order = len(PREFIXES) if arrival.prefix is None else PREFIXES.index(arrival.prefix)
    return order, arrival.name


def _printable(name: str) -> str:
    """Return a name that can be stored and shown, also of one whose bytes are no UTF-8."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _shortened(name: str) -> str:
    """Return the name, of a long one the beginning and the suffix."""
    suffix = posixpath.splitext(name)[1]
    if len(name.encode(errors="surrogateescape")) <= _NAME_BYTES or len(suffix) > len(".parquet"):
        suffix = ""
    kept = name.encode(errors="surrogateescape")[: _NAME_BYTES - len(suffix.encode(errors="surrogateescape"))]
    return kept.decode(errors="ignore") + suffix
