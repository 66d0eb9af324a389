"""Files handed out from a stream."""

from collections.abc import Iterator
from typing import BinaryIO

from starlette.responses import StreamingResponse

_BLOCK_BYTES = 1 << 20

_MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
}


def download(stream: BinaryIO, name: str) -> StreamingResponse:
    """Return a response that hands out the stream as a file of this name, and closes it."""
    suffix = name[name.rindex(".") :]
    named = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_blocks(stream), headers=named, media_type=_MEDIA_TYPES[suffix])


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while block := stream.read(_BLOCK_BYTES):
            yield block
