"""The catalogue's Delta tables under one root, and the DuckDB sessions that read them."""

import re
import threading
import time
import uuid
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from tempfile import gettempdir
from typing import Any, cast

import duckdb
import fsspec
import polars as pl
from deltalake import CommitProperties, DeltaTable, Field, Schema, Transaction
from deltalake.exceptions import CommitFailedError
from deltalake.schema import PrimitiveType
from deltalake.transaction import AddAction, RemoveAction
from fsspec import AbstractFileSystem
from fsspec.utils import get_protocol

from catalogue import delta_log, duck, scratch
from catalogue.errors import CatalogueError, CommitContention
from catalogue.schema import SORT_ORDER, TABLES, file_prefix
from catalogue.storage.data_files import DataFiles
from catalogue.storage.object_stores import open_store

# Referencing tables come before referenced ones, so a version has every product that its serials name.
_VERSION_ORDER = ("lifecycle_events", "serials", "lots", "products")
_DELTA_TYPES: dict[type[pl.DataType], str] = {
    pl.String: "string",
    pl.Binary: "binary",
    pl.Boolean: "boolean",
    pl.Int64: "long",
    pl.Datetime: "timestamp",
}
_ORGANISATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_COMMIT_ATTEMPTS = 40

#: How a table's data files are written: in row groups of which little is read in vain. DuckDB gives Bloom filters to
#: columns with a dictionary, so each column of serials has one, however many values it has: among ten million serials, one
#: row group is read to find a number or an id. The files are a quarter larger.
_WRITTEN: dict[str, str] = {
    "lifecycle_events": ", ROW_GROUP_SIZE 40960",
    "serials": ", ROW_GROUP_SIZE 40960, DICTIONARY_SIZE_LIMIT 40960, STRING_DICTIONARY_PAGE_SIZE_LIMIT 67108864",
}

#: The memory that DuckDB may take in a process. Each thread needs a part of it: with 96 MB, one thread can
#: sort five million rows by spilling to disk, two threads cannot.
_SHARE: dict[str, str] = {"memory_limit": "512MB"}
_FRUGAL_SHARE: dict[str, str] = {"memory_limit": "96MB", "threads": "1"}


@dataclass(frozen=True, slots=True)
class CatalogueVersion:
    """The Delta versions of the four tables that belong together in one read of the catalogue."""

    products: int
    lots: int
    serials: int
    lifecycle_events: int


@dataclass(frozen=True, slots=True)
class DataFile:
    """One data file: its path below the table, its size in bytes, and its number of rows."""

    path: str
    size: int
    rows: int


@dataclass(frozen=True, slots=True)
class Commit:
    """A writer's change to one snapshot: files to add and to remove, under one app transaction.

    Two writers with the same `transaction` and the same base conflict: one decides again, on the new snapshot.
    """

    add: Sequence[DataFile]
    remove: Sequence[DataFile]
    transaction: Transaction


def catalogue_url(storage_url: str) -> str:
    """Return where the catalogue is under the root of the storage."""
    return f"{storage_url.rstrip('/')}/catalogue"


class Catalogue:
    """The Delta tables `products`, `lots`, `serials` and `lifecycle_events` below one root URL or local path.

    One object per process, safe for many threads. Tables are created and opened on first use, so an object
    made before a fork works in the child. For `s3://` the environment variables `AWS_*` give the store's
    address and credentials. A `frugal` one takes little memory and one core, for processes of which
    there are many. A `patient` one outlasts outages of an object store; one that answers clients is not.
    """

    def __init__(self, root_url: str, *, frugal: bool = False, patient: bool = True) -> None:
        self._patient = patient
        self._share = _FRUGAL_SHARE if frugal else _SHARE
        protocol = get_protocol(root_url)
        self._local = protocol in {"file", "local"}
        self._protocol = protocol
        self._root = str(fsspec.get_filesystem_class(protocol)._strip_protocol(root_url)).rstrip("/")  # noqa: SLF001
        self._lock = threading.RLock()
        self._tables: dict[str, DeltaTable] = {}
        self._uris: dict[tuple[str, str], tuple[int, list[str]]] = {}
        self._duckdb: duckdb.DuckDBPyConnection | None = None

    @cached_property
    def _filesystem(self) -> AbstractFileSystem:
        # Read-ahead would fetch most of a file although DuckDB reads only some columns.
        options: dict[str, object] = {"default_cache_type": "none"} if self._protocol == "s3" else {}
        filesystem, _ = open_store(self.table_uri(""), patient=self._patient, **options)
        return filesystem if self._local else DataFiles(filesystem)

    def table_uri(self, table: str) -> str:
        path = f"{self._root}/{table}"
        return path if self._local else f"{self._protocol}://{path}"

    def version(self) -> CatalogueVersion:
        """Return the newest version of each table. Rows that a version refers to are in it."""
        with self._lock:
            return CatalogueVersion(**{table: self._latest(table).version() for table in _VERSION_ORDER})

    def version_with(self, table: str, handle: DeltaTable) -> CatalogueVersion:
        """Return the handle's version of this table, and the newest version of the other tables."""
        versions = {name: self._latest(name).version() for name in _VERSION_ORDER if name != table}
        return CatalogueVersion(**versions, **{table: handle.version()})

    def files(
        self,
        organisation: str,
        version: CatalogueVersion | None = None,
        tables: Collection[str] = _VERSION_ORDER,
    ) -> dict[str, list[str]]:
        """Return the organisation's data files by table, as DuckDB can open them."""
        _check_organisation(organisation)
        with self._lock:
            return {
                table: self._file_uris(table, organisation, self._at(table, version))
                for table in _VERSION_ORDER
                if table in tables
            }

    def _file_uris(self, table: str, organisation: str, handle: DeltaTable) -> list[str]:
        """Return the organisation's data files; those of the last requested version are cached."""
        version, uris = self._uris.get((table, organisation), (None, []))
        if version != handle.version():
            uris = handle.file_uris(file_pruning_predicate=[("org", "=", organisation)])
            self._uris[table, organisation] = handle.version(), uris
        return uris

    @contextmanager
    def session(
        self,
        organisation: str,
        version: CatalogueVersion | None = None,
        *,
        tables: Collection[str] = _VERSION_ORDER,
        on: duckdb.DuckDBPyConnection | None = None,
    ) -> Generator[duckdb.DuckDBPyConnection]:
        """Return a DuckDB cursor in which `products`, `lots`, … are this organisation's rows at one version.

        Only `tables` are opened. It belongs to the connection `on`; the default is the process's own.
        """
        files = self.files(organisation, version, tables)
        with (on or self._connection()).cursor() as cursor:
            for table, paths in files.items():
                cursor.execute(f"CREATE TEMP VIEW {table} AS {duck.view_of(table, paths)}")
            yield cursor

    def connect(self, database: str, **settings: str) -> duckdb.DuckDBPyConnection:
        """Return a DuckDB connection separate from the process's own, for `session(…, on=…)`."""
        return duck.connect(None if self._local else self._filesystem, database, **settings)

    def write_file(
        self,
        cursor: duckdb.DuckDBPyConnection,
        table: str,
        organisation: str,
        query: str,
        *,
        is_sorted: bool = False,
    ) -> DataFile:
        """Write the query's rows, sorted, to a new data file that is not in any snapshot yet.

        The query returns the table's columns in order, and its rows in order if it is declared sorted. The
        file's name is new, so a killed writer leaves at most a file that nobody reads.
        """
        _check_organisation(organisation)
        path = f"org={organisation}/{file_prefix(table)}{uuid.uuid4()}.parquet"
        target = f"{self.table_uri(table)}/{path}"
        if self._local:
            self._filesystem.makedirs(target.rpartition("/")[0], exist_ok=True)
        order = ", ".join(f"{column} NULLS FIRST" for column in SORT_ORDER[table])
        ordered = "" if is_sorted else f"ORDER BY {order}"
        columns = ", ".join(TABLES[table])
        copied = cursor.execute(
            f"COPY (SELECT {columns} FROM ({query}) {ordered})"  # noqa: S608 - no values in it
            f" TO {duck.quoted(target)} (FORMAT parquet, COMPRESSION zstd{_WRITTEN.get(table, '')})"
        ).fetchall()
        return DataFile(path, int(self._filesystem.info(target)["size"]), int(copied[0][0]))

    def data_files(self, organisation: str, handle: DeltaTable) -> list[DataFile]:
        """Return the organisation's files in the handle's snapshot."""
        actions = pl.DataFrame(handle.get_add_actions(flatten=True))
        if actions.is_empty():
            return []
        mine = actions.filter(pl.col("partition.org") == organisation)
        columns = mine.select("path", "size_bytes", "num_records")
        return [DataFile(path, size, rows) for path, size, rows in columns.iter_rows()]

    def organisations(self, table: str) -> list[str]:
        """Return the organisations that have rows in the table, sorted."""
        with self._lock:
            return sorted({str(partition["org"]) for partition in self._latest(table).partitions()})

    @contextmanager
    def opened(self, table: str) -> Generator[DeltaTable]:
        """Yield the table's newest snapshot, for this thread alone during the block."""
        with self._lock:
            yield self._latest(table)

    def vacuum(self, table: str, retention_hours: int) -> list[str]:
        """Remove the files that no version of the last `retention_hours` has; return them."""
        handle = DeltaTable(self.table_uri(table))
        return handle.vacuum(retention_hours=retention_hours, dry_run=False, full=True)

    def small_files(self, table: str, rows_below: int) -> dict[str, int]:
        """Return each organisation's number of files with fewer rows, from one read of the log."""
        with self._lock:
            files = pl.DataFrame(self._latest(table).get_add_actions(flatten=True))
        if files.is_empty():
            return {}
        small = files.filter(pl.col("num_records") < rows_below)
        return dict(small.group_by("partition.org").len().iter_rows())

    def commit(self, table: str, organisation: str, decide: Callable[[DeltaTable], Commit | None]) -> bool:
        """Commit what `decide` returns for the newest snapshot; return False if that is None.

        If another writer committed first, `decide` is called again with a new snapshot. The other threads of this
        process wait for the table meanwhile. Raises CommitContention after too many attempts.
        """
        _check_organisation(organisation)
        for attempt in range(_COMMIT_ATTEMPTS):
            with self.opened(table) as handle:
                wanted = decide(handle)
                if wanted is None:
                    return False
                with suppress(CommitFailedError):
                    handle.create_write_transaction(
                        _actions(organisation, wanted),
                        mode="append",
                        schema=_delta_schema(table),
                        partition_by=["org"],
                        commit_properties=CommitProperties(app_transactions=[wanted.transaction]),
                    )
                    return True
            # Spread the writers in time; the snapshot is read again above.
            time.sleep(min(0.01 * 1.5**attempt, 0.5))
        raise CommitContention(
            f"{table}: other writers won {_COMMIT_ATTEMPTS} commits in a row", value=organisation, field=table
        )

    def _connection(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._duckdb is None:
                # Large sorts spill to this folder.
                folder = f"{gettempdir()}/{scratch.prefix('duckdb')}spill"
                self._duckdb = self.connect(":memory:", temp_directory=folder, **self._share)
            return self._duckdb

    def _latest(self, table: str) -> DeltaTable:
        with self._lock:
            handle = self._tables.get(table)
            if handle is None:
                if self._local:
                    self._filesystem.makedirs(self.table_uri(table), exist_ok=True)
                handle = self._tables[table] = _open_or_create(self.table_uri(table), table)
            handle.update_incremental()
            return handle

    def _at(self, table: str, version: CatalogueVersion | None) -> DeltaTable:
        if version is None:
            return self._latest(table)
        wanted = int(getattr(version, table))
        handle = self._tables.get(table)
        if handle is not None and handle.version() == wanted:
            return handle
        return DeltaTable(self.table_uri(table), version=wanted)


def _open_or_create(uri: str, table: str) -> DeltaTable:
    if not DeltaTable.is_deltatable(uri):
        try:
            return DeltaTable.create(
                uri,
                _delta_schema(table),
                mode="ignore",
                partition_by=["org"],
                configuration=delta_log.PROPERTIES,
            )
        except CommitFailedError:
            # Another process created it at the same time.
            return DeltaTable(uri)
    return _with_later_columns(DeltaTable(uri), table)


def _with_later_columns(handle: DeltaTable, table: str) -> DeltaTable:
    """Return the table, after adding the columns that an older release did not create."""
    present = {field.name for field in handle.schema().fields}
    missing = [field for field in _delta_schema(table).fields if field.name not in present]
    if missing:
        try:
            handle.alter.add_columns(missing)
        except CommitFailedError:
            # Another process committed at the same time. If it added no columns, the next process to open the
            # table will: our own readers and writers do not depend on the table's schema.
            return DeltaTable(handle.table_uri)
    return handle


def _delta_schema(table: str) -> Schema:
    columns: Mapping[str, pl.DataType] = cast(
        "Mapping[str, pl.DataType]", {"org": pl.String(), **TABLES[table]}
    )
    return Schema([Field(name, PrimitiveType(_DELTA_TYPES[type(dtype)])) for name, dtype in columns.items()])


def _actions(organisation: str, wanted: Commit) -> list[Any]:
    now = int(time.time() * 1000)
    partition: dict[str, str | None] = {"org": organisation}
    added = [
        AddAction(
            file.path, file.size, partition, now, data_change=True, stats=f'{{"numRecords": {file.rows}}}'
        )
        for file in wanted.add
    ]
    removed = [RemoveAction(file.path, True, now, file.size, partition) for file in wanted.remove]
    return [*added, *removed]


def _check_organisation(organisation: str) -> None:
    if not _ORGANISATION.fullmatch(organisation):
        raise CatalogueError(
            f"{organisation!r} cannot name an organisation's partition",
            value=organisation,
            expected="1 to 64 letters, digits, hyphens or underscores",
            field="organisation",
        )
