"""Schedules: the due tick of a schedule, and the export for a tick.

If several ticks were missed while the service was down, only the latest is run. It selects all stock that has not been
printed by then.
"""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypeAlias

from pydantic import Field

from accounts import forms
from accounts.errors import InvalidAccountValue
from accounts.identity import Organisation
from accounts.labels.designs import Designs
from accounts.schedules import Schedule, Schedules
from exports.designs.chosen import chosen
from exports.errors import Detail, ExportError, ExportNotFound, InvalidRequest
from exports.jobs.job_id import job_id_for
from exports.jobs.plan import ExportPlan
from exports.ports import ExportJob, Exports
from exports.printers.trays import Trays, filled
from exports.requests.fields import Body
from exports.requests.json_body import parse
from exports.requests.names import require_name
from exports.requests.request import ExportRequest, Filters, parse_request
from renderers.engine import Engine

#: (cron expression, time zone, time) -> the latest tick not after that time.
LatestTick: TypeAlias = Callable[[str, str, datetime], datetime]

#: (cron expression, time zone, time) -> the first tick after that time.
NextTick: TypeAlias = Callable[[str, str, datetime], datetime]

#: Namespace of the run ids made from a schedule and its tick. Never change it.
_SCHEDULED_RUNS = uuid.UUID("0d1c5e0b-95a2-5b6f-9a57-7f5d3c2e8a41")


@dataclass(frozen=True, slots=True)
class Cron:
    """Functions on cron expressions. The composition root passes them to the code that shows and adds schedules."""

    is_valid: Callable[[str], bool]
    next_tick: NextTick


class Timetable(Body):
    """An export, and when it starts: minute, hour, day of month, month and day of week, by the clock of a time zone."""

    cron: Annotated[str, Field(max_length=255, examples=["0 6 * * 1-5"])]
    time_zone: (
        Annotated[str, Field(max_length=64, description="A name of the IANA database, UTC if absent.")] | None
    ) = None
    request: ExportRequest


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """A schedule with its next tick, None if it is paused.

    `last` is the job of the last tick, None if there was no tick, it selected nothing or its job was removed.
    """

    schedule: Schedule
    next_tick: datetime | None
    last: ExportJob | None


class InvalidCron(ExportError):
    """The text is not a cron expression of five fields."""

    code = "invalid_cron"

    def __init__(self, cron: str) -> None:
        super().__init__(
            f"{cron!r} is not a cron expression",
            value=cron,
            expected="minute, hour, day of month, month and day of week, as in 0 6 * * 1-5",
            field="cron",
        )


def require_cron(cron: str, is_valid: Callable[[str], bool]) -> str:
    """Return the cron expression. Raises InvalidCron, also if it does not have five fields, such as `@daily`."""
    # Six fields would mean seconds, but schedules are evaluated less often. The column has 255 characters.
    if len(cron) > 255 or not cron.isascii() or len(cron.split()) != 5 or not is_valid(cron):
        raise InvalidCron(cron)
    return cron


def schedule_request(body: bytes) -> str:
    """Return the request of a schedule as JSON. By default it selects what was never printed.

    `"never_printed": false`, or another filter on the print state, changes that default.

    Raises InvalidRequest.
    """
    return _stored(parse_request(body))


def _stored(request: ExportRequest) -> str:
    """Return the request as a schedule keeps it: JSON, with the filter that it has by default."""
    filters = request.filters or Filters()
    if filters.never_printed is None and not filters.select_by_printing:
        filters = filters.model_copy(update={"never_printed": True})
    return json.dumps(request.model_copy(update={"filters": filters}).normalised(), ensure_ascii=False)


def save(
    schedules: Schedules, is_valid: Callable[[str], bool], organisation: str, name: str, body: bytes
) -> Schedule:
    """Store the timetable of a JSON body under the name, in place of the one that has it.

    Raises InvalidRequest, NoSuchOrganisation, TooManyNames.
    """
    wanted = parse(body, Timetable)
    require_name(name, "schedule")
    time_zone = "UTC" if wanted.time_zone is None else wanted.time_zone
    faults: list[Detail] = []
    for check in (lambda: require_cron(wanted.cron, is_valid), lambda: forms.time_zone(time_zone)):
        try:
            check()
        except (InvalidCron, InvalidAccountValue) as error:
            message = f"{error}: expected {error.expected}"
            faults.append(Detail(loc=["body", str(error.field)], msg=message, type=error.code))
    if faults:
        raise InvalidRequest(faults)
    return schedules.save(
        organisation, name, cron=wanted.cron, time_zone=time_zone, request=_stored(wanted.request)
    )


def state_of(schedule: Schedule, now: datetime, exports: Exports, cron: Cron) -> ScheduleState:
    """Return the schedule with its next tick from `now` on, and the job of its last tick."""
    following = cron.next_tick(schedule.cron, schedule.time_zone, now) if schedule.active else None
    return ScheduleState(schedule, following, _last(schedule, exports))


def _last(schedule: Schedule, exports: Exports) -> ExportJob | None:
    if schedule.last_tick_at is None:
        return None
    try:
        return exports.job(schedule.organisation, job_id_of(schedule, schedule.last_tick_at))
    except ExportNotFound:
        return None


def due_tick(schedule: Schedule, now: datetime, latest_tick: LatestTick) -> datetime | None:
    """Return the latest tick up to now, in UTC. None if it is done or older than the schedule."""
    tick = latest_tick(schedule.cron, schedule.time_zone, now).astimezone(UTC)
    # A tick of before the schedule was replaced may be recorded later than that.
    done = max(schedule.created_at, schedule.last_tick_at or schedule.created_at)
    return tick if tick > done else None


def job_id_of(schedule: Schedule, tick: datetime) -> str:
    """Return the id that the tick's job has. The job does not exist if the tick selected nothing."""
    # The id of a removed schedule may be reused. The new schedule has later ticks, so its jobs have other ids.
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
    """Return the export of the tick. The same tick always has the same job id.

    Raises InvalidRequest if this release does not accept the stored request, or if its design or printer was removed,
    and TrayTaken if another job uses the sheet in the printer's tray.
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
