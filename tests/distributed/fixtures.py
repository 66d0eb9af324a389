"""One Postgres, one Redis and one object store for the session. Each service has its own databases and folder."""

from collections.abc import Iterator

import pytest

from tests.distributed import stores
from tests.distributed.fault_proxy import FaultProxy, fault_proxy
from tests.distributed.guard import guarded


@pytest.fixture(scope="session")
def guard() -> Iterator[None]:
    with guarded():
        yield


@pytest.fixture(scope="session")
def postgres(guard: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[stores.Postgres]:
    server = stores.Postgres(tmp_path_factory.mktemp("postgres") / "server")
    yield server
    server.remove()


@pytest.fixture(scope="session")
def redis(guard: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[stores.Redis]:
    server = stores.Redis(tmp_path_factory.mktemp("redis") / "server")
    yield server
    server.kill()


@pytest.fixture(scope="session")
def object_store(guard: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[stores.ObjectStore]:
    server = stores.ObjectStore(tmp_path_factory.mktemp("object-store") / "server")
    yield server
    server.kill()


@pytest.fixture
def proxy(object_store: stores.ObjectStore) -> Iterator[FaultProxy]:
    with fault_proxy(object_store.port) as started:
        yield started


@pytest.fixture(scope="session")
def shared(postgres: stores.Postgres, redis: stores.Redis, object_store: stores.ObjectStore) -> stores.Shared:
    return stores.Shared(postgres, redis, object_store)
