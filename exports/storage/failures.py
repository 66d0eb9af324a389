"""Failures of the storage or of a database: which errors they are, their words for clients, and which may pass."""

import errno
import os

#: Storage and database errors that are not an OSError. Some of these libraries may not be installed.
_FOREIGN = frozenset(
    {
        "_duckdb.IOException",
        "aiohttp.client_exceptions.ClientError",
        "botocore.exceptions.BotoCoreError",
        "botocore.exceptions.ClientError",
        "sqlalchemy.exc.OperationalError",
    }
)

#: Texts that are searched in longer messages: the operating system's and SQLite's.
_WORDS = (
    *sorted({os.strerror(code) for code in errno.errorcode}, key=len, reverse=True),
    "database or disk is full",
    "attempt to write a readonly database",
    "unable to open database file",
    "database is locked",
    "disk I/O error",
)

#: Words of errors that last until an operator removes the cause.
_LASTING = frozenset(
    {
        *(os.strerror(code) for code in (errno.EACCES, errno.EDQUOT, errno.ENOSPC, errno.EPERM, errno.EROFS)),
        "database or disk is full",
        "attempt to write a readonly database",
        PermissionError.__name__,
    }
)


def storage_words(error: BaseException | None) -> str | None:
    """Return the operating system's words for a storage error. None if the error is not a storage error.

    The rest of the message is left out, because it names the server's folders and addresses.
    """
    while error is not None:
        if isinstance(error, OSError) or any(
            f"{kind.__module__}.{kind.__qualname__}" in _FOREIGN for kind in type(error).__mro__
        ):
            return _words(error)
        error = error.__cause__
    return None


def is_outage(error: BaseException | None) -> bool:
    """Return whether the error is of a storage or database that may soon work again by itself."""
    words = storage_words(error)
    return words is not None and words not in _LASTING


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno)
    message = str(error)
    return next((words for words in _WORDS if words in message), type(error).__name__)
