"""The OpenAPI 3.1 description of the API. `python -m api.description.openapi` prints it."""

import json
import sys
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel

from api.description import catalogue, designs, label_exports, named, service
from api.description.operation import Content, Operation
from api.description.schemas import GTIN, JOB_ID_EXAMPLE, Schema, published_ref, schemas, without_null
from api.wire.requests import IDEMPOTENCY_KEY

OPERATIONS: Final = (
    *label_exports.OPERATIONS,
    *designs.OPERATIONS,
    *named.OPERATIONS,
    *catalogue.OPERATIONS,
    *service.OPERATIONS,
)

_DESCRIPTION: Final = """\
Bulk GS1 label exports: submit a selection, poll the job, download a ZIP of symbols or a PDF of label sheets.

**Authentication.** An API key in `X-API-Key` (`csb_<body>_<checksum>`), an OAuth bearer token with the scope \
`labels:export`, or the session cookie of the web page; a session's writes need its `X-CSRF-Token`.

**Rate limits.** 300 requests a minute and 10,000 a day for each credential unless it has its own. A download \
counts for its job, a request without a valid credential for its network address. Every \
response tells the state of the caller's limits: `RateLimit-*`, and `X-RateLimit-*` with the reset as Unix time.

**Lists** take `page` and `page_size` (at most 100) and answer with `data` and `pagination`.

**Errors** are problem documents (RFC 9457) with an `error_code` for programs.
"""

_SECURITY_SCHEMES: Final[Schema] = {
    "APIKeyHeaderAuth": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "OAuthTokenAuth": {"type": "http", "scheme": "bearer"},
    "SessionAuth": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
    "MetricsKeyAuth": {"type": "http", "scheme": "bearer"},
}

_TAGS: Final[list[Schema]] = [
    {"name": "Labels", "description": "Label exports, the sheets they go on, and what was printed."},
    {"name": "Catalogue", "description": "Products, lots, serials and events."},
    {"name": "Downloads", "description": "A job's files, by signed links that need no key."},
    {"name": "Session", "description": "Sessions of the web page."},
    {"name": "Service", "description": "The service itself."},
]

_INTEGER: Final[Schema] = {"type": "integer", "minimum": 0}
_STRING: Final[Schema] = {"type": "string"}

#: A body of any bytes, at least one. It has no type: any value that a generator writes is a file.
_BYTES: Final[Schema] = {"minLength": 1}
_FORM: Final[Schema] = {
    "type": "object",
    "properties": {"file": {"type": "string", "format": "binary", "minLength": 1}},
    "required": ["file"],
    "additionalProperties": False,
}

#: Response headers: description and schema.
_HEADERS: Final[dict[str, tuple[str, Schema]]] = {
    "X-Request-ID": ("The request's id in the log. It is the client's own if it sent one.", _STRING),
    "RateLimit-Policy": ("All windows, each as requests;w=seconds.", _STRING),
    "RateLimit-Limit": ("The limit of the window with the fewest requests left.", _INTEGER),
    "RateLimit-Remaining": ("Requests left in that window.", _INTEGER),
    "RateLimit-Reset": ("Seconds until the next window starts.", _INTEGER),
    "X-RateLimit-Limit": ("As RateLimit-Limit.", _INTEGER),
    "X-RateLimit-Remaining": ("As RateLimit-Remaining.", _INTEGER),
    "X-RateLimit-Reset": ("When the next window starts, in Unix time.", _INTEGER),
    "Location": ("The path of the poll endpoint or of what was stored, or the URL of the artefact.", _STRING),
    "Retry-After": ("Seconds to wait before asking again.", _INTEGER),
    "ETag": ("The entity tag of this answer.", _STRING),
    "Allow": ("The supported methods.", _STRING),
    "WWW-Authenticate": ("The ways to authenticate.", _STRING),
}
_ON_EVERY_RESPONSE: Final = tuple(name for name in _HEADERS if name.startswith(("RateLimit", "X-R")))
_ON_PROBLEM: Final[dict[int, tuple[str, ...]]] = {401: ("WWW-Authenticate",), 429: ("Retry-After",)}

#: Request headers: description and schema.
_REQUEST_HEADERS: Final[dict[str, tuple[str, Schema]]] = {
    IDEMPOTENCY_KEY: (
        "Identifies the submission. Repeating it with the same body answers with the first job. Quoted or bare.",
        {
            "type": "string",
            "pattern": r'^([!#-~]([ !#-~]{0,253}[!#-~])?|"([ !#-\[\]-~]|\\["\\]){1,255}")$',
            "examples": ["8e03978e-40d5-43dd-bc93-6894a57f9324"],
        },
    ),
    "If-None-Match": ("Entity tags of the answers that the client has stored.", _STRING),
    "If-Range": ("The entity tag of the artefact that the range continues.", _STRING),
    "Range": ("The requested byte range.", _STRING),
}


def document() -> Schema:
    """Return the OpenAPI document."""
    paths: dict[str, Schema] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    statuses = sorted({status for operation in OPERATIONS for status in operation.statuses_of_problems})
    return {
        "openapi": "3.1.0",
        "info": {"title": "GS1 label exports", "version": "1.0.0", "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [],
        "tags": _TAGS,
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "responses": {_name(status): _problem(status) for status in statuses},
            "headers": {
                name: {"description": description, "schema": schema, "required": name in _ON_EVERY_RESPONSE}
                for name, (description, schema) in _HEADERS.items()
            },
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def _operation(operation: Operation) -> Schema:
    described: Schema = {
        "operationId": operation.operation_id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": _parameters(operation),
    }
    if operation.body is not None:
        body = operation.body if isinstance(operation.body, Content) else Content(operation.body)
        content = _content(body, _BYTES)
        if "multipart/form-data" in content:
            content["multipart/form-data"]["schema"] = _FORM
        described["requestBody"] = {"required": True, "content": content}
    described["responses"] = {
        **{str(status): _answer(status, operation) for status in operation.answers},
        **{
            str(status): {"$ref": f"#/components/responses/{_name(status)}"}
            for status in operation.statuses_of_problems
        },
    }
    described["security"] = [{way: []} for way in operation.ways] if operation.secured else []
    return described


def _parameters(operation: Operation) -> list[Schema]:
    parameters: list[Schema] = []
    if "{job_id}" in operation.path:
        schema = {"type": "string", "pattern": "^[0-9A-Za-z]{22}$"}
        parameters.append({"name": "job_id", "in": "path", "required": True, "schema": schema})
        parameters[-1] |= {"description": "The job's id.", "example": JOB_ID_EXAMPLE}
    if "{name}" in operation.path:
        schema = {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,63}$"}
        parameters.append({"name": "name", "in": "path", "required": True, "schema": schema})
        parameters[-1] |= {
            "description": "The name of the design, printer, saved request or schedule.",
            "example": "shelf",
        }
    if operation.token:
        parameters.append({"name": "token", "in": "query", "required": True, "schema": _STRING})
        parameters[-1]["description"] = "The signature of the link."
    for name in operation.request_headers:
        description, schema = _REQUEST_HEADERS[name]
        parameters.append({"name": name, "in": "header", "description": description, "schema": schema})
    if operation.query is not None:
        parameters += _query_parameters(operation.query)
    return parameters


def _query_parameters(model: type[BaseModel]) -> list[Schema]:
    properties: Schema = model.model_json_schema(ref_template="{model}")["properties"]
    parameters: list[Schema] = []
    for name, found in properties.items():
        schema = {k: v for k, v in without_null(found).items() if not (k == "default" and v is None)}
        if name == "gtin":
            schema |= GTIN
        if "$ref" in schema:
            schema |= published_ref(schema["$ref"])
        parameters.append({"name": name, "in": "query", "required": False, "schema": schema})
    return parameters


def _answer(status: int, operation: Operation) -> Schema:
    content = operation.answers[status]
    names = (*_ON_EVERY_RESPONSE, *operation.headers, *(("Location",) if status == 307 else ()))
    described: Schema = {"description": _phrase(status), "headers": _headers(names)}
    if content is not None:
        described["content"] = _content(content)
    return described


def _content(content: Content, other: Schema = _STRING) -> Schema:
    """Return the schema of each media type: that of the model, or any object, for JSON, else the `other`."""
    json_schema: Schema = (
        {"type": "object"} if content.model is None else published_ref(content.model.__name__)
    )
    return {kind: {"schema": json_schema if kind.endswith("json") else other} for kind in content.media_types}


def _problem(status: int) -> Schema:
    return {
        "description": _phrase(status),
        "headers": _headers((*_ON_EVERY_RESPONSE, *_ON_PROBLEM.get(status, ()))),
        "content": {"application/problem+json": {"schema": published_ref("ErrorOut")}},
    }


def _headers(names: tuple[str, ...]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


#: Reason phrases of RFC 9110 that differ between Python versions.
_PHRASES = {413: "Content Too Large", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}


def _phrase(status: int) -> str:
    return _PHRASES.get(status) or HTTPStatus(status).phrase


def _name(status: int) -> str:
    """Return the component name of an error response, for example UnprocessableContent."""
    return _phrase(status).replace(" ", "").replace("-", "")


def main() -> None:
    json.dump(document(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
