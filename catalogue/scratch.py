"""Temporary folders with the process in their name, so that those of killed processes can be removed."""

import os
import re
import shutil
import socket
import tempfile
from pathlib import Path

# Containers may share a temporary folder, and process ids are unique only within one host name.
_HOST = re.sub(r"[^A-Za-z0-9]", "-", socket.gethostname())
_NAME = re.compile(rf"labels-(?:duckdb|export|import|inbox)-{re.escape(_HOST)}-(\d+)(?:-.*)?")


def prefix(kind: str) -> str:
    """Return the prefix of this process's temporary folders of one kind (duckdb, export, import or inbox)."""
    return f"labels-{kind}-{_HOST}-{os.getpid()}-"


def remove_abandoned() -> int:
    """Remove the temporary folders of this machine's ended processes; return how many."""
    removed = 0
    for folder in Path(tempfile.gettempdir()).iterdir():
        named = _NAME.fullmatch(folder.name)
        if named and not _is_alive(int(named[1])):
            # Another process may remove it at the same time.
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
