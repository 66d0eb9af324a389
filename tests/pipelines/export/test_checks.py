"""The findings about an artefact become evaluations of the export's asset checks."""

from collections.abc import Callable

import dagster as dg
import pytest

from exports.jobs.job_id import job_id_for
from exports.jobs.plan import ExportPlan
from exports.requests.request import parse_request
from exports.verification import findings
from exports.verification.findings import Check, CountsDisagree
from pipelines.definitions import defs
from pipelines.export.assets import LABEL_EXPORT_JOB, ORGANISATIONS, label_export
from pipelines.export.checks import LABEL_EXPORT, label_export_checks, report, reported_if_failed
from tests.exports.conftest import NOW

REQUEST = parse_request(b'{"scope":"lots","export_type":"qr_codes","file_format":"svg"}')


def disagree() -> dict:
    raise CountsDisagree("members", 3, 4)


def evaluations(dagster, artefacts, verify: Callable[[dg.OpExecutionContext, ExportPlan], None]) -> dict:
    """Return the evaluations that a failing run leaves whose step does this, by check."""

    @dg.op
    def assemble(context: dg.OpExecutionContext) -> None:
        verify(context, ExportPlan(job_id_for(context.run_id), "acme", None, "key:1", NOW, REQUEST))

    @dg.graph_asset(name="label_export", partitions_def=ORGANISATIONS)
    def asset() -> None:
        return assemble()

    dagster.add_dynamic_partitions(ORGANISATIONS.name, ["acme"])
    job = dg.Definitions(
        assets=[asset],
        asset_checks=[label_export_checks],
        jobs=[dg.define_asset_job("job", selection=dg.AssetSelection.assets(LABEL_EXPORT).without_checks())],
        resources={"artefacts": artefacts},
    ).resolve_job_def("job")
    result = job.execute_in_process(instance=dagster, partition_key="acme", raise_on_error=False)
    assert not result.success
    found = {}
    for check in Check:
        key = dg.AssetCheckKey(LABEL_EXPORT, check.value)
        for record in dagster.event_log_storage.get_asset_check_execution_history(key, limit=5):
            assert record.run_id == result.run_id
            evaluation = record.event.dagster_event.asset_check_evaluation_data
            assert evaluation.partition == "acme"
            facts = {k: v.value for k, v in evaluation.metadata.items()}
            assert facts.pop("job_id") == job_id_for(result.run_id)
            found[check] = (evaluation.passed, facts)
    return found


DISAGREES = (False, {"reason": "The artefact has 3 members, not 4.", "code": "counts_disagree"})


def test_an_evaluation_is_left_by_the_run_for_every_finding(dagster, artefacts) -> None:
    looked_at = [
        (Check.WHOLE, lambda: {"members": 3, "bytes": 99}),
        (Check.COUNTS, disagree),
        (Check.SAMPLE, dict),
    ]

    def verify(context: dg.OpExecutionContext, export: ExportPlan) -> None:
        try:
            findings.require_all(export.job_id, looked_at, artefacts)
        finally:
            report(context, export, artefacts)

    found = evaluations(dagster, artefacts, verify)
    assert found == {Check.WHOLE: (True, {"members": 3, "bytes": 99}), Check.COUNTS: DISAGREES}


def test_an_evaluation_is_left_by_a_part_that_fails_a_check(dagster, artefacts) -> None:
    def verify(context: dg.OpExecutionContext, export: ExportPlan) -> None:
        with reported_if_failed(context, export, artefacts):
            findings.require(export.job_id, Check.WHOLE, dict, artefacts)
            findings.require(export.job_id, Check.COUNTS, disagree, artefacts)

    assert evaluations(dagster, artefacts, verify) == {Check.COUNTS: DISAGREES}


def test_every_check_is_the_exports_and_the_export_job_has_no_step_for_it() -> None:
    assert label_export.key == LABEL_EXPORT
    keys = {key.name for key in defs.resolve_asset_graph().asset_check_keys if key.asset_key == LABEL_EXPORT}
    assert keys == {check.value for check in Check}
    job = defs.resolve_job_def(LABEL_EXPORT_JOB)
    assert [node.name for node in job.graph.nodes] == ["label_export"]


@pytest.mark.parametrize("asked", [list(Check), [Check.SAMPLE]])
def test_who_asks_in_the_ui_is_told_of_the_newest_export(dagster, artefacts, asked: list[Check]) -> None:
    @dg.asset(key=LABEL_EXPORT)
    def exported() -> None: ...

    newest = dg.materialize([exported], instance=dagster)
    looked_at = [(check, lambda: {"n": 1}) for check in Check]
    findings.require_all(job_id_for(newest.run_id), looked_at, artefacts)
    job = dg.Definitions(
        assets=[exported],
        asset_checks=[label_export_checks],
        jobs=[
            dg.define_asset_job(
                "ask",
                selection=dg.AssetSelection.checks(
                    *(dg.AssetCheckKey(LABEL_EXPORT, check.value) for check in asked)
                ),
            )
        ],
        resources={"artefacts": artefacts},
    ).resolve_job_def("ask")
    result = job.execute_in_process(instance=dagster)
    assert {evaluation.check_name for evaluation in result.get_asset_check_evaluations()} == {
        check.value for check in asked
    }
