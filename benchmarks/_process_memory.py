"""Peak memory of each process of a service while a block runs."""

import contextlib
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil

_SECONDS = 0.1

STEP = "step"

#: What the titles and command lines of processes have in them, the first that is found.
_MARKS = {
    "labels facade": "façade",
    "labels daemon": "daemon",
    "labels code-server": "code server",
    "labels ui": "Dagster UI",
    "labels warm-worker": "warm worker",
    "labels run-worker": "run worker",
    "labels step": STEP,
    "fork": "fork server",
    "cli.service.guard": "guard",
    "resource_tracker": "resource tracker",
    " serve ": "supervisor",
}


@dataclass(slots=True)
class _Seen:
    kind: str
    peak: int = 0


@dataclass(slots=True)
class ProcessMemory:
    """Peaks of resident memory, shared pages included, in bytes: Linux's own high-water marks, read ten times a second.

    For a process that began before the block, it is the peak since its start.
    """

    home: Path
    _seen: dict[int, _Seen | None] = field(default_factory=dict[int, _Seen | None])
    _ended: threading.Event = field(default_factory=threading.Event)
    _sampler: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._sampler = threading.Thread(target=self._sample)
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._sampler:
            self._sampler.join()

    def peaks(self, op_of: dict[int, str]) -> dict[str, int]:
        """Return the highest peak by kind of process, and for steps by op if the op of the pid is given."""
        peaks: dict[str, int] = {}
        for pid, seen in self._seen.items():
            if seen is not None:
                kind = f"{STEP} {op_of[pid]}" if pid in op_of else seen.kind
                peaks[kind] = max(peaks.get(kind, 0), seen.peak)
        return peaks

    def _sample(self) -> None:
        while not self._ended.wait(_SECONDS):
            for pid in psutil.pids():
                if pid not in self._seen:
                    self._seen[pid] = self._admitted(pid)
                if (seen := self._seen[pid]) is not None:
                    seen.peak = max(seen.peak, _high_water_mark(pid))

    def _admitted(self, pid: int) -> _Seen | None:
        """Return the record of a process of the service's home, None for any other process."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if process.environ().get("LABELS_HOME") == str(self.home.resolve()):
                return _Seen(kind_of(process))
        return None


def kind_of(process: psutil.Process) -> str:
    """Return what the process is, by its title or command line."""
    command = " ".join(process.cmdline())
    return next((name for mark, name in _MARKS.items() if mark in command), "other")


def _high_water_mark(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
