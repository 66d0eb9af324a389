"""The façade as an ASGI application."""

from starlette.applications import Starlette
from starlette.middleware import Middleware

from accounts.store import Accounts
from api.problems import EXCEPTION_HANDLERS, EveryErrorIsAProblem
from api.routes import LabelExportRoutes
from api.settings import ApiSettings
from exports.ports import Exports


def create_app(*, exports: Exports, accounts: Accounts, settings: ApiSettings) -> Starlette:
    """Return the façade over whoever runs exports and keeps accounts."""
    routes = LabelExportRoutes(exports=exports, accounts=accounts, settings=settings)
    app = Starlette(
        routes=routes.routes(),
        middleware=[Middleware(EveryErrorIsAProblem)],
        exception_handlers=dict(EXCEPTION_HANDLERS),
    )
    # A path without its slash is unknown, not a redirect that would carry the key to a guessed place.
    app.router.redirect_slashes = False
    return app
