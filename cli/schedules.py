"""`labels schedules`: exports that start at set times."""

from datetime import UTC, datetime
from pathlib import Path

import click

from accounts.store import Accounts
from cli.settings import Settings
from exports.errors import InvalidRequest
from exports.schedules import require_cron, schedule_request

_ORG = click.option("--org", "organisation", required=True, help="The organisation's slug.")
_ID = click.argument("schedule_id", metavar="ID", type=click.IntRange(1, 2**31 - 1))


def _accounts() -> Accounts:
    return Accounts(Settings().resolved().database_url)


@click.group()
def schedules() -> None:
    """Exports that start at set times."""


@schedules.command("add")
@_ORG
@click.option("--name", required=True, help="A name for people, up to 64 characters.")
@click.option("--cron", required=True, help="Minute, hour, day, month, weekday: '0 6 * * 1-5'.")
@click.option("--time-zone", default="UTC", show_default=True, help="Whose clock: 'Europe/Berlin'.")
@click.argument("request_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def schedules_add(organisation: str, name: str, cron: str, time_zone: str, request_file: Path) -> None:
    """Export as REQUEST_FILE (JSON) asks, at every tick of --cron. Print the schedule's id.

    It selects what was never printed, unless the request says "never_printed": false or selects by
    "changed_since_print" or "print_due". If the service was down, one export runs for all missed ticks. Ticks of a
    paused schedule are not run later.
    """
    from pipelines.execution.dagster_cron import is_valid_cron_schedule

    try:
        request = schedule_request(request_file.read_bytes())
    except InvalidRequest as error:
        faults = (f"{'.'.join(map(str, fault['loc'][1:]))}: {fault['msg']}" for fault in error.details)
        raise click.ClickException(f"{request_file}: {'; '.join(faults)}") from error
    cron = require_cron(cron, is_valid_cron_schedule)
    made = _accounts().schedules.add(organisation, name, cron=cron, time_zone=time_zone, request=request)
    click.echo(f"added schedule {made.id} ({made.name})")


@schedules.command("list")
@_ORG
def schedules_list(organisation: str) -> None:
    """List the schedules, each with its next tick in its own time zone."""
    from pipelines.execution.dagster_cron import get_next_cron_tick

    now = datetime.now(UTC)
    for schedule in _accounts().schedules.list(organisation):
        following = get_next_cron_tick(schedule.cron, now, schedule.time_zone) if schedule.active else None
        click.echo(
            "\t".join(
                (
                    str(schedule.id),
                    schedule.name,
                    schedule.cron,
                    schedule.time_zone,
                    "paused" if following is None else f"next {following.isoformat(timespec='minutes')}",
                )
            )
        )


@schedules.command("pause")
@_ORG
@_ID
def schedules_pause(organisation: str, schedule_id: int) -> None:
    """Pause the schedule ID: its ticks start nothing."""
    _accounts().schedules.pause(organisation, schedule_id)
    click.echo(f"paused schedule {schedule_id}")


@schedules.command("resume")
@_ORG
@_ID
def schedules_resume(organisation: str, schedule_id: int) -> None:
    """Resume the schedule ID, from the next tick on."""
    _accounts().schedules.resume(organisation, schedule_id)
    click.echo(f"resumed schedule {schedule_id}")


@schedules.command("remove")
@_ORG
@_ID
def schedules_remove(organisation: str, schedule_id: int) -> None:
    """Remove the schedule ID. Its jobs stay."""
    _accounts().schedules.remove(organisation, schedule_id)
    click.echo(f"removed schedule {schedule_id}")


#: The name of releases before 0.2. It goes with 0.3.
plans = click.Group(
    "plans", commands=schedules.commands, hidden=True, deprecated="Use `labels schedules` instead."
)
