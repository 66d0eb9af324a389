"""What happened to entities: PRINTED and REPRINTED events, recorded exactly once per export job."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl
import pyarrow as pa
from deltalake import DeltaTable

from catalogue.delta_log import MARKER_RETENTION, transaction
from catalogue.duck import fetch, one
from catalogue.ids import SEPARATOR
from catalogue.schema import MANIFEST
from catalogue.tables import Catalogue, Commit, DataFile

_TABLE = "lifecycle_events"

#: What an event has of its entity's row in the manifest.
_PRINTED = ("scope", "entity_id", "gtin14", "lot_number", "serial_number")

PRINTED = "PRINTED"
REPRINTED = "REPRINTED"


@dataclass(frozen=True, slots=True)
class Printing:
    """What one job records of each of its entities. `occurred_at` is aware.

    A reprint is an event type of its own: it says who (`actor`) printed again and why (`reason`).
    """

    job_id: str
    occurred_at: datetime
    event_type: str = PRINTED
    actor: str | None = None
    reason: str | None = None


def record_printed(
    catalogue: Catalogue, organisation: str, printing: Printing, frames: Iterable[pl.DataFrame]
) -> int | None:
    """Record one event per manifest row, all in one commit; return how many.

    `frames` have the columns of `MANIFEST` and its order; they are read once, one after the other. None where
    this job was recorded before, by whichever process: the commit carries the job as its Delta app transaction.
    Raises CommitContention where other writers keep winning; nothing was recorded then and a retry may.
    """
    if is_recorded(catalogue, organisation, printing.job_id, printing.occurred_at):
        return None
    application = _application(printing.job_id)
    with catalogue.session(organisation) as cursor:
        file = _write(catalogue, cursor, organisation, printing, frames)
    if file.rows == 0:
        return 0
    done: list[DataFile] = [file]

    def decide(handle: DeltaTable) -> Commit | None:
        # A fresh handle would accept the same app transaction twice, so look before each attempt; a commit
        # that comes in after this look makes ours conflict.
        if handle.transaction_version(application) is not None:
            return None
        return Commit(done, (), transaction(application, 1))

    version = catalogue.commit(_TABLE, organisation, decide)
    return file.rows if version is not None else None


def is_recorded(catalogue: Catalogue, organisation: str, job_id: str, committed_at: datetime) -> bool:
    """Return whether the job's entities are recorded as printed.

    `committed_at` (aware) is when the job decided to publish. After MARKER_RETENTION the table's log no longer tells
    its app transaction, and the events themselves are searched.
    """
    recorded: list[bool] = []

    def look(handle: DeltaTable) -> Commit | None:
        recorded.append(handle.transaction_version(_application(job_id)) is not None)
        return None

    catalogue.commit(_TABLE, organisation, look)
    if recorded[-1] or datetime.now(UTC) - committed_at < MARKER_RETENTION - timedelta(days=1):
        return recorded[-1]
    with catalogue.session(organisation) as cursor:
        (found,) = one(
            cursor, "SELECT count(*) > 0 FROM lifecycle_events WHERE job_id = $job_id", {"job_id": job_id}
        )
    return bool(found)


def _application(job_id: str) -> str:
    return f"printed:{job_id}"


def _write(
    catalogue: Catalogue,
    cursor: duckdb.DuckDBPyConnection,
    organisation: str,
    printing: Printing,
    frames: Iterable[pl.DataFrame],
) -> DataFile:
    values = pl.DataFrame(
        {
            "org": [organisation],
            "separator": [SEPARATOR],
            "job_id": [printing.job_id],
            "occurred_at": [printing.occurred_at],
            "event_type": [printing.event_type],
            "actor": [printing.actor],
            "reason": [printing.reason],
        },
        schema_overrides={"actor": pl.String, "reason": pl.String},
    )
    cursor.register("job", values)
    failures: list[Exception] = []
    cursor.register("printed", _reader(frames, failures))
    # The manifest's order is the table's: nothing is sorted, so nothing is held.
    query = """
        SELECT derived_id(concat_ws(job.separator, job.org, 'event', job.event_type, job.job_id, p.scope, p.entity_id)) AS id,
            rtrim(p.scope, 's') AS entity_type, p.entity_id, key_of(p.entity_id) AS entity_key, p.gtin14,
            p.lot_number, p.serial_number, job.event_type, job.occurred_at, job.job_id, job.actor, job.reason
        FROM printed p CROSS JOIN job
        """
    try:
        return catalogue.write_file(cursor, _TABLE, organisation, query, is_sorted=True)
    except duckdb.Error as error:
        # DuckDB tells in words of its own that the frames could not be read.
        raise failures[0] if failures else error from None


def _reader(frames: Iterable[pl.DataFrame], failures: list[Exception]) -> pa.RecordBatchReader:
    """Return the frames as a stream; what is raised while they are read is added to the failures."""
    schema = pa.schema([(name, pa.large_string()) for name in _PRINTED])

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for frame in frames:
                table = frame.match_to_schema(MANIFEST).select(_PRINTED).to_arrow()
                yield from table.cast(schema).to_batches()
        except Exception as error:
            failures.append(error)
            raise

    return pa.RecordBatchReader.from_batches(schema, batches())


def history(
    catalogue: Catalogue,
    organisation: str,
    *,
    gtin14: str | None = None,
    lot: str | None = None,
    serial: str | None = None,
    offset: int = 0,
    limit: int = 100,
) -> tuple[pl.DataFrame, int]:
    """Return printings, newest first, as rows of `LIFECYCLE_EVENTS` without keys, and how many there are in all.

    Each filter that is given narrows.
    """
    conditions = [f"event_type IN ('{PRINTED}', '{REPRINTED}')"]
    values: dict[str, object] = {}
    for column, value in (("gtin14", gtin14), ("lot_number", lot), ("serial_number", serial)):
        if value is not None:
            conditions.append(f"{column} = ${column}")
            values[column] = value
    where = " AND ".join(conditions)
    with catalogue.session(organisation) as cursor:
        # All of it is fetched, for a half-read result blocks the cursor's next query.
        [(total,)] = cursor.execute(
            f"SELECT count(*) FROM lifecycle_events WHERE {where}",  # noqa: S608 - values are bound
            values,
        ).fetchall()
        frame = fetch(
            cursor,
            "SELECT event_type, entity_type, entity_id, gtin14, lot_number, serial_number, occurred_at, job_id,"  # noqa: S608 - values are bound
            f" actor, reason FROM lifecycle_events WHERE {where}"
            " ORDER BY occurred_at DESC, gtin14, lot_number NULLS FIRST, serial_number NULLS FIRST, id"
            f" LIMIT {limit:d} OFFSET {offset:d}",
            values,
        )
    return frame, int(total)
