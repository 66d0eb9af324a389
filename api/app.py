"""The façade as an ASGI application: its routes and middleware."""

from collections.abc import Sequence
from typing import Any, cast

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.routing import BaseRoute
from structlog.typing import FilteringBoundLogger
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from accounts.store import Accounts
from api.auth.callers import Authentication
from api.auth.principals import Authenticator
from api.auth.sessions import SessionRoutes
from api.auth.settings import AuthSettings
from api.health import Health
from api.middleware import logs
from api.middleware.error_shape import ErrorPage, EveryErrorIsAProblem
from api.middleware.metrics import Metrics
from api.middleware.rate_limit import RateLimiting, RateLimits, Refusals
from api.middleware.security import SecurityHeaders
from api.problems import EXCEPTION_HANDLERS
from api.routes.contents import ContentRoutes
from api.routes.designs import DesignRoutes
from api.routes.downloads import DownloadTokens
from api.routes.files import FileRoutes
from api.routes.imports import ImportRoutes
from api.routes.label_exports import LabelExportRoutes
from api.routes.named import printer_routes, saved_request_routes, schedule_routes
from api.routes.reference import ReferenceRoutes
from api.routes.resource import resource
from api.routes.service import JOBS, UNLIMITED, ServiceRoutes
from api.settings import ApiSettings
from api.wire import paths
from api.wire.requests import IDEMPOTENCY_KEY
from catalogue.tables import Catalogue
from exports.imports.ports import Imports
from exports.logs import logger
from exports.ports import Exports
from exports.printers.trays import Trays
from exports.reads import ExportReads
from exports.schedules import Cron

#: Smaller answers fit into one network packet anyway.
_GZIP_FROM_BYTES = 1_000
_NEVER_ZIPPED = (
    *DEFAULT_EXCLUDED_CONTENT_TYPES,
    "application/pdf",
    "application/octet-stream",
    "application/vnd.zebra-zpl",
)


def create_app(
    *,
    exports: Exports,
    reads: ExportReads,
    imports: Imports,
    catalogue: Catalogue,
    accounts: Accounts,
    settings: ApiSettings,
    auth_settings: AuthSettings,
    cron: Cron,
    pages: Sequence[BaseRoute] = (),
    error_page: ErrorPage | None = None,
) -> Starlette:
    """Return the façade. It reads no environment: the composition root hands it stores and settings.

    `pages` are routes beside those of the API, behind the same middleware. `error_page` tells browsers of errors.
    """
    log = logger()
    sessions = SessionRoutes(accounts, auth_settings, public_url=settings.public_url)
    metrics = Metrics(exports)
    limits = RateLimits(settings, log)
    tokens = DownloadTokens(settings.secret_keys, settings.download_ttl_seconds)
    checks = {"database": accounts.ping, "storage": reads.require_storage, JOBS: exports.degraded}
    service = ServiceRoutes(exports, Health(checks, log), metrics, settings.metrics_key)
    trays = Trays(accounts.printers, reads.templates, exports.job)
    label_exports = LabelExportRoutes(exports, reads, settings, tokens)
    app = Starlette(
        routes=[
            *label_exports.routes(),
            *FileRoutes(exports, reads, tokens, accounts).routes(),
            *ReferenceRoutes(reads).routes(),
            *DesignRoutes(accounts.designs, reads, settings).routes(),
            *printer_routes(accounts, trays, settings),
            *saved_request_routes(accounts, label_exports, settings),
            *schedule_routes(accounts, exports, cron, settings),
            *ImportRoutes(imports, settings).routes(),
            *ContentRoutes(catalogue).routes(),
            resource(paths.SESSION, post=sessions.begin, delete=sessions.end),
            *service.routes(),
            *pages,
        ],
        middleware=[
            *_behind_proxies(settings),
            Middleware(logs.RequestLog, log=log, metrics=metrics),
            Middleware(SecurityHeaders),
            Middleware(
                Authentication,
                authenticate=Authenticator(accounts, auth_settings),
                attempt=limits.attempt,
                skipped=UNLIMITED,
            ),
            Middleware(RateLimiting, limits=limits, linked=tokens.caller_of, unlimited=UNLIMITED),
            *_cross_origin(settings, log),
            Middleware(GZipMiddleware, minimum_size=_GZIP_FROM_BYTES, exclude_content_types=_NEVER_ZIPPED),
            Middleware(EveryErrorIsAProblem, log=log, page=error_page),
            Middleware(Refusals),
        ],
        exception_handlers=dict(EXCEPTION_HANDLERS),
    )
    # A path without its final slash is 404. A redirect would make clients send their key once more.
    app.router.redirect_slashes = False
    app.state.metrics = metrics.registry
    return app


def _behind_proxies(settings: ApiSettings) -> list[Middleware]:
    """Return the middleware that takes the client's address and scheme from the headers of trusted proxies."""
    if not settings.trusted_proxies:
        return []
    trusted = [str(network) for network in settings.trusted_proxies]
    return [Middleware(cast("Any", ProxyHeadersMiddleware), trusted_hosts=trusted)]


def _cross_origin(settings: ApiSettings, log: FilteringBoundLogger) -> list[Middleware]:
    """Return the CORS middleware, if any origin is allowed. Credentials are keys, never cookies."""
    if not settings.cors_origins:
        return []
    return [
        Middleware(EveryErrorIsAProblem, log=log),  # turns a refused preflight into a problem
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
