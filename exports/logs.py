"""The service's log: one JSON object per line, on standard error."""

import logging
import sys
from typing import TextIO, cast

import structlog
from structlog.contextvars import merge_contextvars
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from exports import trace


def logger(stream: TextIO | None = None) -> FilteringBoundLogger:
    """Return the logger. It writes to standard error unless another stream is given."""
    log = structlog.wrap_logger(
        structlog.PrintLogger(stream or sys.stderr),
        processors=[
            merge_contextvars,
            _add_trace_id,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        context_class=dict,
    )
    return cast("FilteringBoundLogger", log)


def add_trace_id(record: logging.LogRecord) -> bool:
    """Set `trace_id` of a `logging` record, `-` outside of traces. A filter that keeps all records."""
    here = trace.current()
    record.trace_id = here.trace_id if here is not None else "-"
    return True


def _add_trace_id(log: WrappedLogger, method: str, event: EventDict) -> EventDict:
    del log, method
    if (here := trace.current()) is not None:
        event["trace_id"] = here.trace_id
    return event
