"""`labels serve`, and the commands that each run one of its processes, for services on several machines."""

# ruff: noqa: D301 - the character \b tells click to keep the lines of a paragraph

import os
import sys
from collections.abc import Callable, Sequence

import click

from cli import rules
from cli.service import services
from cli.service.services import Service
from cli.settings import Settings

_PORT = click.IntRange(1, 65_535)


def _run(command: str, made: Callable[[Settings], Sequence[Service]], announcement: str) -> None:
    """Supervise the services of the command. Raises SettingRefused."""
    from cli.service.supervisor import supervise

    rules.require_consistent(os.environ, command)
    settings = Settings().resolved()
    sys.exit(supervise(settings, made(settings), command=command, announcement=announcement))


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the façade listens.")
@click.option("--port", default=8000, show_default=True, type=_PORT)
@click.option(
    "--dagster-port",
    default=3000,
    show_default=True,
    type=_PORT,
    help="The Dagster UI; LABELS_UI_HOST is its host.",
)
def serve(host: str, port: int, dagster_port: int) -> None:
    """Run façade, warm workers, code server, daemon and Dagster UI until SIGTERM or Ctrl-C."""

    def all_of_them(settings: Settings) -> Sequence[Service]:
        return (
            services.facade(settings, host, port),
            services.code_server(settings, services.address_of_code(settings)),
            services.daemon(settings),
            services.ui(settings, dagster_port),
        )

    _run("serve", all_of_them, f"labels: http://{host}:{port}  Dagster: http://127.0.0.1:{dagster_port}")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the façade listens.")
@click.option("--port", default=8000, show_default=True, type=_PORT)
def facade(host: str, port: int) -> None:
    """Run one façade: the API, and the warm workers that make small exports.

    Run any number of façades behind one load balancer. They share only PostgreSQL, Redis and the storage, so any façade
    can answer any request. If a façade dies, the daemon resumes its jobs. GET /readyz is the health check.

    \b
    Needs, the same for all machines:
      LABELS_DAGSTER_URL    PostgreSQL of the runs
      LABELS_DATABASE_URL   PostgreSQL of organisations, keys and leases
      LABELS_STORAGE_URL    catalogue and artefacts
      LABELS_SECRET_KEY     signs download addresses
      LABELS_REDIS_URL      counts requests
      LABELS_CODE_SERVER    host:port of the code server, unless it runs on this home

    \b
    Example:
      LABELS_DAGSTER_URL=postgresql://labels:secret@db/runs \\
      LABELS_DATABASE_URL=postgresql+psycopg://labels:secret@db/accounts \\
      LABELS_STORAGE_URL=s3://labels LABELS_REDIS_URL=redis://redis/0 \\
      LABELS_SECRET_KEY=$KEY LABELS_CODE_SERVER=code:4266 labels facade --host 0.0.0.0 --port 8000
    """
    _run("facade", lambda settings: [services.facade(settings, host, port)], f"labels: http://{host}:{port}")


@click.command()
def daemon() -> None:
    """Run the daemon, which starts, watches and resumes runs.

    It executes queued exports in workers on this machine, resumes the runs of dead workers of all machines, and
    evaluates schedules and sensors.

    One daemon is active at a time. Others wait, and one of them takes over within 15 s when the active daemon or its
    machine dies. It resumes the runs that were executing there.

    \b
    Needs, the same for all machines:
      LABELS_DAGSTER_URL    PostgreSQL of the runs
      LABELS_DATABASE_URL   PostgreSQL of organisations, keys and leases
      LABELS_STORAGE_URL    catalogue and artefacts
      LABELS_CODE_SERVER    host:port of the code server, unless it runs on this home

    \b
    Example:
      LABELS_DAGSTER_URL=postgresql://labels:secret@db/runs \\
      LABELS_DATABASE_URL=postgresql+psycopg://labels:secret@db/accounts \\
      LABELS_STORAGE_URL=s3://labels LABELS_CODE_SERVER=code:4266 labels daemon
    """
    _run(
        "daemon",
        lambda settings: [services.daemon(settings)],
        "labels: the daemon runs, or waits for another one",
    )


@click.command("code-server")
@click.option("--host", help="Where it listens. Without host and port: at a Unix socket of the home.")
@click.option(
    "--port", type=_PORT, help="Such as 4266. Put it into LABELS_CODE_SERVER of the other processes."
)
def code_server(host: str | None, port: int | None) -> None:
    """Run the code server, from which daemon and Dagster UI load the jobs, schedules and sensors.

    It evaluates schedules and sensors for the daemon, and sends to webhooks. It has no encryption and no
    authentication: let only the machines of the service reach its port.

    \b
    Needs, the same for all machines:
      LABELS_DAGSTER_URL    PostgreSQL of the runs
      LABELS_DATABASE_URL   PostgreSQL of organisations, keys and leases
      LABELS_STORAGE_URL    catalogue and artefacts
      LABELS_SECRET_KEY     encrypts the secrets of webhooks

    \b
    Example:
      LABELS_DAGSTER_URL=postgresql://labels:secret@db/runs \\
      LABELS_DATABASE_URL=postgresql+psycopg://labels:secret@db/accounts \\
      LABELS_STORAGE_URL=s3://labels LABELS_SECRET_KEY=$KEY \\
      labels code-server --host 0.0.0.0 --port 4266
    """
    if (host is None) != (port is None):
        raise click.UsageError("--host and --port go together.")

    def served(settings: Settings) -> Sequence[Service]:
        where = services.address_of_code(settings) if host is None else f"{host}:{port}"
        return [services.code_server(settings, where)]

    _run("code-server", served, "labels: the code server runs")


@click.command()
@click.option("--host", help="Where it listens; default: LABELS_UI_HOST, or 127.0.0.1.")
@click.option("--port", default=3000, show_default=True, type=_PORT)
def ui(host: str | None, port: int) -> None:
    """Run the Dagster UI behind its guard. See `labels operators --help` for who may change things.

    \b
    Needs, the same for all machines:
      LABELS_DAGSTER_URL    PostgreSQL of the runs
      LABELS_DATABASE_URL   PostgreSQL of organisations, keys and operators
      LABELS_STORAGE_URL    catalogue and artefacts
      LABELS_CODE_SERVER    host:port of the code server, unless it runs on this home
      LABELS_UI_ORIGINS     the addresses at which browsers open it

    \b
    Example:
      LABELS_DAGSTER_URL=postgresql://labels:secret@db/runs \\
      LABELS_DATABASE_URL=postgresql+psycopg://labels:secret@db/accounts \\
      LABELS_STORAGE_URL=s3://labels LABELS_CODE_SERVER=code:4266 \\
      LABELS_UI_ORIGINS=https://dagster.example.com labels ui --host 0.0.0.0 --port 3000
    """
    _run(
        "ui",
        lambda settings: [services.ui(settings, port, host)],
        f"Dagster: http://{host or '127.0.0.1'}:{port}",
    )
