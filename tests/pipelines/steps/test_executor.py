"""What a step reports after its end: a process that was stopped meanwhile may say anything."""

from collections.abc import Sequence

import dagster as dg
import pytest

from pipelines.steps.dagster_steps import RetryMode, StepDelegatingExecutor
from pipelines.steps.executor import EndsCountOnce
from pipelines.steps.forked_steps import ForkedSteps


class _Event:
    """As much of Dagster's event as the executor reads."""

    def __init__(self, step_key: str | None, kind: str) -> None:
        self.step_key = step_key
        self.kind = kind
        self.is_step_success = kind == "success"
        self.is_step_failure = kind == "failure"


@pytest.mark.parametrize("end", ["success", "failure"])
def test_the_end_of_a_step_counts_once(
    dagster: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """Dagster reads again and again; a later read has what the stopped process said when it woke."""
    reads: Sequence[Sequence[tuple[str | None, str]]] = [
        [(None, "run started"), ("a", "start"), ("b", "start"), ("a", "retry"), ("a", "restart")],
        [("a", "output"), ("a", end), ("a", "output"), ("b", "output")],
        [("a", "retry"), ("a", end), ("b", end), (None, "engine")],
    ]
    events = iter([[_Event(*event) for event in read] for read in reads])
    monkeypatch.setattr(StepDelegatingExecutor, "_pop_events", lambda *_: next(events))
    executor = EndsCountOnce(ForkedSteps(), RetryMode.ENABLED)
    kept = [
        [(event.step_key, event.kind) for event in executor._pop_events(dagster, "", set())] for _ in reads
    ]  # type: ignore[attr-defined]
    assert kept == [
        list(reads[0]),
        [("a", "output"), ("a", end), ("b", "output")],
        [("b", end), (None, "engine")],
    ]
