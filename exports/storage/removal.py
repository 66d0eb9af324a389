"""Removal of objects, and of incomplete uploads to S3, which listings do not show."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from catalogue.storage.object_stores import is_s3

#: Most objects that one request removes. Source: Amazon S3 API Reference, DeleteObjects.
_AT_ONCE = 1_000


def remove(files: Any, paths: Sequence[str]) -> None:
    """Remove these objects. No error if some are absent. Raises OSError if the store does not remove one.

    Unlike in fsspec's `rm`, the paths are not patterns.
    """
    if not is_s3(files):
        for path in paths:
            with suppress(FileNotFoundError):
                files.rm_file(path)
        return
    for begin in range(0, len(paths), _AT_ONCE):
        places = [files.split_path(path) for path in paths[begin : begin + _AT_ONCE]]
        listed = {"Objects": [{"Key": key} for _, key, _ in places], "Quiet": True}
        answer = files.call_s3("delete_objects", Bucket=places[0][0], Delete=listed)
        for error in answer.get("Errors", []):
            raise OSError(f"{error['Key']} is not removed: {error['Code']}")


def abort_uploads(files: Any, folder: str, before: datetime | None = None) -> int:
    """Abort the uploads below the folder that began before `before`, or all. Return their number. They must be unused.

    Stores other than S3 discard them by themselves.
    """
    if not is_s3(files):
        return 0
    bucket, prefix, _ = files.split_path(folder)
    aborted = 0
    for upload in _uploads(files, bucket, f"{prefix}/" if prefix else ""):
        if before is None or upload["Initiated"] < before:
            files.call_s3(
                "abort_multipart_upload", Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
            )
            aborted += 1
    return aborted


def _uploads(files: Any, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    after: dict[str, str] = {}
    while True:
        page = files.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=prefix, **after)
        yield from page.get("Uploads", [])
        if not page.get("IsTruncated"):
            return
        after = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
