"""Stored webhooks: addresses that get an organisation's messages. Secrets have Standard Webhooks' form."""

import base64
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, select, update

from accounts import forms
from accounts.database import Database, row_of, utc_now
from accounts.errors import NoSuchWebhook
from accounts.tables import WebhookRow

#: Standard Webhooks asks for 24 to 64 random bytes.
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that gets messages. `secret` signs them: `whsec_` and 32 bytes in base64."""

    id: int
    organisation: str
    url: str
    active: bool
    created_at: datetime
    secret: str = field(repr=False)


class Webhooks:
    """The webhooks in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, slug: str, url: str, *, allow_http: bool = False) -> Webhook:
        """Return the organisation's new webhook, with its secret.

        Raises NoSuchOrganisation; InvalidAccountValue unless `url` is an https URL (or http where
        allowed) without credentials and fragment.
        """
        row = WebhookRow(
            url=forms.webhook_url(url, allow_http=allow_http),
            secret="whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii"),
            active=True,
            created_at=utc_now(),
        )
        with self._database.session() as session:
            row.organisation = row_of(session, slug)
            session.add(row)
            session.flush()
            return webhook_of(row)

    def list(self, slug: str) -> list[Webhook]:
        """Return the organisation's webhooks, oldest first. Raises NoSuchOrganisation."""
        with self._database.session() as session:
            owner = row_of(session, slug).id
            rows = session.scalars(
                select(WebhookRow).where(WebhookRow.organisation_id == owner).order_by(WebhookRow.id)
            )
            return [webhook_of(row) for row in rows]

    def remove(self, slug: str, webhook_id: int) -> None:
        """Remove the webhook and its pending deliveries.

        Raises NoSuchOrganisation; NoSuchWebhook, also for another organisation's.
        """
        with self._database.session() as session:
            statement = delete(WebhookRow).where(
                WebhookRow.id == webhook_id, WebhookRow.organisation_id == row_of(session, slug).id
            )
            if session.execute(statement.returning(WebhookRow.id)).first() is None:
                raise NoSuchWebhook(webhook_id)

    def disable(self, webhook_id: int) -> None:
        """Stop sending to the webhook, for example after an answer 410."""
        with self._database.session() as session:
            session.execute(update(WebhookRow).where(WebhookRow.id == webhook_id).values(active=False))


def webhook_of(row: WebhookRow) -> Webhook:
    """Return the webhook as a value."""
    return Webhook(
        id=row.id,
        organisation=row.organisation.slug,
        url=row.url,
        active=row.active,
        created_at=row.created_at,
        secret=row.secret,
    )
