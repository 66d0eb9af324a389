"""Job ids: a run's UUID in shortuuid's 57-character alphabet, most significant digit first, 22 long."""

import re
from typing import Final
from uuid import UUID

import shortuuid

from exports.errors import ExportNotFound, InvalidJobId

_FORM = re.compile(r"[0-9A-Za-z]{22}")
_CODEC: Final = shortuuid.ShortUUID("23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")


def job_id_for(run_id: UUID | str) -> str:
    """Return the job id of a run. Raises ValueError if `run_id` is not a UUID.

    >>> job_id_for("00000000-0000-0000-0000-000000000001")
    '2222222222222222222223'
    """
    return _CODEC.encode(run_id if isinstance(run_id, UUID) else UUID(run_id))


def run_id_for(job_id: str) -> str:
    """Return the run's UUID, as 36 characters.

    Raises InvalidJobId unless it is 22 letters and digits. Raises ExportNotFound if no run can have this id, because a
    character is outside the alphabet or the number is 2^128 or more.

    >>> run_id_for("2222222222222222222223")
    '00000000-0000-0000-0000-000000000001'
    """
    if _FORM.fullmatch(job_id) is None:
        raise InvalidJobId(job_id)
    try:
        return str(_CODEC.decode(job_id))
    except ValueError as error:
        raise ExportNotFound(job_id) from error


def folder_of(job_id: str) -> str:
    """Return the job's folder in the artefact store."""
    return f"exports/{job_id}"
