"""Dagster's private names for executing a run's steps. See decision 0011."""

# Whether the steps' retry policies apply.
from dagster._core.execution.retries import RetryMode

# How a step ended, if it has.
from dagster._core.execution.stats import StepEventStatus

# What `dagster.in_process_executor` creates. A run's config cannot choose that executor.
from dagster._core.executor.in_process import InProcessExecutor

# The executor that delegates each step to a step handler, the base class of handlers, and its types.
from dagster._core.executor.step_delegating import (
    CheckStepHealthResult,
    StepDelegatingExecutor,
    StepHandler,
    StepHandlerContext,
)

# Arguments of a step's process: run, step, instance, and the state of earlier attempts.
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
