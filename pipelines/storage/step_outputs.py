"""The IO manager for step outputs: pickles in Dagster's storage folder, also those of earlier releases.

The files have the paths of Dagster's default IO manager. A pickle names its classes by module, so `MOVED` maps the
names that changed. A run that an earlier release began therefore ends under this one.
"""

# The files are our own, in a folder that only the service writes.
import pickle  # nosec B403
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    from upath import UPath

#: Module and name of a class in earlier releases -> where it is now.
MOVED: Mapping[tuple[str, str], tuple[str, str]] = {
    # Before 0.2.
    ("exports.manifest", "Chunk"): ("exports.jobs.manifest", "Chunk"),
    ("exports.parts", "Part"): ("exports.jobs.parts", "Part"),
    ("renderers.archive.fragments", "Fragment"): ("renderers.archive.fragments", "ArchiveFragment"),
    ("exports.decision", "Artifact"): ("exports.jobs.decision", "Artefact"),
}


class StepOutputs(dg.UPathIOManager):
    """Pickles each step's output into one file."""

    def dump_to_path(self, context: dg.OutputContext, obj: Any, path: "UPath") -> None:
        del context
        with path.open("wb") as stream:
            pickle.dump(obj, stream)

    def load_from_path(self, context: dg.InputContext, path: "UPath") -> Any:
        del context
        with path.open("rb") as stream:
            return _Unpickler(stream).load()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        return super().find_class(*MOVED.get((module_name, global_name), (module_name, global_name)))


class StepOutputsResource(dg.ConfigurableIOManagerFactory[StepOutputs]):
    """Makes the IO manager on the instance's own storage folder."""

    def create_io_manager(self, context: dg.InitResourceContext) -> StepOutputs:
        from upath import UPath  # noqa: PLC0415 - only a process that executes steps needs it

        assert context.instance is not None  # noqa: S101 - Dagster's own context of a run
        return StepOutputs(UPath(context.instance.storage_directory()))
