"""The stock lease: after it expires, another job gets it only when its holder can no longer publish."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from accounts.store import Accounts
from exports.artefacts import ArtefactStore
from exports.errors import ExportCancelled, StockIsBusy
from exports.jobs import decision, leases
from exports.jobs.decision import Artefact
from exports.jobs.plan import ExportPlan
from exports.requests.request import parse_request

NOW = datetime(2026, 11, 24, tzinfo=UTC)
ARTEFACT = Artefact("key", "labels.zip", 1, "0" * 64, 1, 0)
FIRST, SECOND = "2222222222222222222223", "2222222222222222222224"

#: Takes the lease for no time, is paused, and publishes when it wakes.
PAUSED = """
import os, signal, sys
from accounts.store import Accounts
from exports.artefacts import ArtefactStore
from exports.errors import ExportCancelled
from exports.jobs import decision, leases
from tests.exports.jobs.test_leases import ARTEFACT, FIRST, NOW, plan_of

accounts, store = Accounts(sys.argv[1]), ArtefactStore(sys.argv[2])
leases.TTL_SECONDS = 0
assert leases.try_acquire(plan_of(FIRST), accounts, store)
os.kill(os.getpid(), signal.SIGSTOP)
try:
    decision.commit(FIRST, ARTEFACT, store, NOW)
except ExportCancelled:
    sys.exit(3)
"""


def plan_of(job_id: str) -> ExportPlan:
    body = b'{"scope":"lots","export_type":"qr_codes","file_format":"svg","filters":{"never_printed":true}}'
    return ExportPlan(job_id, "acme", None, "key:1", NOW, parse_request(body))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'accounts.sqlite'}"


@pytest.fixture
def accounts(url: str) -> Iterator[Accounts]:
    made = Accounts(url)
    yield made
    made.close()


@pytest.fixture
def store(tmp_path: Path) -> ArtefactStore:
    return ArtefactStore(str(tmp_path / "store"))


def test_a_held_lease_does_not_pass_on(accounts: Accounts, store: ArtefactStore) -> None:
    assert leases.try_acquire(plan_of(FIRST), accounts, store)
    assert leases.try_acquire(plan_of(FIRST), accounts, store)
    assert not leases.try_acquire(plan_of(SECOND), accounts, store)
    assert decision.of(FIRST, store) is None


def test_the_next_holder_cancels_the_one_before(
    accounts: Accounts, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(leases, "TTL_SECONDS", 0)
        assert leases.try_acquire(plan_of(FIRST), accounts, store)
        assert leases.try_acquire(plan_of(FIRST), accounts, store), "nobody else wanted it"
    assert leases.try_acquire(plan_of(SECOND), accounts, store)
    with pytest.raises(StockIsBusy):
        leases.keep(plan_of(FIRST), accounts)
    with pytest.raises(ExportCancelled):
        decision.commit(FIRST, ARTEFACT, store, NOW)


def test_a_committed_job_keeps_its_lease_until_it_gives_it_back(
    accounts: Accounts, store: ArtefactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(leases, "TTL_SECONDS", 0)
        assert leases.try_acquire(plan_of(FIRST), accounts, store)
    decision.commit(FIRST, ARTEFACT, store, NOW)
    assert not leases.try_acquire(plan_of(SECOND), accounts, store)
    leases.keep(plan_of(FIRST), accounts)
    leases.release(plan_of(FIRST), accounts)
    assert leases.try_acquire(plan_of(SECOND), accounts, store)


def test_a_paused_process_publishes_nothing_when_it_wakes(
    url: str, accounts: Accounts, store: ArtefactStore
) -> None:
    command = [sys.executable, "-c", PAUSED, url, store.root_url]
    with subprocess.Popen(command) as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        assert leases.try_acquire(plan_of(SECOND), accounts, store)
        decision.commit(SECOND, ARTEFACT, store, NOW)
        process.send_signal(signal.SIGCONT)
        assert process.wait(60) == 3
