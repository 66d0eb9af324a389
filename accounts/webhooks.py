"""Stored webhooks: addresses that get an organisation's messages. Secrets have Standard Webhooks' form."""

import base64
import logging
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, select, update

from accounts import forms
from accounts.database import Database, row_of, utc_now
from accounts.errors import NoSuchWebhook, UnreadableSecret
from accounts.tables import WebhookRow
from accounts.vault import Vault

#: Standard Webhooks asks for 24 to 64 random bytes.
_SECRET_BYTES = 32

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that gets messages. Its secret is stored encrypted, and decrypted only when it is asked for."""

    id: int
    organisation: str
    url: str
    active: bool
    created_at: datetime
    stored_secret: str = field(repr=False)
    vault: Vault = field(repr=False, compare=False)

    @property
    def secret(self) -> str:
        """What signs the messages: `whsec_` and 32 bytes in base64. Raises UnreadableSecret."""
        return self.vault.unseal(self.stored_secret)


class Webhooks:
    """The webhooks in a database."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def add(self, slug: str, url: str, *, allow_http: bool = False) -> Webhook:
        """Return the organisation's new webhook, with its secret.

        Raises NoSuchOrganisation; InvalidAccountValue unless `url` is an https URL (or http where
        allowed) without credentials and fragment; UnreadableSecret if there is no key to encrypt with.
        """
        plain = "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")
        row = WebhookRow(
            url=forms.webhook_url(url, allow_http=allow_http),
            secret=self._vault.seal(plain),
            active=True,
            created_at=utc_now(),
        )
        with self._database.session() as session:
            row.organisation = row_of(session, slug)
            session.add(row)
            session.flush()
            return webhook_of(row, self._vault)

    def list(self, slug: str) -> list[Webhook]:
        """Return the organisation's webhooks, oldest first. Raises NoSuchOrganisation."""
        with self._database.session() as session:
            owner = row_of(session, slug).id
            rows = session.scalars(
                select(WebhookRow).where(WebhookRow.organisation_id == owner).order_by(WebhookRow.id)
            )
            return [webhook_of(row, self._vault) for row in rows]

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

    def reseal(self) -> int:
        """Encrypt each secret with the newest key, also one in plain text. Return how many were changed.

        One that cannot be decrypted is logged and left: its key may come back.
        """
        changed = 0
        with self._database.session() as session:
            for row in session.scalars(select(WebhookRow)):
                try:
                    resealed = self._vault.resealed(row.secret)
                except UnreadableSecret as error:
                    _log.error("webhook %d of %s: %s", row.id, row.organisation.slug, error)
                    continue
                changed += resealed != row.secret
                row.secret = resealed
        return changed

    def disable(self, webhook_id: int) -> None:
        """Stop sending to the webhook, for example after an answer 410."""
        with self._database.session() as session:
            session.execute(update(WebhookRow).where(WebhookRow.id == webhook_id).values(active=False))


def webhook_of(row: WebhookRow, vault: Vault) -> Webhook:
    """Return the webhook as a value."""
    return Webhook(
        id=row.id,
        organisation=row.organisation.slug,
        url=row.url,
        active=row.active,
        created_at=row.created_at,
        stored_secret=row.secret,
        vault=vault,
    )
