"""Dagster's private names for making runs and starting their workers. See decision 0011."""

# Where the code of a run is imported from: a worker of ours needs no code server.
from dagster._core.code_pointer import ModuleCodePointer

# The database's refusal of a second run with the same id.
from dagster._core.errors import DagsterRunAlreadyExists

# What a forked worker gets to open the instance of its parent.
from dagster._core.instance.ref import InstanceRef

# The base class of run launchers, and the types of its methods: a plug-in that Dagster documents.
from dagster._core.launcher.base import (
    CheckRunHealthResult,
    LaunchRunContext,
    ResumeRunContext,
    RunLauncher,
    WorkerStatus,
)

# The stored form of "where the code is imported from".
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin

# Where the code of a run is served: the queue refuses a run without it.
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

# The tag with a run's partition, which the last step of an asset job reads; the tag by which Dagster's UI lists a run
# among its sensor's runs; the tag of a backfill's runs; and those of a run that is to execute only some of its steps.
from dagster._core.storage.tags import (
    ASSET_RESUME_RETRY_TAG,
    BACKFILL_ID_TAG,
    OP_SELECTION_TAG,
    PARTITION_NAME_TAG,
    RESUME_RETRY_TAG,
    SENSOR_NAME_TAG,
    STEP_SELECTION_TAG,
)

# The base class of what dagster.yaml names, and the data it is made from.
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
