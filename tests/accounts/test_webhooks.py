"""Webhooks belong to one organisation; a message goes to each of them at most once."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook as Verifier

from accounts.errors import InvalidAccountValue, NoSuchOrganisation, NoSuchWebhook
from accounts.tables import DeliveryRow

URL = "https://hooks.example/labels?tenant=1"
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def acme(accounts):
    accounts.create_organisation("acme")
    accounts.create_organisation("other")
    return accounts


def state_of(accounts):
    columns = (
        DeliveryRow.attempts,
        DeliveryRow.next_attempt_at,
        DeliveryRow.delivered_at,
        DeliveryRow.last_error,
    )
    with accounts._database.session() as session:
        return [tuple(row) for row in session.execute(select(*columns).order_by(DeliveryRow.id))]


def test_the_secret_is_of_the_standards_form(acme):
    made = acme.webhooks.add("acme", URL)
    prefix, _, encoded = made.secret.partition("_")
    assert prefix == "whsec"
    assert len(base64.b64decode(encoded, validate=True)) == 32
    assert made.secret not in repr(made)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(datetime.now(UTC).timestamp())),
        "webhook-signature": Verifier(made.secret).sign("msg_1", datetime.now(UTC), "{}"),
    }
    assert Verifier(made.secret).verify("{}", headers) == {}


def test_webhooks_are_listed_by_organisation(acme):
    made = [acme.webhooks.add("acme", URL), acme.webhooks.add("acme", URL)]
    assert acme.webhooks.list("acme") == made
    assert acme.webhooks.list("other") == []
    with pytest.raises(NoSuchOrganisation):
        acme.webhooks.add("nobody", URL)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://hooks.example/", "not https"),
        ("ftp://hooks.example/", "another scheme"),
        ("file:///etc/passwd", "a file"),
        ("hooks.example", "not absolute"),
        ("https://", "no host"),
        ("https:///path", "no host"),
        ("https://user:pass@hooks.example/", "credentials"),
        ("https://@hooks.example/", "empty credentials"),
        ("https://hooks.example/#x", "fragment"),
        ("https://hooks.example/#", "empty fragment"),
        ("https://hooks.example:0/", "no such port"),
        ("https://hooks.example:99999/", "no such port"),
        ("https://hooks.example/a b", "space"),
        ("https://hooks.example/\r\nHost: x", "line break"),
        ("https://hooks.example\\@evil.example/", "backslash"),
        ("https://höoks.example/", "not ASCII"),
        ("https://[::1/", "half an address"),
        ("https://hooks.example/" + "a" * 2048, "too long"),
        ("", "empty"),
    ],
)
def test_a_bad_address_is_refused(acme, url, reason):
    with pytest.raises(InvalidAccountValue):
        acme.webhooks.add("acme", url)
    assert acme.webhooks.list("acme") == [], reason


def test_http_is_taken_where_allowed_and_nothing_worse(acme):
    assert acme.webhooks.add("acme", "http://receiver:8080/", allow_http=True).url == "http://receiver:8080/"
    with pytest.raises(InvalidAccountValue):
        acme.webhooks.add("acme", "ftp://receiver/", allow_http=True)


def test_another_organisations_webhook_is_an_unknown_one(acme):
    theirs = acme.webhooks.add("other", URL)
    for webhook_id in (theirs.id, theirs.id + 1):
        with pytest.raises(NoSuchWebhook):
            acme.webhooks.remove("acme", webhook_id)
    assert acme.webhooks.list("other") == [theirs]


def test_a_message_is_enqueued_once_for_each_active_webhook(acme):
    one, two, off = (acme.webhooks.add("acme", URL) for _ in range(3))
    acme.webhooks.add("other", URL)
    acme.webhooks.disable(off.id)
    assert acme.deliveries.enqueue("acme", "msg_1", '{"a":1}', at=NOW) == 2
    assert acme.deliveries.enqueue("acme", "msg_1", '{"a":2}', at=NOW) == 0
    assert acme.deliveries.enqueue("acme", "msg_2", "{}", at=LATER) == 2
    due = acme.deliveries.due(NOW, 10)
    assert [(d.webhook, d.message_id, d.payload, d.attempts) for d in due] == [
        (one, "msg_1", '{"a":1}', 0),
        (two, "msg_1", '{"a":1}', 0),
    ]
    assert len(acme.deliveries.due(LATER, 3)) == 3
    assert acme.deliveries.due(NOW - timedelta(seconds=1), 10) == []


def test_organisations_take_turns(acme):
    acme.webhooks.add("acme", URL)
    acme.webhooks.add("other", URL)
    for number in range(3):
        acme.deliveries.enqueue("acme", f"msg_{number}", "{}", at=NOW)
    for number in range(2):
        acme.deliveries.enqueue("other", f"msg_{number}", "{}", at=LATER)
    due = acme.deliveries.due(LATER, 10)
    assert [(delivery.webhook.organisation, delivery.message_id) for delivery in due] == [
        ("acme", "msg_0"),
        ("other", "msg_0"),
        ("acme", "msg_1"),
        ("other", "msg_1"),
        ("acme", "msg_2"),
    ]
    assert {delivery.webhook.organisation for delivery in acme.deliveries.due(LATER, 2)} == {"acme", "other"}


def test_old_deliveries_are_forgotten_whatever_became_of_them(acme):
    acme.webhooks.add("acme", URL)
    for number in range(3):
        acme.deliveries.enqueue("acme", f"msg_{number}", "{}", at=NOW)
    delivered, given_up, _ = acme.deliveries.due(NOW, 3)
    acme.deliveries.mark_delivered(delivered.id, LATER)
    acme.deliveries.mark_failed(given_up.id, "404", None)
    acme.deliveries.enqueue("acme", "msg_3", "{}", at=LATER)
    assert acme.deliveries.forget(NOW) == 0
    assert acme.deliveries.forget(LATER) == 3
    assert [delivery.message_id for delivery in acme.deliveries.due(LATER, 10)] == ["msg_3"]


def test_without_webhooks_nothing_is_enqueued(acme):
    assert acme.deliveries.enqueue("acme", "msg_1", "{}") == 0


def test_what_was_delivered_is_never_due_again(acme):
    acme.webhooks.add("acme", URL)
    acme.deliveries.enqueue("acme", "msg_1", "{}", at=NOW)
    [delivery] = acme.deliveries.due(NOW, 10)
    acme.deliveries.mark_failed(delivery.id, "x" * 600, LATER)
    assert acme.deliveries.due(NOW, 10) == []
    assert acme.deliveries.due(LATER, 10)[0].attempts == 1
    assert state_of(acme) == [(1, LATER, None, "x" * 500)]
    acme.deliveries.mark_delivered(delivery.id, LATER)
    acme.deliveries.mark_failed(delivery.id, "a second sender's late failure", LATER)
    assert state_of(acme) == [(1, None, LATER, None)]
    assert acme.deliveries.due(LATER, 10) == []
    assert acme.deliveries.enqueue("acme", "msg_1", "{}", at=LATER) == 0


def test_a_message_can_be_given_up(acme):
    acme.webhooks.add("acme", URL)
    acme.deliveries.enqueue("acme", "msg_1", "{}", at=NOW)
    acme.deliveries.mark_failed(acme.deliveries.due(NOW, 1)[0].id, "404", None)
    assert state_of(acme) == [(1, None, None, "404")]
    assert acme.deliveries.due(LATER, 10) == []


def test_what_was_on_its_way_goes_with_its_webhook(acme):
    made = acme.webhooks.add("acme", URL)
    acme.deliveries.enqueue("acme", "msg_1", "{}", at=NOW)
    acme.webhooks.remove("acme", made.id)
    assert state_of(acme) == []
    assert acme.webhooks.list("acme") == []
