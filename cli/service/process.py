"""What each process of the service does first, after it was forked."""

import importlib
import os
import sys
from collections.abc import Mapping


def run(name: str, function: str, arguments: tuple[str, ...], secrets: Mapping[str, str]) -> None:
    """Call the function, `module:name`, as a command with these arguments, in a session of its own.

    The secrets are added to the environment of this process only. Others cannot read them below /proc, where the
    environment is the one of the fork server.
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
