"""Schedules: which tick is due, and the export that a tick asks for.

Of several ticks missed while the service was down, only the latest is run: it selects all stock that was never
printed by then.
"""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from accounts.identity import Organisation
from accounts.labels.designs import Designs
from accounts.schedules import Schedule
from exports.designs.chosen import chosen
from exports.errors import ExportError
from exports.jobs.job_id import job_id_for
from exports.jobs.plan import ExportPlan
from exports.printers.trays import Trays, filled
from exports.requests.request import Filters, parse_request
from renderers.engine import Engine

#: (cron expression, time zone, time) -> the latest tick not after that time.
LatestTick: TypeAlias = Callable[[str, str, datetime], datetime]

#: (cron expression, time zone, time) -> the first tick after that time.
NextTick: TypeAlias = Callable[[str, str, datetime], datetime]

#: Namespace of the run ids made from a schedule and its tick. Never change it.
_SCHEDULED_RUNS = uuid.UUID("0d1c5e0b-95a2-5b6f-9a57-7f5d3c2e8a41")


@dataclass(frozen=True, slots=True)
class Cron:
    """The arithmetic of cron expressions. The composition root hands it to whoever shows and adds schedules."""

    is_valid: Callable[[str], bool]
    next_tick: NextTick


class InvalidCron(ExportError):
    """The text is not a cron expression of five fields."""

    code = "invalid_cron"

    def __init__(self, cron: str) -> None:
        super().__init__(
            f"{cron!r} is no cron expression",
            value=cron,
            expected="minute, hour, day of month, month and day of week, as in 0 6 * * 1-5",
            field="cron",
        )


def require_cron(cron: str, is_valid: Callable[[str], bool]) -> str:
    """Return the cron expression. Raises InvalidCron, also if it does not have five fields, such as `@daily`."""
    # Six fields would be seconds, and schedules are evaluated less often. The column holds 255 characters.
    if len(cron) > 255 or not cron.isascii() or len(cron.split()) != 5 or not is_valid(cron):
        raise InvalidCron(cron)
    return cron


def schedule_request(body: bytes) -> str:
    """Return the request of a schedule as JSON. It selects what was never printed unless it says otherwise.

    It says otherwise with `"never_printed": false`, or by another filter of what was printed.

    Raises InvalidRequest.
    """
    request = parse_request(body)
    filters = request.filters or Filters()
    if filters.never_printed is None and not filters.select_by_printing:
        filters = filters.model_copy(update={"never_printed": True})
    return json.dumps(request.model_copy(update={"filters": filters}).normalised(), ensure_ascii=False)


def due_tick(schedule: Schedule, now: datetime, latest_tick: LatestTick) -> datetime | None:
    """Return the latest tick up to now, in UTC. None if it is done or before the schedule was made."""
    tick = latest_tick(schedule.cron, schedule.time_zone, now).astimezone(UTC)
    return tick if tick > (schedule.last_tick_at or schedule.created_at) else None


def job_id_of(schedule: Schedule, tick: datetime) -> str:
    """Return the id of the tick's job, whether or not it was made: a tick that selects nothing has none."""
    # The id of a removed schedule may be reused, but only later ticks belong to the new one.
    name = f"{schedule.id}\n{tick.astimezone(UTC).isoformat()}"
    return job_id_for(uuid.uuid5(_SCHEDULED_RUNS, name))


def export_of(
    schedule: Schedule,
    tick: datetime,
    organisation: Organisation,
    engine: Engine,
    designs: Designs | None = None,
    trays: Trays | None = None,
) -> ExportPlan:
    """Return the export that the tick asks for. The same tick always has the same job id.

    Raises InvalidRequest if this release does not accept the stored request, or there is no longer a design or printer
    of its name; TrayTaken.
    """
    request = parse_request(schedule.request.encode())
    job_id = job_id_of(schedule, tick)
    return ExportPlan(
        job_id=job_id,
        organisation=organisation.slug,
        resolver=organisation.resolver,
        requested_by=f"schedule:{schedule.id}",
        submitted_at=tick.astimezone(UTC),
        request=request,
        engine=engine,
        design=chosen(request, organisation.slug, designs),
        from_printer=filled(request, organisation.slug, job_id, trays),
    )
