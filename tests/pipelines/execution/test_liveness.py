"""Leases that tell other machines that a run is at work."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from sqlalchemy.exc import OperationalError

from accounts.store import Accounts
from pipelines.execution import liveness

NAME = liveness.run_lease("4a1f")

#: Holds the lease while it reads standard input, and then publishes.
HOLDER = """
import sys
from accounts.store import Accounts
from pipelines.execution import liveness
with liveness.kept(Accounts(sys.argv[1]), sys.argv[2], "paused"):
    print("held", flush=True)
    sys.stdin.read()
    print("published", flush=True)
"""


@pytest.fixture(autouse=True)
def _often(monkeypatch):
    """Renew and ask a hundred times a second, so that the leases of the tests can be long."""
    monkeypatch.setenv("LABELS_LEASE_SECONDS", "60")
    monkeypatch.setattr(liveness, "_RENEWALS_PER_TTL", 6000)
    monkeypatch.setattr(liveness, "_POLLS_PER_TTL", 6000)


@pytest.fixture
def accounts(tmp_path):
    store = Accounts(f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    store.ping()
    yield store
    store.close()


def test_a_lease_is_renewed_while_the_block_runs(accounts):
    renewed = threading.Semaphore(0)
    accounts.renew_live_lease = _then(accounts.renew_live_lease, renewed.release)
    with liveness.kept(accounts, NAME, "me"):
        for _ in range(3):
            assert renewed.acquire(timeout=30)
        assert liveness.is_held(accounts, NAME)
        assert not accounts.acquire_lease(NAME, "another", 60)
    assert not liveness.is_held(accounts, NAME)


def test_the_lease_of_a_dead_holder_is_waited_for(accounts):
    assert accounts.acquire_lease(NAME, "dead", 0.3)
    with liveness.kept(accounts, NAME, "me"):
        assert not accounts.acquire_lease(NAME, "another", 60)


def test_a_lease_that_another_renews_is_refused(accounts, monkeypatch):
    monkeypatch.setenv("LABELS_LEASE_SECONDS", "0.1")
    assert accounts.acquire_lease(NAME, "alive", 60)
    with (
        pytest.raises(liveness.LeaseIsHeld, match="run:4a1f is held by another"),
        liveness.kept(accounts, NAME, "me"),
    ):
        pytest.fail("two hold the lease")
    assert liveness.is_held(accounts, NAME)


def test_a_holder_hears_that_another_took_the_lease_and_leaves_it_alone(accounts):
    lost = threading.Event()
    with liveness.kept(accounts, NAME, "me", on_loss=lost.set):
        assert accounts.release_lease(NAME, "me")
        assert accounts.acquire_lease(NAME, "another", 60)
        assert lost.wait(timeout=30)
    assert accounts.renew_lease(NAME, "another", 60)


def test_a_lease_is_lost_when_the_database_does_not_answer_in_time(accounts, monkeypatch):
    monkeypatch.setenv("LABELS_LEASE_SECONDS", "0.3")
    lost, answered = threading.Event(), threading.Event()
    accounts.renew_live_lease = lambda *_: answered.wait(timeout=30)
    with liveness.kept(accounts, NAME, "me", on_loss=lost.set):
        assert lost.wait(timeout=30)
        answered.set()


def test_a_dead_holder_of_this_machine_is_not_waited_for(accounts):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        holder = liveness.process(process.pid)
        assert accounts.acquire_lease(NAME, holder, 3600)
        assert liveness.is_held(accounts, NAME)
        process.kill()
    assert not liveness.is_held(accounts, NAME)
    with liveness.kept(accounts, NAME, liveness.new_holder()):
        assert liveness.is_held(accounts, NAME)


def test_of_other_machines_only_the_lease_is_known(accounts, monkeypatch):
    here = liveness.new_holder()
    assert liveness.lives(here)
    pid, boot_id, ticks, host, namespace = here.split()
    for other in (
        f"{pid} {boot_id} {ticks} another-host {namespace}",
        f"{pid} {boot_id} {ticks} {host} pid:[1]",
        f"{pid} 8d0ec5e3-6a35-4a39-a4a7-3f6a1fb0a3a5 {ticks} {host} {namespace}",
        "a name of another form",
        "",
    ):
        assert liveness.lives(other) is None, other
        assert accounts.acquire_lease(other, other, 60)
        assert liveness.is_held(accounts, other)
    assert liveness.lives(f"{pid} {boot_id} {int(ticks) + 1} {host} {namespace}") is False
    monkeypatch.setenv("LABELS_HOST_NAME", "another-host")
    assert liveness.lives(here) is None


def test_a_holder_whose_lease_is_taken_away_hears_of_it(accounts):
    lost = threading.Event()
    with liveness.kept(accounts, NAME, "me", on_loss=lost.set):
        liveness.take_away(accounts, NAME)
        assert lost.wait(timeout=30)
    liveness.take_away(accounts, NAME)  # nobody has it


def test_an_expired_lease_is_not_renewed(accounts):
    assert accounts.acquire_lease(NAME, "me", -1)
    assert not accounts.renew_live_lease(NAME, "me", 60)
    assert not liveness.is_held(accounts, NAME)


def test_a_database_that_is_away_for_less_than_the_lease_loses_nothing(accounts):
    failures, back = iter(range(3)), threading.Event()
    renew = accounts.renew_live_lease

    def flaky(*arguments):
        if next(failures, None) is not None:
            raise OperationalError("UPDATE leases", {}, Exception("server closed the connection"))
        back.set()
        return renew(*arguments)

    accounts.renew_live_lease = flaky
    with liveness.kept(accounts, NAME, "me", on_loss=lambda: pytest.fail("lost")):
        assert back.wait(timeout=30)


def test_a_lease_that_cannot_be_released_expires_and_raises_nothing(accounts, capsys):
    def away(*_):
        raise OperationalError("DELETE FROM leases", {}, Exception("server closed the connection"))

    accounts.release_lease = away
    with liveness.kept(accounts, NAME, "me"):
        pass
    assert "lease not released" in capsys.readouterr().err


def test_a_process_that_was_paused_past_its_lease_ends_without_publishing(accounts, tmp_path):
    url = f"sqlite:///{tmp_path / 'accounts.sqlite'}"
    command = [sys.executable, "-c", HOLDER, url, NAME]
    environment = os.environ | {"LABELS_LEASE_SECONDS": "2"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as paused:
        assert paused.stdout.readline() == "held\n"
        os.kill(paused.pid, signal.SIGSTOP)
        with liveness.kept(accounts, NAME, "next"):  # waits until the paused one's lease has expired
            os.kill(paused.pid, signal.SIGCONT)
            assert paused.wait(timeout=30) == liveness.LOST
        assert paused.stdout.read() == ""


def test_housekeeping_removes_the_leases_of_dead_holders_and_no_other(accounts):
    stock, step = "never-printed:acme", liveness.step_lease("4a1f", "resolve")
    for name in (NAME, step, stock):
        assert accounts.acquire_lease(name, "dead", -1)
    assert accounts.acquire_lease("run:alive", "alive", 60)
    assert liveness.forget_dead(accounts) == 2
    assert liveness.is_held(accounts, "run:alive")
    assert accounts.expired_leases("") == {stock: "dead"}, "its job is to be cancelled first"


def test_on_one_machine_a_run_has_no_lease(monkeypatch):
    monkeypatch.delenv("LABELS_DAGSTER_URL", raising=False)
    monkeypatch.setenv("LABELS_DATABASE_URL", "none:///of/these/is/opened")
    with liveness.executing("4a1f"), liveness.leading("daemon"):
        pass


def test_on_many_machines_a_run_has_a_lease_while_it_is_executed(accounts, tmp_path, monkeypatch):
    monkeypatch.setenv("LABELS_DAGSTER_URL", "postgresql://elsewhere/runs")
    monkeypatch.setenv("LABELS_DATABASE_URL", f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    with liveness.executing("4a1f"):
        assert accounts.lease_holder(NAME) == liveness.new_holder()
    assert accounts.lease_holder(NAME) is None


def test_a_second_daemon_stands_by_until_the_first_has_ended(accounts, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LABELS_DAGSTER_URL", "postgresql://elsewhere/runs")
    monkeypatch.setenv("LABELS_DATABASE_URL", f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    monkeypatch.setenv("LABELS_LEASE_SECONDS", "0.2")
    assert accounts.acquire_lease("daemon", "another machine", 1)
    with liveness.leading("daemon"):
        assert accounts.lease_holder("daemon") == liveness.new_holder()
    told = capsys.readouterr().err
    assert '"holder": "another machine", "event": "standing by"' in told


def test_a_daemon_waits_for_the_database(accounts, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LABELS_DAGSTER_URL", "postgresql://elsewhere/runs")
    monkeypatch.setenv("LABELS_DATABASE_URL", f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    away = iter([OperationalError("INSERT INTO leases", {}, Exception("connection refused"))])

    def acquire(self, *arguments):
        for error in away:
            raise error
        return acquired(self, *arguments)

    acquired = Accounts.acquire_lease
    monkeypatch.setattr(Accounts, "acquire_lease", acquire)
    with liveness.leading("daemon"):
        assert accounts.lease_holder("daemon") == liveness.new_holder()
    assert "lease not taken" in capsys.readouterr().err


def test_another_machine_is_one_with_another_name(monkeypatch):
    monkeypatch.delenv("LABELS_HOST_NAME", raising=False)
    here = liveness.host_name()
    monkeypatch.setenv("LABELS_HOST_NAME", "façade-2")
    assert liveness.host_name() == "façade-2" != here
    assert "façade-2" in liveness.new_holder().split()


def _then(function, after):
    def called(*arguments):
        result = function(*arguments)
        after()
        return result

    return called
