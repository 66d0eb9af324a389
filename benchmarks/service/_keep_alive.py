"""A lean HTTP/1.1 client on asyncio's streams: kept-alive connections to one host, JSON in and out.

The client must be cheap, because the service is to be measured: on two cores and at 300 requests a second a
general HTTP client takes more processor time than the service.
"""

import asyncio
import json
import time
from typing import Any, Self
from urllib.parse import urlsplit

_CONNECT_SECONDS = 10

#: uvicorn closes a connection that was idle for 5 s.
_IDLE_SECONDS = 3


class KeepAliveClient:
    """Sends requests to one host, over as many connections as there are requests at once."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        lines = {"Host": parts.netloc, "Accept": "application/json", **(headers or {})}
        self._head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Return status and JSON of the response. Raises OSError, EOFError, ValueError."""
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\n{self._head}"
        if content:
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        reader, writer = self._kept() or await self._connect()
        try:
            writer.write(f"{head}\r\n".encode() + content)
            status, answer, kept = await _answer(reader)
        except BaseException:
            writer.close()
            raise
        if kept:
            self._idle.append((time.monotonic(), reader, writer))
        else:
            writer.close()
        return status, json.loads(answer)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the idle connections."""
        for _, _, writer in self._idle:
            writer.close()
            await writer.wait_closed()
        self._idle.clear()

    def _kept(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Return the most recently used connection, or None if all have been idle for too long."""
        while self._idle:
            since, reader, writer = self._idle.pop()
            if time.monotonic() - since < _IDLE_SECONDS and not reader.at_eof():
                return reader, writer
            writer.close()
        return None

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await asyncio.open_connection(self._host, self._port)


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bool]:
    """Return status, body, and whether the connection is kept; the body must have a Content-Length."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    body = await reader.readexactly(int(headers["content-length"]))
    return int(lines[0].split()[1]), body, headers.get("connection", "").lower() != "close"
