"""The IO manager for step outputs: pickles in the artefact store, which every machine can read.

A pickle names its classes by module. `MOVED` maps the names that changed, so this release can finish a run that an
earlier release began. Earlier releases had the pickles in Dagster's folder on the local disk.
"""

# We write these files ourselves, and the unpickler accepts only our own classes.
import pickle  # nosec B403
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import dagster as dg

from exports.artefacts import ArtefactStore
from exports.jobs.job_id import job_id_for
from pipelines import reasons
from pipelines.retries import retries_after

#: The folder of all runs' step outputs in the artefact store.
FOLDER = "runs"

#: Packages whose classes a pickle may contain.
_OURS = frozenset({"exports", "renderers"})

#: Module and name of a class in earlier releases -> its module and name now.
MOVED: Mapping[tuple[str, str], tuple[str, str]] = {
    # Before 0.2.
    ("exports.manifest", "Chunk"): ("exports.jobs.manifest", "Chunk"),
    ("exports.parts", "Part"): ("exports.jobs.parts", "Part"),
    ("renderers.archive.fragments", "Fragment"): ("renderers.archive.fragments", "ArchiveFragment"),
    ("exports.decision", "Artifact"): ("exports.jobs.decision", "Artefact"),
}


def folder_of(run_id: str) -> str:
    """Return the key of the folder of a run's step outputs."""
    return f"{FOLDER}/{run_id}"


class StepOutputs(dg.IOManager):
    """Pickles each step's output into one object. `earlier` is the folder of earlier releases' files."""

    def __init__(self, artefacts: ArtefactStore, earlier: Path) -> None:
        self._artefacts = artefacts
        self._earlier = earlier

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        try:
            with self._artefacts.write(_key(context.get_identifier())) as stream:
                pickle.dump(obj, stream)
        except Exception as error:
            if _may_be_retried(context, error):
                raise
            # The op itself has ended, so its own handling of failures does not see this one.
            step, final = context.step_context, reasons.final(error, "the result of a step")
            step.instance.add_run_tags(step.run_id, reasons.tags_of(final))
            raise reasons.failure(final, job_id_for(step.run_id)) from error

    def load_input(self, context: dg.InputContext) -> Any:
        assert context.upstream_output is not None  # noqa: S101 - every input of our ops comes from a step
        identifier = context.upstream_output.get_identifier()
        try:
            stored = self._artefacts.read(_key(identifier))
        except FileNotFoundError:
            earlier = self._earlier.joinpath(*identifier)
            if not earlier.exists():
                raise
            stored = earlier.read_bytes()
        return _Unpickler(BytesIO(stored)).load()


def _may_be_retried(context: dg.OutputContext, error: Exception) -> bool:
    step, policy = context.step_context, context.step_context.op_retry_policy
    return policy is not None and step.previous_attempt_count < min(policy.max_retries, retries_after(error))


def _key(identifier: Sequence[str]) -> str:
    """Return the key of an output. A step of a dynamic mapping, `step[key]`, is the folder `step/key`.

    Some calls of fsspec interpret brackets as a pattern.
    """
    run_id, *names = identifier
    return "/".join([folder_of(run_id), *_parts(names)])


def _parts(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        yield from name.replace("]", "").split("[")


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        module, name = MOVED.get((module_name, global_name), (module_name, global_name))
        if module.split(".")[0] not in _OURS:
            msg = f"A step output names {module}.{name}, which none of our steps passes on"
            raise pickle.UnpicklingError(msg)
        return super().find_class(module, name)


class StepOutputsResource(dg.ConfigurableIOManagerFactory[StepOutputs]):
    """Makes the IO manager on the artefact store below `storage_url`."""

    storage_url: str

    def create_io_manager(self, context: dg.InitResourceContext) -> StepOutputs:
        assert context.instance is not None  # noqa: S101 - Dagster's own context of a run
        return StepOutputs(ArtefactStore(self.storage_url), Path(context.instance.storage_directory()))
