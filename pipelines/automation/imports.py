"""The job that imports a file that was uploaded over HTTP."""

import dagster as dg

from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.imports.execute import execute
from pipelines import tags
from pipelines.automation.imported import materialization
from pipelines.execution.runs import IMPORT_JOB, IMPORT_OP


class UploadedFile(dg.Config):
    """The import's id. The request is in the store, so that editing a run's config cannot change it."""

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
            source = {"import": config.job_id}
            context.log_event(materialization(table, f"import {config.job_id}", source))


@dg.job(
    name=IMPORT_JOB,
    tags={tags.KIND: tags.IMPORT},
    executor_def=dg.in_process_executor,
    description="Imports one file that was uploaded over HTTP.",
)
def import_job() -> None:
    import_upload()
