"""`labels worker`: execute steps of exports that the run workers send through Celery's broker."""

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
    help="Steps at once, each in a process of its own.",
)
def worker(concurrency: int) -> None:
    """Execute steps of large exports until SIGTERM, which lets those at work end.

    Run it on any number of machines. The machines of façades and daemon have LABELS_EXECUTOR=celery.

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
    # Children inherit the environment, and sign nothing.
    os.environ.pop(SIGNING_VARIABLE, None)
    instance.prepare(settings.home, services.address_of_code(settings))
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(trace_id)s: %(message)s"
    )
    for handler in logging.root.handlers:
        handler.addFilter(logs.add_trace_id)
    sys.exit(_work(concurrency, settings.step_seconds))


def _work(concurrency: int, step_seconds: int) -> int:
    """Serve the queues until a signal, and return the exit status.

    This process imports for its children and uses nothing: thread pools of libraries would not survive the forks.
    """
    import pipelines.preload  # noqa: F401 # pyright: ignore[reportUnusedImport]
    from pipelines.execution import liveness
    from pipelines.steps.celery_app import app

    started = app().Worker(
        concurrency=concurrency,
        pool="prefork",
        # Not in the application's configuration: each message would have the limit of the machine that sends it.
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
