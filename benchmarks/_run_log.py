"""One export in Dagster's event log: when its stages ran, and which process executed which step."""

from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from exports.jobs.job_id import run_id_for
from pipelines.execution import worker
from pipelines.storage import instance

RENDERING = "render_chunk"


@dataclass(slots=True)
class Span:
    """From the first start to the last end, in seconds since the epoch."""

    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass(frozen=True, slots=True)
class RunLog:
    """A finished run: when it was queued, started and ended; its ops in order, and the op of each step's pid."""

    queued: float
    started: float
    ended: float
    ops: dict[str, Span]
    op_of: dict[int, str]

    @property
    def rendering(self) -> Span:
        return self.ops[RENDERING]

    def stages(self, submitted: float) -> dict[str, float]:
        """Return the seconds of each stage, from the time of submission on. Their sum is the whole duration."""
        stages = {
            "submission → queued": self.queued - submitted,
            "queued → started": self.started - self.queued,
        }
        stages |= {op: span.seconds for op, span in self.ops.items()}
        stages["before, between and after steps"] = self.ended - submitted - sum(stages.values())
        return stages


def read(home: Path, job_id: str) -> RunLog:
    """Return the log of a completed job. Raises KeyError if the job was not queued."""
    times: dict[dg.DagsterEventType, float] = {}
    ops: dict[str, Span] = {}
    op_of: dict[int, str] = {}
    with instance.load(home) as dagster:
        entries = dagster.all_logs(run_id_for(job_id))
    for entry in entries:
        event = entry.dagster_event
        if event is None:
            continue
        times.setdefault(event.event_type, entry.timestamp)
        op = _op_of(entry.step_key)
        if event.event_type is dg.DagsterEventType.STEP_WORKER_STARTED:
            pid = event.engine_event_data.metadata.get("pid")
            if pid is not None:
                op_of[int(str(pid.value))] = op
        elif event.event_type is dg.DagsterEventType.STEP_START:
            ops.setdefault(op, Span(entry.timestamp, entry.timestamp))
        elif event.event_type is dg.DagsterEventType.STEP_SUCCESS:
            ops[op].ended = entry.timestamp
    return RunLog(
        times[dg.DagsterEventType.RUN_ENQUEUED],
        times[dg.DagsterEventType.RUN_START],
        times[dg.DagsterEventType.RUN_SUCCESS],
        ops,
        op_of,
    )


def worker_of(home: Path, job_id: str) -> int | None:
    """Return the running process that executes the job's run, or None."""
    with instance.load(home) as dagster:
        run: dg.DagsterRun | None = dagster.get_run_by_id(run_id_for(job_id))
    return worker.pid_of(run) if run else None


def _op_of(step_key: str | None) -> str:
    """Return `render_chunk` of `label_export.render_chunk[0000025000]`."""
    return (step_key or "").rpartition(".")[2].partition("[")[0]
