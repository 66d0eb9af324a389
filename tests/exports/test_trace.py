"""Traces: the header's form, the parents of spans, and OpenTelemetry's output if it is configured."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from exports import trace

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "there is none"),
        ("", "empty"),
        (f"00-{TRACE}-{SPAN}", "no flags"),
        (f"00-{TRACE}-{SPAN}-01-more", "version 00 has four fields"),
        (f"ff-{TRACE}-{SPAN}-01", "ff is no version"),
        (f"00-{'0' * 32}-{SPAN}-01", "no trace"),
        (f"00-{TRACE}-{'0' * 16}-01", "no span"),
        (f"00-{TRACE.upper()}-{SPAN}-01", "uppercase"),
        (f"00-{TRACE}-{SPAN}-01\n", "a line feed"),
    ],
)
def test_a_header_that_is_not_valid_names_nothing(header: str | None, reason: str) -> None:
    assert trace.parse(header) is None, reason


@pytest.mark.parametrize("header", [f"00-{TRACE}-{SPAN}-00", f"cc-{TRACE}-{SPAN}-01-what-the-future-brings"])
def test_a_valid_header(header: str) -> None:
    parsed = trace.parse(header)
    assert parsed is not None
    assert str(parsed) == f"00-{TRACE}-{SPAN}-{header[53:55]}"


def test_spans_keep_the_trace_and_end() -> None:
    given = trace.TraceParent(TRACE, SPAN, "00")
    with trace.span("outer", given) as outer:
        assert trace.current() == outer
        assert (outer.trace_id, outer.flags) == (TRACE, "00")
        assert outer.span_id != SPAN
        with trace.span("inner", outer) as inner:
            assert trace.current() == inner
        assert trace.current() == outer
    assert trace.current() is None
    with trace.span("another", None) as another:
        assert trace.parse(str(another)) == another
        assert another.trace_id != TRACE


WORK = f"""
from exports import trace
with trace.span("request", trace.parse("00-{TRACE}-{SPAN}-01")) as here:
    trace.describe("POST /labels", http_route="/labels", http_status=202)
    with trace.span("resolve", here) as step:
        assert (here.trace_id, step.trace_id) == ("{TRACE}", "{TRACE}")
        assert trace.current() == step
trace.flush()
"""


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """Yield the endpoint of an OTLP collector, and the bodies that it has received."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    server.server_close()
    thread.join()


def test_opentelemetry_exports_the_spans(collector: tuple[str, list[bytes]]) -> None:
    endpoint, bodies = collector
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
    subprocess.run([sys.executable, "-c", WORK], env=os.environ | settings, check=True, timeout=60)
    sent = b"".join(bodies)
    for expected in (bytes.fromhex(TRACE), bytes.fromhex(SPAN), b"POST /labels", b"resolve", b"http.route"):
        assert expected in sent


def test_nothing_is_exported_by_default_or_without_the_extra() -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    check = "\nimport sys\nassert not any(name.startswith('opentelemetry') for name in sys.modules)"
    subprocess.run([sys.executable, "-c", WORK + check], env=bare, check=True, timeout=60)
    missing = "import sys\nsys.modules['opentelemetry.exporter'] = None\n"
    configured = bare | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", missing + WORK], env=configured, check=True, timeout=60, capture_output=True
    )
    assert done.stderr.decode().count("install the extra `otel`") == 1
