"""Rate limits: requests counted by principal, by job for signed links, and by network address for all others."""

import math
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.aio.storage import Storage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from api import problems
from api.auth.callers import known_principal
from api.errors import RateLimited
from api.middleware.addresses import address_of
from api.settings import ApiSettings


@dataclass(frozen=True, slots=True)
class Window:
    """One window of a caller: its limit, the requests left in it, and when the next one starts (Unix time)."""

    limit: RateLimitItem
    remaining: int
    reset: float

    @property
    def seconds_left(self) -> int:
        return max(0, math.ceil(self.reset - time.time()))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request is within all of its caller's windows. The windows are in order of length."""

    windows: tuple[Window, ...]
    allowed: bool

    @property
    def tightest(self) -> Window:
        """The window with the fewest requests left. Of two alike, the one that ends later."""
        return min(self.windows, key=lambda window: (window.remaining, -window.reset))

    def headers(self) -> dict[str, str]:
        """Return the headers for the response: `RateLimit-*`, and the older `X-RateLimit-*`."""
        tightest = self.tightest
        amount, remaining = str(tightest.limit.amount), str(tightest.remaining)
        return {
            "ratelimit-policy": ", ".join(f"{w.limit.amount};w={w.limit.get_expiry()}" for w in self.windows),
            "ratelimit-limit": amount,
            "ratelimit-remaining": remaining,
            "ratelimit-reset": str(tightest.seconds_left),
            "x-ratelimit-limit": amount,
            "x-ratelimit-remaining": remaining,
            "x-ratelimit-reset": str(math.ceil(tightest.reset)),
        }


class RateLimits:
    """Counts requests per caller in windows of a minute and a day. A window starts with the caller's first request.

    A refused request counts in the window that refused it, and not in longer ones. Counts are kept in this
    process, or in Redis if the settings name one. While Redis cannot be reached, no request is refused.
    """

    def __init__(self, settings: ApiSettings, log: FilteringBoundLogger) -> None:
        self._default = (settings.rate_per_minute, settings.rate_per_day)
        self._windows = FixedWindowRateLimiter(_storage(settings))
        self._log = log
        self._attempts: Counter[str] = Counter()

    async def hit(self, caller: str, per_minute: int | None = None, per_day: int | None = None) -> Verdict:
        """Count one request of the caller. `per_minute` and `per_day` are its own limits, None for the default."""
        limits = self._limits(per_minute, per_day)
        try:
            allowed = True
            for limit in limits:
                allowed = allowed and await self._windows.hit(limit, caller)
            return await self._verdict(limits, caller, allowed)
        except StorageError:
            self._log.exception("rate limits cannot be counted")
            return _uncounted(limits)

    async def look(self, caller: str) -> Verdict:
        """Return the caller's state under the default limits, without counting."""
        limits = self._limits(None, None)
        try:
            return await self._verdict(limits, caller, allowed=True)
        except StorageError:
            return _uncounted(limits)

    @asynccontextmanager
    async def attempt(self, request: Request) -> AsyncGenerator[None]:
        """Hold an attempt to authenticate from the request's address, so that bad credentials cost no look-up.

        Nothing is counted: the request is, once it is known whether it failed. Raises RateLimited if the address's
        failures, with the attempts that are under way, reach its limit.
        """
        address = address_of(request)
        tightest = (await self.look(address)).tightest
        if tightest.remaining <= self._attempts[address]:
            raise RateLimited(max(1, tightest.seconds_left))
        self._attempts[address] += 1
        try:
            yield
        finally:
            self._attempts[address] -= 1
            if not self._attempts[address]:
                del self._attempts[address]

    def _limits(self, per_minute: int | None, per_day: int | None) -> tuple[RateLimitItem, RateLimitItem]:
        minute, day = self._default
        return RateLimitItemPerMinute(per_minute or minute), RateLimitItemPerDay(per_day or day)

    async def _verdict(self, limits: tuple[RateLimitItem, ...], caller: str, allowed: bool) -> Verdict:
        windows: list[Window] = []
        for limit in limits:
            stats = await self._windows.get_window_stats(limit, caller)
            windows.append(Window(limit, stats.remaining, stats.reset_time))
        return Verdict(tuple(windows), allowed)


class RateLimiting:
    """ASGI middleware: counts each request and reports the limits in the headers of every response.

    A request over the limit is not answered here but by `Refusals`. Paths in `unlimited` are not counted. `linked`
    returns who a request with a signed link counts as, None for other requests.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limits: RateLimits,
        linked: Callable[[Request], str | None],
        unlimited: frozenset[str],
    ) -> None:
        self.app = app
        self._limits = limits
        self._linked = linked
        self._unlimited = unlimited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        request.state.refused = None
        verdict = await self._verdict(request)
        if not verdict.allowed:
            request.state.refused = RateLimited(max(1, verdict.tightest.seconds_left))

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(verdict.headers())
            await send(message)

        await self.app(scope, receive, tell)

    async def _verdict(self, request: Request) -> Verdict:
        if request.scope["path"] in self._unlimited:
            return await self._limits.look(address_of(request))
        if (linked := self._linked(request)) is not None:
            return await self._limits.hit(linked)
        principal = known_principal(request)
        if principal is None:
            return await self._limits.hit(address_of(request))
        caller = f"{principal.organisation.slug}/{principal.id}"
        return await self._limits.hit(caller, principal.per_minute, principal.per_day)


class Refusals:
    """ASGI middleware: answers 429 to a caller over the limit. It stands inside those that add headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = scope.get("state", {}).get("refused")
        app = self.app if refused is None else problems.of_error(refused)
        await app(scope, receive, send)


def _storage(settings: ApiSettings) -> Storage:
    if settings.redis_url is None:
        return cast("Storage", storage_from_string("async+memory://"))
    url = "async+" + settings.redis_url.get_secret_value()
    return cast("Storage", storage_from_string(url, implementation="redispy", wrap_exceptions=True))


def _uncounted(limits: tuple[RateLimitItem, ...]) -> Verdict:
    now = time.time()
    return Verdict(tuple(Window(limit, limit.amount, now + limit.get_expiry()) for limit in limits), True)
