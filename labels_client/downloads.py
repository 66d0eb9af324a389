"""A file fetched whole or not at all: resumed where the connection broke, checked by size and digest."""

import hashlib
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import httpx

from labels_client import answers
from labels_client.errors import DigestMismatch, IncompleteDownload, LabelsApiError
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
) -> None:
    """Write what `url` answers to `target`, whose folder is made where missing.

    The file has its name only once it is whole; one of that name is replaced. `renewed` returns a fresh
    address when the link has expired. Raises LabelsApiError, httpx.TransportError, and BrokenDownload where
    bytes are missing or other ones than the entity tag's SHA-256 tells.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # Opened here and not by tempfile, whose files are their owner's alone: this one gets what the umask gives.
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    try:
        with temporary.open("xb") as out:
            part = _Part(out, expected_bytes, timeout)
            _fill(part, http, url, retries, renewed)
            part.require_whole()
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _fill(
    part: "_Part", http: httpx.Client, url: str, retries: Retries, renewed: Callable[[], str | None]
) -> None:
    """Receive until the answer ends. Each byte that arrives renews the patience."""
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
    """What has arrived of a file."""

    def __init__(self, out: BinaryIO, expected_bytes: int | None, timeout: httpx.Timeout) -> None:
        self.received = 0
        self.expected_bytes = expected_bytes
        self._out = out
        self._timeout = timeout
        self._digest = hashlib.sha256()
        self._etag: str | None = None

    def receive(self, http: httpx.Client, url: str) -> None:
        """Receive to the end of the answer, from where the last one broke off if it is the same file."""
        headers = {"Accept-Encoding": "identity"}
        # Without a strong entity tag, the rest could be another file's.
        if self.received and self._etag is not None:
            headers |= {"Range": f"bytes={self.received}-", "If-Range": self._etag}
        # The service may send us on to its object store; the key is not among these headers.
        with http.stream(
            "GET", url, headers=headers, follow_redirects=True, timeout=self._timeout
        ) as response:
            if response.status_code == 200:
                self._restart(response.headers.get("etag"))
            elif not self._is_the_rest(response):
                response.read()
                raise LabelsApiError(answers.problem(response))
            # As they come: what httpx gathers into chunks of a size is lost when the connection breaks.
            for chunk in response.iter_raw():
                self._out.write(chunk)
                self._digest.update(chunk)
                self.received += len(chunk)

    def require_whole(self) -> None:
        """Raise IncompleteDownload or DigestMismatch unless this is the file that was promised."""
        if self.expected_bytes is not None and self.received != self.expected_bytes:
            raise IncompleteDownload(self.expected_bytes, self.received)
        tag = _SHA256_TAG.fullmatch(self._etag or "")
        if tag is not None and tag[1] != self._digest.hexdigest():
            raise DigestMismatch(tag[1], self._digest.hexdigest())

    def _restart(self, etag: str | None) -> None:
        self._out.seek(0)
        self._out.truncate()
        self._digest = hashlib.sha256()
        self.received = 0
        self._etag = None if etag is None or etag.startswith("W/") else etag

    def _is_the_rest(self, response: httpx.Response) -> bool:
        begins = f"bytes {self.received}-"
        return response.status_code == 206 and response.headers.get("content-range", "").startswith(begins)
