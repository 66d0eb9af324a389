"""How a job came about, as steps with their times."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from exports.ports import ExportJob, JobStatus, Stage


@dataclass(frozen=True, slots=True)
class Step:
    """What had happened at a time, by name, and how many seconds after the step before. The first step has none."""

    name: str
    at: datetime
    seconds: float | None


def steps(job: ExportJob, stages: Mapping[Stage, datetime]) -> list[Step]:
    """Return the steps of the job so far: asked, begun, the stages that ended, and how it ended if it failed."""
    named = [("asked", job.created_at), ("begun", job.started_at)]
    named += [(stage.value, ended) for stage, ended in stages.items()]
    if job.status is JobStatus.FAILED:
        named.append(("cancelled" if job.error_code == "cancelled" else "failed", job.finished_at))
    known = [(name, at) for name, at in named if at is not None]
    waits = [(after[1] - before[1]).total_seconds() for before, after in pairwise(known)]
    return [Step(name, at, seconds) for (name, at), seconds in zip(known, [None, *waits], strict=True)]


def failed_in(job: ExportJob, stages: Mapping[Stage, datetime]) -> Stage | None:
    """Return the stage in which the job failed: the one after the last that ended. None if it did not fail at work."""
    if job.status is not JobStatus.FAILED or job.error_code == "cancelled" or job.started_at is None:
        return None
    reached = max((list(Stage).index(stage) for stage in stages), default=-1)
    return next(iter(list(Stage)[reached + 1 :]), None)
