"""Metadata of a materialization of the asset `label_export`: facts and references, no payload."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import dagster as dg

from exports.artefacts import ArtefactStore, canonical_json
from exports.jobs import manifest
from exports.jobs.decision import Artefact
from exports.jobs.manifest import Manifest
from exports.jobs.plan import ExportPlan
from exports.previews import pictures

#: Path of a job in the API. This layer must not import the API, so a test compares the two.
JOB_PATH = "/products/api/v1/labels/export/{job_id}/"


def of(
    export: ExportPlan,
    frozen: Manifest,
    artefact: Artefact,
    artefacts: ArtefactStore,
    public_url: str | None,
) -> Mapping[str, Any]:
    """Return the metadata, most important first.

    A request may list thousands of ids, so the metadata has its digest only; the job's plan has the whole request. The
    job is a link if `public_url`, the address of the API, is given.
    """
    request = export.request.normalised()
    return {
        "organisation": export.organisation,
        "asked_for": export.words,
        "requested_by": export.requested_by,
        **_reprint(export),
        "job": _job(export.job_id, public_url),
        "total_items": frozen.rows,
        "total_labels": manifest.label_count(export, frozen),
        "processed_items": artefact.processed,
        "failed_items": artefact.failed,
        "unmatched": frozen.unmatched,
        "picture": _picture(pictures.first(export.job_id, artefacts)),
        "artefact": artefact.filename,
        "artefact_bytes": artefact.size_bytes,
        **(
            {"artefact_sha256": artefact.sha256}
            if artefact.sha256
            else {"artefact_composite_sha256": artefact.composite_sha256}
        ),
        "printed_recorded": export.records_printed,
        "request_sha256": hashlib.sha256(canonical_json(request)).hexdigest(),
        "catalogue_version": dg.MetadataValue.json(frozen.to_document()["catalogue_version"]),
    }


def _reprint(export: ExportPlan) -> Mapping[str, str | None]:
    return {"reprint_of": export.reprint_of, "reason": export.reason} if export.reprint_of else {}


def _job(job_id: str, public_url: str | None) -> dg.MetadataValue[Any]:
    if public_url is None:
        return dg.MetadataValue.text(job_id)
    return dg.MetadataValue.url(public_url.rstrip("/") + JOB_PATH.format(job_id=job_id))


def _picture(png: bytes | None) -> dg.MarkdownMetadataValue:
    if png is None:
        return dg.MetadataValue.md("none")
    return dg.MetadataValue.md(
        f"![what it looks like](data:image/png;base64,{base64.b64encode(png).decode()})"
    )
