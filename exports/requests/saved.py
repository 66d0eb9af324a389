"""Export requests that an organisation keeps by name."""

import json
from typing import Any

from accounts.labels.named import Named, NamedDocuments
from accounts.tables import SavedRequestRow
from exports.requests.names import require_name
from exports.requests.request import ExportRequest, parse_request


def save(
    stored: NamedDocuments[SavedRequestRow, Named],
    organisation: str,
    name: str,
    body: bytes,
    *,
    changed_by: str,
) -> Named:
    """Store the request of a JSON body under the name, in place of the one that has it.

    Raises InvalidRequest, NoSuchOrganisation, TooManyNames.
    """
    request = parse_request(body)
    require_name(name, "saved request")
    document = json.dumps(request.normalised(), ensure_ascii=False)
    return stored.save(organisation, name, document, changed_by=changed_by)


def request_of(saved: Named) -> ExportRequest:
    """Return the saved request. Raises InvalidRequest if this release no longer accepts it."""
    return parse_request(saved.document.encode())


def document_of(saved: Named) -> dict[str, Any]:
    """Return the body of the saved request, as it was saved."""
    return json.loads(saved.document)
