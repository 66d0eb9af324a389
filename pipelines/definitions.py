"""Everything Dagster loads. The name of this module is stored with every run: it must not change."""

import dagster as dg

from pipelines.automation.housekeeping import daily_housekeeping, housekeeping_job
from pipelines.automation.imports import import_job
from pipelines.automation.inbox import inbox_job, inbox_sensor
from pipelines.automation.left_over import left_over_runs
from pipelines.automation.maintenance import (
    catalogue_maintenance_job,
    daily_catalogue_maintenance,
    small_files_sensor,
)
from pipelines.automation.organisations import new_organisations
from pipelines.automation.schedules import export_schedules
from pipelines.automation.stalls import stalled_runs
from pipelines.automation.webhooks import webhooks
from pipelines.export.assets import CATALOGUE_ASSETS, label_export, label_export_job
from pipelines.export.checks import label_export_checks
from pipelines.export.small import label_export_small, label_export_small_job
from pipelines.resources import RESOURCES
from pipelines.steps.executor import in_process_or_delegated

# A repository may define an asset only once. The small job makes the same asset, so it is resolved separately.
_small_job = dg.Definitions(
    assets=[*CATALOGUE_ASSETS, label_export_small],
    jobs=[label_export_small_job],
    resources=RESOURCES,
    executor=in_process_or_delegated,
).resolve_job_def(label_export_small_job.name)

defs = dg.Definitions(
    assets=[*CATALOGUE_ASSETS, label_export],
    asset_checks=[label_export_checks],
    jobs=[
        label_export_job,
        _small_job,
        housekeeping_job,
        inbox_job,
        import_job,
        catalogue_maintenance_job,
    ],
    schedules=[daily_housekeeping, daily_catalogue_maintenance],
    sensors=[
        export_schedules,
        webhooks,
        inbox_sensor,
        small_files_sensor,
        left_over_runs,
        stalled_runs,
        new_organisations,
    ],
    resources=RESOURCES,
    executor=in_process_or_delegated,
)
