"""Skip the tests of this folder unless LABELS_TEST_DISTRIBUTED=1 (`make test-distributed`).

If they are skipped, no server is started.
"""

import os

import pytest

from tests.distributed.fixtures import guard, object_store, postgres, proxy, redis, shared

__all__ = ["guard", "object_store", "postgres", "proxy", "redis", "shared"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not os.environ.get("LABELS_TEST_DISTRIBUTED"):
        skip = pytest.mark.skip(reason="LABELS_TEST_DISTRIBUTED=1 does these")
        for item in items:
            if "distributed" in item.path.parts:
                item.add_marker(skip)
