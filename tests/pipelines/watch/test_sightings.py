"""How long a state has lasted, also if the clock is changed."""

import pytest

from pipelines.watch.sightings import Sightings


def test_a_gap_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("pipelines.watch.sightings.time.monotonic", lambda: now)
    seen = Sightings[str]()
    assert seen.seconds({"a"}) == {"a": 0}
    now += 5
    assert seen.seconds({"a", "b"}) == {"a": 5, "b": 0}
    now += 5
    assert seen.seconds({"b"}) == {"b": 5}
    assert seen.seconds({"a", "b"}) == {"a": 0, "b": 5}
