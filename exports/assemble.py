"""The parts become one artefact; one object per job decides whether it counts."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from catalogue import lifecycle
from catalogue.tables import Catalogue
from exports import manifest as manifests
from exports.artefacts import ArtefactStore, canonical_json
from exports.errors import AllItemsFailed, ExportCancelled
from exports.manifest import Manifest
from exports.plan import ExportPlan
from exports.render import ERROR_COLUMNS, MANIFEST_COLUMNS, Part, csv_bytes, printed_rows
from renderers import archive

_BOM = b"\xef\xbb\xbf"
_COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Artifact:
    """One finished, verified ZIP under `key`; unpublished until the job's decision says `committed`."""

    key: str
    filename: str
    size_bytes: int
    sha256: str
    processed: int
    failed: int

    def to_document(self) -> dict[str, Any]:
        return asdict(self)


def assemble(plan: ExportPlan, manifest: Manifest, parts: Sequence[Part], store: ArtefactStore) -> Artifact:
    """Join the parts in order, add the CSV files, and verify the archive as it lies in the store.

    Raises AllItemsFailed where not one entity could be drawn, CorruptArchive where the archive
    does not read back whole.
    """
    failed = sum(part.failed for part in parts)
    processed = sum(part.processed for part in parts)
    if processed + failed != manifest.rows:
        msg = f"{processed} drawn and {failed} failed of {manifest.rows}"
        raise ValueError(msg)
    if processed == 0:
        raise AllItemsFailed(manifest.rows)
    key = f"{plan.folder}/artefact.zip"
    unmatched = manifests.unmatched(plan, store)
    with store.write(key) as out:
        assembler = archive.Assembler(out)
        for part in parts:
            with store.open(f"{part.key}.zip") as stream:
                assembler.append_fragment(stream, part.fragment)
        assembler.add("manifest.csv", _joined(MANIFEST_COLUMNS, parts, "manifest", store))
        if failed or unmatched:
            rows = [("", *_unmatched_identity(key), "not_matched", _reason(key)) for key in unmatched]
            assembler.add("errors.csv", _joined(ERROR_COLUMNS, parts, "errors", store, csv_bytes(rows)))
        assembler.close()
    with store.on_disk(key) as path:
        archive.verify(path)
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Artifact(key, plan.output_filename(processed), store.size(key), digest, processed, failed)


def _joined(
    columns: Sequence[str], parts: Sequence[Part], kind: str, store: ArtefactStore, tail: bytes = b""
) -> Iterator[bytes]:
    yield _BOM + csv_bytes([columns])
    for part in parts:
        with store.open(f"{part.key}.{kind}.csv") as stream:
            while block := stream.read(_COPY_BYTES):
                yield block
    yield tail


def _unmatched_identity(key: dict[str, str]) -> tuple[str, str, str, str]:
    if key["field"] == "gtins":
        return "", key["value"], "", ""
    return key["value"], "", "", ""


def _reason(key: dict[str, str]) -> str:
    return f"{key['field']} names nothing that can be exported"


def commit(plan: ExportPlan, artifact: Artifact, store: ArtefactStore, now: datetime) -> datetime:
    """Decide the job as committed and return when; whoever decides first decides for good.

    Raises ExportCancelled where a cancellation came first.
    """
    key = f"{plan.folder}/decision.json"
    decision: dict[str, Any] = {
        "decision": "committed",
        "committed_at": now.isoformat(),
        "artifact": artifact.to_document(),
    }
    if not store.create(key, canonical_json(decision)):
        with store.open(key) as stream:
            decision = json.load(stream)
        if decision["decision"] != "committed":
            raise ExportCancelled
    return datetime.fromisoformat(decision["committed_at"])


def published(job_id: str, store: ArtefactStore) -> Artifact | None:
    """Return the artefact the job committed, or None."""
    key = f"exports/{job_id}/decision.json"
    if not store.exists(key):
        return None
    decision = store.read_json(key)
    return Artifact(**decision["artifact"]) if decision["decision"] == "committed" else None


def record_printed(
    plan: ExportPlan,
    manifest: Manifest,
    parts: Sequence[Part],
    committed_at: datetime,
    catalogue: Catalogue,
    store: ArtefactStore,
) -> int | None:
    """Record a PRINTED event for every entity with a symbol, once per job; None where not asked for or done before."""
    if not plan.records_printed:
        return None
    frames = printed_rows(plan, manifest, parts, store)
    return lifecycle.record_printed(catalogue, plan.organisation, plan.job_id, frames, committed_at)


def discard_parts(plan: ExportPlan, store: ArtefactStore) -> None:
    """Remove the parts: the artefact holds the same bytes."""
    store.delete_folder(f"{plan.folder}/parts")
