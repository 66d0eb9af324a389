"""Whether the process that executes a run or a step lives: on this machine by its pid, on others by its lease.

Whoever executes it renews the lease. The lease goes by the clock of the accounts database, which all machines share.
It says who is to go on with a run; what is published is decided by the job's decision object alone.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from exports import logs
from gs1.errors import LabelError
from pipelines.execution.forks import LOST

if TYPE_CHECKING:
    from accounts.store import Accounts

#: A lease that is not renewed for so long may be taken. `LABELS_LEASE_SECONDS` is another time, for tests.
TTL_SECONDS = 15.0

_RENEWALS_PER_TTL = 3
_POLLS_PER_TTL = 30

#: A child that is forked while a thread talks to the database could inherit a lock that nobody opens again.
_ASKING = threading.Lock()
os.register_at_fork(before=_ASKING.acquire, after_in_parent=_ASKING.release, after_in_child=_ASKING.release)


class LeaseIsHeld(LabelError):
    """Another holder goes on renewing the lease."""

    code = "lease_is_held"

    def __init__(self, name: str, holder: str | None) -> None:
        super().__init__(
            f"The lease {name} is held by another process, which renews it: {holder}.", value=name
        )
        self.holder = holder


def ttl_seconds() -> float:
    return float(os.environ.get("LABELS_LEASE_SECONDS", TTL_SECONDS))


def host_name() -> str:
    """Return the name of this machine, which is `LABELS_HOST_NAME` where that is set."""
    return os.environ.get("LABELS_HOST_NAME") or socket.gethostname()


def is_distributed() -> bool:
    """Return whether other machines may look after this one's runs: the runs are then in a shared database."""
    return bool(os.environ.get("LABELS_DAGSTER_URL"))


def run_lease(run_id: str) -> str:
    """Return the name of the lease of whoever executes the run."""
    return f"run:{run_id}"


def step_lease(run_id: str, step_key: str) -> str:
    """Return the name of the lease of whoever executes the step."""
    return f"step:{run_id}:{step_key}"


def process(pid: int) -> str | None:
    """Return the name of a process of this machine, which no other process has. None if it has ended.

    It is the pid, the id of the boot, the clock ticks from the boot to the process's start, the machine's name, and
    the namespace of pids, which containers with one machine's name have of their own.
    """
    ticks = _ticks_at_start(pid)
    return None if ticks is None else f"{pid} {_boot_id()} {ticks} {place()}"


def new_holder() -> str:
    """Return the name of this process as the holder of leases."""
    return process(os.getpid()) or ""


def lives(name: str) -> bool | None:
    """Return whether the process of that name lives. None if this machine cannot know, as after it was booted.

    No clock is read: a reused pid belongs to a process that began at another tick of this boot.
    """
    match name.split(" ", 3):
        case [pid, boot_id, ticks, where] if (boot_id, where) == (_boot_id(), place()):
            return int(ticks) == _ticks_at_start(int(pid))
        case _:
            return None


def is_held(accounts: "Accounts", name: str) -> bool:
    """Return whether somebody has the lease who renewed it in time, and who is not dead as far as this machine knows."""
    holder = accounts.lease_holder(name)
    return holder is not None and lives(holder) is not False


def take_away(accounts: "Accounts", name: str) -> None:
    """Free the lease whoever has it. The holder ends when it is to renew it."""
    holder = accounts.lease_holder(name)
    if holder is not None:
        accounts.release_lease(name, holder)


def forget_dead(accounts: "Accounts") -> int:
    """Remove the leases that dead holders left. Return how many."""
    return sum(map(accounts.forget_expired_leases, (run_lease(""), "step:")))


def end_process() -> None:
    """End this process at once, without the ends of blocks, which could still store something."""
    os._exit(LOST)


@contextmanager
def executing(run_id: str) -> Generator[None]:
    """Hold the run's lease while the block executes the run. Do nothing if no other machine looks after runs."""
    if not is_distributed():
        yield
        return
    from pipelines import resources  # noqa: PLC0415 - every process that opens the instance imports this module

    with kept(resources.accounts(), run_lease(run_id), new_holder()):
        yield


@contextmanager
def leading(name: str) -> Generator[None]:
    """Be the only process of all machines in such a block. Wait, however long, while another one is.

    Do nothing if there is one machine, where the supervisor sees to that.
    """
    if not is_distributed():
        yield
        return
    from pipelines import resources  # noqa: PLC0415

    accounts, log = resources.accounts(), logs.logger()
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(kept(accounts, name, new_holder()))
            except LeaseIsHeld as held:
                log.info("standing by", lease=name, holder=held.holder)
            except (SQLAlchemyError, OSError) as error:
                log.warning("lease not taken", lease=name, error=str(error))
                time.sleep(ttl_seconds() / _RENEWALS_PER_TTL)
            else:
                break
        log.info("leading", lease=name)
        yield


@contextmanager
def kept(
    accounts: "Accounts",
    name: str,
    holder: str,
    *,
    on_loss: Callable[[], None] = end_process,
    wait_seconds: float | None = None,
) -> Generator[None]:
    """Hold the lease while the block runs.

    Waits until a dead holder's lease expires, `wait_seconds` at most, else twice the lease's time. A thread renews the
    lease. `on_loss` is called once, in another thread, if somebody else has the lease, or if it was not renewed within
    its time, as when this process was stopped or the database is away.

    Raises LeaseIsHeld after the wait, SQLAlchemyError if the database cannot be reached.
    """
    lease = _Lease(accounts, name, holder, on_loss)
    lease.acquire(2 * ttl_seconds() if wait_seconds is None else wait_seconds)
    for task in (lease.renew, lease.watch):
        threading.Thread(target=task, name=f"{task.__name__} {name}", daemon=True).start()
    try:
        yield
    finally:
        lease.release()


class _Lease:
    """One lease of this process. One thread renews it; another one watches, as an answer of the database may not come."""

    def __init__(self, accounts: "Accounts", name: str, holder: str, on_loss: Callable[[], None]) -> None:
        self._accounts, self._name, self._holder, self._on_loss = accounts, name, holder, on_loss
        self._ttl = ttl_seconds()
        self._expires = 0.0
        self._ended = threading.Event()
        self._ending = threading.Lock()

    def acquire(self, wait_seconds: float) -> None:
        """Take the lease when it is free, has expired, or is a dead process's of this machine. Raises LeaseIsHeld."""
        deadline = _now() + wait_seconds
        while not self._extended(self._accounts.acquire_lease):
            before = self._accounts.lease_holder(self._name)
            if before is not None and lives(before) is False:
                self._accounts.release_lease(self._name, before)
            elif _now() >= deadline:
                raise LeaseIsHeld(self._name, before)
            else:
                self._ended.wait(self._ttl / _POLLS_PER_TTL)

    def release(self) -> None:
        """Free the lease unless it is lost. An error is only logged: the lease expires."""
        if not self._end():
            return
        try:
            self._accounts.release_lease(self._name, self._holder)
        except (SQLAlchemyError, OSError) as error:
            logs.logger().warning("lease not released", lease=self._name, error=str(error))

    def renew(self) -> None:
        """Renew the lease until it ends or somebody else has it."""
        usual, failing = self._ttl / _RENEWALS_PER_TTL, self._ttl / _POLLS_PER_TTL
        pause = usual
        while not self._ended.wait(pause):
            try:
                with _ASKING:
                    if not self._extended(self._accounts.renew_live_lease):
                        self._lose()
                pause = usual
            except (SQLAlchemyError, OSError) as error:
                if pause == usual:
                    logs.logger().warning("lease not renewed", lease=self._name, error=str(error))
                pause = failing

    def watch(self) -> None:
        """Give the lease up when its time is over. A process that was stopped for long does so when it wakes."""
        while not self._ended.wait(max(0.0, self._expires - _now())):
            if _now() >= self._expires:
                self._lose()

    def _extended(self, extend: Callable[[str, str, float], bool]) -> bool:
        # From before the question: the database begins to count later.
        asked = _now()
        if not extend(self._name, self._holder, self._ttl):
            return False
        self._expires = asked + self._ttl
        return True

    def _lose(self) -> None:
        if self._end():
            logs.logger().error("lease lost", lease=self._name)
            self._on_loss()

    def _end(self) -> bool:
        """End the lease. Return False if it had ended."""
        with self._ending:
            if self._ended.is_set():
                return False
            self._ended.set()
            return True


def place() -> str:
    """Return the name of this machine and the namespace of its pids."""
    return f"{host_name()} {Path('/proc/self/ns/pid').readlink()}"


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _ticks_at_start(pid: int) -> int | None:
    """Return when the process began, in clock ticks since the boot. None if it has ended, or is a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the name in parentheses, which may hold spaces and parentheses itself. See proc_pid_stat(5).
    state, *fields = stat.rpartition(b")")[2].split()
    return None if state in {b"Z", b"X"} else int(fields[18])


def _now() -> float:
    """Return seconds of a clock that nobody sets and that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
