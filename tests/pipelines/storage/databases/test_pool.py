"""The kept connections to Dagster's databases."""

import queue
from pathlib import Path

import dagster as dg

from pipelines.storage import instance


def test_the_events_of_another_process_reach_the_page_of_a_run(dagster: dg.DagsterInstance) -> None:
    run = dg.DagsterRun("label_export_job")
    dagster.add_run(run)
    arrived: queue.SimpleQueue[str] = queue.SimpleQueue()

    def tell(event: dg.EventLogEntry, cursor: str) -> None:
        arrived.put(event.message)

    with instance.load(Path(dagster.root_directory).parent) as worker:
        dagster.watch_event_logs(run.run_id, None, tell)
        for message in ("The first.", "The second."):
            worker.report_engine_event(message, run)
            assert arrived.get(timeout=30) == message
        dagster.end_watch_event_logs(run.run_id, tell)
