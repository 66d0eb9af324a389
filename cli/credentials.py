"""`labels org`, `keys`, `operators` and `webhooks`: organisations, access rights and notifications."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import click

from accounts.identity import Role
from accounts.store import Accounts
from cli.settings import Settings

_ORG = click.option("--org", "organisation", required=True, help="The organisation's slug.")
_LIMIT = click.IntRange(min=1)
_ID = click.IntRange(1, 2**31 - 1)


def _accounts() -> Accounts:
    settings = Settings().resolved()
    return Accounts(settings.database_url, settings.vault())


@click.group()
def org() -> None:
    """Organisations: each has its own catalogue."""


@org.command("create")
@click.argument("slug")
@click.option("--name", help="The name people see; the slug by default.")
@click.option("--resolver", help="Where its QR codes lead, e.g. https://id.example.com.")
def org_create(slug: str, name: str | None, resolver: str | None) -> None:
    """Create the organisation SLUG: lower-case letters, digits and hyphens."""
    made = _accounts().create_organisation(slug, name=name, resolver=resolver)
    click.echo(f"created {made.slug} ({made.name})")


@org.command("resolver")
@click.argument("slug")
@click.argument("url")
def org_resolver(slug: str, url: str) -> None:
    """Let the QR Codes of SLUG lead to URL, in exports from now on.

    GS1's own resolver is https://id.gs1.org. Labels that are already printed keep their links.
    """
    changed = _accounts().set_resolver(slug, url)
    click.echo(f"{changed.slug} has the resolver {changed.resolver}")


@org.command("suspend")
@click.argument("slug")
def org_suspend(slug: str) -> None:
    """Refuse keys, sessions and download links of SLUG, and skip its schedules. Nothing is deleted."""
    _accounts().suspend(slug)
    click.echo(f"{slug} is suspended; to undo that: labels org resume {slug}")


@org.command("resume")
@click.argument("slug")
def org_resume(slug: str) -> None:
    """End the suspension of SLUG. Exports that its schedules missed are not run later."""
    _accounts().resume(slug)
    click.echo(f"{slug} is active again")


@click.group()
def keys() -> None:
    """API keys of an organisation."""


def _moment(ctx: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """Return the aware time of an ISO 8601 option."""
    del ctx, parameter
    try:
        moment = None if value is None else datetime.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not an ISO 8601 time.") from error
    if moment is not None and moment.utcoffset() is None:
        raise click.BadParameter(f"{value!r} has no offset; write e.g. 2030-12-31T00:00:00Z.")
    return moment


@keys.command("create")
@_ORG
@click.option("--role", type=click.Choice([r.value for r in Role]), default="manager", show_default=True)
@click.option("--expires", callback=_moment, help="Expiry: ISO 8601 with offset.")
@click.option("--name", help="What it is for, up to 64 characters.")
@click.option("--per-minute", type=_LIMIT, help="Its own limit of requests a minute.")
@click.option("--per-day", type=_LIMIT, help="Its own limit of requests a day.")
def keys_create(
    organisation: str,
    role: str,
    expires: datetime | None,
    name: str | None,
    per_minute: int | None,
    per_day: int | None,
) -> None:
    """Create an API key and print it on the last line. It is not shown again."""
    plain = _accounts().create_key(
        organisation, role, name=name, expires_at=expires, per_minute=per_minute, per_day=per_day
    )
    _show_key(plain)


@keys.command("list")
@_ORG
def keys_list(organisation: str) -> None:
    """List the keys, also revoked ones. The keys themselves are not stored."""
    _table(
        ("id", "name", "role", "created", "last used", "expires", "active"),
        (
            (
                str(key.id),
                key.name or "-",
                key.role,
                _time(key.created_at),
                _time(key.last_used_at),
                _time(key.expires_at),
                _yes(key.active),
            )
            for key in _accounts().keys_of(organisation)
        ),
    )


@keys.command("revoke")
@_ORG
@click.argument("key_id", metavar="ID", type=_ID)
def keys_revoke(organisation: str, key_id: int) -> None:
    """Revoke the key ID, and end the sessions that began with it."""
    _accounts().revoke_key(organisation, key_id)
    click.echo(f"revoked key {key_id}")


@keys.command("rotate")
@_ORG
@click.option(
    "--grace", type=click.IntRange(0, 525_600), default=0, help="Minutes that the old key still works; 0."
)
@click.argument("key_id", metavar="ID", type=_ID)
def keys_rotate(organisation: str, grace: int, key_id: int) -> None:
    """Replace the key ID by a new one with the same role, limits and expiry. Print it on the last line."""
    _show_key(_accounts().rotate_key(organisation, key_id, grace=timedelta(minutes=grace)))


@click.group()
def operators() -> None:
    """Operators: people who may change things in the Dagster UI. Everybody else may only look."""


@operators.command("add")
@click.argument("name")
def operators_add(name: str) -> None:
    """Add the operator NAME and print the key for the log-in page on the last line. It is not shown again."""
    plain = _accounts().operators.add(name)
    click.echo(
        "Keep this key; it is not shown again. Log in with it at /labels/log-in of the Dagster UI.", err=True
    )
    click.echo(plain)


@operators.command("list")
def operators_list() -> None:
    """List the operators. Their keys are not stored."""
    _table(
        ("name", "created"),
        ((operator.name, _time(operator.created_at)) for operator in _accounts().operators.list()),
    )


@operators.command("remove")
@click.argument("name")
def operators_remove(name: str) -> None:
    """Remove the operator NAME: the key and the log-ins end at once."""
    _accounts().operators.remove(name)
    click.echo(f"removed operator {name}")


@click.group()
def webhooks() -> None:
    """Webhooks: addresses that get a message when an export ends."""


@webhooks.command("add")
@_ORG
@click.option("--allow-http", is_flag=True, help="Allow an http address, for a receiver within your network.")
@click.argument("url")
def webhooks_add(organisation: str, allow_http: bool, url: str) -> None:
    """Send a message to URL when an export ends. Print the signing secret on the last line, only this once."""
    made = _accounts().webhooks.add(organisation, url, allow_http=allow_http)
    click.echo(f"added webhook {made.id}")
    click.echo("Keep this secret; it is not shown again. It verifies the webhook-signature header.", err=True)
    click.echo(made.secret)


@webhooks.command("list")
@_ORG
def webhooks_list(organisation: str) -> None:
    """List the webhooks, without their secrets."""
    _table(
        ("id", "url", "created", "active"),
        (
            (str(hook.id), hook.url, _time(hook.created_at), _yes(hook.active))
            for hook in _accounts().webhooks.list(organisation)
        ),
    )


@webhooks.command("remove")
@_ORG
@click.argument("webhook_id", metavar="ID", type=_ID)
def webhooks_remove(organisation: str, webhook_id: int) -> None:
    """Remove the webhook ID and its unsent messages."""
    _accounts().webhooks.remove(organisation, webhook_id)
    click.echo(f"removed webhook {webhook_id}")


def _show_key(plain: str) -> None:
    click.echo("Keep this key; it is not shown again. Send it as X-API-Key.", err=True)
    click.echo(plain)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print the rows under their header, columns aligned."""
    table = [header, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    for row in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _time(moment: datetime | None) -> str:
    return "-" if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
