"""Leases that tell other machines that a run or a step is at work.

Whoever executes it renews the lease. The lease goes by the clock of the accounts database, which all machines share.
It says who is to go on with a run; what is published is decided by the job's decision object alone.
"""

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from exports import logs
from gs1.errors import LabelError

if TYPE_CHECKING:
    from accounts.store import Accounts

#: A lease that is not renewed for so long may be taken. `LABELS_LEASE_SECONDS` is another time, for tests.
TTL_SECONDS = 15.0

_RENEWALS_PER_TTL = 3
_POLLS_PER_TTL = 30

#: The exit status of a process that has lost its lease.
LOST = 75  # EX_TEMPFAIL of sysexits.h


class LeaseIsHeld(LabelError):
    """Another holder goes on renewing the lease."""

    code = "lease_is_held"

    def __init__(self, name: str) -> None:
        super().__init__(f"The lease {name} is held by another process, which renews it.", value=name)


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


def new_holder() -> str:
    """Return a name that no other holder of a lease has. It begins with the host, for whoever reads the table."""
    return f"{host_name()[:200]} {os.getpid()} {uuid.uuid4()}"


def is_held(accounts: "Accounts", name: str) -> bool:
    """Return whether somebody has the lease and has renewed it within its time."""
    return accounts.is_lease_held(name)


def end_process() -> None:
    """End this process at once, without the ends of blocks, which could still store something."""
    os._exit(LOST)


@contextmanager
def kept(
    accounts: "Accounts", name: str, holder: str, *, on_loss: Callable[[], None] = end_process
) -> Generator[None]:
    """Hold the lease while the block runs.

    Waits until a dead holder's lease expires. A thread renews the lease. It calls `on_loss` once if somebody else took
    the lease, or if it could not be renewed within its time, as when this process was stopped or the database is away.

    Raises LeaseIsHeld after twice the lease's time, SQLAlchemyError if the database cannot be reached.
    """
    lease = _Lease(accounts, name, holder, on_loss)
    lease.acquire()
    renewing = threading.Thread(target=lease.keep, name=f"lease {name}", daemon=True)
    renewing.start()
    try:
        yield
    finally:
        lease.ended.set()
        renewing.join()
        if not lease.lost:
            lease.release()


class _Lease:
    """One lease of this process."""

    def __init__(self, accounts: "Accounts", name: str, holder: str, on_loss: Callable[[], None]) -> None:
        self._accounts, self._name, self._holder, self._on_loss = accounts, name, holder, on_loss
        self._ttl = ttl_seconds()
        self._expires = 0.0
        self.ended = threading.Event()
        self.lost = False

    def acquire(self) -> None:
        """Take the lease when it is free or has expired. Raises LeaseIsHeld."""
        deadline = _now() + 2 * self._ttl
        while not self._extended(self._accounts.acquire_lease):
            if _now() >= deadline:
                raise LeaseIsHeld(self._name)
            self.ended.wait(self._ttl / _POLLS_PER_TTL)

    def release(self) -> None:
        """Free the lease. An error is only logged: the lease expires."""
        try:
            self._accounts.release_lease(self._name, self._holder)
        except (SQLAlchemyError, OSError) as error:
            logs.logger().warning("lease not released", lease=self._name, error=str(error))

    def keep(self) -> None:
        """Renew the lease until the end, or until it is lost."""
        pause = self._ttl / _RENEWALS_PER_TTL
        while not self.ended.wait(pause):
            # Before the database is asked: a process that was stopped for long ends without another word.
            if _now() >= self._expires:
                break
            try:
                if not self._extended(self._accounts.renew_live_lease):
                    break
                pause = self._ttl / _RENEWALS_PER_TTL
            except (SQLAlchemyError, OSError) as error:
                logs.logger().warning("lease not renewed", lease=self._name, error=str(error))
                pause = self._ttl / _POLLS_PER_TTL
        else:
            return
        self.lost = True
        self._on_loss()

    def _extended(self, extend: Callable[[str, str, float], bool]) -> bool:
        # From before the question: the database begins to count later.
        asked = _now()
        if not extend(self._name, self._holder, self._ttl):
            return False
        self._expires = asked + self._ttl
        return True


def _now() -> float:
    """Return seconds of a clock that nobody sets and that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
