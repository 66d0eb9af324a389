"""Dagster's private names for executing a run's steps. See decision 0011."""

# Whether the steps' retry policies count.
from dagster._core.execution.retries import RetryMode

# How a step ended, if it has.
from dagster._core.execution.stats import StepEventStatus

# What `dagster.in_process_executor` makes; a run's config cannot choose that one.
from dagster._core.executor.in_process import InProcessExecutor

# The executor that starts each step somewhere else, the base class of "somewhere else", and its types.
from dagster._core.executor.step_delegating import (
    CheckStepHealthResult,
    StepDelegatingExecutor,
    StepHandler,
    StepHandlerContext,
)

# What a step's process is told: run, step, instance, and what is known of earlier attempts.
from dagster._grpc.types import ExecuteStepArgs

__all__ = [
    "CheckStepHealthResult",
    "ExecuteStepArgs",
    "InProcessExecutor",
    "RetryMode",
    "StepDelegatingExecutor",
    "StepEventStatus",
    "StepHandler",
    "StepHandlerContext",
]
