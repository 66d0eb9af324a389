"""Who asks: the X-API-Key header."""

import anyio.to_thread
from starlette.requests import Request

from accounts.identity import ApiKey
from accounts.store import Accounts
from api.errors import Forbidden, Unauthorized


async def authenticated(request: Request, accounts: Accounts) -> ApiKey:
    """Return the key the request carries. Raises Unauthorized."""
    plain = request.headers.get("x-api-key")
    key = None if plain is None else await anyio.to_thread.run_sync(accounts.authenticate, plain)
    if key is None:
        raise Unauthorized
    return key


def require_submitter(key: ApiKey) -> None:
    """Raise Forbidden unless the key's role may submit exports."""
    if not key.role.may_submit:
        raise Forbidden(
            f"A {key.role} key may look at label exports, not submit them.",
            value=key.role,
            expected="manager or editor",
        )
