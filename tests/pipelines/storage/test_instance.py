"""The instance's configuration files are written at every start, also over those of an earlier release."""

import importlib
from pathlib import Path

import dagster as dg
import pytest
import yaml

from pipelines import tags
from pipelines.definitions import defs
from pipelines.export.assets import EXPORT_JOBS
from pipelines.storage import instance
from pipelines.storage.databases import postgres
from pipelines.storage.databases.sqlite import PooledSqliteRunStorage, PooledSqliteScheduleStorage

#: A part of what releases before 0.2 wrote.
EARLIER = {
    "run_launcher": {"module": "pipelines.run_launcher", "class": "ForkedRunLauncher"},
    "run_storage": {"module": "pipelines.sqlite", "class": "PooledSqliteRunStorage"},
}


def test_the_classes_of_an_earlier_release_are_named_by_their_new_paths(dagster: dg.DagsterInstance) -> None:
    home = Path(dagster.root_directory).parent
    configuration = home / "dagster" / "dagster.yaml"
    configuration.write_text(yaml.safe_dump(EARLIER), encoding="utf-8")
    instance.prepare(home, "another.sock")
    written = yaml.safe_load(configuration.read_text(encoding="utf-8"))
    named = {(entry["module"], entry["class"]) for entry in written.values() if "module" in entry}
    assert len(named) == 6
    for module, name in named:
        assert isinstance(getattr(importlib.import_module(module), name), type)
    assert yaml.safe_load(instance.workspace_of(home).read_text(encoding="utf-8")) == {
        "load_from": [{"grpc_server": {"socket": "another.sock", "location_name": "labels"}}]
    }


def test_imports_and_upkeep_never_wait_for_exports(dagster: dg.DagsterInstance) -> None:
    queue = dagster.get_concurrency_config().run_queue_config
    assert queue is not None
    assert queue.max_concurrent_runs == -1
    limits = {
        limit["value"]: limit["limit"] for limit in queue.tag_concurrency_limits if "kind" in limit["key"]
    }
    assert limits == {"export": 2, "import": 1, "upkeep": 1}
    kinds = {job.name: job.tags.get("labels/kind") for job in defs.get_repository_def().get_all_jobs()}
    for export in (*EXPORT_JOBS, "__ASSET_JOB"):
        del kinds[export]
    assert set(kinds.values()) == {"import", "upkeep"}, "a job without a kind has no limit"


@pytest.mark.parametrize(
    ("settings", "exports", "each"),
    [
        ({}, 2, 1),
        ({"LABELS_EXECUTOR": "celery"}, 10, 2),
        ({"LABELS_EXPORTS_AT_ONCE": "50", "LABELS_EXPORTS_PER_ORGANISATION": "9"}, 50, 9),
    ],
)
def test_how_many_exports_are_at_work(
    dagster: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    exports: int,
    each: int,
) -> None:
    home = Path(dagster.root_directory).parent
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    instance.prepare(home, "a.sock")
    with instance.load(home) as loaded:
        queue = loaded.get_concurrency_config().run_queue_config
    assert queue is not None
    limits = {(limit["key"], str(limit["value"])): limit["limit"] for limit in queue.tag_concurrency_limits}
    of_each = "{'applyLimitPerUniqueValue': True}"
    assert limits[tags.KIND, tags.EXPORT] == exports
    assert limits[tags.ORGANISATION, of_each] == each
    assert limits[tags.STOCK, of_each] == 1, "one job at a time has the lease of the stock"


def test_nobody_is_asked_for_an_e_mail_address(dagster: dg.DagsterInstance) -> None:
    assert not dagster.nux_enabled


def test_only_the_first_storage_of_a_process_checks_the_schema(
    dagster: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the schema is checked again")

    for kind in (PooledSqliteRunStorage, PooledSqliteScheduleStorage):
        monkeypatch.setattr(kind, "from_local", refuse)
    monkeypatch.setattr(postgres, "schema_lock", refuse)
    with dg.DagsterInstance.from_ref(dagster.get_ref()) as again:
        assert again.get_runs_count() == dagster.get_runs_count()
        assert again.all_instigator_state() == []
