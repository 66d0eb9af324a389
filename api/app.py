"""The façade as an ASGI application: its endpoints, and what each request passes on its way to them."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from structlog.typing import FilteringBoundLogger

from accounts.store import Accounts
from api.auth.principals import SESSION_PATH, Authenticator
from api.auth.sessions import SessionRoutes
from api.auth.settings import AuthSettings
from api.middleware import logs
from api.middleware.metrics import Metrics
from api.middleware.rate_limit import Callers, RateLimits, Refusals
from api.middleware.security import SecurityHeaders
from api.problems import EXCEPTION_HANDLERS, EveryErrorIsAProblem
from api.routes.downloads import DownloadTokens
from api.routes.files import FileRoutes
from api.routes.incoming import IDEMPOTENCY_KEY
from api.routes.label_exports import LabelExportRoutes
from api.routes.reference import ReferenceRoutes
from api.routes.resource import resource
from api.routes.service import UNLIMITED, ServiceRoutes
from api.settings import ApiSettings
from exports.ports import Exports

#: Below this many bytes an answer fits its packet anyway.
_GZIP_FROM_BYTES = 1_000
_NEVER_ZIPPED = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/pdf", "application/octet-stream")


def create_app(*, exports: Exports, accounts: Accounts, settings: ApiSettings) -> Starlette:
    """Return the façade over whoever runs exports and keeps accounts."""
    log = logs.logger()
    credentials = AuthSettings()
    sessions = SessionRoutes(accounts, credentials)
    metrics = Metrics(exports)
    tokens = DownloadTokens(settings.secret_key.get_secret_value(), settings.download_ttl_seconds)
    app = Starlette(
        routes=[
            *LabelExportRoutes(exports, settings, tokens).routes(),
            *FileRoutes(exports, tokens).routes(),
            *ReferenceRoutes(exports).routes(),
            resource(SESSION_PATH, post=sessions.begin, delete=sessions.end),
            *ServiceRoutes(exports, metrics).routes(),
        ],
        middleware=[
            Middleware(logs.RequestLog, log=log, metrics=metrics),
            Middleware(SecurityHeaders),
            Middleware(
                Callers,
                authenticate=Authenticator(accounts, credentials),
                limits=RateLimits(settings, log),
                unlimited=UNLIMITED,
            ),
            *_cross_origin(settings, log),
            Middleware(GZipMiddleware, minimum_size=_GZIP_FROM_BYTES, exclude_content_types=_NEVER_ZIPPED),
            Middleware(EveryErrorIsAProblem, log=log),
            Middleware(Refusals),
        ],
        exception_handlers=dict(EXCEPTION_HANDLERS),
    )
    # A path without its slash is unknown, not a redirect that would carry the key to a guessed place.
    app.router.redirect_slashes = False
    return app


def _cross_origin(settings: ApiSettings, log: FilteringBoundLogger) -> list[Middleware]:
    """Return what lets other origins' pages call with a key; never with a cookie."""
    if not settings.cors_origins:
        return []
    return [
        Middleware(EveryErrorIsAProblem, log=log),  # a refused preflight is an error too
        Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", IDEMPOTENCY_KEY, "X-API-Key", logs.REQUEST_ID],
            expose_headers=[
                "Content-Disposition",
                "ETag",
                "Location",
                "RateLimit-Limit",
                "RateLimit-Policy",
                "RateLimit-Remaining",
                "RateLimit-Reset",
                "Retry-After",
                logs.REQUEST_ID,
            ],
        ),
    ]
