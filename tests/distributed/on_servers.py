"""A pytest plugin that runs every service of a test with databases, storage and request counts on servers.

pytest -p tests.distributed.on_servers tests/test_end_to_end.py
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import service
from tests.distributed.fixtures import guard, object_store, postgres, redis, shared
from tests.distributed.stores import Shared

__all__ = ["guard", "object_store", "postgres", "redis", "shared"]


@pytest.fixture(scope="session", autouse=True)
def _homes_on_servers(shared: Shared) -> Iterator[None]:
    settings: dict[Path, dict[str, str]] = {}

    def settings_of(home: Path) -> dict[str, str]:
        if home not in settings:
            settings[home] = shared.settings()
        return settings[home]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "settings_of_home", settings_of)
        yield
