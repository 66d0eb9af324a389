"""Webhook secrets are encrypted at rest; keys are rotated without losing one."""

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select, update
from sqlalchemy.exc import StatementError

from accounts.errors import InvalidAccountValue, UnreadableSecret
from accounts.store import Accounts
from accounts.tables import WebhookRow
from accounts.vault import Vault, derived_keys, split_keys

OLD, NEW = "the secret key of last year", "the secret key of this year"
URL = "https://hooks.example/"


def vault(*secret_keys):
    return Vault(derived_keys(secret_keys))


def stored(accounts):
    with accounts._database.session() as session:
        return list(session.scalars(select(WebhookRow.secret).order_by(WebhookRow.id)))


@pytest.fixture
def with_keys(database_url):
    """Return a function that opens the accounts with these secret keys."""
    opened = []

    def open_with(*secret_keys):
        opened.append(Accounts(database_url, vault(*secret_keys)))
        return opened[-1]

    first = open_with(OLD)
    first.create_organisation("acme")
    first.create_organisation("other")
    yield open_with
    for accounts in opened:
        accounts.close()


def test_a_derived_key_is_a_key_of_fernets_and_always_the_same():
    (key,) = derived_keys([OLD])
    Fernet(key)
    assert derived_keys([OLD, NEW])[0] == key
    assert key == "bQ_CJehEWKMw1WrLLG240EV4Q-TRMQZdA0tHL7U5Ei8="
    assert OLD not in key


def test_a_secret_is_stored_encrypted(with_keys, sqlite_file):
    accounts = with_keys(OLD)
    made = accounts.webhooks.add("acme", URL)
    (text,) = stored(accounts)
    assert "whsec_" not in text
    assert made.secret.startswith("whsec_")
    assert accounts.webhooks.list("acme")[0].secret == made.secret
    assert made.secret not in repr(made)


def test_a_new_key_takes_over_while_the_old_one_is_still_listed(with_keys):
    secret = with_keys(OLD).webhooks.add("acme", URL).secret
    both = with_keys(NEW, OLD)
    assert both.webhooks.list("acme")[0].secret == secret
    assert both.webhooks.reseal() == 1
    assert both.webhooks.reseal() == 0
    assert with_keys(NEW).webhooks.list("acme")[0].secret == secret
    with pytest.raises(UnreadableSecret):
        _ = with_keys(OLD).webhooks.list("acme")[0].secret


def test_secrets_of_earlier_releases_are_read_and_encrypted(with_keys):
    accounts = with_keys(OLD)
    accounts.webhooks.add("acme", URL)
    with accounts._database.session() as session:
        session.execute(update(WebhookRow).values(secret="whsec_cGxhaW4="))
    assert accounts.webhooks.list("acme")[0].secret == "whsec_cGxhaW4="
    assert accounts.webhooks.reseal() == 1
    assert "whsec_" not in stored(accounts)[0]
    assert accounts.webhooks.list("acme")[0].secret == "whsec_cGxhaW4="


def test_a_secret_that_cannot_be_decrypted_spoils_no_other(with_keys, caplog):
    with_keys(OLD).webhooks.add("acme", URL)
    theirs = with_keys(NEW).webhooks.add("other", URL)
    newest = with_keys("the secret key of next year", NEW)
    assert newest.webhooks.reseal() == 1
    assert newest.webhooks.list("other")[0].secret == theirs.secret
    assert "of acme: the webhook's secret cannot be decrypted" in caplog.text
    assert len(newest.webhooks.list("acme")) == 1


def test_without_a_key_no_webhook_is_added(database_url, with_keys):
    accounts = Accounts(database_url)
    with pytest.raises(UnreadableSecret):
        accounts.webhooks.add("acme", URL)
    assert accounts.webhooks.list("acme") == []
    accounts.close()


@pytest.mark.parametrize("text", ["", "short", f"{OLD},", f"{OLD},short"])
def test_short_keys_are_refused_without_being_told(text):
    with pytest.raises(InvalidAccountValue) as refused:
        split_keys(text)
    assert "short" not in str(refused.value).replace("too short", "")
    assert refused.value.value is None


def test_keys_are_separated_by_commas():
    assert split_keys(f"{NEW}, {OLD}") == [NEW, OLD]


def test_database_errors_do_not_tell_values(with_keys):
    with pytest.raises(StatementError) as failed, with_keys(OLD)._database.session() as session:
        session.execute(update(WebhookRow).values(secret=object()))
    assert "parameters hidden" in str(failed.value)
