"""Record and read PRINTED and REPRINTED events, recorded exactly once per export job."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, Literal

import duckdb
import polars as pl
import pyarrow as pa
from deltalake import DeltaTable

from catalogue.delta_log import LEAST_RETENTION, MARKER_RETENTION, transaction
from catalogue.duck import fetch, one
from catalogue.ids import SEPARATOR
from catalogue.queries.print_state import GTIN_ALONE
from catalogue.schema import PRINTED as PRINTED_ROWS
from catalogue.schema import later_than_first
from catalogue.tables import Catalogue, Commit, DataFile
from gs1.element_string import parse_bracketed

_TABLE = "lifecycle_events"

#: Columns of a printed label that a frame may lack.
_MAY_LACK: dict[str, Literal["insert", "raise"]] = {
    name: "insert" if name in {*later_than_first(_TABLE)} else "raise" for name in PRINTED_ROWS
}

#: Application Identifiers that a label may carry, in the order of an element string, with their columns in an
#: event.
_CARRIED = (
    ("01", "gtin14"),
    ("17", "carried_expiry"),
    ("15", "carried_best_before"),
    ("10", "carried_lot"),
    ("21", "serial_number"),
)

#: Much less than MARKER_RETENTION.
_JUST_NOW = timedelta(minutes=1)

#: How long after `write` its file may be committed. Later, the upkeep may be removing it.
COMMITTABLE = LEAST_RETENTION - timedelta(days=1)

PRINTED = "PRINTED"
REPRINTED = "REPRINTED"


@dataclass(frozen=True, slots=True)
class Printing:
    """What one job records about some of its entities.

    `occurred_at` (aware) is when their labels were drawn or, if that is not known, when the job was decided.
    A reprint has its own event type, with who (`actor`) printed again and why (`reason`). `symbols` names the
    symbols on each label, separated by commas; `resolver` is the beginning of the link, if one of the symbols
    is a link. `carry` are the AIs that the request asked for, separated by commas, None if it did not.
    """

    job_id: str
    occurred_at: datetime
    event_type: str = PRINTED
    actor: str | None = None
    reason: str | None = None
    symbols: str | None = None
    resolver: str | None = None
    carry: str | None = None


def write(
    catalogue: Catalogue, organisation: str, printing: Printing, frames: Iterable[pl.DataFrame]
) -> DataFile:
    """Write one event per printed label to a data file that nobody sees until `record_printed` commits it.

    `frames` have the columns of `schema.PRINTED` and a manifest's order; columns of the labels' values may be
    absent, which means unknown. Frames are read once, one after the other. The upkeep removes a file that is not
    committed, after LEAST_RETENTION.
    """
    with catalogue.session(organisation, tables=()) as cursor:
        return _write(catalogue, cursor, organisation, printing, frames)


def record_printed(
    catalogue: Catalogue,
    organisation: str,
    printing: Printing,
    frames: Iterable[pl.DataFrame],
    written: Sequence[DataFile] = (),
) -> int | None:
    """Record one event per printed label, all in one commit; return how many.

    The events of some labels are `written` already; those of the others are made from `frames`, see `write`. Return
    None if this job is recorded already, by any process: the commit has the job as its Delta app transaction. Raises
    CommitContention if other writers keep committing first; then nothing is recorded, and a retry may succeed.
    """
    # A job decided just now is hardly recorded. If it is, the commit tells, and one file was written for nothing.
    recent = datetime.now(UTC) - printing.occurred_at < _JUST_NOW
    if not recent and is_recorded(catalogue, organisation, printing.job_id, printing.occurred_at):
        return None
    done, others = [*written], iter(frames)
    if (first := next(others, None)) is not None:
        done.append(write(catalogue, organisation, printing, chain([first], others)))
    rows = sum(file.rows for file in done)
    if rows == 0:
        return 0
    application = _application(printing.job_id)

    def decide(handle: DeltaTable) -> Commit | None:
        # A new handle would accept the same app transaction twice, so check before each attempt. A commit
        # after this check makes ours conflict.
        if handle.transaction_version(application) is not None:
            return None
        return Commit(done, (), transaction(application, 1))

    return rows if catalogue.commit(_TABLE, organisation, decide) else None


def is_recorded(catalogue: Catalogue, organisation: str, job_id: str, committed_at: datetime) -> bool:
    """Return whether the job's entities are recorded as printed.

    `committed_at` (aware) is when the job decided to publish. After MARKER_RETENTION the table's log no
    longer has its app transaction, and the events are searched.
    """
    with catalogue.opened(_TABLE) as handle:
        recorded = handle.transaction_version(_application(job_id)) is not None
    if recorded or datetime.now(UTC) - committed_at < MARKER_RETENTION - timedelta(days=1):
        return recorded
    with catalogue.session(organisation, tables={_TABLE}) as cursor:
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
            "symbols": [printing.symbols],
            "resolver": [printing.resolver],
            "carry": [printing.carry],
        },
        schema_overrides=dict.fromkeys(("actor", "reason", "symbols", "resolver", "carry"), pl.String),
    )
    cursor.register("job", values)
    failures: list[Exception] = []
    cursor.register("printed", _reader(frames, failures))
    # The manifest has the table's order, so rows are not sorted and not held in memory.
    query = """
        SELECT derived_id(concat_ws(job.separator, job.org, 'event', job.event_type, job.job_id, p.scope, p.entity_id)) AS id,
            rtrim(p.scope, 's') AS entity_type, p.entity_id, key_of(p.entity_id) AS entity_key, p.gtin14,
            p.lot_number, p.serial_number, job.event_type, job.occurred_at, job.job_id, job.actor, job.reason,
            job.symbols, p.carried_lot, p.carried_expiry, p.carried_best_before, job.resolver, p.lines,
            job.carry, p.carried_more
        FROM printed p CROSS JOIN job
        """
    try:
        return catalogue.write_file(cursor, _TABLE, organisation, query, is_sorted=True)
    except duckdb.Error as error:
        # DuckDB raises an error of its own if the frames cannot be read.
        raise failures[0] if failures else error from None


def _reader(frames: Iterable[pl.DataFrame], failures: list[Exception]) -> pa.RecordBatchReader:
    """Return the frames as a stream; an error while they are read is added to the failures."""
    schema = pa.schema([(name, pa.large_string()) for name in PRINTED_ROWS])

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for frame in frames:
                rows = frame.match_to_schema(PRINTED_ROWS, missing_columns=_MAY_LACK, extra_columns="ignore")
                table = rows.to_arrow()
                yield from table.cast(schema).to_batches()
        except Exception as error:
            failures.append(error)
            raise

    return pa.RecordBatchReader.from_batches(schema, batches())


def carried(event: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the values that an event's label carried, by Application Identifier; None if they are unknown."""
    if event["symbols"] is None:
        return None
    carried = {ai: event[column] for ai, column in _CARRIED if event[column] is not None}
    carried |= dict(parse_bracketed(event["carried_more"] or ""))
    # EAN/UPC and ITF-14 carry nothing else, also on the label of a serial.
    return {"01": carried["01"]} if event["symbols"] == GTIN_ALONE else carried


def lines(event: Mapping[str, Any]) -> list[str] | None:
    """Return the lines of text on an event's label; None if they are unknown."""
    if event["symbols"] is None:
        return None
    return event["lines"].split("\n") if event["lines"] else []


def last_printed(
    catalogue: Catalogue, organisation: str, entity_type: str, entities: Sequence[tuple[str, str]]
) -> dict[str, datetime]:
    """Return the time of each entity's last PRINTED or REPRINTED event by id. Entities are pairs of GTIN and id.

    Never printed ones are left out. Events of other GTINs are not read.
    """
    shown = pl.DataFrame(entities, schema={"gtin": pl.String, "id": pl.String}, orient="row")
    with catalogue.session(organisation, tables={_TABLE}) as cursor:
        cursor.register("incoming_values", shown)
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE shown AS SELECT gtin, key_of(id)::UUID AS key FROM incoming_values"
        )
        cursor.unregister("incoming_values")
        found = fetch(
            cursor,
            "SELECT entity_id, max(occurred_at) FROM lifecycle_events"  # noqa: S608 - our own names
            " WHERE gtin14 IN (SELECT gtin FROM shown) AND entity_key::UUID IN (SELECT key FROM shown)"
            f" AND event_type IN ('{PRINTED}', '{REPRINTED}') AND entity_type = $entity_type GROUP BY entity_id",
            {"entity_type": entity_type},
        )
    return dict(found.iter_rows())


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
    """Return printings, newest first, as rows of `LIFECYCLE_EVENTS` without keys, and their total number.

    A printing must match every filter that is given.
    """
    conditions = [f"event_type IN ('{PRINTED}', '{REPRINTED}')"]
    values: dict[str, object] = {}
    for column, value in (("gtin14", gtin14), ("lot_number", lot), ("serial_number", serial)):
        if value is not None:
            conditions.append(f"{column} = ${column}")
            values[column] = value
    where = " AND ".join(conditions)
    with catalogue.session(organisation, tables={_TABLE}) as cursor:
        (total,) = one(cursor, f"SELECT count(*) FROM lifecycle_events WHERE {where}", values)  # noqa: S608 - values are bound
        newest = _newest(cursor, where, values, offset + limit)
        frame = fetch(
            cursor,
            "SELECT event_type, entity_type, entity_id, gtin14, lot_number, serial_number, occurred_at, job_id,"  # noqa: S608 - values are bound
            " actor, reason, symbols, carried_lot, carried_expiry, carried_best_before, resolver, lines, carried_more"
            f" FROM {newest} WHERE {where}"
            " ORDER BY occurred_at DESC, gtin14, lot_number NULLS FIRST, serial_number NULLS FIRST, id"
            f" LIMIT {limit:d} OFFSET {offset:d}",
            values,
        )
    return frame, int(total)


def _newest(cursor: duckdb.DuckDBPyConnection, where: str, values: dict[str, object], number: int) -> str:
    """Return what has the newest events, in this number, and few others, in a FROM. Its values are added to `values`.

    All events of a job have the same time, so some of its GTINs are enough. The other row groups are skipped.
    """
    first = (
        f"SELECT occurred_at FROM lifecycle_events WHERE {where} ORDER BY occurred_at DESC LIMIT {number:d}"  # noqa: S608 - values are bound
    )
    (values["oldest"],) = one(cursor, f"SELECT min(occurred_at) FROM ({first})", values)  # noqa: S608
    first = f"SELECT gtin14 FROM lifecycle_events WHERE {where} AND occurred_at = $oldest ORDER BY gtin14 LIMIT {number:d}"  # noqa: S608
    (values["last_gtin"],) = one(cursor, f"SELECT max(gtin14) FROM ({first})", values)  # noqa: S608
    return """(FROM lifecycle_events WHERE occurred_at > $oldest
        UNION ALL FROM lifecycle_events WHERE occurred_at = $oldest AND gtin14 <= $last_gtin)"""
