"""Whether the process that executes a run or a step is alive: by pid on this machine, by lease on others.

The executing process renews the lease. The lease uses the clock of the accounts database, which all machines share. It
determines who continues a run. Only the job's decision object determines what is published.
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

#: A lease that is not renewed within this time may be taken by others. Tests set `LABELS_LEASE_SECONDS`.
TTL_SECONDS = 15.0

_RENEWALS_PER_TTL = 3
_POLLS_PER_TTL = 30

#: Held during database calls and forks: a child forked while a thread uses the database could inherit a lock that is
#: never released.
_ASKING = threading.Lock()
os.register_at_fork(before=_ASKING.acquire, after_in_parent=_ASKING.release, after_in_child=_ASKING.release)


class LeaseIsHeld(LabelError):
    """Another holder is still renewing the lease."""

    code = "lease_is_held"

    def __init__(self, name: str, holder: str | None) -> None:
        super().__init__(
            f"The lease {name} is held by another process, which renews it: {holder}.", value=name
        )
        self.holder = holder


def ttl_seconds() -> float:
    return float(os.environ.get("LABELS_LEASE_SECONDS", TTL_SECONDS))


def host_name() -> str:
    """Return the name of this machine: `LABELS_HOST_NAME` if set, else the host name."""
    return os.environ.get("LABELS_HOST_NAME") or socket.gethostname()


def is_distributed() -> bool:
    """Return whether other machines may continue this machine's runs, because the runs are in a shared database."""
    return bool(os.environ.get("LABELS_DAGSTER_URL"))


def run_lease(run_id: str) -> str:
    """Return the name of the lease that the executor of the run holds."""
    return f"run:{run_id}"


def step_lease(run_id: str, step_key: str) -> str:
    """Return the name of the lease that the executor of the step holds."""
    return f"step:{run_id}:{step_key}"


def process(pid: int) -> str | None:
    """Return the unique name of a process of this machine. None if the process has ended.

    It is the pid, the boot id, the start time in clock ticks since boot, the machine's name, and the pid namespace,
    which differs between containers with the same machine name.
    """
    ticks = _ticks_at_start(pid)
    return None if ticks is None else f"{pid} {_boot_id()} {ticks} {place()}"


def new_holder() -> str:
    """Return the name of this process as the holder of leases."""
    return process(os.getpid()) or ""


def lives(name: str) -> bool | None:
    """Return whether the process of that name is alive. None if this machine cannot know, for example after a reboot.

    A reused pid is detected by the start time in ticks, so no clock is read.
    """
    match name.split(" ", 3):
        case [pid, boot_id, ticks, where] if (boot_id, where) == (_boot_id(), place()):
            return int(ticks) == _ticks_at_start(int(pid))
        case _:
            return None


def is_held(accounts: "Accounts", name: str) -> bool:
    """Return whether the lease has a holder that renewed it in time and is not known to be dead."""
    holder = accounts.lease_holder(name)
    return holder is not None and lives(holder) is not False


def take_away(accounts: "Accounts", name: str) -> None:
    """Free the lease, whatever its holder. The holder exits when it next tries to renew it."""
    holder = accounts.lease_holder(name)
    if holder is not None:
        accounts.release_lease(name, holder)


def forget_dead(accounts: "Accounts") -> int:
    """Remove the expired leases of dead holders. Return their number."""
    return sum(map(accounts.forget_expired_leases, (run_lease(""), "step:")))


def end_process() -> None:
    """Exit at once, without running `finally` blocks, which could still store something."""
    os._exit(LOST)


@contextmanager
def executing(run_id: str) -> Generator[None]:
    """Hold the run's lease while the block executes the run. Do nothing if the service is on one machine."""
    if not is_distributed():
        yield
        return
    from pipelines import resources  # noqa: PLC0415 - every process that opens the instance imports this module

    with kept(resources.accounts(), run_lease(run_id), new_holder()):
        yield


@contextmanager
def leading(name: str) -> Generator[None]:
    """Run the block while no other process of any machine is in such a block. Wait without limit for others.

    Do nothing if the service is on one machine, where the supervisor ensures this.
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

    Waits for a dead holder's lease to expire, for at most `wait_seconds`, or twice the lease's time if that is None. A
    thread renews the lease. `on_loss` is called once, in another thread, if another holder has the lease or if it was
    not renewed in time, for example because this process was paused or the database is unreachable.

    Raises LeaseIsHeld after the wait, and SQLAlchemyError if the database is unreachable.
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
    """One lease of this process. One thread renews it. Another checks its expiry: the database may not answer."""

    def __init__(self, accounts: "Accounts", name: str, holder: str, on_loss: Callable[[], None]) -> None:
        self._accounts, self._name, self._holder, self._on_loss = accounts, name, holder, on_loss
        self._ttl = ttl_seconds()
        self._expires = 0.0
        self._ended = threading.Event()
        self._ending = threading.Lock()

    def acquire(self, wait_seconds: float) -> None:
        """Take the lease when it is free, expired, or held by a dead process of this machine. Raises LeaseIsHeld."""
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
        """Free the lease unless it is lost. An error is only logged, because the lease expires."""
        if not self._end():
            return
        try:
            self._accounts.release_lease(self._name, self._holder)
        except (SQLAlchemyError, OSError) as error:
            logs.logger().warning("lease not released", lease=self._name, error=str(error))

    def renew(self) -> None:
        """Renew the lease until it ends or another holder has it."""
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
        """Give up the lease when it expires. A process that was paused does so when it continues."""
        while not self._ended.wait(max(0.0, self._expires - _now())):
            if _now() >= self._expires:
                self._lose()

    def _extended(self, extend: Callable[[str, str, float], bool]) -> bool:
        # Taken before the call, so that this process's expiry is never later than the database's.
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
        """End the lease. Return False if it had already ended."""
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
    """Return the start time of the process in clock ticks since boot. None if it has ended or is a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the name in parentheses, which may itself contain spaces and parentheses. See
    # proc_pid_stat(5).
    state, *fields = stat.rpartition(b")")[2].split()
    return None if state in {b"Z", b"X"} else int(fields[18])


def _now() -> float:
    """Return seconds of a monotonic clock that also counts while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
