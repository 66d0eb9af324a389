"""Time-limited addresses at which a client downloads an object from the store itself."""

from urllib.parse import quote

from fsspec import AbstractFileSystem

from catalogue.storage.object_stores import is_s3


def presigned(files: AbstractFileSystem, path: str, ttl_seconds: int, filename: str) -> str | None:
    """Return an address that is valid for `ttl_seconds` and saves the object as `filename`.

    None for stores other than S3, whose addresses may not support a file name.
    """
    if not is_s3(files):
        return None
    return str(files.sign(path, expiration=ttl_seconds, ResponseContentDisposition=attachment(filename)))


def attachment(filename: str) -> str:
    """Return the Content-Disposition header of a download with this file name.

    Source: RFC 6266, section 4.3, and RFC 8187, section 3.2.
    """
    return f"attachment; filename*=utf-8''{quote(filename, safe='')}"
