"""DuckDB as the catalogue uses it: connections with our macros, and tables as views of data files."""

import posixpath
from collections.abc import Mapping, Sequence

import duckdb
import polars as pl
from fsspec import AbstractFileSystem

from catalogue.ids import NAMESPACE
from catalogue.schema import TABLES, columns_lacking

_SQL_TYPES: dict[type[pl.DataType], str] = {
    pl.String: "VARCHAR",
    pl.Binary: "BLOB",
    pl.Boolean: "BOOLEAN",
    pl.Int64: "BIGINT",
    pl.Datetime: "TIMESTAMPTZ",
}

# `uuid_key` takes only UUIDs, `key_of` any id.
_MACROS = f"""
CREATE MACRO uuid5_of_sha1(d) AS
    substr(d, 1, 8) || '-' || substr(d, 9, 4) || '-5' || substr(d, 14, 3) || '-'
    || substr('89ab89ab89ab89ab', instr('0123456789abcdef', substr(d, 17, 1)), 1) || substr(d, 18, 3)
    || '-' || substr(d, 21, 12);
CREATE MACRO derived_id(name) AS uuid5_of_sha1(sha1(unhex('{NAMESPACE.hex}') || encode(name)));
CREATE MACRO key_of(id) AS CASE
    WHEN regexp_full_match(id, '[0-9a-f]{{8}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}')
    THEN unhex(replace(id, '-', '')) ELSE unhex(md5(id)) END;
"""


def connect(
    filesystem: AbstractFileSystem | None, database: str = ":memory:", **settings: str
) -> duckdb.DuckDBPyConnection:
    """Return a connection with the catalogue's macros that reads and writes through `filesystem`.

    `filesystem` is None for the local disk, which DuckDB reads itself.
    """
    connection = duckdb.connect(database, config=dict(settings))
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET TimeZone = 'UTC'")
    # Data files never change under their name, so their footers can be cached.
    connection.execute("SET parquet_metadata_cache = true")
    connection.execute(_MACROS)
    if filesystem is not None:
        connection.register_filesystem(filesystem)
    return connection


def view_of(table: str, paths: Sequence[str]) -> str:
    """Return the query of the rows in the table's data files, each with its `filename`.

    Columns that the file of an older release does not have are NULL.
    """
    if not paths:
        return f"SELECT {_columns(table, [*TABLES[table]])}, NULL::VARCHAR AS filename WHERE false"
    lacking: dict[tuple[str, ...], list[str]] = {}
    for path in paths:
        lacking.setdefault(columns_lacking(table, posixpath.basename(path)), []).append(path)
    return " UNION ALL ".join(_rows_of(table, files, lacks) for lacks, files in lacking.items())


def _rows_of(table: str, paths: Sequence[str], lacks: Sequence[str]) -> str:
    listed = ", ".join(quoted(path) for path in paths)
    return (
        f"SELECT {_columns(table, lacks)}, filename FROM "  # noqa: S608 - the catalogue's own paths
        f"read_parquet([{listed}], filename = true, hive_partitioning = false)"
    )


def _columns(table: str, lacks: Sequence[str]) -> str:
    """Return the table's columns for a SELECT: those in `lacks` as NULL."""
    return ", ".join(
        f"NULL::{_SQL_TYPES[type(dtype)]} AS {name}" if name in lacks else name
        for name, dtype in TABLES[table].items()
    )


def fetch(
    cursor: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, object] | None = None
) -> pl.DataFrame:
    """Return the query's rows. Timestamps get the schemas' time zone name; DuckDB calls it Etc/UTC."""
    frame = cursor.sql(query, params=dict(values or {})).pl()
    return frame.with_columns(pl.col(pl.Datetime("us", "*")).dt.convert_time_zone("UTC"))


def one(cursor: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, object] | None = None) -> tuple:
    """Return the row of a query that has exactly one."""
    (row,) = cursor.execute(query, dict(values or {})).fetchall()
    return row


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
