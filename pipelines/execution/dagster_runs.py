"""Dagster's private names for making runs and starting their workers. See decision 0011."""

# Where a worker imports the code of a run. Our workers need no code server.
from dagster._core.code_pointer import ModuleCodePointer

# Raised for a second run with the same id.
from dagster._core.errors import DagsterRunAlreadyExists

# With this a forked worker opens the instance of its parent.
from dagster._core.instance.ref import InstanceRef

# The base class of run launchers, and the types of its methods. Dagster documents this plug-in interface.
from dagster._core.launcher.base import (
    CheckRunHealthResult,
    LaunchRunContext,
    ResumeRunContext,
    RunLauncher,
    WorkerStatus,
)

# The stored form of "where the code is imported from".
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin

# The address of the code server of a run. The queue refuses a run without it.
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

# The tag with a run's partition, which the last step of an asset job reads; the tag by which Dagster's UI lists a run
# among its sensor's runs; the tag of a backfill's runs; the tags of a run that executes only some steps.
from dagster._core.storage.tags import (
    ASSET_RESUME_RETRY_TAG,
    BACKFILL_ID_TAG,
    OP_SELECTION_TAG,
    PARTITION_NAME_TAG,
    RESUME_RETRY_TAG,
    SENSOR_NAME_TAG,
    STEP_SELECTION_TAG,
)

# The base class of the classes named in dagster.yaml, and their configuration.
from dagster._serdes import ConfigurableClass, ConfigurableClassData

__all__ = [
    "ASSET_RESUME_RETRY_TAG",
    "BACKFILL_ID_TAG",
    "OP_SELECTION_TAG",
    "PARTITION_NAME_TAG",
    "RESUME_RETRY_TAG",
    "SENSOR_NAME_TAG",
    "STEP_SELECTION_TAG",
    "CheckRunHealthResult",
    "ConfigurableClass",
    "ConfigurableClassData",
    "DagsterRunAlreadyExists",
    "GrpcServerCodeLocationOrigin",
    "InstanceRef",
    "JobPythonOrigin",
    "LaunchRunContext",
    "ModuleCodePointer",
    "RemoteJobOrigin",
    "RemoteRepositoryOrigin",
    "RepositoryPythonOrigin",
    "ResumeRunContext",
    "RunLauncher",
    "WorkerStatus",
]
