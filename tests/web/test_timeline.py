"""The steps of a job's page: what ended when, and in which stage a job failed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from exports.ports import JobStatus, Stage
from tests.api.conftest import CREATED, FakeExports
from web import timeline

ENDED = {stage: CREATED + timedelta(seconds=2 * number) for number, stage in enumerate(Stage, 1)}


def some(stages):
    return {stage: ENDED[stage] for stage in stages}


@pytest.fixture
def job(tmp_path):
    made = FakeExports(tmp_path).add("acme", JobStatus.COMPLETED)
    return replace(
        made, started_at=CREATED + timedelta(seconds=1), finished_at=CREATED + timedelta(seconds=15)
    )


def test_each_step_tells_how_long_it_took(job):
    found = [(step.name, step.seconds) for step in timeline.steps(job, ENDED)]
    assert found == [
        ("asked", None), ("begun", 1.0), ("resolve", 1.0), ("draw", 2.0), ("assemble", 2.0), ("verify", 2.0),
        ("publish", 2.0), ("record", 2.0),
    ]  # fmt: skip
    assert timeline.failed_in(job, ENDED) is None


@pytest.mark.parametrize(
    ("reached", "failed_in"),
    [
        ([], Stage.RESOLVE),
        ([Stage.RESOLVE], Stage.DRAW),
        ([Stage.RESOLVE, Stage.DRAW, Stage.ASSEMBLE], Stage.VERIFY),
        # Of a job of an earlier release not all are known.
        ([Stage.DRAW], Stage.ASSEMBLE),
        (list(Stage), None),
    ],
)
def test_a_failed_job_tells_where(job, reached, failed_in):
    failed = replace(job, status=JobStatus.FAILED, error="no", error_code="all_items_failed")
    assert timeline.failed_in(failed, some(reached)) == failed_in
    assert timeline.steps(failed, some(reached))[-1].name == "failed"


def test_a_cancelled_or_never_begun_job_failed_nowhere(job):
    cancelled = replace(job, status=JobStatus.FAILED, error_code="cancelled")
    assert timeline.failed_in(cancelled, {}) is None
    assert timeline.steps(cancelled, {})[-1].name == "cancelled"
    waiting = replace(job, status=JobStatus.FAILED, error_code="unavailable", started_at=None)
    assert timeline.failed_in(waiting, {}) is None
