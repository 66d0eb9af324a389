"""What happened to entities: PRINTED events, recorded exactly once per export job."""

from collections.abc import Iterable
from datetime import datetime

import duckdb
import polars as pl
from deltalake import DeltaTable, Transaction

from catalogue.ids import SEPARATOR
from catalogue.schema import MANIFEST
from catalogue.tables import Catalogue, Commit, DataFile

_TABLE = "lifecycle_events"


def record_printed(
    catalogue: Catalogue,
    organisation: str,
    job_id: str,
    frames: Iterable[pl.DataFrame],
    occurred_at: datetime,
) -> int | None:
    """Record one PRINTED event per manifest row, all in one commit; return how many.

    `frames` have the columns of `MANIFEST`; `occurred_at` is aware. None where this job was recorded before,
    by whichever process: the commit carries the job as its Delta app transaction. Raises CommitContention
    where other writers keep winning; nothing was recorded then and a retry may.
    """
    application = f"printed:{job_id}"
    if _recorded(catalogue, organisation, application):
        return None
    with catalogue.session(organisation) as cursor:
        rows = _stage(cursor, frames)
        if rows == 0:
            return 0
        file = _write(catalogue, cursor, organisation, job_id, occurred_at)
    done: list[DataFile] = [file]

    def decide(handle: DeltaTable) -> Commit | None:
        # A fresh handle would accept the same app transaction twice, so look before each attempt; a commit
        # that comes in after this look makes ours conflict.
        if handle.transaction_version(application) is not None:
            return None
        return Commit(done, (), Transaction(application, 1))

    version = catalogue.commit(_TABLE, organisation, decide)
    return rows if version is not None else None


def _recorded(catalogue: Catalogue, organisation: str, application: str) -> bool:
    recorded: list[bool] = []

    def look(handle: DeltaTable) -> Commit | None:
        recorded.append(handle.transaction_version(application) is not None)
        return None

    catalogue.commit(_TABLE, organisation, look)
    return recorded[-1]


def _stage(cursor: duckdb.DuckDBPyConnection, frames: Iterable[pl.DataFrame]) -> int:
    """Put the frames into a temporary table, which DuckDB may spill; return the rows."""
    cursor.execute(
        "CREATE TEMP TABLE printed (scope VARCHAR, entity_id VARCHAR, gtin14 VARCHAR, lot_number VARCHAR,"
        " serial_number VARCHAR)"
    )
    rows = 0
    for frame in frames:
        cursor.register("incoming", frame.match_to_schema(MANIFEST))
        cursor.execute(
            "INSERT INTO printed SELECT scope, entity_id, gtin14, lot_number, serial_number FROM incoming"
        )
        cursor.unregister("incoming")
        rows += frame.height
    return rows


def _write(
    catalogue: Catalogue,
    cursor: duckdb.DuckDBPyConnection,
    organisation: str,
    job_id: str,
    occurred_at: datetime,
) -> DataFile:
    values = pl.DataFrame(
        {
            "org": [organisation],
            "job_id": [job_id],
            "occurred_at": [occurred_at],
            "separator": [SEPARATOR],
        }
    )
    cursor.register("job", values)
    file = catalogue.write_file(
        cursor,
        _TABLE,
        organisation,
        """
        SELECT derived_id(concat_ws(job.separator, job.org, 'event', 'PRINTED', job.job_id, p.scope, p.entity_id)) AS id,
            rtrim(p.scope, 's') AS entity_type, p.entity_id, key_of(p.entity_id) AS entity_key, p.gtin14,
            p.lot_number, p.serial_number, 'PRINTED' AS event_type, job.occurred_at, job.job_id
        FROM printed p CROSS JOIN job
        """,
    )
    cursor.unregister("job")
    return file
