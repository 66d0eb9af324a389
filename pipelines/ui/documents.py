"""Determine from a GraphQL document what the request would do, before it is executed."""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
)

from pipelines.ui.dagster_webserver_names import SENT_BY_ITSELF
from pipelines.ui.refused import Refused

#: Most characters of a document. The longest one that the UI sends has 7,900. Parsing 100,000 takes 0.3 s.
_LONGEST = 100_000


@dataclass(frozen=True, slots=True)
class Document:
    """The kinds of a document's operations, and the fields of its mutations, in order.

    All operations count, not only the one that `operationName` selects.
    """

    operations: frozenset[OperationType]
    mutations: tuple[str, ...]
    sent_by_itself: bool

    @property
    def only_reads(self) -> bool:
        return self.operations <= {OperationType.QUERY}


@lru_cache(maxsize=64)
def read(text: str) -> Document:
    """Return the operations and fields of the document. Cached: the UI repeats its documents. Raises Refused."""
    if len(text) > _LONGEST:
        raise Refused(413, f"The document is longer than {_LONGEST:,} characters.")
    try:
        tree = parse(text)
    except GraphQLError as error:
        raise Refused(400, str(error), "GRAPHQL_PARSE_FAILED") from error
    operations = [node for node in tree.definitions if isinstance(node, OperationDefinitionNode)]
    mutations = [node for node in operations if node.operation is OperationType.MUTATION]
    return Document(
        operations=frozenset(node.operation for node in operations),
        mutations=tuple(name for node in mutations for name in _fields(node.selection_set, tree)),
        sent_by_itself=len(operations) == len(mutations) == 1 and _is_sent_by_itself(mutations[0]),
    )


def _is_sent_by_itself(mutation: OperationDefinitionNode) -> bool:
    return all(
        isinstance(selected, FieldNode) and selected.name.value in SENT_BY_ITSELF
        for selected in mutation.selection_set.selections
    )


def _fields(selected: SelectionSetNode, tree: DocumentNode) -> list[str]:
    """Return the field names that a set selects, also through fragments. Aliases are resolved."""
    fragments = {
        node.name.value: node for node in tree.definitions if isinstance(node, FragmentDefinitionNode)
    }
    found: list[str] = []
    waiting = [*reversed(selected.selections)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, FieldNode):
            found.append(node.name.value)
        elif isinstance(node, InlineFragmentNode):
            waiting += reversed(node.selection_set.selections)
        elif isinstance(node, FragmentSpreadNode) and (named := fragments.pop(node.name.value, None)):
            waiting += reversed(named.selection_set.selections)
    return found


@dataclass(frozen=True, slots=True)
class Call:
    """The parts of a GraphQL request's body that Dagster reads."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None

    def body(self) -> bytes:
        """Return the call as JSON. Dagster gets this instead of the original body, so that it sees what was checked."""
        named = {"query": self.query, "variables": self.variables, "operationName": self.operation_name}
        return json.dumps(named).encode()


def read_call(body: bytes) -> Call:
    """Return the call in a JSON body. Raises Refused for anything else, such as a list of calls."""
    match read_json(body):
        case {"query": str() as query, **rest}:
            variables, name = rest.get("variables"), rest.get("operationName")
        case _:
            raise Refused(
                400, "Expected a JSON object with the document in `query`, not a list or a stored query."
            )
    if not isinstance(variables, dict | None):
        raise Refused(400, "Expected an object or null in `variables`.")
    if not isinstance(name, str | None):
        raise Refused(400, "Expected a string or null in `operationName`.")
    return Call(query, cast("dict[str, Any] | None", variables), name)


def read_json(text: str | bytes) -> object:
    """Return the parsed JSON. Raises Refused."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"The body is not JSON: {error}") from error
