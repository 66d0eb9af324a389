"""Organisations, keys and leases."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from accounts import keys
from accounts.errors import InvalidAccountValue, NoSuchOrganisation, OrganisationExists
from accounts.identity import Organisation, Role
from accounts.store import Accounts


def test_an_organisation_can_be_read_again(accounts):
    made = accounts.create_organisation("acme", "Acme Ltd", "https://id.acme.example/")
    assert made == Organisation("acme", "Acme Ltd", "https://id.acme.example")
    assert accounts.organisation("acme") == made


def test_the_name_defaults_to_the_slug(accounts):
    assert accounts.create_organisation("acme") == Organisation("acme", "acme", None)


def test_a_slug_is_taken_once(accounts):
    accounts.create_organisation("acme")
    with pytest.raises(OrganisationExists):
        accounts.create_organisation("acme")


def test_an_unknown_organisation(accounts):
    for slug in ("nobody", "", "no\x00body", "\ud800"):
        with pytest.raises(NoSuchOrganisation):
            accounts.organisation(slug)
    with pytest.raises(NoSuchOrganisation):
        accounts.create_key("nobody", Role.VIEWER)


@pytest.mark.parametrize("slug", ["", "-acme", "Acme", "a_b", "a" * 64, "acmé", "acme\n", "a b", "../x"])
def test_a_bad_slug_is_refused(accounts, slug):
    with pytest.raises(InvalidAccountValue):
        accounts.create_organisation(slug)


@pytest.mark.parametrize(
    "resolver",
    ["http://id.example.com", "id.example.com", "https://", "https://a@b.example", "https://x.example/?q=1",
     "https://x.example/#f", "https://exa mple.com", "https://exämple.com", "https://x.example:99999", "",
     "https://x.example/10/shop", "https://x.example/%4Cot", f"https://x.example/{'a' * 2048}"],
)  # fmt: skip
def test_a_bad_resolver_is_refused(accounts, resolver):
    kept = accounts.create_organisation("kept", resolver="https://id.kept.example")
    for attempt in (
        lambda: accounts.create_organisation("acme", resolver=resolver),
        lambda: accounts.set_resolver("kept", resolver),
    ):
        with pytest.raises(InvalidAccountValue) as refused:
            attempt()
        assert (refused.value.field, refused.value.value) == ("resolver", resolver)
        assert refused.value.expected in str(refused.value)
    assert accounts.organisations() == [kept]


def test_a_resolver_is_changed(accounts):
    accounts.create_organisation("beta", resolver="https://id.beta.example")
    accounts.create_organisation("acme")
    changed = accounts.set_resolver("acme", "https://id.acme.example/gs1/")
    assert changed == Organisation("acme", "acme", "https://id.acme.example/gs1")
    assert accounts.organisations() == [changed, Organisation("beta", "beta", "https://id.beta.example")]
    with pytest.raises(NoSuchOrganisation):
        accounts.set_resolver("nobody", "https://id.acme.example")


def test_a_key_authenticates_its_organisation_and_role(accounts):
    organisation = accounts.create_organisation("acme")
    plain = accounts.create_key("acme", "editor")
    found = accounts.authenticate(plain)
    assert (found.organisation, found.role) == (organisation, Role.EDITOR)


def test_an_unknown_role_is_refused(accounts):
    accounts.create_organisation("acme")
    with pytest.raises(InvalidAccountValue):
        accounts.create_key("acme", "owner")


def test_a_well_formed_key_nobody_made_is_refused(accounts):
    assert accounts.authenticate(keys.new_key()) is None


def test_an_expired_or_revoked_key_is_refused(accounts):
    accounts.create_organisation("acme")
    now = datetime.now(UTC)
    expired = accounts.create_key("acme", Role.MANAGER, expires_at=now - timedelta(seconds=1))
    lasting = accounts.create_key("acme", Role.MANAGER, expires_at=now + timedelta(hours=1))
    assert accounts.authenticate(expired) is None
    key = accounts.authenticate(lasting)
    assert key is not None
    accounts.revoke_key("acme", key.id)
    accounts.revoke_key("acme", key.id)
    assert accounts.authenticate(lasting) is None


def test_an_expiry_needs_an_offset(accounts):
    accounts.create_organisation("acme")
    with pytest.raises(InvalidAccountValue):
        accounts.create_key("acme", Role.MANAGER, expires_at=datetime(2030, 1, 1))  # noqa: DTZ001


def test_writers_wait_for_one_another(accounts):
    accounts.create_organisation("acme")
    plain = [accounts.create_key("acme", Role.EDITOR) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(accounts.authenticate, plain * 5))


def test_one_of_many_threads_gets_a_lease(database_url):
    stores = [Accounts(database_url) for _ in range(4)]
    gate = threading.Barrier(12)

    def take(index):
        gate.wait()
        return [stores[index % 4].acquire_lease(f"lease-{n}", f"holder-{index}", 60) for n in range(10)]

    with ThreadPoolExecutor(12) as pool:
        taken = list(pool.map(take, range(12)))
    for store in stores:
        store.close()
    assert [sum(column) for column in zip(*taken, strict=True)] == [1] * 10


def test_a_lease_is_held_renewed_and_released_by_its_holder_only(accounts):
    assert accounts.acquire_lease("stock", "a", 60)
    assert accounts.acquire_lease("stock", "a", 60), "taking one's own lease again renews it"
    assert not accounts.acquire_lease("stock", "b", 60)
    assert not accounts.renew_lease("stock", "b", 60)
    assert not accounts.release_lease("stock", "b")
    assert accounts.renew_lease("stock", "a", 60)
    assert accounts.release_lease("stock", "a")
    assert not accounts.renew_lease("stock", "a", 60)
    assert accounts.acquire_lease("stock", "b", 60)


def test_an_expired_lease_goes_to_the_next(accounts):
    assert accounts.acquire_lease("stock", "dead", 60)
    assert not accounts.acquire_lease("stock", "next", 60)
    assert accounts.renew_lease("stock", "dead", -1), "a second ago"
    assert accounts.acquire_lease("stock", "next", 60)
    assert not accounts.renew_lease("stock", "dead", 60)


def test_an_expired_lease_may_be_left_to_its_holder(accounts):
    assert accounts.acquire_lease("stock:acme", "paused", 60)
    assert accounts.expired_leases("stock:") == {}
    assert accounts.renew_lease("stock:acme", "paused", -1)
    assert accounts.expired_leases("stock:") == {"stock:acme": "paused"}
    assert accounts.expired_leases("stock_") == {}, "a prefix, not a pattern"
    assert not accounts.acquire_lease("stock:acme", "next", 60, takes_expired=False)
    assert accounts.acquire_lease("stock:acme", "paused", 60, takes_expired=False)
    assert accounts.release_lease("stock:acme", "paused")
    assert accounts.acquire_lease("stock:acme", "next", 60, takes_expired=False)


def test_leases_of_other_names_are_apart(accounts):
    assert accounts.acquire_lease("one", "a", 60)
    assert accounts.acquire_lease("two", "b", 60)
