"""A lease per organisation, held by one job that prints stock due, so that no entity is printed twice.

Stock due is selected by the filters `never_printed`, `changed_since_print` and `print_due`. Only jobs that record what
they print need the lease.
"""

import time
from datetime import UTC, datetime

from accounts.store import Accounts
from exports.artefacts import ArtefactStore
from exports.errors import StockIsBusy
from exports.jobs import decision
from exports.jobs.plan import ExportPlan

#: Longer than the longest time between two renewals. After a worker dies, the next job waits at most this long.
TTL_SECONDS = 300
WAIT_SECONDS = 600

#: Prefix of the names of these leases. The organisation follows.
PREFIX = "never-printed:"

_POLL_SECONDS = 0.2


def try_acquire(plan: ExportPlan, accounts: Accounts, store: ArtefactStore) -> bool:
    """Take the lease if the plan needs it. Return False if another job holds it. Never waits.

    A job whose lease has expired may only be paused, so it is cancelled before the lease passes to another job. A
    committed job keeps the lease until its labels are recorded as printed, because until then its entities look
    unprinted.
    """
    if not plan.holds_lease:
        return True
    name = _name(plan)
    before = accounts.expired_leases(name).get(name)
    if before is not None and before != plan.job_id and not _take_from(name, before, accounts, store):
        return False
    return accounts.acquire_lease(name, plan.job_id, TTL_SECONDS, takes_expired=False)


def _take_from(name: str, holder: str, accounts: Accounts, store: ArtefactStore) -> bool:
    """Cancel the job that holds the lease and free the lease. Return False if the job is committed."""
    if not decision.cancel(holder, store, datetime.now(UTC)).cancelled:
        return False
    accounts.release_lease(name, holder)
    return True


def acquire(plan: ExportPlan, accounts: Accounts, store: ArtefactStore) -> None:
    """Take the lease if the plan needs it. Waits while another job holds it.

    Raises StockIsBusy after WAIT_SECONDS, ExportCancelled if the job is cancelled meanwhile.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while not try_acquire(plan, accounts, store):
        decision.require_not_cancelled(plan.job_id, store)
        if time.monotonic() > deadline:
            raise StockIsBusy(plan.organisation)
        time.sleep(_POLL_SECONDS)


def keep(plan: ExportPlan, accounts: Accounts) -> None:
    """Renew the lease that the plan took before its manifest was frozen.

    Raises StockIsBusy if the lease expired and another job has held it since, because that job may have published the
    entities of this manifest.
    """
    if plan.holds_lease and not accounts.renew_lease(_name(plan), plan.job_id, TTL_SECONDS):
        raise StockIsBusy(plan.organisation)


def release(plan: ExportPlan, accounts: Accounts) -> None:
    if plan.holds_lease:
        accounts.release_lease(_name(plan), plan.job_id)


def _name(plan: ExportPlan) -> str:
    return f"{PREFIX}{plan.organisation}"
