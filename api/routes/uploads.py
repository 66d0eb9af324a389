"""Receipt of a request's body into the storage, block by block: memory stays flat, whatever its size."""

import math
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager

import anyio
import anyio.to_thread
from starlette.requests import Request

from api.errors import BodyTimeout, PayloadTooLarge, UnsupportedMediaType
from api.routes import multipart
from exports.errors import InvalidRequest
from exports.imports.upload import Upload

_BLOCK_BYTES = 1 << 20

#: A body may take `timeout_seconds`, and a second more for each of these many bytes that have arrived.
_SLOWEST_BYTES_PER_SECOND = 16_384


def _chunks_of(request: Request) -> AsyncIterator[bytes]:
    """Return the file's content as it arrives: it is the body itself, or the only part of a multipart form.

    Raises UnsupportedMediaType for another body; InvalidRequest for another form, then or while it is read.
    """
    boundary = multipart.boundary_of(request.headers.get("content-type", ""))
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise UnsupportedMediaType(encoding, "sent without Content-Encoding")
    return request.stream() if boundary is None else multipart.file_of(request.stream(), boundary)


async def store(
    request: Request, opening: AbstractContextManager[Upload], *, limit_bytes: int, timeout_seconds: float
) -> Upload:
    """Write the file into the upload and return it, stored.

    Raises PayloadTooLarge for more than `limit_bytes`, InvalidRequest for nothing, BodyTimeout for a body that is too slow, ClientDisconnect for
    one that breaks off. Then nothing is stored.
    """
    chunks = _chunks_of(request)
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit_bytes:
        raise PayloadTooLarge(limit_bytes)
    upload = await anyio.to_thread.run_sync(opening.__enter__)
    try:
        async for block in _blocks(chunks, limit_bytes, timeout_seconds):
            await anyio.to_thread.run_sync(upload.write, block)
        _require_content(upload)
    except BaseException as error:
        # A client that goes away cancels this task. The shield lets the upload be removed anyway.
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(opening.__exit__, type(error), error, error.__traceback__)
        raise
    with anyio.CancelScope(shield=True):
        await anyio.to_thread.run_sync(opening.__exit__, None, None, None)
    return upload


def _require_content(upload: Upload) -> None:
    if not upload.size_bytes:
        raise InvalidRequest(
            [{"loc": ["body"], "msg": "Input should be a file", "type": "missing"}], "The body is empty."
        )


async def _blocks(
    chunks: AsyncIterator[bytes], limit_bytes: int, timeout_seconds: float
) -> AsyncIterator[bytes]:
    """Yield the chunks in blocks of at least 1 MiB, the last one shorter."""
    received, block = 0, bytearray()
    begun = anyio.current_time()
    while True:
        deadline = begun + timeout_seconds + received / _SLOWEST_BYTES_PER_SECOND
        try:
            with anyio.fail_after(deadline - anyio.current_time()):
                chunk = await anext(chunks, None)
        except TimeoutError as error:
            raise BodyTimeout(math.ceil(deadline - begun)) from error
        if chunk is None:
            break
        received += len(chunk)
        if received > limit_bytes:
            raise PayloadTooLarge(limit_bytes)
        block += chunk
        if len(block) >= _BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    yield bytes(block)
