"""A lease that lets one recording job of stock due run per organisation, so that no entity is printed twice.

Stock due is what the filters `never_printed`, `changed_since_print` and `print_due` select.
"""

import time

from accounts.store import Accounts
from exports.artefacts import ArtefactStore
from exports.errors import StockIsBusy
from exports.jobs import decision
from exports.jobs.plan import ExportPlan

#: Longer than the longest step between two renewals. After a worker dies, the next job waits this long at most.
TTL_SECONDS = 300
WAIT_SECONDS = 600
_POLL_SECONDS = 0.2


def acquire(plan: ExportPlan, accounts: Accounts, store: ArtefactStore) -> None:
    """Take the lease if the plan needs it. Waits while another job holds it.

    Raises StockIsBusy after WAIT_SECONDS, ExportCancelled if the job is cancelled meanwhile.
    """
    if not plan.holds_lease:
        return
    deadline = time.monotonic() + WAIT_SECONDS
    while not accounts.acquire_lease(_name(plan), plan.job_id, TTL_SECONDS):
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
    return f"never-printed:{plan.organisation}"
