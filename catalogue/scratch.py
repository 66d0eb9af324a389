"""Temporary folders with their process in the name, so that those of killed processes can be told and removed."""

import os
import re
import shutil
import socket
import tempfile
from pathlib import Path

# Containers have host names and process numbers of their own, and may share a temporary folder.
_HOST = re.sub(r"[^A-Za-z0-9]", "-", socket.gethostname())
_NAME = re.compile(rf"labels-(?:duckdb|import|inbox)-{re.escape(_HOST)}-(\d+)(?:-.*)?")


def prefix(kind: str) -> str:
    """Return what this process's temporary folders of one kind (duckdb, import or inbox) begin with."""
    return f"labels-{kind}-{_HOST}-{os.getpid()}-"


def remove_abandoned() -> int:
    """Remove the temporary folders of this machine's processes that are no more; return how many."""
    removed = 0
    for folder in Path(tempfile.gettempdir()).iterdir():
        named = _NAME.fullmatch(folder.name)
        if named and not _is_alive(int(named[1])):
            # Another process may remove it in the same moment.
            shutil.rmtree(folder, ignore_errors=True)
            removed += not folder.exists()
    return removed


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
