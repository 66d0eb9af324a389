"""Dagster's private names: each has the form that we use, and only a few modules import them."""

import importlib
import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

ROOT = Path(__file__).parents[3]

#: The modules that may import private names of Dagster; see decision 0011.
ALLOWED = sorted(ROOT.glob("pipelines/*/dagster_*.py"))

#: By module of ours, what we use of each name: an attribute, or a call with the parameters that we pass or override.
USED: Mapping[str, Sequence[str]] = {
    "execution.dagster_command": ["main()"],
    "execution.dagster_cron": [
        "get_latest_completed_cron_tick(cron_string, current_time, timezone)",
        "get_next_cron_tick(cron_string, current_time, timezone)",
        "is_valid_cron_schedule(cron_schedule)",
    ],
    "execution.dagster_daemon": ["main()", "DaemonHeartbeat(timestamp, daemon_type, daemon_id, errors)"],
    "execution.dagster_runs": [
        "ASSET_RESUME_RETRY_TAG",
        "BACKFILL_ID_TAG",
        "CheckRunHealthResult(status)",
        "ConfigurableClass.config_type()",
        "ConfigurableClass.from_config_value(inst_data, config_value)",
        "ConfigurableClass.inst_data",
        "ConfigurableClassData",
        "DagsterRunAlreadyExists",
        "GrpcServerCodeLocationOrigin(host, socket, location_name)",
        "InstanceRef",
        "JobPythonOrigin(job_name, repository_origin)",
        "LaunchRunContext.dagster_run",
        "ModuleCodePointer(module, fn_name, working_directory)",
        "OP_SELECTION_TAG",
        "PARTITION_NAME_TAG",
        "RESUME_RETRY_TAG",
        "RemoteJobOrigin(repository_origin, job_name)",
        "RemoteRepositoryOrigin(code_location_origin, repository_name)",
        "RepositoryPythonOrigin(executable_path, code_pointer, container_image, entry_point, container_context)",
        "ResumeRunContext.dagster_run",
        "RunLauncher._instance",
        "RunLauncher.check_run_worker_health(run)",
        "RunLauncher.dispose()",
        "RunLauncher.launch_run(context)",
        "RunLauncher.resume_run(context)",
        "RunLauncher.supports_check_run_worker_health",
        "RunLauncher.supports_resume_run",
        "RunLauncher.terminate(run_id)",
        "SENSOR_NAME_TAG",
        "STEP_SELECTION_TAG",
        "WorkerStatus.NOT_FOUND",
        "WorkerStatus.RUNNING",
    ],
    "steps.dagster_steps": [
        "CheckStepHealthResult.healthy()",
        "CheckStepHealthResult.unhealthy(reason)",
        "ExecuteStepArgs.instance_ref",
        "ExecuteStepArgs.known_state",
        "ExecuteStepArgs.run_id",
        "ExecuteStepArgs.step_keys_to_execute",
        "InProcessExecutor(retries)",
        "RetryMode.ENABLED",
        "StepDelegatingExecutor(step_handler, retries, sleep_seconds, max_concurrent)",
        "StepDelegatingExecutor(check_step_health_interval_seconds)",
        "StepDelegatingExecutor._pop_events(instance, run_id, seen_storage_ids)",
        "StepEventStatus.FAILURE",
        "StepEventStatus.SKIPPED",
        "StepEventStatus.SUCCESS",
        "StepHandler.check_step_health(step_handler_context)",
        "StepHandler.launch_step(step_handler_context)",
        "StepHandler.name",
        "StepHandler.terminate_step(step_handler_context)",
        "StepHandlerContext.dagster_run",
        "StepHandlerContext.execute_step_args",
        "StepHandlerContext.instance",
    ],
    "execution.dagster_workers": [
        "IMPORTED_LATE",
        "capture_interrupts()",
        "core_execute_run(recon_job, dagster_run, instance, inject_env_vars, resume_from_failure)",
        "execute_run(job, dagster_run, instance)",
        "execute_step_body(args, instance, dagster_run)",
        "recon_job_from_origin(origin)",
    ],
    "storage.dagster_storage": [
        "AssetCheckExecutionsTable.c",
        "AssetKeyTable.c",
        "ConfigurableClassData",
        "ConsolidatedSqliteEventLogStorage._conn_string",
        "ConsolidatedSqliteEventLogStorage._connect()",
        "ConsolidatedSqliteEventLogStorage.dispose()",
        "InstigatorState(origin, instigator_type, status, instigator_data)",
        "InstigatorState.instigator_name",
        "InstigatorState.instigator_origin_id",
        "InstigatorState.selector_id",
        "InstigatorType.SENSOR",
        "NoOpComputeLogManager",
        "RemoteInstigatorOrigin(repository_origin, instigator_name)",
        "RunTagsTable.c",
        "RunsTable.c",
        "SqlEventLogStorage._event_to_row(event)",
        "SqlEventLogStorage._has_asset_key_col_on_connection(conn, column_name)",
        "SqlEventLogStorage.dispose()",
        "SqlEventLogStorage.end_watch(run_id, handler)",
        "SqlEventLogStorage.has_asset_key_col(column_name)",
        "SqlEventLogStorage.has_table(table_name)",
        "SqlEventLogStorage.index_connection()",
        "SqlEventLogStorage.store_event(event)",
        "SqlEventLogStorage.store_event_batch(events)",
        "SqlEventLogStorage.watch(run_id, cursor, callback)",
        "SqlEventLogStorageMetadata.tables",
        "SqlPollingEventWatcher(event_log_storage)",
        "SqlPollingEventWatcher.close()",
        "SqlPollingEventWatcher.unwatch_run(run_id, handler)",
        "SqlPollingEventWatcher.watch_run(run_id, cursor, callback)",
        "SqlRunStorage._row_to_run(row)",
        "SqlRunStorage.add_historical_run(dagster_run, run_creation_time)",
        "SqlRunStorage.add_run(dagster_run)",
        "SqlRunStorage.add_run_tags(run_id, new_tags)",
        "SqlRunStorage.alembic_version()",
        "SqlRunStorage.connect()",
        "SqlRunStorage.delete_run(run_id)",
        "SqlRunStorage.handle_run_event(run_id, event, update_timestamp)",
        "SqlRunStorage.has_backfill_id_column()",
        "SqlRunStorage.has_run_stats_index_cols()",
        "SqlRunStorage.wipe()",
        "SqlScheduleStorage.connect()",
        "SqliteRunStorage._conn_string",
        "SqliteRunStorage.dispose()",
        "SqliteRunStorage.from_config_value(inst_data, config_value)",
        "SqliteRunStorage.from_local(base_dir, inst_data)",
        "SqliteScheduleStorage.add_instigator_state(state)",
        "SqliteScheduleStorage.all_instigator_state(instigator_type)",
        "SqliteScheduleStorage.delete_instigator_state(origin_id, selector_id)",
        "SqliteScheduleStorage.purge_ticks(origin_id, selector_id, before)",
    ],
    "ui.dagster_webserver_names": [
        "GRAPHQL_HTTP",
        "GRAPHQL_WEBSOCKET",
        "LOOKING",
        "PAGE",
        "PermissionResult(enabled, disabled_reason)",
        "PermissionResult.enabled",
        "SENT_BY_ITSELF",
        "WorkspaceFileTarget(paths)",
        "WorkspaceProcessContext(instance, workspace_load_target, version)",
        "WorkspaceProcessContext.create_request_context(source)",
        "WorkspaceProcessContext.get_current_workspace()",
        "WorkspaceProcessContext.instance",
        "WorkspaceProcessContext.version",
        "WorkspaceRequestContext(instance, current_workspace, process_context, version, source, read_only)",
        "WorkspaceRequestContext.permissions",
        "WorkspaceRequestContext.permissions_for_location(location_name)",
        "WorkspaceRequestContext.read_only",
        "create_app_from_workspace_process_context(workspace_process_context, live_data_poll_rate)",
    ],
}

#: Methods that the public class has and Dagster does not document.
OF_THE_INSTANCE = [
    "add_dynamic_partitions(partitions_def_name, partition_keys)",
    "add_run_tags(run_id, new_tags)",
    "create_run_for_job(job_def, run_id, run_config, tags, remote_job_origin, job_code_origin)",
    "create_run_for_job(root_run_id, parent_run_id)",
    "delete_run(run_id)",
    "event_log_storage",
    "fetch_run_status_changes(records_filter, limit, ascending)",
    "from_config(config_dir)",
    "from_ref(instance_ref)",
    "get_records_for_run(run_id, cursor, of_type, limit)",
    "get_ref()",
    "get_run_by_id(run_id)",
    "get_run_ids()",
    "get_run_records(filters, limit, ascending)",
    "get_runs(filters, limit)",
    "get_runs_count(filters)",
    "has_dynamic_partition(partitions_def_name, partition_key)",
    "optimize_for_webserver(statement_timeout, pool_recycle, max_overflow)",
    "report_dagster_event(dagster_event, run_id)",
    "report_engine_event(message, dagster_run)",
    "report_run_canceled(dagster_run)",
    "report_run_canceling(run)",
    "run_coordinator",
    "run_launcher",
    "run_storage",
    "schedule_storage",
    "storage_directory()",
    "upgrade()",
]


@pytest.mark.parametrize(("module", "use"), [(module, use) for module, uses in USED.items() for use in uses])
def test_a_private_name_has_the_form_that_we_use(module: str, use: str) -> None:
    name, _, attribute = use.partition("(")[0].partition(".")
    found = getattr(importlib.import_module(f"pipelines.{module}"), name)
    if attribute:
        assert _has(found, attribute), (
            f"Dagster's {name} has no {attribute} any more: mend pipelines.{module}"
        )
    _require_parameters(getattr(found, attribute) if "." in use and "(" in use else found, use)


@pytest.mark.parametrize("use", OF_THE_INSTANCE)
def test_an_instance_has_what_we_use(use: str) -> None:
    name = use.partition("(")[0]
    assert hasattr(dg.DagsterInstance, name), f"DagsterInstance has no {name} any more"
    _require_parameters(getattr(dg.DagsterInstance, name), use)


def test_every_private_name_is_in_the_table() -> None:
    for path in ALLOWED:
        module = f"{path.parent.name}.{path.stem}"
        names = {re.split(r"[.(]", use)[0] for use in USED[module]}
        assert names == set(importlib.import_module(f"pipelines.{module}").__all__)


def test_a_module_that_is_imported_ahead_exists() -> None:
    from pipelines.execution.dagster_workers import IMPORTED_LATE

    for name in IMPORTED_LATE:
        importlib.import_module(name)


def test_private_names_are_named_nowhere_else() -> None:
    folders = [
        *(path.parent for path in ROOT.glob("*/__init__.py")),
        *map(ROOT.joinpath, ("benchmarks", "demo", "docs", "tests")),
    ]
    private = re.compile(r"\bdagster" + r"\._")
    found = [
        path
        for folder in folders
        for path in folder.rglob("*.py")
        if private.search(path.read_text(encoding="utf-8"))
    ]
    assert sorted(found) == ALLOWED, (
        "use what `dagster` exports, or import the name in a pipelines/*/dagster_*.py: docs/decisions/0011"
    )


def _require_parameters(function: Any, use: str) -> None:
    if "(" not in use:
        return
    wanted = set(re.findall(r"\w+", use.partition("(")[2]))
    taken = set(inspect.signature(function).parameters)
    if taken == {"args", "kwargs"}:  # one of Dagster's records: its fields are its parameters
        taken = set(inspect.get_annotations(function))
    assert wanted <= taken, f"{use} takes {sorted(taken)} now, and no {sorted(wanted - taken)}"


def _has(found: Any, attribute: str) -> bool:
    """Whether the attribute is there: of the class, a field of it, or set by its methods."""
    if hasattr(found, attribute):
        return True
    bases = [base for base in inspect.getmro(found) if base.__module__.startswith("dagster")]
    return any(
        attribute in inspect.get_annotations(base) or f"self.{attribute}" in inspect.getsource(base)
        for base in bases
    )
