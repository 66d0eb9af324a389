"""Everything Dagster loads: assets and their checks, jobs, schedules, sensors, resources."""

import dagster as dg

from pipelines.automation.housekeeping import daily_housekeeping, housekeeping_job
from pipelines.automation.inbox import inbox_job, inbox_sensor
from pipelines.automation.maintenance import catalogue_maintenance_job, daily_catalogue_maintenance
from pipelines.automation.schedules import standing_plans
from pipelines.automation.webhooks import webhooks
from pipelines.execution.executor import in_process_or_forked
from pipelines.export.assets import CATALOGUE_ASSETS, label_export
from pipelines.export.checks import label_export_checks
from pipelines.resources import RESOURCES

LABEL_EXPORT_JOB = "label_export_job"

defs = dg.Definitions(
    assets=[*CATALOGUE_ASSETS, label_export],
    asset_checks=[label_export_checks],
    # The run tells the checks' outcome itself, so the job has no step for them.
    jobs=[
        dg.define_asset_job(
            LABEL_EXPORT_JOB, selection=dg.AssetSelection.assets(label_export).without_checks()
        ),
        housekeeping_job,
        inbox_job,
        catalogue_maintenance_job,
    ],
    schedules=[daily_housekeeping, daily_catalogue_maintenance],
    sensors=[standing_plans, webhooks, inbox_sensor],
    resources=RESOURCES,
    executor=in_process_or_forked,
)
