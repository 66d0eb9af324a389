"""schemathesis against a live façade: our own description with every check, and the published one.

By default few cases, with LABELS_TEST_FULL=1 many. The seed is fixed unless LABELS_TEST_NEW=1 asks for a new one.
"""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import uvicorn

from exports.ports import JobStatus, Report
from tests.api.conftest import facade
from tests.api.description import published
from tests.api.imports_at_once import ImportsAtOnce

FULL = os.environ.get("LABELS_TEST_FULL") == "1"
COMMAND = Path(sys.executable).with_name("schemathesis")

#: A cancelled job is still there to be polled: DELETE ends it, and does not remove it.
_NOT_OURS = "use_after_free"

#: The published description says neither which requests are coherent, nor that a GTIN has a check digit,
#: so a refusal is no fault; nor that the path takes GET, which is our own.
_NOT_PUBLISHED = "positive_data_acceptance,allow_header_conformance,unsupported_method"

ROOT = Path(__file__).parents[3]


@pytest.fixture
def live(exports, accounts, settings, tmp_path):
    """Return the address of a façade that listens on this machine."""
    for status in JobStatus:
        exports.add("acme", status, reports=frozenset(Report))
    imports = ImportsAtOnce(tmp_path / "imports")
    app = facade(exports, accounts, settings, imports, imports.catalogue)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", access_log=False))
    started = threading.Event()
    startup = server.startup

    async def startup_and_tell(sockets=None):
        await startup(sockets)
        started.set()

    server.startup = startup_and_tell
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert started.wait(30)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(30)


def run(tmp_path, key, *arguments, examples):
    seed = [] if os.environ.get("LABELS_TEST_NEW") else ["--seed", "1", "--generation-database", "none"]
    done = subprocess.run(
        [
            *(str(COMMAND), "run", *arguments, "--no-color", "-H", f"X-API-Key: {key}"),
            *("--max-examples", str(200 if FULL else examples), *seed),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.api.description.schemathesis_hooks",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr


def test_our_own_description(live, editor, tmp_path):
    arguments = (f"{live}/openapi.json", "--checks", "all", "--exclude-checks", _NOT_OURS)
    run(tmp_path, editor["X-API-Key"], *arguments, examples=25)


def test_the_published_description(live, editor, tmp_path):
    description = tmp_path / "published.json"
    description.write_text(json.dumps(published.document()))
    arguments = ("--url", live, "--checks", "all", "--exclude-checks", _NOT_PUBLISHED)
    run(tmp_path, editor["X-API-Key"], str(description), *arguments, examples=100)
