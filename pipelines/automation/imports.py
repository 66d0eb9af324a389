"""The job that imports a file that was uploaded over HTTP."""

import dagster as dg

from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.imports.execute import execute
from pipelines import tags
from pipelines.execution.runs import IMPORT_JOB, IMPORT_OP


class UploadedFile(dg.Config):
    """The import's id. The request is in the store, so that nobody who edits a run's config can change it."""

    job_id: str


@dg.op(name=IMPORT_OP, description="Import the uploaded file, report materializations, remove the file.")
def import_upload(
    context: dg.OpExecutionContext,
    config: UploadedFile,
    catalogue: dg.ResourceParam[Catalogue],
    artefacts: dg.ResourceParam[ArtefactStore],
) -> None:
    report = execute(config.job_id, catalogue, artefacts)
    for table in report.tables if report else ():
        if table.version is not None:
            context.log_event(
                dg.AssetMaterialization(
                    dg.AssetKey(["catalogue", table.table]),
                    description=f"import {config.job_id}",
                    metadata={
                        "import": config.job_id,
                        "read": table.read,
                        "added": table.added,
                        "updated": table.updated,
                        "unchanged": table.unchanged,
                        "rejected": table.rejected,
                        "held": table.held,
                        "version": table.version,
                    },
                )
            )


@dg.job(
    name=IMPORT_JOB,
    tags={tags.KIND: tags.IMPORT},
    executor_def=dg.in_process_executor,
    description="Imports one file that was uploaded over HTTP.",
)
def import_job() -> None:
    import_upload()
