"""Statistics and verification of the catalogue: its size, and the invariants that imports ensure."""

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from catalogue import duck
from catalogue.attributes import is_before
from catalogue.imports.staging import workshop
from catalogue.schema import SORT_ORDER, TABLES
from catalogue.tables import Catalogue


@dataclass(frozen=True, slots=True)
class TableStats:
    """One organisation's rows and files of a table at its newest version; `size` is in bytes."""

    table: str
    organisation: str
    version: int
    rows: int
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant of one organisation's table: how many rows violate it, and one of them as text."""

    table: str
    organisation: str
    invariant: str
    violations: int
    example: str | None


def stats(catalogue: Catalogue, organisation: str | None = None) -> list[TableStats]:
    """Return the sizes of every organisation's tables, or of one organisation's, without reading any data."""
    found: list[TableStats] = []
    for table in TABLES:
        with catalogue.opened(table) as handle:
            for name in catalogue.organisations(table):
                if organisation in {None, name}:
                    files = catalogue.data_files(name, handle)
                    rows, size = sum(file.rows for file in files), sum(file.size for file in files)
                    found.append(TableStats(table, name, handle.version(), rows, len(files), size))
    return found


def verify(catalogue: Catalogue, organisation: str) -> Iterator[Check]:
    """Check one version of the organisation's tables against every invariant; yield each with its violations."""
    version = catalogue.version()
    files = catalogue.files(organisation, version)
    with (
        workshop(catalogue) as connection,
        catalogue.session(organisation, version, on=connection) as session,
    ):
        for table, invariants in _INVARIANTS.items():
            for invariant, query in invariants.items():
                yield Check(table, organisation, invariant, *_broken(session, query))
        for table, paths in files.items():
            counts = [_broken(session, _unsorted(table, path)) for path in paths]
            example = next((example for _, example in counts if example), None)
            yield Check(table, organisation, "sorted files", sum(count for count, _ in counts), example)


def _broken(session: duckdb.DuckDBPyConnection, query: str) -> tuple[int, str | None]:
    """Return the query's number of rows, and the first column of one of them."""
    count, example = duck.one(session, f"SELECT count(*), min(broken)::VARCHAR FROM ({query})")  # noqa: S608 - our own
    return int(count), example


def _repeated(table: str, *columns: str) -> str:
    key = ", ".join(columns)
    text = f"concat_ws(' ', {key})"
    return f"SELECT {text} AS broken FROM {table} GROUP BY {key} HAVING count(*) > 1"  # noqa: S608 - our own names


def _wrong_check_digit(table: str) -> str:
    """Condition in SQL. Weights 3, 1, 3, … from the left. Source: GS1 General Specifications, section 7.9.1."""
    digits = " + ".join(f"substr(gtin14, {n}, 1)::INTEGER * {3 if n % 2 else 1}" for n in range(1, 15))
    whole = "regexp_full_match(gtin14, '[0-9]{14}')"
    return (
        f"SELECT gtin14 AS broken FROM {table}"  # noqa: S608 - our own names
        f" WHERE CASE WHEN {whole} THEN ({digits}) % 10 <> 0 ELSE true END"
    )


def _wrong_key(table: str, column: str = "id", key: str = "id_key") -> str:
    return f"SELECT {column} AS broken FROM {table} WHERE {key} IS DISTINCT FROM key_of({column})"  # noqa: S608


def _unsorted(table: str, path: str) -> str:
    # A missing lot or serial number comes first, like the empty text.
    key = ", ".join(f"coalesce({column}, '')" for column in SORT_ORDER[table])
    return (
        f"SELECT {duck.quoted(path)} AS broken FROM (SELECT row({key}) AS this,"  # noqa: S608 - our own paths
        f" lag(row({key})) OVER (ORDER BY file_row_number) AS previous"
        f" FROM read_parquet({duck.quoted(path)}, file_row_number = true, hive_partitioning = false))"
        " WHERE this < previous"
    )


_INVARIANTS: dict[str, dict[str, str]] = {
    "products": {
        "unique GTIN": _repeated("products", "gtin14"),
        "unique id": _repeated("products", "id"),
        "key of id": _wrong_key("products"),
        "check digit": _wrong_check_digit("products"),
    },
    "lots": {
        "unique GTIN and lot number": _repeated("lots", "gtin14", "lot_number"),
        "unique id": _repeated("lots", "id"),
        "key of id": _wrong_key("lots"),
        "check digit": _wrong_check_digit("lots"),
        "product of the GTIN": """
            SELECT l.id AS broken FROM lots l LEFT JOIN products p ON p.gtin14 = l.gtin14
            WHERE p.id IS DISTINCT FROM l.product_id""",
        "dates after production": f"""
            SELECT id AS broken FROM lots WHERE {is_before("expiration_date", "production_date")}
            OR {is_before("best_before_date", "production_date")}
            OR {is_before("expiration_time", "production_date")}""",  # noqa: S608 - our own names
    },
    "serials": {
        "unique GTIN and serial number": _repeated("serials", "gtin14", "serial_number"),
        "unique id": _repeated("serials", "id_key"),
        "key of id": _wrong_key("serials"),
        "check digit": _wrong_check_digit("serials"),
        "product of the GTIN": """
            SELECT s.id AS broken FROM serials s LEFT JOIN products p ON p.gtin14 = s.gtin14
            WHERE p.id IS DISTINCT FROM s.product_id""",
        "lot of the lot number": """
            SELECT s.id AS broken FROM serials s
            LEFT JOIN lots l ON l.gtin14 = s.gtin14 AND l.lot_number = s.lot_number
            WHERE l.id IS DISTINCT FROM s.lot_id OR (s.lot_number IS NOT NULL AND l.id IS NULL)""",
    },
    "lifecycle_events": {
        "unique id": _repeated("lifecycle_events", "id"),
        "key of entity": _wrong_key("lifecycle_events", "entity_id", "entity_key"),
        "entity in the catalogue": """
            SELECT e.entity_id AS broken FROM lifecycle_events e ANTI JOIN (
                SELECT 'product' AS kind, id_key::UUID AS key FROM products
                UNION ALL SELECT 'lot', id_key::UUID FROM lots
                UNION ALL SELECT 'serial', id_key::UUID FROM serials
            ) known ON known.kind = e.entity_type AND known.key = e.entity_key::UUID""",
    },
}
