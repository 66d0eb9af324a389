"""The start of each process of the service, after its fork."""

import importlib
import os
import sys
from collections.abc import Mapping


def run(name: str, function: str, arguments: tuple[str, ...], secrets: Mapping[str, str]) -> None:
    """Call the function, `module:name`, as a command with these arguments, in a new session.

    The secrets are added to the environment of this process only. /proc does not show them, because it shows the
    environment of the fork server.
    """
    from setproctitle import setproctitle

    os.setsid()
    os.environ.update(secrets)
    setproctitle(f"labels {name}")
    sys.argv = [name, *arguments]
    call(function)


def call(function: str, *arguments: object) -> None:
    """Call the function, `module:name`, with these arguments."""
    module, _, called = function.partition(":")
    getattr(importlib.import_module(module), called)(*arguments)
