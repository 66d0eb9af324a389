"""Join stored objects into one inside the store, without reading or sending their bytes.

Source: Amazon S3 API Reference, UploadPartCopy and CompleteMultipartUpload; User Guide, "Amazon S3 multipart upload
limits". A piece, which S3 calls a part, has 5 MiB to 5 GiB; the last one may be smaller. An upload has at most 10,000.
"""

import itertools
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import Any, NamedTuple

LEAST_BYTES = 5 << 20
_MOST_BYTES = 5 << 30
_MOST_PIECES = 10_000

#: Copy requests at once. The store does the work.
_AT_ONCE = 8

#: Written bytes are collected and sent in pieces of this size.
_SENT_BYTES = 16 << 20


class Piece(NamedTuple):
    """A part of the joined object: its size in bytes and its SHA-256 (hex)."""

    size_bytes: int
    sha256: str


def composite_sha256(pieces: Iterable[Piece]) -> str:
    """Return the digest (hex) of an object whose pieces lie end to end.

    It is the SHA-256 over, for each piece, its size as eight bytes (big-endian) and its SHA-256 as 32 bytes.
    """
    return sha256(
        b"".join(size.to_bytes(8, "big") + bytes.fromhex(digest) for size, digest in pieces)
    ).hexdigest()


@contextmanager
def joined(files: Any, path: str, copied_bytes: int) -> Generator["Join"]:
    """Open an S3 object for joining. It appears when the block ends. If the block raises, the upload is aborted.

    `copied_bytes` is the least number of bytes that will be copied. Raises OSError or the storage driver's error.
    """
    bucket, key, _ = files.split_path(path)
    place = {"Bucket": bucket, "Key": key}
    place["UploadId"] = files.call_s3("create_multipart_upload", **place)["UploadId"]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        join = Join(files, place, pool, copied_bytes)
        try:
            yield join
            join.complete()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            # Report the first error. Housekeeping aborts the upload later.
            with suppress(Exception):
                files.call_s3("abort_multipart_upload", **place)
            raise


class Join:
    """The object being joined. `offset` is its size so far; `copied` are the ranges [start, stop) copied in the store.

    Bytes that are too few for a piece are read and sent together with the next ones.
    """

    def __init__(
        self, files: Any, place: dict[str, str], pool: ThreadPoolExecutor, copied_bytes: int
    ) -> None:
        self.offset = 0
        self.pieces: list[Piece] = []
        self.copied: list[tuple[int, int]] = []
        self._files = files
        self._place = place
        self._pool = pool
        # Larger pieces if there would be too many. Half of the pieces are reserved for written bytes.
        self._least = max(LEAST_BYTES, copied_bytes // (_MOST_PIECES // 2))
        self._tags: list[Future[str]] = []
        self._held = bytearray()
        self._digest, self._digested = sha256(), 0

    def hexdigest(self) -> None:
        """Return None, because copied bytes are not read here. Use the composite digest of `pieces`."""

    def write(self, data: bytes) -> None:
        self._digest.update(data)
        self._digested += len(data)
        self.offset += len(data)
        self._hold(data)

    def copy(self, source: str, piece: Piece) -> None:
        """Append this piece: the first bytes of the object at the path `source`."""
        self._close_piece()
        self.pieces.append(piece)
        self.copied.append((self.offset, self.offset + piece.size_bytes))
        self.offset += piece.size_bytes
        size, lacking = piece.size_bytes, max(0, self._least - len(self._held)) if self._held else 0
        through = size if size - lacking < self._least else lacking
        if through:
            self._hold(self._files.cat_file(source, start=0, end=through))
        if through < size:
            self._send()
            count = -(-(size - through) // _MOST_BYTES)
            bounds = [through + (size - through) * number // count for number in range(count + 1)]
            for begin, end in itertools.pairwise(bounds):
                self._begin(self._copied, source, begin, end)

    def complete(self) -> None:
        """Complete the object from all pieces. Raises OSError if its size in the store is wrong."""
        self._close_piece()
        if self._held or not self._tags:
            self._begin(self._sent, bytes(self._held))
        parts = [{"PartNumber": number, "ETag": tag.result()} for number, tag in enumerate(self._tags, 1)]
        done = self._files.call_s3(
            "complete_multipart_upload", **self._place, MultipartUpload={"Parts": parts}
        )
        place = {name: self._place[name] for name in ("Bucket", "Key")}
        found = self._files.call_s3("head_object", **place)
        if (found["ContentLength"], found["ETag"]) != (self.offset, done["ETag"]):
            msg = f"{place['Key']} has {found['ContentLength']} bytes in the store, not {self.offset}"
            raise OSError(msg)

    def _hold(self, data: bytes) -> None:
        self._held += data
        if len(self._held) >= max(_SENT_BYTES, self._least):
            self._send()

    def _send(self) -> None:
        """Send the held bytes as a piece. Wait for the end, to reuse the memory."""
        if self._held:
            self._begin(self._sent, bytes(self._held)).result()
            self._held.clear()

    def _begin(self, request: Any, *arguments: Any) -> Future[str]:
        tag = self._pool.submit(request, len(self._tags) + 1, *arguments)
        self._tags.append(tag)
        return tag

    def _sent(self, number: int, data: bytes) -> str:
        return self._files.call_s3("upload_part", **self._place, PartNumber=number, Body=data)["ETag"]

    def _copied(self, number: int, source: str, begin: int, end: int) -> str:
        bucket, key, _ = self._files.split_path(source)
        answer = self._files.call_s3(
            "upload_part_copy",
            **self._place,
            PartNumber=number,
            CopySource={"Bucket": bucket, "Key": key},
            CopySourceRange=f"bytes={begin}-{end - 1}",
        )
        return answer["CopyPartResult"]["ETag"]

    def _close_piece(self) -> None:
        if self._digested:
            self.pieces.append(Piece(self._digested, self._digest.hexdigest()))
            self._digest, self._digested = sha256(), 0
