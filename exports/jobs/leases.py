"""A lease that lets one recording job of stock due run per organisation, so that no entity is printed twice.

Stock due is what the filters `never_printed`, `changed_since_print` and `print_due` select.
"""

import time
from datetime import UTC, datetime

from accounts.store import Accounts
from exports.artefacts import ArtefactStore
from exports.errors import StockIsBusy
from exports.jobs import decision
from exports.jobs.plan import ExportPlan

#: Longer than the longest step between two renewals. After a worker dies, the next job waits this long at most.
TTL_SECONDS = 300
WAIT_SECONDS = 600

#: What the names of these leases begin with; the organisation follows.
PREFIX = "never-printed:"

_POLL_SECONDS = 0.2


def try_acquire(plan: ExportPlan, accounts: Accounts, store: ArtefactStore) -> bool:
    """Take the lease the plan needs, and return whether the plan has all it needs now. Never waits.

    The job whose lease has expired may only be paused. So it is cancelled before the lease passes on. A committed
    one keeps the lease until what it printed is recorded: before that, its entities look unprinted.
    """
    if not plan.holds_lease:
        return True
    name = _name(plan)
    before = accounts.expired_leases(name).get(name)
    if before is not None and before != plan.job_id and not _pass_on(name, before, accounts, store):
        return False
    return accounts.acquire_lease(name, plan.job_id, TTL_SECONDS, takes_expired=False)


def _pass_on(name: str, holder: str, accounts: Accounts, store: ArtefactStore) -> bool:
    """Cancel the job that holds the lease, and free the lease. Return False if the job is committed."""
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

    Raises StockIsBusy if it expired and another job has had it since: that job may have published the
    entities of this manifest.
    """
    if plan.holds_lease and not accounts.renew_lease(_name(plan), plan.job_id, TTL_SECONDS):
        raise StockIsBusy(plan.organisation)


def release(plan: ExportPlan, accounts: Accounts) -> None:
    if plan.holds_lease:
        accounts.release_lease(_name(plan), plan.job_id)


def _name(plan: ExportPlan) -> str:
    return f"{PREFIX}{plan.organisation}"
