"""A proxy in front of an object store, in its own process, that injects faults on command.

    with fault_proxy(9000) as proxy:
        proxy.refuse(30)        # of each hundred requests, counted, not drawn

Each request has its own connection, so the proxy reads only heads of requests and passes on everything else.
"""

import asyncio
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress

from tests.service import free_ports

_REFUSAL = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)


class FaultProxy:
    """The control of a proxy at `port`. When a call returns, it is in effect from the next request on."""

    def __init__(self, port: int, process: "subprocess.Popen[str]") -> None:
        self.port = port
        self._process = process

    def forward(self) -> None:
        self._command("forward")

    def vanish(self) -> None:
        """Cut every connection and accept no new one, like a server that is down."""
        self._command("vanish")

    def refuse(self, percent: int) -> None:
        """Answer `percent` of each hundred requests with 503 SlowDown."""
        self._command(f"refuse {percent}")

    def delay(self, seconds: float) -> None:
        """Delay each request by `seconds`."""
        self._command(f"delay {seconds}")

    def requests(self) -> int:
        """Return the number of requests so far."""
        return self._command("count")

    def _command(self, command: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def fault_proxy(upstream_port: int) -> Generator[FaultProxy]:
    """Run a proxy that forwards until another command. It ends with this process, whose pipe it reads."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "tests.distributed.fault_proxy", str(port), str(upstream_port)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        proxy = FaultProxy(port, process)
        try:
            proxy.forward()
            yield proxy
        finally:
            process.kill()


class _Proxy:
    def __init__(self, port: int, upstream_port: int) -> None:
        self._port = port
        self._upstream_port = upstream_port
        self._requests = 0
        self._refused_percent = 0
        self._delay_seconds = 0.0
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()

    async def obey(self, command: str, *values: str) -> int:
        if command != "count":
            self._refused_percent = int(values[0]) if command == "refuse" else 0
            self._delay_seconds = float(values[0]) if command == "delay" else 0.0
            await (self._close() if command == "vanish" else self._open())
        return self._requests

    async def _open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, limit=1 << 20)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for client in list(self._clients):
            client.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self._requests += 1
        refused = self._requests * self._refused_percent // 100
        if refused > (self._requests - 1) * self._refused_percent // 100:
            await _refuse(head, reader, writer)
            return
        await asyncio.sleep(self._delay_seconds)
        upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self._upstream_port)
        upstream.write(head.removesuffix(b"\r\n") + b"Connection: close\r\n\r\n")
        body = asyncio.ensure_future(_copy(reader, upstream))
        try:
            await _copy(upstream_reader, writer)
        finally:
            body.cancel()
            upstream.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy bytes until the end of the stream, or until a connection is cut."""
    with suppress(OSError):
        while block := await reader.read(1 << 16):
            writer.write(block)
            await writer.drain()


async def _refuse(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer 503 after reading the body. A client that is still sending would see a cut connection instead."""
    headers = dict(line.lower().partition(b":")[::2] for line in head.split(b"\r\n")[1:])
    if b"100-continue" not in headers.get(b"expect", b""):
        left = int(headers.get(b"content-length", b"0"))
        while left > 0 and (block := await reader.read(min(left, 1 << 16))):
            left -= len(block)
    writer.write(
        b"HTTP/1.1 503 Slow Down\r\nConnection: close\r\nContent-Type: application/xml\r\n"
        b"Content-Length: %d\r\n\r\n" % len(_REFUSAL)
    )
    if not head.startswith(b"HEAD "):
        writer.write(_REFUSAL)
    await writer.drain()


async def _main(port: int, upstream_port: int) -> None:
    """Execute the commands on standard input until it closes. Answer each with a line on standard output."""
    proxy = _Proxy(port, upstream_port)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(await proxy.obey(*line.split()), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(*(int(port) for port in sys.argv[1:])))
