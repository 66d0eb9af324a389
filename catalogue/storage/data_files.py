"""A view of an object store for DuckDB. Data files never change, so their metadata is requested only once.

DuckDB requests a file's size, time and existence at every use of it in a query, and fsspec again when it is opened.
"""

from datetime import UTC, datetime
from typing import Any

from fsspec import AbstractFileSystem

#: Most data files whose metadata a process remembers.
_FILES_KNOWN = 10_000

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class DataFiles(AbstractFileSystem):
    """Reads and writes data files through `filesystem`, which must have no other user."""

    cachable = False

    def __init__(self, filesystem: AbstractFileSystem) -> None:
        super().__init__()
        self.protocol = filesystem.protocol
        self._filesystem = filesystem
        self._ask = filesystem.info
        self._known: dict[str, dict[str, Any]] = {}
        # An opened file requests its metadata from its file system too.
        filesystem.info = self.info

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        del options
        name = self._name(path)
        found = self._known.get(name)
        if found is None:
            found = self._ask(path)
            if len(self._known) >= _FILES_KNOWN:
                self._known.clear()
            self._known[name] = found
        return found

    def open(self, path: str, mode: str = "rb", *arguments: Any, **options: Any) -> Any:
        return self._filesystem.open(path, mode, *arguments, **options)

    def modified(self, path: str) -> datetime:
        """Return a time long ago, because DuckDB reads the footer of a file younger than ten seconds repeatedly."""
        del path
        return _LONG_AGO

    def isfile(self, path: str) -> bool:
        """Return whether the file is known. DuckDB asks this about files that it will write, whose names are new."""
        return self._name(path) in self._known

    def isdir(self, path: str) -> bool:
        del path
        return False

    def _name(self, path: str) -> str:
        return str(self._filesystem._strip_protocol(path))  # noqa: SLF001 - how fsspec's classes name a path
