"""`labels worker`: execute steps of exports, which run workers send through Celery's broker."""

# ruff: noqa: D301 - the character \b tells click to keep the lines of a paragraph

import logging
import os
import sys

import click

from cli import rules
from cli.service import services
from cli.settings import SIGNING_VARIABLE, Settings
from exports import logs
from pipelines.settings import Executor
from pipelines.storage import instance


@click.command()
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=lambda: len(os.sched_getaffinity(0)),
    show_default="one for each core",
    help="Steps at once, each in its own process.",
)
def worker(concurrency: int) -> None:
    """Execute steps of large exports until SIGTERM. Steps that are executing then are finished first.

    Run it on any number of machines. Set LABELS_EXECUTOR=celery on the machines of façades and daemon.

    \b
    Needs, the same for all machines:
      LABELS_DAGSTER_URL    PostgreSQL of the runs
      LABELS_DATABASE_URL   PostgreSQL of organisations, keys and leases
      LABELS_STORAGE_URL    catalogue and artefacts
      LABELS_BROKER_URL     the broker, such as redis://redis/1
    """
    os.environ["LABELS_EXECUTOR"] = Executor.CELERY
    rules.require_consistent(os.environ, "worker")
    settings = Settings().resolved()
    os.environ.update(settings.environment())
    # Children inherit the environment and do not need the signing key.
    os.environ.pop(SIGNING_VARIABLE, None)
    instance.prepare(settings.home, services.address_of_code(settings))
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(trace_id)s: %(message)s"
    )
    for handler in logging.root.handlers:
        handler.addFilter(logs.add_trace_id)
    sys.exit(_work(concurrency, settings.step_seconds))


def _work(concurrency: int, step_seconds: int) -> int:
    """Serve the queues until a signal. Return the exit status.

    This process only imports for its children, because thread pools of libraries do not survive a fork.
    """
    import pipelines.preload  # noqa: F401 # pyright: ignore[reportUnusedImport]
    from pipelines.execution import liveness
    from pipelines.steps.celery_app import app

    started = app().Worker(
        concurrency=concurrency,
        pool="prefork",
        # Not in the application's configuration, because then each message would have its sender's limit.
        time_limit=step_seconds,
        hostname=f"labels-{os.getpid()}@{liveness.host_name()}",
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    print(f"labels: {concurrency} steps at once", flush=True)
    started.start()
    return int(started.exitcode or 0)
