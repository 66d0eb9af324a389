"""Downloads that are resumed after an interruption and checked by size and SHA-256."""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

import httpx

from labels_client import answers, digests
from labels_client.errors import DigestMismatch, IncompleteDownload, LabelsApiError
from labels_client.models import Digest
from labels_client.retries import Retries

_SHA256_TAG = re.compile(r'"([0-9a-f]{64})"')


def fetch(
    http: httpx.Client,
    url: str,
    target: Path,
    retries: Retries,
    *,
    renewed: Callable[[], str | None],
    timeout: httpx.Timeout,
    expected_bytes: int | None = None,
    digest: Digest | None = None,
    credentials: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Download `url` to `target`. Its folder is created if missing.

    The file gets its name when it is complete; an existing file of that name is replaced. `renewed` returns a
    new URL after the link has expired. Raises LabelsApiError, httpx.TransportError, and BrokenDownload if the
    size is not `expected_bytes`, or the digest is not the given one or the SHA-256 of the entity tag.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # Not created by tempfile, whose files are readable by their owner only. This file's mode depends on the umask.
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    try:
        with temporary.open("xb") as out:
            part = _Part(out, expected_bytes, digest.piece_bytes if digest else (), timeout, credentials)
            _fill(part, http, url, retries, renewed)
            part.require_whole(digest)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _fill(
    part: "_Part", http: httpx.Client, url: str, retries: Retries, renewed: Callable[[], str | None]
) -> None:
    """Receive the whole file. The count of retries restarts when an attempt receives bytes."""
    pauses = retries.pauses()
    may_renew = True
    while True:
        before = part.received
        try:
            part.receive(http, url)
        except httpx.TransportError:
            if part.received == part.expected_bytes:
                return
            if part.received > before:
                pauses, may_renew = retries.pauses(), True
            pause = next(pauses, None)
            if pause is None:
                raise
        except LabelsApiError as error:
            pause = 0.0 if error.problem.status == 403 and may_renew else None
            if pause is not None:
                url, may_renew = renewed() or url, False
            elif error.problem.status in {429, 503} and (pause := next(pauses, None)) is not None:
                pause = max(pause, min(error.problem.retry_after or 0, retries.longest_asked))
            else:
                raise
        else:
            return
        retries.sleep(pause)


class _Part:
    """The part of a file received so far."""

    def __init__(
        self,
        out: BinaryIO,
        expected_bytes: int | None,
        piece_bytes: Sequence[int],
        timeout: httpx.Timeout,
        credentials: Mapping[str, str],
    ) -> None:
        self._credentials = credentials
        self.received = 0
        self.expected_bytes = expected_bytes
        self._out = out
        self._timeout = timeout
        self._digest = digests.Digests(piece_bytes)
        self._piece_bytes = piece_bytes
        self._etag: str | None = None

    def receive(self, http: httpx.Client, url: str) -> None:
        """Receive the file, or the rest of it if it has not changed since the last attempt."""
        headers = {"Accept-Encoding": "identity", **self._credentials}
        # Without a strong entity tag, the rest could belong to another file.
        if self.received and self._etag is not None:
            headers |= {"Range": f"bytes={self.received}-", "If-Range": self._etag}
        # The service may redirect a download link to its object store. So links are requested without the API key, and
        # requests with the key are not redirected.
        with http.stream(
            "GET", url, headers=headers, follow_redirects=not self._credentials, timeout=self._timeout
        ) as response:
            if response.status_code == 200:
                self._restart(response.headers.get("etag"))
            elif not self._is_the_rest(response):
                response.read()
                raise LabelsApiError(answers.problem(response))
            # No chunk size is set: bytes that httpx is still collecting are lost if the connection breaks.
            for chunk in response.iter_raw():
                self._out.write(chunk)
                self._digest.update(chunk)
                self.received += len(chunk)

    def require_whole(self, digest: Digest | None) -> None:
        """Raise IncompleteDownload or DigestMismatch unless the file is complete and has the digests."""
        if self.expected_bytes is not None and self.received != self.expected_bytes:
            raise IncompleteDownload(self.expected_bytes, self.received)
        tag = _SHA256_TAG.fullmatch(self._etag or "")
        stated = {("sha-256", tag[1])} if tag is not None else set[tuple[str, str]]()
        if digest is not None:
            stated.add((digest.algorithm, digest.value))
        for algorithm, expected in stated:
            if (found := self._digest.of(algorithm)) not in (None, expected):
                raise DigestMismatch(expected, found)

    def _restart(self, etag: str | None) -> None:
        self._out.seek(0)
        self._out.truncate()
        self._digest = digests.Digests(self._piece_bytes)
        self.received = 0
        self._etag = None if etag is None or etag.startswith("W/") else etag

    def _is_the_rest(self, response: httpx.Response) -> bool:
        begins = f"bytes {self.received}-"
        return response.status_code == 206 and response.headers.get("content-range", "").startswith(begins)
