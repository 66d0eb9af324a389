"""Each attempt at a step is logged in the trace of its job."""

import json

import dagster as dg
import pytest

from accounts.store import Accounts
from exports import trace
from exports.artefacts import ArtefactStore
from exports.jobs import plan
from exports.jobs.job_id import job_id_for
from exports.jobs.plan import ExportPlan
from exports.requests.request import parse_request
from pipelines.export import steps
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
