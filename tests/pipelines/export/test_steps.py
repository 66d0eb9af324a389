"""Each attempt at a step is logged in the trace of its job."""

import errno
import json
import random

import dagster as dg
import pytest

from accounts.store import Accounts
from exports import trace
from exports.artefacts import ArtefactStore
from exports.errors import EmptySelection
from exports.jobs import plan
from exports.jobs.job_id import job_id_for
from exports.jobs.plan import ExportPlan
from exports.requests.request import parse_request
from pipelines.export import steps
from pipelines.retries import RETRIES
from tests.exports.conftest import NOW

REQUEST = parse_request(b'{"scope":"lots","export_type":"qr_codes","file_format":"svg"}')


@pytest.mark.parametrize(("failure", "error"), [(None, None), (OSError("the disk"), "OSError")])
def test_an_attempt_leaves_a_line(
    dagster: dg.DagsterInstance,
    artefacts: ArtefactStore,
    accounts: Accounts,
    capsys: pytest.CaptureFixture[str],
    failure: Exception | None,
    error: str | None,
) -> None:
    traces: list[trace.TraceParent | None] = []

    @dg.op
    def draw(context: dg.OpExecutionContext) -> None:
        export = ExportPlan(job_id_for(context.run_id), "acme", None, "key:1", NOW, REQUEST)
        plan.save(export, artefacts)
        with steps.attempt(context, artefacts, accounts, steps.Stage("draw", "the symbols")):
            traces.extend((trace.parse(export.traceparent), trace.current()))
            if failure is not None:
                raise failure

    @dg.job
    def job() -> None:
        draw()

    result = job.execute_in_process(instance=dagster, raise_on_error=False)
    assert result.success is (failure is None)
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    [line] = [line for line in told if line["event"] == "step"]
    submitted, here = traces
    assert submitted is not None
    assert here is not None
    assert line["trace_id"] == submitted.trace_id == here.trace_id
    assert here.span_id != submitted.span_id
    assert (line["step"], line["attempt"], line["error"]) == ("draw", 1, error)
    assert (line["job_id"], line["organisation"]) == (job_id_for(result.run_id), "acme")


@pytest.mark.parametrize(
    ("failure", "attempts"),
    [
        pytest.param(ConnectionRefusedError(), 7, id="the server is away"),
        pytest.param(OSError(errno.ENOSPC, "full"), 3, id="nobody makes room in a minute"),
        pytest.param(KeyError("ours"), 3, id="a fault of ours"),
        pytest.param(EmptySelection(), 1, id="the job's own fault"),
    ],
)
def test_a_step_is_tried_as_often_as_its_error_may_pass(
    dagster: dg.DagsterInstance,
    artefacts: ArtefactStore,
    accounts: Accounts,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
    attempts: int,
) -> None:
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    begun: list[int] = []

    @dg.op(retry_policy=RETRIES)
    def draw(context: dg.OpExecutionContext) -> None:
        export = ExportPlan(job_id_for(context.run_id), "acme", None, "key:1", NOW, REQUEST)
        with steps.attempt(context, artefacts, accounts, steps.DRAW, export):
            begun.append(context.retry_number)
            raise failure

    @dg.job
    def job() -> None:
        draw()

    assert not job.execute_in_process(instance=dagster, raise_on_error=False).success
    assert begun == list(range(attempts))


def test_retries_span_the_minute_in_which_a_server_is_started_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    for drawn in (0.0, 0.5, 1.0):
        monkeypatch.setattr(random, "random", lambda drawn=drawn: drawn)
        waits = [RETRIES.calculate_delay(number + 1) for number in range(RETRIES.max_retries)]
        assert 60 < sum(waits) < 90
        assert waits[0] <= 1.2
