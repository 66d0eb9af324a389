"""Import of products, lots, serials and events: every row checked, good rows landed, bad ones reported."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
from deltalake import DeltaTable, Transaction

from catalogue import rules
from catalogue.errors import ImportFileError
from catalogue.ids import SEPARATOR, canonical_id
from catalogue.rules import Rule
from catalogue.schema import TABLES
from catalogue.tables import Catalogue, Commit, DataFile, fetch

# More files than this per organisation and table, and the next import rewrites them all into one.
COMPACT_FILES = 16

REJECTS = pl.Schema(
    {
        "file": pl.String(),
        "row": pl.Int64(),
        "column": pl.String(),
        "value": pl.String(),
        "reason": pl.String(),
    }
)


@dataclass(frozen=True, slots=True)
class TableReport:
    """What became of one file's rows; `version` is the table's Delta version, None if nothing changed."""

    table: str
    read: int
    added: int
    updated: int
    unchanged: int
    rejected: int
    rejects_file: Path | None
    version: int | None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """One report per imported file, in the order of import."""

    tables: tuple[TableReport, ...]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which columns a file must and may have, and which of the table's they become."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    entity_type: str
    natural_key: tuple[str, ...]
    attributes: tuple[str, ...]


_FILES: dict[str, _Columns] = {
    "products": _Columns(
        ("gtin", "name"), ("id", "carrier", "active", "created_at"), "product", ("gtin14",),
        ("name", "carrier", "active", "created_at"),
    ),
    "lots": _Columns(
        ("gtin", "lot_number"),
        ("id", "lot_run_id", "production_date", "expiration_date", "best_before_date", "active", "created_at"),
        "lot", ("gtin14", "lot_number"),
        ("lot_run_id", "production_date", "expiration_date", "best_before_date", "active", "created_at"),
    ),
    "serials": _Columns(
        ("gtin", "serial_number"), ("id", "lot_number", "active", "created_at"), "serial",
        ("gtin14", "serial_number"), ("lot_number", "active", "created_at"),
    ),
    "lifecycle_events": _Columns(
        ("entity_type", "event_type", "occurred_at"),
        ("entity_id", "gtin", "lot_number", "serial_number", "job_id"), "event", ("id",), (),
    ),
}  # fmt: skip


def import_files(
    catalogue: Catalogue,
    organisation: str,
    *,
    products: Path | None = None,
    lots: Path | None = None,
    serials: Path | None = None,
    events: Path | None = None,
    rejects_dir: Path,
    now: datetime | None = None,
) -> ImportReport:
    """Import CSV or Parquet files into the organisation's tables; return what became of their rows.

    A row with a known natural key updates that entity; columns the file does not have stay as they are. Bad
    rows are written to `<rejects_dir>/<table>-rejects.csv`, one line per reason. `now` (aware; default the
    present) is the creation time of rows that state none, and what the century rule counts from.

    Each table is one commit. Raises ImportFileError where a file cannot be read, lacks a required column or
    has an unknown one; nothing of any file has landed then.
    """
    moment = now or datetime.now(UTC)
    given = {"products": products, "lots": lots, "serials": serials, "lifecycle_events": events}
    read = {table: (path, _read(path, _FILES[table])) for table, path in given.items() if path is not None}
    importers: Mapping[str, Callable[..., TableReport]] = {"lifecycle_events": _import_events}
    reports = [
        importers.get(table, _import_entities)(
            _Import(catalogue, organisation, table, path, frame, rejects_dir, moment)
        )
        for table, (path, frame) in read.items()
    ]
    return ImportReport(tuple(reports))


@dataclass(frozen=True, slots=True)
class _Import:
    """One file on its way into one table."""

    catalogue: Catalogue
    organisation: str
    table: str
    path: Path
    frame: pl.DataFrame
    rejects_dir: Path
    now: datetime

    @property
    def columns(self) -> _Columns:
        return _FILES[self.table]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one attempt found: rejects beside those of the format, and the rows by what becomes of them."""

    rejects: pl.DataFrame
    added: int
    updated: int
    unchanged: int


def _read(path: Path, columns: _Columns) -> pl.DataFrame:
    """Return the file as text columns with `row`, the line number in a CSV file whose values have no line breaks."""
    try:
        if path.suffix.lower() in {".parquet", ".pq"}:
            frame = pl.read_parquet(path)
        else:
            frame = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ImportFileError(
            f"{path.name} cannot be read: {error}", value=path.name, expected="a CSV or Parquet file"
        ) from error
    for column in columns.required:
        if column not in frame.columns:
            raise ImportFileError(
                f"{path.name}: the required column {column} is missing",
                value=frame.columns,
                expected=", ".join(columns.required),
                field=column,
            )
    known = {*columns.required, *columns.optional}
    for column in frame.columns:
        if column not in known:
            raise ImportFileError(
                f"{path.name}: unknown column {column}",
                value=column,
                expected=", ".join((*columns.required, *columns.optional)),
                field=column,
            )
    try:
        frame = frame.select(_as_text(name, dtype) for name, dtype in frame.schema.items())
    except pl.exceptions.PolarsError as error:
        raise ImportFileError(
            f"{path.name} holds values that are no text: {error}", value=path.name
        ) from error
    # An empty cell means the same in both formats, and in every column: no value.
    frame = frame.with_columns(pl.when(pl.all() != "").then(pl.all()))
    return frame.with_row_index("row", offset=2).cast({"row": pl.Int64})


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return pl.col(name).dt.convert_time_zone("UTC").dt.to_string("%Y-%m-%dT%H:%M:%S%.6f%:z")
    return pl.col(name).cast(pl.String)


def _check(frame: pl.DataFrame, checks: list[Rule], path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows no rule refuses, and the rejects of the others."""
    flags = frame.select(rule.refused.fill_null(value=False).alias(str(n)) for n, rule in enumerate(checks))
    rejects = [REJECTS.to_frame()]
    for n, rule in enumerate(checks):
        if flags[str(n)].any():
            rejects.append(_rejects(frame.filter(flags[str(n)]), rule.column, rule.reason, path))
    bad = flags.select(pl.any_horizontal(pl.all()).alias("bad"))["bad"]
    return frame.filter(~bad), pl.concat(rejects)


def _rejects(rows: pl.DataFrame, column: str, reason: str, path: Path) -> pl.DataFrame:
    value = pl.col(column) if column in rows.columns else pl.lit(None, pl.String)
    return rows.select(
        pl.lit(path.name).alias("file"),
        "row",
        pl.lit(column).alias("column"),
        value.cast(pl.String).alias("value"),
        pl.lit(reason).alias("reason"),
    ).match_to_schema(REJECTS)


def _import_entities(job: _Import) -> TableReport:
    columns = job.columns
    present = [name for name in job.frame.columns if name != "row"]
    good, rejects = _check(job.frame, rules.entity_rules(job.table, present, job.now), job.path)
    rows = _typed(good, present)
    unique, duplicates = _check(rows, rules.duplicates(columns.natural_key, "id" in present), job.path)
    unique = _with_all_columns(unique, columns)
    outcome: list[_Outcome] = []

    def decide(handle: DeltaTable) -> Commit | None:
        found, commit = _decide_entities(job, unique, set(present), handle)
        outcome[:] = [found]
        return commit

    version = job.catalogue.commit(job.table, job.organisation, decide)
    return _report(job, [rejects, duplicates, outcome[0].rejects], outcome[0], version)


def _typed(frame: pl.DataFrame, present: list[str]) -> pl.DataFrame:
    """Return checked text as the table's types; the `gtin` as it came stays for the rejects."""
    typed = frame.with_columns(rules.gtin14(pl.col("gtin")).alias("gtin14"))
    conversions: list[pl.Expr] = []
    if "id" in present:
        conversions.append(rules.canonical(pl.col("id"), canonical_id).alias("id"))
    if "active" in present:
        conversions.append(rules.boolean(pl.col("active")).fill_null(value=True).alias("active"))
    if "created_at" in present:
        conversions.append(rules.timestamp(pl.col("created_at")).alias("created_at"))
    if "carrier" in present:
        conversions.append(pl.col("carrier").str.to_lowercase())
    return typed.with_columns(conversions)


def _with_all_columns(frame: pl.DataFrame, columns: _Columns) -> pl.DataFrame:
    schema = {name: dtype for table in TABLES.values() for name, dtype in table.items()}
    missing = [name for name in ("id", *columns.attributes) if name not in frame.columns]
    return frame.with_columns(pl.lit(None, schema[name]).alias(name) for name in missing)


# What an entity refers to, looked up for the incoming rows: the query adds `known_*` columns.
_REFERENCES: dict[str, str] = {
    "products": "SELECT i.* FROM incoming i",
    "lots": """
        SELECT i.*, p.id AS product_id FROM incoming i LEFT JOIN products p ON p.gtin14 = i.gtin14""",
    "serials": """
        SELECT i.*, p.id AS product_id FROM incoming i LEFT JOIN products p ON p.gtin14 = i.gtin14""",
}


def _decide_entities(
    job: _Import, incoming: pl.DataFrame, present: set[str], handle: DeltaTable
) -> tuple[_Outcome, Commit | None]:
    """Compare the rows with one snapshot of the catalogue, and write what differs to a new data file."""
    columns, table = job.columns, job.table
    version = job.catalogue.version_with(table, handle)
    key = " AND ".join(f"t.{name} = i.{name}" for name in columns.natural_key)
    same_key = " AND ".join(f"t.{name} = b.{name}" for name in columns.natural_key)
    old = ", ".join(f"t.{name} AS old_{name}" for name in ("id", *columns.attributes))
    name_of = ", ".join(f"b.{name}" for name in columns.natural_key)
    with job.catalogue.session(job.organisation, version) as cursor:
        cursor.register("incoming", incoming)
        cursor.register(
            "import_values",
            pl.DataFrame(
                {"org": [job.organisation], "type": [columns.entity_type], "separator": [SEPARATOR]}
            ),
        )
        cursor.execute(f"CREATE TEMP TABLE base AS {_REFERENCES[table]}")
        cursor.execute(
            f"CREATE TEMP TABLE matched AS SELECT i.row, t.filename, {old} FROM {table} t JOIN base i ON {key}"  # noqa: S608
        )
        # The id each row will have: what it states, what its entity has, or what its key derives.
        cursor.execute(
            f"CREATE TEMP TABLE identified AS SELECT b.* REPLACE (coalesce(b.id, m.old_id,"  # noqa: S608
            f" derived_id(concat_ws(v.separator, v.org, v.type, {name_of}))) AS id), m.* EXCLUDE (row)"
            " FROM base b LEFT JOIN matched m USING (row) CROSS JOIN import_values v"
        )
        cursor.execute(
            f"CREATE TEMP TABLE compared AS SELECT b.*, EXISTS (SELECT 1 FROM {table} t"  # noqa: S608
            f" WHERE t.id = b.id AND NOT ({same_key})) AS id_taken FROM identified b"
        )
        compared = fetch(cursor, "FROM compared ORDER BY row")
        if table == "serials":
            compared = _with_lots(cursor, compared, "lot_number" in present)
        good, rejects = _check(compared, rules.reference_rules(table), job.path)
        merged = _merged(good, columns, present, job.now)
        changed = merged.filter(pl.col("changed"))
        added = int(changed["old_id"].null_count())
        outcome = _Outcome(rejects, added, changed.height - added, merged.height - changed.height)
        if changed.is_empty():
            return outcome, None
        return outcome, _rewrite(job, cursor, changed, handle)


def _with_lots(cursor: duckdb.DuckDBPyConnection, compared: pl.DataFrame, stated: bool) -> pl.DataFrame:
    """Add the lot each serial will be in: what the file states, else the one it is in."""
    lot = pl.col("lot_number") if stated else pl.col("old_lot_number")
    rows = compared.with_columns(lot.alias("lot_number"))
    cursor.register("with_lot", rows)
    joined = fetch(
        cursor,
        "SELECT w.*, l.id AS lot_id FROM with_lot w"
        " LEFT JOIN lots l ON l.gtin14 = w.gtin14 AND l.lot_number = w.lot_number ORDER BY w.row",
    )
    cursor.unregister("with_lot")
    return joined


def _merged(good: pl.DataFrame, columns: _Columns, present: set[str], now: datetime) -> pl.DataFrame:
    """Return the rows as they will be stored, with `changed`: new, or other than the stored ones."""
    exists = pl.col("old_id").is_not_null()
    values: list[pl.Expr] = []
    for name in columns.attributes:
        old, new = pl.col(f"old_{name}"), pl.col(name)
        if name == "created_at":
            value = pl.coalesce(new, old, pl.lit(now).cast(pl.Datetime("us", "UTC")))
        elif name == "active":
            value = pl.when(exists & new.is_null()).then(old).otherwise(new.fill_null(value=True))
        elif name in present:
            value = new
        else:
            value = old
        values.append(value.alias(name))
    merged = good.with_columns(values)
    differs = [pl.col(name).ne_missing(pl.col(f"old_{name}")) for name in columns.attributes]
    return merged.with_columns((~exists | pl.any_horizontal(differs)).alias("changed"))


def _rewrite(
    job: _Import, cursor: duckdb.DuckDBPyConnection, changed: pl.DataFrame, handle: DeltaTable
) -> Commit:
    """Write a new data file with the changed rows, and what is left of the files that hold their old form."""
    table, organisation = job.table, job.organisation
    root = f"{job.catalogue.table_uri(table)}/"
    files = job.catalogue.data_files(organisation, handle)
    touched: set[str] = set()
    if "filename" in changed.columns:
        touched = {name.removeprefix(root) for name in changed["filename"].drop_nulls().unique().to_list()}
    removed = [file for file in files if len(files) >= COMPACT_FILES or file.path in touched]
    cursor.register("changed", changed)
    listed = pl.DataFrame(
        {"filename": [root + file.path for file in removed]}, schema={"filename": pl.String}
    )
    cursor.register("removed", listed)
    columns = TABLES[table]
    new = ", ".join(
        {"id_key": "key_of(id) AS id_key", "entity_key": "key_of(entity_id) AS entity_key"}.get(name, name)
        for name in columns
    )
    query = (
        f"SELECT {new} FROM changed UNION ALL SELECT {', '.join(columns)} FROM {table}"  # noqa: S608
        " WHERE filename IN (SELECT filename FROM removed) AND id NOT IN (SELECT id FROM changed)"
    )
    file = job.catalogue.write_file(cursor, table, organisation, query)
    added: list[DataFile] = [file]
    # One import at a time per organisation: of two with the same base, the later starts over.
    application = f"import:{organisation}"
    number = (handle.transaction_version(application) or 0) + 1
    return Commit(added, removed, Transaction(application, number))


def _import_events(job: _Import) -> TableReport:
    present = [name for name in job.frame.columns if name != "row"]
    missing = [name for name in job.columns.optional if name not in present]
    frame = job.frame.with_columns(pl.lit(None, pl.String).alias(name) for name in missing)
    good, rejects = _check(frame, rules.event_rules(), job.path)
    rows = good.with_columns(
        rules.gtin14(pl.col("gtin")).alias("gtin14"),
        rules.timestamp(pl.col("occurred_at")).alias("occurred_at"),
        rules.canonical(pl.col("entity_id"), canonical_id).alias("entity_id"),
        pl.col("entity_type").str.to_lowercase().str.strip_suffix("s"),
    )
    outcome: list[_Outcome] = []

    def decide(handle: DeltaTable) -> Commit | None:
        found, commit = _decide_events(job, rows, handle)
        outcome[:] = [found]
        return commit

    version = job.catalogue.commit(job.table, job.organisation, decide)
    return _report(job, [rejects, outcome[0].rejects], outcome[0], version)


_ENTITY_OF_EVENT = """
    CREATE TEMP TABLE resolved AS
    WITH entities AS (
        SELECT 'product' AS entity_type, id, gtin14, NULL AS lot_number, NULL AS serial_number FROM products
        UNION ALL SELECT 'lot', id, gtin14, lot_number, NULL FROM lots
        UNION ALL SELECT 'serial', id, gtin14, lot_number, serial_number FROM serials
    ), found AS (
        SELECT i.row, e.id, e.gtin14, e.lot_number, e.serial_number FROM incoming i JOIN entities e
        ON e.entity_type = i.entity_type AND e.id = i.entity_id
        UNION ALL
        SELECT i.row, e.id, e.gtin14, e.lot_number, e.serial_number FROM incoming i JOIN entities e
        ON e.entity_type = i.entity_type AND e.gtin14 = i.gtin14
            AND (i.entity_type <> 'lot' OR e.lot_number = i.lot_number)
            AND (i.entity_type <> 'serial' OR e.serial_number = i.serial_number)
        WHERE i.entity_id IS NULL
    )
    SELECT i.row, i.gtin, i.entity_type, coalesce(i.entity_id, f.id) AS entity_id, f.id AS known_id,
        f.gtin14, f.lot_number, f.serial_number, i.event_type, i.occurred_at, i.job_id,
        NULL::VARCHAR AS actor, NULL::VARCHAR AS reason,
        derived_id(concat_ws(v.separator, v.org, 'event', i.event_type, coalesce(i.job_id, ''), i.entity_type,
            f.id, epoch_us(i.occurred_at)::VARCHAR)) AS id
    FROM incoming i LEFT JOIN found f USING (row) CROSS JOIN import_values v
"""


def _decide_events(
    job: _Import, incoming: pl.DataFrame, handle: DeltaTable
) -> tuple[_Outcome, Commit | None]:
    version = job.catalogue.version_with(job.table, handle)
    with job.catalogue.session(job.organisation, version) as cursor:
        cursor.register("incoming", incoming)
        cursor.register("import_values", pl.DataFrame({"org": [job.organisation], "separator": [SEPARATOR]}))
        cursor.execute(_ENTITY_OF_EVENT)
        resolved = fetch(
            cursor,
            "SELECT r.*, EXISTS (SELECT 1 FROM lifecycle_events e WHERE e.id = r.id) AS known_event"
            " FROM resolved r ORDER BY row",
        )
        known, unknown = _check(resolved, rules.event_reference_rules(), job.path)
        unique, duplicates = _check(known, rules.duplicate_events(), job.path)
        changed = unique.filter(~pl.col("known_event"))
        outcome = _Outcome(
            pl.concat([unknown, duplicates]), changed.height, 0, unique.height - changed.height
        )
        if changed.is_empty():
            return outcome, None
        return outcome, _rewrite(job, cursor, changed, handle)


def _report(job: _Import, rejects: list[pl.DataFrame], outcome: _Outcome, version: int | None) -> TableReport:
    rejected = pl.concat(rejects).sort("row", "column", "reason")
    path = None
    if not rejected.is_empty():
        job.rejects_dir.mkdir(parents=True, exist_ok=True)
        path = job.rejects_dir / f"{job.table}-rejects.csv"
        rejected.write_csv(path)
    return TableReport(
        table=job.table,
        read=job.frame.height,
        added=outcome.added,
        updated=outcome.updated,
        unchanged=outcome.unchanged,
        rejected=rejected["row"].n_unique(),
        rejects_file=path,
        version=version,
    )
