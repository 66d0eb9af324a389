"""Job ids are shortuuids of run ids."""

import uuid

import pytest
import shortuuid

from exports.errors import ExportNotFound, InvalidJobId
from exports.jobs.job_id import job_id_for, run_id_for


@pytest.mark.parametrize("number", [0, 1, 56, 57, 2**64, 2**127, 2**128 - 1])
def test_round_trip(number):
    run_id = uuid.UUID(int=number)
    job_id = job_id_for(run_id)
    assert len(job_id) == 22
    assert job_id == shortuuid.encode(run_id) == job_id_for(str(run_id))
    assert run_id_for(job_id) == str(run_id)


@pytest.mark.parametrize(
    "job_id", ["", "2" * 21, "2" * 23, "2" * 21 + "_", "2" * 22 + "\n", "٢" * 22, "../" * 7 + "x"]
)
def test_a_malformed_one(job_id):
    with pytest.raises(InvalidJobId):
        run_id_for(job_id)


@pytest.mark.parametrize("job_id", ["0" * 22, "1" * 22, "I" * 22, "O" * 22, "l" * 22, "z" * 22])
def test_one_that_no_run_can_have(job_id):
    with pytest.raises(ExportNotFound):
        run_id_for(job_id)


def test_the_first_number_too_large():
    largest = job_id_for(uuid.UUID(int=2**128 - 1))
    assert run_id_for(largest)
    alphabet = shortuuid.get_alphabet()
    number = 2**128
    digits = ""
    for _ in range(22):
        number, digit = divmod(number, 57)
        digits = alphabet[digit] + digits
    with pytest.raises(ExportNotFound):
        run_id_for(digits)
