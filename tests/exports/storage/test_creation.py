"""Servers refuse an exclusive creation in several ways, and an answer may be lost."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from s3fs.errors import translate_boto_error

from exports.storage.creation import create


def refused(code: str, attempts: int = 0, **more: str) -> Exception:
    """Return what s3fs raises when the server answers with the code after so many repetitions."""
    answer: Any = {"Error": {"Code": code, **more}, "ResponseMetadata": {"RetryAttempts": attempts}}
    return translate_boto_error(ClientError(answer, "PutObject"))


class Files:
    """A store that answers creations with these, one after the other, and keeps `there`."""

    def __init__(self, *answers: Exception | None, there: bytes | None = b"theirs") -> None:
        self._answers = iter(answers)
        self._there = there

    def pipe_file(self, path: str, data: bytes, mode: str) -> None:
        assert (path, data, mode) == ("a", b"ours", "create")
        if (answer := next(self._answers)) is not None:
            raise answer

    def cat_file(self, path: str) -> bytes:
        if self._there is None:
            raise FileNotFoundError(path)
        return self._there


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(FileExistsError("a"), id="a driver that says so"),
        pytest.param(refused("PreconditionFailed", Condition="If-None-Match"), id="Amazon, moto"),
        pytest.param(refused("PreconditionFailed"), id="SeaweedFS"),
        pytest.param(refused("ConditionalRequestConflict"), id="Amazon, while another one writes"),
        pytest.param(refused("PreconditionFailed", attempts=2), id="after a failed request"),
    ],
)
def test_an_object_of_others_is_theirs(refusal: Exception) -> None:
    assert not create(Files(refusal), "a", b"ours")


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict"])
def test_our_own_object_is_ours_though_the_answer_was_lost(code: str) -> None:
    assert create(Files(refused(code, attempts=1), there=b"ours"), "a", b"ours")


def test_after_a_conflict_without_a_winner_it_is_tried_again() -> None:
    conflict = refused("ConditionalRequestConflict")
    assert create(Files(conflict, conflict, None, there=None), "a", b"ours")
    with pytest.raises(BlockingIOError, match="written and removed"):
        create(Files(*[conflict] * 10, there=None), "a", b"ours")


@pytest.mark.parametrize("error", [refused("AccessDenied"), refused("InvalidArgument"), ValueError("a")])
def test_another_error_is_no_refusal(error: Exception) -> None:
    with pytest.raises(type(error)):
        create(Files(error), "a", b"ours")
