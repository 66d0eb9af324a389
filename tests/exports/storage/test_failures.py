"""Which errors count as storage errors, and how much of their text users see."""

import errno

import aiohttp
import botocore.exceptions
import duckdb
import pytest
import sqlalchemy.exc

from exports.errors import ExportNotFound
from exports.storage.failures import is_outage, storage_words

SECRET = "/srv/secret"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", SECRET), "No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied", SECRET), "Permission denied"),
        # The catalogue's libraries.
        (OSError(f"Generic error\n Unable to open {SECRET}\n Read-only file system (os error 30)"),
         "Read-only file system"),
        (duckdb.IOException(f'IO Error: Could not write "{SECRET}": No space left on device'),
         "No space left on device"),
        # An object store's.
        (PermissionError("Access Denied"), "PermissionError"),
        (OSError(errno.EBUSY, "Please reduce your request rate."), "Device or resource busy"),
        (botocore.exceptions.EndpointConnectionError(endpoint_url=SECRET), "EndpointConnectionError"),
        (botocore.exceptions.ClientError({"Error": {"Code": SECRET}}, "PutObject"), "ClientError"),
        (aiohttp.ClientPayloadError(SECRET), "ClientPayloadError"),
        (TimeoutError(), "TimeoutError"),
        # A database's.
        (sqlalchemy.exc.OperationalError(SECRET, (), Exception("database or disk is full")),
         "database or disk is full"),
    ],
)  # fmt: skip
def test_a_storages_error_is_told_in_the_systems_words(error: Exception, words: str) -> None:
    assert storage_words(error) == words
    wrapped = RuntimeError(SECRET)
    wrapped.__cause__ = error
    assert storage_words(wrapped) == words


@pytest.mark.parametrize("error", [None, ValueError("No space left on device"), ExportNotFound("one")])
def test_other_errors_are_none_of_its(error: Exception | None) -> None:
    assert storage_words(error) is None


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), True),
        (TimeoutError(), True),
        (OSError("Generic S3 error: connection closed"), True),
        (sqlalchemy.exc.OperationalError("", {}, Exception("server closed the connection")), True),
        (OSError(errno.ENOSPC, "full"), False),
        (OSError("Generic error\n Unable to open it\n Read-only file system (os error 30)"), False),
        (sqlalchemy.exc.OperationalError("", {}, Exception("database or disk is full")), False),
        (PermissionError("Access Denied"), False),
        (KeyError("ours"), False),
        (None, False),
    ],
)
def test_an_outage_ends_without_anybodys_help(error: Exception | None, outage: bool) -> None:
    assert is_outage(error) is outage
