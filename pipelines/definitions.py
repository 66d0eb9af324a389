"""Everything Dagster loads: assets, the export job, resources."""

import dagster as dg

from pipelines.assets import CATALOGUE_ASSETS, label_export
from pipelines.resources import RESOURCES

LABEL_EXPORT_JOB = "label_export_job"

defs = dg.Definitions(
    assets=[*CATALOGUE_ASSETS, label_export],
    jobs=[dg.define_asset_job(LABEL_EXPORT_JOB, selection=[label_export])],
    resources=RESOURCES,
)
