"""The one file of a multipart form (RFC 7578), taken out of the body while it arrives: nothing of it is held."""

from collections.abc import AsyncIterator
from email.message import Message
from email.parser import BytesHeaderParser

from exports.errors import InvalidRequest

_MOST_HEADER_BYTES = 16_384
_END_OF_HEADERS = b"\r\n\r\n"


def boundary_of(content_type: str) -> str | None:
    """Return the boundary of a multipart form, None for other content. Raises InvalidRequest if there is none."""
    header = Message()
    header["content-type"] = content_type
    if header.get_content_type() != "multipart/form-data":
        return None
    boundary = header.get_boundary()
    if not boundary or len(boundary) > 70 or not boundary.isascii():
        raise _fault("Input should have a boundary of 1 to 70 characters")
    return boundary


async def file_of(chunks: AsyncIterator[bytes], boundary: str) -> AsyncIterator[bytes]:
    """Yield the content of the form's only part, a file. Raises InvalidRequest for any other form."""
    delimiter = f"\r\n--{boundary}".encode()
    # The first delimiter is where the body begins, so there is no line break before it.
    held = bytearray(b"\r\n")
    while (end := held.find(_END_OF_HEADERS)) < 0:
        if len(held) > _MOST_HEADER_BYTES:
            raise _fault("Input should begin with a file's part")
        held += await _next(chunks)
    _require_file(bytes(held[:end]), delimiter)
    del held[: end + len(_END_OF_HEADERS)]
    while (end := held.find(delimiter)) < 0:
        ready = len(held) - len(delimiter) + 1
        if ready > 0:
            yield bytes(held[:ready])
            del held[:ready]
        held += await _next(chunks)
    yield bytes(held[:end])
    del held[: end + len(delimiter)]
    while len(held) < 2:
        held += await _next(chunks)
    if not held.startswith(b"--"):
        raise _fault("Input should be one file and nothing else: the query has the options")


def _require_file(head: bytes, delimiter: bytes) -> None:
    if not head.startswith(delimiter + b"\r\n"):
        raise _fault("Input should begin with the form's boundary")
    part = BytesHeaderParser().parsebytes(head[len(delimiter) + 2 :])
    if part.get_content_disposition() != "form-data" or part.get_filename() is None:
        raise _fault("Input should be a file")


async def _next(chunks: AsyncIterator[bytes]) -> bytes:
    chunk = await anext(chunks, None)
    if chunk is None:
        raise _fault("Input should end with the form's boundary")
    return chunk


def _fault(message: str) -> InvalidRequest:
    return InvalidRequest(
        [{"loc": ["body"], "msg": message, "type": "multipart"}], "The form is not one uploaded file."
    )
