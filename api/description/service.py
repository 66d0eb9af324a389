"""The operations of sessions, and of the service itself."""

from api.description.operation import Content, Operation
from api.wire import answers, paths

_JSON_TEXT = Content()
_HTML = Content(None, ("text/html",))
_METRICS = Content(None, ("text/plain",))

OPERATIONS = (
    Operation(
        "post",
        paths.SESSION,
        "begin_session",
        "Session",
        "Begin a session",
        "Exchanges an API key for the cookies `sessionid` and `csrftoken`. Every write of the session "
        "needs the token in the `X-CSRF-Token` header.",
        {201: Content(answers.SessionOut)},
        ways=("APIKeyHeaderAuth",),
    ),
    Operation(
        "delete",
        paths.SESSION,
        "end_session",
        "Session",
        "End the session",
        "Ends the session of the cookie.",
        {204: None},
        (403,),
        ways=("SessionAuth",),
    ),
    Operation(
        "get",
        "/openapi.json",
        "openapi",
        "Service",
        "This description",
        "OpenAPI 3.1.",
        {200: _JSON_TEXT},
        secured=False,
    ),
    Operation(
        "get",
        "/docs",
        "docs",
        "Service",
        "This description as a page",
        "HTML without scripts.",
        {200: _HTML},
        secured=False,
    ),
    Operation(
        "get",
        "/healthz",
        "healthz",
        "Service",
        "Health",
        "200 once label exports are accepted.",
        {200: Content(answers.ServiceStatusOut)},
        secured=False,
    ),
    Operation(
        "get",
        "/readyz",
        "readyz",
        "Service",
        "Readiness",
        "200 if this façade can use its database, its storage and the record of jobs, else 503 within five seconds. "
        "`degraded` names what works worse than it should: the `daemon` that starts queued exports, the "
        "`warm_workers` for small ones, or a `queue` whose oldest export has waited for five minutes.",
        {200: Content(answers.ReadinessOut)},
        secured=False,
    ),
    Operation(
        "get",
        "/metrics",
        "metrics",
        "Service",
        "Metrics",
        "In Prometheus's text format. 404 unless the operator has set a key for it.",
        {200: _METRICS},
        (404,),
        ways=("MetricsKeyAuth",),
    ),
)
