"""`labels plans`: exports that are made again and again, by the clock."""

from datetime import UTC, datetime
from pathlib import Path

import click

from accounts.store import Accounts
from cli.settings import Settings
from exports.errors import InvalidRequest
from exports.schedules import require_cron, standing_request

_ORG = click.option("--org", "organisation", required=True, help="The organisation's slug.")
_ID = click.argument("plan_id", metavar="ID", type=click.IntRange(1, 2**31 - 1))


def _accounts() -> Accounts:
    return Accounts(Settings().resolved().database_url)


@click.group()
def plans() -> None:
    """Standing plans: exports made again and again, by the clock."""


@plans.command("add")
@_ORG
@click.option("--name", required=True, help="What people call it, up to 64 characters.")
@click.option("--cron", required=True, help="Minute, hour, day, month, weekday: '0 6 * * 1-5'.")
@click.option("--time-zone", default="UTC", show_default=True, help="Whose clock: 'Europe/Berlin'.")
@click.argument("request_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def plans_add(organisation: str, name: str, cron: str, time_zone: str, request_file: Path) -> None:
    """Export as REQUEST_FILE (JSON) asks, at every tick of --cron; print the plan's id.

    It selects what was never printed, unless the request says "never_printed": false. Ticks missed
    while the service is down are made up for by one export; ticks of a paused plan are not.
    """
    from dagster._utils.schedules import is_valid_cron_schedule

    try:
        request = standing_request(request_file.read_bytes())
    except InvalidRequest as error:
        faults = (f"{'.'.join(map(str, fault['loc'][1:]))}: {fault['msg']}" for fault in error.details)
        raise click.ClickException(f"{request_file}: {'; '.join(faults)}") from error
    cron = require_cron(cron, is_valid_cron_schedule)
    made = _accounts().plans.add(organisation, name, cron=cron, time_zone=time_zone, request=request)
    click.echo(f"added plan {made.id} ({made.name})")


@plans.command("list")
@_ORG
def plans_list(organisation: str) -> None:
    """List the plans with their next tick, in the plan's own clock."""
    from dagster._utils.schedules import get_next_cron_tick

    now = datetime.now(UTC)
    for plan in _accounts().plans.list(organisation):
        following = get_next_cron_tick(plan.cron, now, plan.time_zone) if plan.active else None
        click.echo(
            "\t".join(
                (
                    str(plan.id),
                    plan.name,
                    plan.cron,
                    plan.time_zone,
                    "paused" if following is None else f"next {following.isoformat(timespec='minutes')}",
                )
            )
        )


@plans.command("pause")
@_ORG
@_ID
def plans_pause(organisation: str, plan_id: int) -> None:
    """Let the plan ID rest."""
    _accounts().plans.pause(organisation, plan_id)
    click.echo(f"paused plan {plan_id}")


@plans.command("resume")
@_ORG
@_ID
def plans_resume(organisation: str, plan_id: int) -> None:
    """Let the plan ID go on, with the ticks that come from now on."""
    _accounts().plans.resume(organisation, plan_id)
    click.echo(f"resumed plan {plan_id}")


@plans.command("remove")
@_ORG
@_ID
def plans_remove(organisation: str, plan_id: int) -> None:
    """Forget the plan ID; its jobs stay."""
    _accounts().plans.remove(organisation, plan_id)
    click.echo(f"removed plan {plan_id}")
