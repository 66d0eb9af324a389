"""Shares of the warm workers: an organisation gets half of them while another may need some."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from pipelines.execution.shares import Shares


@pytest.mark.parametrize(("size", "share"), [(1, 1), (2, 1), (3, 1), (4, 2)])
def test_an_organisation_has_half_of_the_workers_while_another_may_come(size: int, share: int) -> None:
    shares = Shares(size)
    assert shares.take("other", 0)
    shares.give_back("other")
    assert [shares.take("acme", 0) for _ in range(size)] == [number < share for number in range(size)]
    assert shares.take("other", 0)


def test_an_organisation_alone_has_all_workers() -> None:
    shares = Shares(2)
    assert shares.take("acme", 0)
    assert shares.take("acme", 0)
    assert not shares.take("acme", 0)


def test_another_is_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("pipelines.execution.shares.time.monotonic", lambda: now)
    shares = Shares(2)
    shares.take("other", 0)
    shares.give_back("other")
    assert shares.take("acme", 0)
    assert not shares.take("acme", 0)
    now = 61.0
    assert shares.take("acme", 0)


def test_a_share_passes_to_who_waits_for_it() -> None:
    shares = Shares(1)
    assert shares.take("acme", 0)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(shares.take, "acme", 60)
        shares.give_back("acme")
        assert waiting.result(60)
