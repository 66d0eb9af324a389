"""An object store that counts what it is asked: moto's server in a process of its own, whose log has every request."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

BUCKET = "labels"


@contextmanager
def counting_server(log: Path) -> Iterator[tuple[Mapping[str, str], Callable[[], int]]]:
    """Yield the environment in which everybody finds the server, and a function that returns its requests so far."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as told, subprocess.Popen(command, stdout=told, stderr=told) as process:
        try:
            while process.poll() is None:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
            yield _environment(f"http://127.0.0.1:{port}"), lambda: log.read_bytes().count(b" HTTP/1.1")
        finally:
            process.kill()


def _environment(url: str) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, **aws_variables(url)}


def aws_variables(url: str) -> Mapping[str, str]:
    """Return the variables by which s3fs and Delta find the server at the URL."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "labels",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
