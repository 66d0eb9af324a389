"""The name under which a download is saved."""

import fsspec
import pytest

from exports.storage.addresses import attachment, presigned


@pytest.mark.parametrize(
    ("filename", "header"),
    [
        ("labels_2.zip", "attachment; filename*=utf-8''labels_2.zip"),
        ("Käse 2.zip", "attachment; filename*=utf-8''K%C3%A4se%202.zip"),
        ('a".zip', "attachment; filename*=utf-8''a%22.zip"),
    ],
)
def test_every_name_arrives(filename: str, header: str) -> None:
    assert attachment(filename) == header


def test_a_store_that_signs_nothing_has_no_address() -> None:
    assert presigned(fsspec.filesystem("memory"), "/a", 60, "a.zip") is None
