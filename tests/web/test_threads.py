"""Slow pages of one organisation do not hold up another's."""

import threading

import anyio
import anyio.to_thread
import pytest

from web.threads import Threads

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_another_organisation_has_a_thread_while_one_waits_for_its_own() -> None:
    threads, at_work, end = Threads(2), threading.Event(), threading.Event()
    begun: list[str] = []

    def slow() -> None:
        begun.append("slow")
        at_work.set()
        assert end.wait(30)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(threads.run, "acme", slow)
            assert await anyio.to_thread.run_sync(at_work.wait, 30)
            assert await threads.run("nordic", lambda: "at once") == "at once"
            assert begun == ["slow"]
            end.set()
    assert len(begun) == 5


async def test_an_error_of_the_work_is_raised_and_gives_the_thread_back() -> None:
    threads = Threads(1)

    def fail() -> None:
        raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await threads.run("acme", fail)
    with anyio.fail_after(30):
        assert await threads.run("acme", lambda: 1) == 1
