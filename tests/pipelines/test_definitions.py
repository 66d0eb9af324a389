"""The definitions that Dagster loads."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg

from pipelines.definitions import defs
from pipelines.export.assets import EXPORT_JOBS, LABEL_EXPORT_JOB, LABEL_EXPORT_SMALL_JOB

ROOT = Path(__file__).parents[2]


def test_the_definitions_load() -> None:
    dg.Definitions.validate_loadable(defs)


def test_the_export_depends_on_every_catalogue_table() -> None:
    graph = defs.resolve_asset_graph()
    parents = graph.get(dg.AssetKey("label_export")).parent_keys
    assert {key.path[-1] for key in parents} == {"products", "lots", "serials", "lifecycle_events"}


def test_the_job_materializes_the_export() -> None:
    job = defs.resolve_job_def(LABEL_EXPORT_JOB)
    assert job.asset_layer.selected_asset_keys == {dg.AssetKey("label_export")}


def test_whatever_the_ui_shows_has_a_description() -> None:
    repository = defs.get_repository_def()
    graph = repository.asset_graph
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    described = {
        **{f"job {job.name}": job.description for job in jobs},
        **{f"op {op.name}": op.description for job in jobs for op in job.graph.iterate_node_defs()},
        **{f"schedule {each.name}": each.description for each in repository.schedule_defs},
        **{f"sensor {each.name}": each.description for each in repository.sensor_defs},
        **{f"asset {key}": graph.get(key).description for key in graph.get_all_asset_keys()},
        **{f"check {key}": graph.get_check_spec(key).description for key in graph.asset_check_keys},
    }
    assert len(described) > 30
    assert [name for name, description in described.items() if not description] == []


def test_every_asset_has_an_owner_and_kinds() -> None:
    graph = defs.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        assert graph.get(key).owners == ["team:labels"]
        assert graph.get(key).kinds


def test_both_jobs_make_the_same_asset() -> None:
    large, small = (
        defs.get_repository_def().get_job(name).asset_layer.get(dg.AssetKey("label_export"))
        for name in EXPORT_JOBS
    )
    for attribute in ("description", "owners", "kinds", "partitions_def"):
        assert getattr(large, attribute) == getattr(small, attribute)


def test_a_developer_needs_no_service_to_load_the_workspace(tmp_path: Path) -> None:
    """Dagster's own command, as for `dagster dev`, in an environment that has no setting of ours."""
    settings = ("LABELS_", "DAGSTER_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(settings)}
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "--workspace", "workspace.yaml"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment | {"DAGSTER_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_small_job_makes_the_same_asset_in_one_step() -> None:
    repository = defs.get_repository_def()
    job = repository.get_job(LABEL_EXPORT_SMALL_JOB)
    assert job.asset_layer.selected_asset_keys == {dg.AssetKey("label_export")}
    assert [node.name for node in job.nodes] == ["small_export"]
    parents = job.asset_layer.asset_graph.get(dg.AssetKey("label_export")).parent_keys
    assert parents == defs.resolve_asset_graph().get(dg.AssetKey("label_export")).parent_keys
