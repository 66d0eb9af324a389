"""The asset graph: the catalogue's tables, and the label export that depends on them."""

import dagster as dg

from pipelines.export import ops
from pipelines.export.launch_config import NODE, REQUEST_CONFIG

LABEL_EXPORT_JOB = "label_export_job"
LABEL_EXPORT_SMALL_JOB = "label_export_small_job"

#: The jobs whose runs are exports.
EXPORT_JOBS = (LABEL_EXPORT_JOB, LABEL_EXPORT_SMALL_JOB)

ORGANISATIONS = dg.DynamicPartitionsDefinition(name="organisations")

#: Owner of every asset. Dagster's UI shows it and can filter by it.
OWNERS = ["team:labels"]

_TABLES = {
    "products": "Trade items by GTIN, with their names.",
    "lots": "Production lots and batches, with their dates.",
    "serials": "Serialised units, with or without a lot.",
    "lifecycle_events": "What happened to each entity. Exports add an event for each label they print.",
}

CATALOGUE_ASSETS = [
    dg.AssetSpec(
        dg.AssetKey(["catalogue", table]),
        group_name="catalogue",
        kinds={"deltalake"},
        owners=OWNERS,
        description=f"{description} One Delta table holds those of all organisations.",
    )
    for table, description in _TABLES.items()
]

KINDS = {"zip", "pdf"}
DESCRIPTION = (
    "One job's labels in a ZIP or PDF, verified by decoding before it is published. A partition is an organisation. To"
    " start a job here, choose one partition and give the request as config; the API takes the same."
)


@dg.graph_asset(
    name=NODE,
    group_name="exports",
    config=REQUEST_CONFIG,
    partitions_def=ORGANISATIONS,
    ins={
        table: dg.AssetIn(key=dg.AssetKey(["catalogue", table]), dagster_type=dg.Nothing)
        for table in ops.CATALOGUE_TABLES
    },
    kinds=KINDS,
    owners=OWNERS,
    description=DESCRIPTION,
)
def label_export(products, lots, serials, lifecycle_events):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    chunks = ops.resolve(products=products, lots=lots, serials=serials, lifecycle_events=lifecycle_events)
    parts = chunks.map(ops.render_chunk).collect()
    artefact = ops.assemble_parts(parts)
    return ops.record_printed(parts, artefact, ops.publish(artefact))


# The run reports the results of the asset checks itself, so the job has no step for them.
label_export_job = dg.define_asset_job(
    LABEL_EXPORT_JOB,
    selection=dg.AssetSelection.assets(label_export).without_checks(),
    description="Makes one label export, chunk by chunk: large ones, and all that are started in this UI.",
)
