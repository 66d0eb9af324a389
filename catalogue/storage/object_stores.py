"""Open a file system through fsspec, with the same settings in all modules."""

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.utils import get_protocol

_S3 = frozenset({"s3", "s3a"})

#: Attempts at one request. botocore waits longer each time, at most 20 s and half of that on average. Patient requests
#: are retried for two minutes, so that a run survives an outage of a minute; other requests for a second, because a
#: client is waiting.
_PATIENT_ATTEMPTS = 20
_QUICK_ATTEMPTS = 4


def open_store(url: str, *, patient: bool = True, **options: object) -> tuple[AbstractFileSystem, str]:
    """Return the file system at the URL or local path, and the URL's path in it.

    For `s3://` the environment variables `AWS_*` give the store's address and credentials. Requests and presigned
    addresses are signed by version 4, because newer regions and some servers refuse version 2, botocore's default for
    addresses. Listings are not cached, because other processes write too. With `patient`, requests are retried for
    minutes.
    """
    if get_protocol(url) in _S3:
        attempts = _PATIENT_ATTEMPTS if patient else _QUICK_ATTEMPTS
        retries = {"mode": "standard", "total_max_attempts": attempts}
        config = {"signature_version": "s3v4", "retries": retries}
        options = {"config_kwargs": config, "use_listings_cache": False, **options}
    filesystem, path = url_to_fs(url, **options)
    return filesystem, str(path)


def is_s3(files: AbstractFileSystem) -> bool:
    """Return whether the store uses S3's protocol."""
    protocols = (files.protocol,) if isinstance(files.protocol, str) else files.protocol
    return not _S3.isdisjoint(protocols)
