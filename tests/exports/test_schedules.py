"""Which tick of a standing schedule is due, and the export it requests."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from accounts.identity import Organisation
from accounts.schedules import Schedule
from exports.errors import InvalidRequest
from exports.ports import Exports
from exports.schedules import (
    Cron,
    InvalidCron,
    due_tick,
    export_of,
    require_cron,
    schedule_request,
    state_of,
)
from pipelines.execution.dagster_cron import (
    get_latest_completed_cron_tick,
    get_next_cron_tick,
    is_valid_cron_schedule,
)
from renderers.engine import Engine

BODY = {"scope": "lots", "export_type": "qr_codes", "file_format": "svg"}
SCHEDULE = Schedule(
    id=7,
    organisation="acme",
    name="Morning",
    cron="0 6 * * *",
    time_zone="Europe/Berlin",
    request=schedule_request(json.dumps(BODY).encode()),
    active=True,
    created_at=datetime(2026, 1, 10, 12, tzinfo=UTC),
    last_tick_at=None,
)


def latest_tick(cron: str, zone: str, now: datetime) -> datetime:
    return get_latest_completed_cron_tick(cron, now, zone)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "now", "due"),
    [
        pytest.param(
            {}, utc(2026, 1, 11, 4, 59, 59), None, id="the tick before the schedule was made is not its"
        ),
        pytest.param({}, utc(2026, 1, 11, 5), utc(2026, 1, 11, 5), id="on the second, six o'clock in winter"),
        pytest.param({}, utc(2026, 7, 1, 4), utc(2026, 7, 1, 4), id="six o'clock in summer"),
        pytest.param({}, utc(2026, 1, 20), utc(2026, 1, 19, 5), id="of those missed, the latest"),
        pytest.param(
            {"last_tick_at": utc(2026, 1, 19, 5)}, utc(2026, 1, 20), None, id="a tick is dealt with once"
        ),
        pytest.param(
            {"created_at": utc(2026, 1, 19, 6), "last_tick_at": utc(2026, 1, 18, 5)},
            utc(2026, 1, 20),
            None,
            id="a tick of before it was replaced is not its",
        ),
        pytest.param(
            {"cron": "30 2 * * *", "last_tick_at": utc(2026, 3, 28, 1, 30)},
            utc(2026, 3, 29, 12),
            utc(2026, 3, 29, 1),
            id="half past two is not there when the clock goes forward: three o'clock",
        ),
        pytest.param(
            {"cron": "30 2 * * *", "last_tick_at": utc(2026, 10, 24, 0, 30)},
            utc(2026, 10, 25, 12),
            utc(2026, 10, 25, 1, 30),
            id="half past two is there twice when it goes back: the second",
        ),
        pytest.param(
            {"cron": "30 2 * * *", "last_tick_at": utc(2026, 10, 24, 0, 30)},
            utc(2026, 10, 25, 1),
            None,
            id="and not the first as well",
        ),
    ],
)
def test_the_tick_that_is_due(changes: dict, now: datetime, due: datetime | None) -> None:
    assert due_tick(replace(SCHEDULE, **changes), now, latest_tick) == due


def test_each_tick_of_a_year_is_due_once_where_somebody_looks_every_minute_or_so() -> None:
    schedule, now, ticks = SCHEDULE, utc(2026, 1, 11), []
    while now < utc(2027, 1, 11):
        if tick := due_tick(schedule, now, latest_tick):
            ticks.append(tick)
            schedule = replace(schedule, last_tick_at=tick)
        now += timedelta(minutes=47)
    assert len(ticks) == len(set(ticks)) == 365


@pytest.mark.parametrize(
    ("filters", "selected"),
    [
        (None, {"never_printed": True}),
        ({"gtins": ["9506000134352"]}, {"gtins": ["09506000134352"], "never_printed": True}),
        ({"never_printed": None}, {"never_printed": True}),
        ({"never_printed": True}, {"never_printed": True}),
        ({"never_printed": False}, None),
        ({"changed_since_print": True}, {"changed_since_print": True}),
        ({"print_due": True}, {"print_due": True}),
        ({"print_due": False}, {"never_printed": True}),
    ],
)
def test_never_printed_is_meant_unless_the_request_says_otherwise(
    filters: dict | None, selected: dict | None
) -> None:
    stored = json.loads(schedule_request(json.dumps({**BODY, "filters": filters}).encode()))
    assert stored.get("filters") == selected


def test_a_schedule_takes_no_other_request_than_the_api() -> None:
    with pytest.raises(InvalidRequest):
        schedule_request(json.dumps({**BODY, "scoop": 1}).encode())


@pytest.mark.parametrize("cron", ["0 6 * * 1-5", "*/15 8-18 * * mon", "0 0 1 * *"])
def test_five_fields_are_a_cron_expression(cron: str) -> None:
    assert require_cron(cron, is_valid_cron_schedule) == cron


@pytest.mark.parametrize(
    "cron", ["", "@daily", "60 * * * *", "* * * * * *", "0 0 31 2 *", "0 6 * *", "ü * * * *"]
)
def test_anything_else_is_not(cron: str) -> None:
    with pytest.raises(InvalidCron):
        require_cron(cron, is_valid_cron_schedule)


def test_the_job_of_a_tick_is_the_same_in_every_release() -> None:
    export = export_of(SCHEDULE, utc(2026, 1, 11, 5), Organisation("acme", "Acme"), Engine.BATCH)
    assert export.job_id == "9wWeBYFTRDM7kiAjNpsKp9"


def test_a_tick_asks_for_the_same_job_whoever_evaluates_it() -> None:
    organisation, tick = Organisation("acme", "Acme"), utc(2026, 1, 11, 5)
    export = export_of(SCHEDULE, tick, organisation, Engine.BATCH)
    assert export == export_of(SCHEDULE, tick, organisation, Engine.BATCH)
    assert export.requested_by == "schedule:7"
    assert export.holds_lease
    others = [
        export_of(SCHEDULE, tick + timedelta(days=1), organisation, Engine.BATCH),
        export_of(replace(SCHEDULE, id=8), tick, organisation, Engine.BATCH),
    ]
    assert export.job_id not in {other.job_id for other in others}


@pytest.mark.parametrize(("active", "following"), [(True, utc(2026, 7, 1, 4)), (False, None)])
def test_the_next_tick_is_by_the_clock_of_the_schedule(active: bool, following: datetime | None) -> None:
    cron = Cron(is_valid_cron_schedule, lambda cron, zone, now: get_next_cron_tick(cron, now, zone))
    schedule = replace(SCHEDULE, active=active)
    state = state_of(schedule, utc(2026, 6, 30, 5), cast("Exports", None), cron)
    assert (state.schedule, state.next_tick, state.last) == (schedule, following, None)
