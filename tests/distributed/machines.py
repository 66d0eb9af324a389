"""Processes of the product that act as machines, each with its own home and host name, sharing only the stores."""

import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx
import psutil

from tests.service import LABELS, Exports, Service, environment, free_ports, processes_of

_START_SECONDS = 120.0
_STOP_SECONDS = 30.0

#: Options of the commands that listen. `{0}` is a free port, `{1}` another.
_LISTENING: Mapping[str, str] = {
    "serve": "--host 127.0.0.1 --port {0} --dagster-port {1}",
    "facade": "--host 127.0.0.1 --port {0}",
    "code-server": "--host 127.0.0.1 --port {0}",
    "ui": "--host 127.0.0.1 --port {0}",
}


@dataclass(frozen=True, slots=True)
class Running:
    """A started command, its ports if it listens, and its log."""

    process: "subprocess.Popen[bytes]"
    ports: tuple[int, ...]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    def log_tail(self, characters: int = 6000) -> str:
        return self.log.read_text(errors="replace")[-characters:]


@dataclass(slots=True)
class Machine:
    """A named machine: a home below `folder`, and the settings that all machines share."""

    name: str
    folder: Path
    settings: Mapping[str, str]
    running: dict[str, Running] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def home(self) -> Path:
        return self.folder / self.name

    def environment(self) -> dict[str, str]:
        return environment(self.home, {**self.settings, "LABELS_HOST_NAME": self.name})

    def labels(self, *arguments: str) -> str:
        """Run one `labels` command on this machine and return its output."""
        done = subprocess.run(
            [str(LABELS), *arguments],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"labels {' '.join(arguments)}:\n{done.stdout}\n{done.stderr[-4000:]}"
        return done.stdout

    def start(self, command: str, *options: str) -> Running:
        """Start `labels COMMAND` without waiting for it. A second start uses the same ports."""
        before = self.running.get(command)
        listens = _LISTENING.get(command, "")
        ports = before.ports if before else tuple(free_ports(2))
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / f"{self.name}-{command}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [str(LABELS), command, *listens.format(*ports).split(), *options],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.running[command] = Running(process, ports, log)
        return self.running[command]

    def await_health(self, running: Running, path: str = "/healthz") -> None:
        """Wait until the façade answers 200 at the path."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            assert running.process.poll() is None, f"{self.name} ended:\n{running.log_tail()}"
            with suppress(httpx.TransportError):
                if httpx.get(f"{running.url}{path}", timeout=5).status_code == 200:
                    return
            time.sleep(0.2)
        raise AssertionError(f"{self.name} is not up within {_START_SECONDS:.0f} s:\n{running.log_tail()}")

    def serve(self) -> Running:
        """Start all processes of the service here, and wait until its façade is up."""
        running = self.start("serve")
        self.await_health(running)
        return running

    def client(self, key: str, command: str = "facade") -> Exports:
        url = self.running[command].url
        return Exports(httpx.Client(base_url=url, headers={"X-API-Key": key}, timeout=60))

    def kill(self, command: str | None = None) -> None:
        """Send SIGKILL to all processes of the machine, or to those of one command, with their children."""
        victims = self.processes(command)
        for process in victims:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(victims, timeout=_STOP_SECONDS)
        for name, running in self.running.items():
            if command in {None, name}:
                running.process.wait(_STOP_SECONDS)

    def processes(self, command: str | None = None) -> list[psutil.Process]:
        if command is None:
            return processes_of(self.home)
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.running[command].process.pid)
            return [process, *process.children(recursive=True)]
        return []

    def service(self, command: str = "serve") -> Service:
        """Return the machine as a `Service`, as used by other test suites."""
        running = self.running[command]
        return Service(self.home, running.url, *running.ports, running.process, running.log)


@contextmanager
def machines(folder: Path, settings: Mapping[str, str], *names: str) -> Generator[list[Machine]]:
    """Yield machines with these names. They are killed at the end of the block."""
    with ExitStack() as stack:
        yield [stack.enter_context(Machine(name, folder, settings)) for name in names]
