"""The definitions that Dagster loads."""

import dagster as dg

from pipelines.definitions import defs
from pipelines.export.assets import LABEL_EXPORT_JOB, LABEL_EXPORT_SMALL_JOB


def test_the_definitions_load() -> None:
    dg.Definitions.validate_loadable(defs)


def test_the_export_depends_on_every_catalogue_table() -> None:
    graph = defs.resolve_asset_graph()
    parents = graph.get(dg.AssetKey("label_export")).parent_keys
    assert {key.path[-1] for key in parents} == {"products", "lots", "serials", "lifecycle_events"}


def test_the_job_materializes_the_export() -> None:
    job = defs.resolve_job_def(LABEL_EXPORT_JOB)
    assert job.asset_layer.selected_asset_keys == {dg.AssetKey("label_export")}


def test_a_small_job_makes_the_same_asset_in_one_step() -> None:
    repository = defs.get_repository_def()
    job = repository.get_job(LABEL_EXPORT_SMALL_JOB)
    assert job.asset_layer.selected_asset_keys == {dg.AssetKey("label_export")}
    assert [node.name for node in job.nodes] == ["small_export"]
    parents = job.asset_layer.asset_graph.get(dg.AssetKey("label_export")).parent_keys
    assert parents == defs.resolve_asset_graph().get(dg.AssetKey("label_export")).parent_keys
