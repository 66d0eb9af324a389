"""Settings for managers: the organisation's API keys and webhooks."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from functools import partial

import anyio.to_thread
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from accounts.errors import InvalidAccountValue
from accounts.store import Accounts
from gs1.errors import LabelError
from web.addresses import id_of, number_of
from web.export_form import Faults
from web.rendering import page
from web.visitors import Visitor, Visitors

_KEYS_PER_PAGE = 25


class SettingsRoutes:
    """What a manager decides. A new key, and a new webhook's secret, are shown once: in the answer to the form."""

    def __init__(self, accounts: Accounts, visitors: Visitors) -> None:
        self._accounts = accounts
        self._visitors = visitors

    def routes(self) -> list[Route]:
        shown = self._visitors.page(self.list, needs=_manages)
        done = partial(self._visitors.action, needs=_manages)
        return [
            Route("/settings", shown),
            Route("/settings/keys", done(self.create_key), methods=["POST"]),
            Route("/settings/keys/{id:int}/revoke", done(self.revoke_key), methods=["POST"]),
            Route("/settings/webhooks", done(self.add_webhook), methods=["POST"]),
            Route("/settings/webhooks/{id:int}/remove", done(self.remove_webhook), methods=["POST"]),
        ]

    async def list(self, request: Request, visitor: Visitor) -> Response:
        return await self._shown(request, visitor)

    async def create_key(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        """Make a key and show it."""
        values = {name: str(form.get(name, "")).strip() for name in ("name", "role", "expires_at")}
        try:
            make = partial(
                self._accounts.create_key,
                visitor.organisation.slug,
                values["role"],
                name=values["name"],
                expires_at=_end_of(values["expires_at"]),
            )
            made = await anyio.to_thread.run_sync(make)
        except LabelError as error:
            return await self._refused(request, visitor, error, values)
        return await self._shown(request, visitor, new_key=made)

    async def revoke_key(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        del form
        await anyio.to_thread.run_sync(self._accounts.revoke_key, visitor.organisation.slug, id_of(request))
        return RedirectResponse("/settings", 303)

    async def add_webhook(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        """Add a webhook and show the secret that its messages are signed with."""
        values = {"url": str(form.get("url", "")).strip()}
        try:
            hook = await anyio.to_thread.run_sync(
                self._accounts.webhooks.add, visitor.organisation.slug, values["url"]
            )
        except LabelError as error:
            return await self._refused(request, visitor, error, values)
        return await self._shown(request, visitor, new_secret=hook.secret)

    async def remove_webhook(self, request: Request, visitor: Visitor, form: FormData) -> Response:
        del form
        await anyio.to_thread.run_sync(
            self._accounts.webhooks.remove, visitor.organisation.slug, id_of(request)
        )
        return RedirectResponse("/settings", 303)

    async def _refused(
        self, request: Request, visitor: Visitor, error: LabelError, values: Mapping[str, str]
    ) -> Response:
        faults = Faults.of(error, values)
        return await self._shown(request, visitor, values=values, faults=faults, status_code=422)

    async def _shown(
        self,
        request: Request,
        visitor: Visitor,
        *,
        values: Mapping[str, str] | None = None,
        faults: Faults | None = None,
        status_code: int = 200,
        new_key: str | None = None,
        new_secret: str | None = None,
    ) -> Response:
        slug, number = visitor.organisation.slug, number_of(request)
        # The newest first, and those that work before those that do not.
        keys = sorted(
            await anyio.to_thread.run_sync(self._accounts.keys_of, slug),
            key=lambda key: (not key.active, -key.id),
        )
        hooks = await anyio.to_thread.run_sync(self._accounts.webhooks.list, slug)
        return page(
            request,
            "settings.html",
            visitor,
            status_code=status_code,
            keys=keys[(number - 1) * _KEYS_PER_PAGE : number * _KEYS_PER_PAGE],
            number=number,
            more=len(keys) > number * _KEYS_PER_PAGE,
            hooks=hooks,
            values=defaultdict(str, values or {}),
            faults=faults or Faults(),
            new_key=new_key,
            new_secret=new_secret,
        )


def _end_of(day: str) -> datetime | None:
    """Return the end of a day in UTC. None for no day. Raises InvalidAccountValue unless it is in the future."""
    if not day:
        return None
    try:
        end = datetime.combine(date.fromisoformat(day), time.max, UTC)
    except ValueError:
        end = datetime.min.replace(tzinfo=UTC)
    if end <= datetime.now(UTC):
        expected = "a day that has not passed, such as 2027-03-31, or nothing"
        raise InvalidAccountValue("The key's last day", value=day, expected=expected, field="expires_at")
    return end


def _manages(visitor: Visitor) -> bool:
    return visitor.manages
