"""Stored deliveries of messages to webhooks, at most one for each pair. Nothing is sent from here."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update

from accounts.database import Database, row_of, utc_now
from accounts.tables import DeliveryRow, OrganisationRow, WebhookRow
from accounts.vault import Vault
from accounts.webhooks import Webhook, webhook_of

_ERROR_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that is due at a webhook. `attempts` counts the failed ones."""

    id: int
    webhook: Webhook
    message_id: str
    payload: str
    attempts: int


class Deliveries:
    """The deliveries in a database."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def enqueue(self, slug: str, message_id: str, payload: str, *, at: datetime | None = None) -> int:
        """Add a delivery of the message to each of the organisation's active webhooks, due at `at` or now.

        Return how many were added. None is added for a webhook that had this message id before.
        Raises NoSuchOrganisation.
        """
        with self._database.session() as session:
            owner = row_of(session, slug).id
            targets = session.scalars(
                select(WebhookRow.id).where(WebhookRow.organisation_id == owner, WebhookRow.active)
            ).all()
            if not targets:
                return 0
            statement = (
                self._database.insert(DeliveryRow)
                .values(
                    [
                        {
                            "webhook_id": target,
                            "message_id": message_id,
                            "payload": payload,
                            "attempts": 0,
                            "next_attempt_at": at or utc_now(),
                            "created_at": at or utc_now(),
                        }
                        for target in targets
                    ]
                )
                .on_conflict_do_nothing(index_elements=["webhook_id", "message_id"])
                .returning(DeliveryRow.id)
            )
            return len(session.scalars(statement).all())

    def due(self, now: datetime, limit: int) -> list[Delivery]:
        """Return at most `limit` due deliveries, of each organisation in turn the one that has waited longest.

        Those of organisations that are suspended wait.
        """
        waited = (DeliveryRow.next_attempt_at, DeliveryRow.id)
        turn = func.row_number().over(partition_by=WebhookRow.organisation_id, order_by=waited)
        with self._database.session() as session:
            rows = session.scalars(
                select(DeliveryRow)
                .join(DeliveryRow.webhook)
                .join(WebhookRow.organisation)
                .where(
                    DeliveryRow.next_attempt_at <= now,
                    WebhookRow.active,
                    OrganisationRow.suspended_at.is_(None),
                )
                .order_by(turn, *waited)
                .limit(limit)
            )
            return [
                Delivery(
                    row.id, webhook_of(row.webhook, self._vault), row.message_id, row.payload, row.attempts
                )
                for row in rows
            ]

    def mark_delivered(self, delivery_id: int, at: datetime | None = None) -> None:
        """Record that the message was delivered at `at` or now. It is never due again."""
        self._mark(delivery_id, delivered_at=at or utc_now(), next_attempt_at=None, last_error=None)

    def mark_failed(self, delivery_id: int, error: str, next_attempt_at: datetime | None) -> None:
        """Record a failed attempt and the time of the next one, or None for no more attempts.

        The first 500 characters of `error` are stored. A delivery that succeeded meanwhile stays delivered.
        """
        self._mark(
            delivery_id,
            attempts=DeliveryRow.attempts + 1,
            next_attempt_at=next_attempt_at,
            last_error=error[:_ERROR_LENGTH],
        )

    def forget(self, before: datetime) -> int:
        """Remove the deliveries added before then, whatever became of them. Return how many there were."""
        with self._database.session() as session:
            statement = delete(DeliveryRow).where(DeliveryRow.created_at < before)
            return len(session.scalars(statement.returning(DeliveryRow.id)).all())

    def _mark(self, delivery_id: int, **values: object) -> None:
        with self._database.session() as session:
            session.execute(
                update(DeliveryRow)
                .where(DeliveryRow.id == delivery_id, DeliveryRow.delivered_at.is_(None))
                .values(**values)
                .execution_options(synchronize_session=False)
            )
