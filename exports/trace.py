"""Traces as W3C Trace Context, from a request to the steps of its job.

Without OpenTelemetry, a span is only an id that is passed on. If OpenTelemetry is installed (the extra `otel`) and an
endpoint is set in `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, spans are also exported.
"""

import logging
import os
import re
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

HEADER = "traceparent"

_SERVICE = "labels"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_FLUSH_MS = 2_000

#: Source: W3C Trace Context, 3.2.2. A later version may add fields at the end.
_FORM = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TraceParent:
    """A span of a trace. `flags` say whether the caller records the trace."""

    trace_id: str
    span_id: str
    flags: str = "01"

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    def child(self) -> "TraceParent":
        """Return a new span of the same trace."""
        return TraceParent(self.trace_id, secrets.token_hex(8), self.flags)


_current: ContextVar[TraceParent | None] = ContextVar("trace", default=None)


def parse(header: str | None) -> TraceParent | None:
    """Return the span of a `traceparent` header, or None if the header is missing or invalid.

    >>> parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").trace_id
    '0af7651916cd43dd8448eb211c80319c'
    >>> parse("00-00000000000000000000000000000000-b7ad6b7169203331-01")
    """
    match = _FORM.fullmatch(header or "")
    if match is None or (match[1] == "00" and match[5]):
        return None
    return TraceParent(match[2], match[3], match[4])


def new() -> TraceParent:
    """Return the first span of a new trace."""
    return TraceParent(secrets.token_hex(16), secrets.token_hex(8))


def current() -> TraceParent | None:
    """Return the current span of this thread or task, or None."""
    return _current.get()


@contextmanager
def span(name: str, parent: TraceParent | None) -> Generator[TraceParent]:
    """Run the block in a new span: a child of `parent`, or the first of a new trace."""
    provider = _provider()
    if provider is None:
        with _entered(parent.child() if parent else new()) as here:
            yield here
        return
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - the extra may be missing
        TraceContextTextMapPropagator,
    )

    propagator = TraceContextTextMapPropagator()
    context = propagator.extract({HEADER: str(parent)} if parent else {})
    with provider.get_tracer(_SERVICE).start_as_current_span(name, context=context):
        carrier: dict[str, str] = {}
        propagator.inject(carrier)
        with _entered(parse(carrier.get(HEADER)) or new()) as here:
            yield here


def describe(name: str | None = None, **attributes: str | int) -> None:
    """Set the name and attributes of the exported span. A `_` in an attribute's name becomes a dot."""
    if _provider() is None:
        return
    from opentelemetry.trace import get_current_span  # noqa: PLC0415 - the extra may be missing

    exported = get_current_span()
    if name is not None:
        exported.update_name(name)
    exported.set_attributes({key.replace("_", "."): value for key, value in attributes.items()})


def flush() -> None:
    """Export the ended spans, within two seconds. Call it before a process exits."""
    if (provider := _provider()) is not None:
        provider.force_flush(_FLUSH_MS)


@contextmanager
def _entered(here: TraceParent) -> Generator[TraceParent]:
    token = _current.set(here)
    try:
        yield here
    finally:
        _current.reset(token)


@cache
def _provider() -> "TracerProvider | None":
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        _log.warning("an OTLP endpoint is set, but OpenTelemetry is not installed: install the extra `otel`")
        return None
    named = {} if "OTEL_SERVICE_NAME" in os.environ else {SERVICE_NAME: _SERVICE}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
