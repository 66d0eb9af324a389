"""Designs belong to one organisation, and a change is a new version."""

import pytest

from accounts.errors import NoSuchDesign, NoSuchOrganisation, TooManyDesigns
from accounts.labels import designs

FIRST, SECOND = '{"version":1}', '{"version":1,"hri":false}'


@pytest.fixture
def acme(accounts):
    accounts.create_organisation("acme")
    accounts.create_organisation("other")
    return accounts.designs


def test_a_change_is_a_new_version_and_the_old_one_stays(acme):
    first = acme.add("acme", "shelf", FIRST, created_by="key:1")
    second = acme.add("acme", "shelf", SECOND, created_by="key:2")
    assert [(each.version, each.document, each.created_by) for each in (first, second)] == [
        (1, FIRST, "key:1"),
        (2, SECOND, "key:2"),
    ]
    assert acme.get("acme", "shelf") == second
    assert acme.get("acme", "shelf", 1) == first
    assert acme.list("acme") == [second]


def test_the_same_document_again_is_no_change(acme):
    first = acme.add("acme", "shelf", FIRST, created_by="key:1")
    assert acme.add("acme", "shelf", FIRST, created_by="key:2") == first
    acme.add("acme", "shelf", SECOND, created_by="key:1")
    assert acme.add("acme", "shelf", FIRST, created_by="key:1").version == 3


def test_numbers_of_a_removed_design_are_not_given_again(acme):
    acme.add("acme", "shelf", FIRST, created_by="key:1")
    acme.add("acme", "shelf", SECOND, created_by="key:1")
    acme.remove("acme", "shelf")
    assert acme.list("acme") == []
    for version in (None, 1, 2):
        with pytest.raises(NoSuchDesign):
            acme.get("acme", "shelf", version)
    with pytest.raises(NoSuchDesign):
        acme.remove("acme", "shelf")
    assert acme.add("acme", "shelf", SECOND, created_by="key:1").version == 3
    with pytest.raises(NoSuchDesign):
        acme.get("acme", "shelf", 2)


def test_another_organisations_design_is_an_unknown_one(acme):
    acme.add("other", "shelf", FIRST, created_by="key:1")
    assert acme.list("acme") == []
    with pytest.raises(NoSuchDesign):
        acme.get("acme", "shelf")
    with pytest.raises(NoSuchDesign):
        acme.remove("acme", "shelf")
    assert acme.add("acme", "shelf", SECOND, created_by="key:1").version == 1
    assert acme.get("other", "shelf").document == FIRST
    with pytest.raises(NoSuchOrganisation):
        acme.list("nobody")


def test_an_organisation_keeps_so_many_versions(acme, monkeypatch):
    monkeypatch.setattr(designs, "MAX_VERSIONS", 2)
    acme.add("acme", "shelf", FIRST, created_by="key:1")
    acme.add("acme", "shelf", SECOND, created_by="key:1")
    with pytest.raises(TooManyDesigns):
        acme.add("acme", "crate", FIRST, created_by="key:1")
    acme.add("other", "crate", FIRST, created_by="key:1")
    acme.remove("acme", "shelf")
    assert acme.add("acme", "crate", FIRST, created_by="key:1").version == 1


def test_versions_come_newest_first(acme):
    for document in (FIRST, SECOND):
        acme.add("acme", "shelf", document, created_by="key:1")
    assert [each.version for each in acme.versions("acme", "shelf")] == [2, 1]
    for slug, name in (("other", "shelf"), ("acme", "none")):
        with pytest.raises(NoSuchDesign):
            acme.versions(slug, name)
    acme.remove("acme", "shelf")
    with pytest.raises(NoSuchDesign):
        acme.versions("acme", "shelf")
