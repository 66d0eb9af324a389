"""The run config of exports says what the published request says."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import pytest

from api.description.schemas import schemas
from exports.requests.request import ExportRequest
from pipelines.definitions import defs
from pipelines.export.assets import LABEL_EXPORT_JOB
from pipelines.export.launch_config import EXAMPLE, config_of, request_in

#: The names of Dagster's scalar types for those of JSON Schema.
SCALARS = {"string": "String", "integer": "Int", "number": "Float", "boolean": "Bool"}


def published(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str, bool]]:
    """Yield each key of the request: its path, its type in one word, and whether it is required."""
    named = schemas()
    for key, member in schema["properties"].items():
        kind = member["anyOf"][0] if "anyOf" in member else member
        if "$ref" in kind:
            kind = named[kind["$ref"].rpartition("/")[2]]
        yield f"{path}.{key}", _word(kind), key in schema.get("required", ())
        if "properties" in kind:
            yield from published(kind, f"{path}.{key}")


def _word(kind: Mapping[str, Any]) -> str:
    if "enum" in kind:
        # Dagster has no choice among numbers.
        return "Int" if isinstance(kind["enum"][0], int) else "|".join(sorted(kind["enum"]))
    if kind["type"] == "array":
        return "[{}]" if "$ref" in kind["items"] else f"[{_word(kind['items'])}]"
    return {"object": "{}"}.get(kind["type"]) or SCALARS[kind["type"]]


def offered(schema: Any, path: str = "") -> Iterator[tuple[str, str, bool]]:
    """Yield the same of Dagster's config schema."""
    for key, field in schema.fields.items():
        kind = field.config_type
        if kind.kind is kind.kind.NONEABLE:
            kind = kind.inner_type
        yield f"{path}.{key}", _offered_word(kind), field.is_required
        if hasattr(kind, "fields"):
            yield from offered(kind, f"{path}.{key}")


def _offered_word(kind: Any) -> str:
    if hasattr(kind, "fields"):
        return "{}"
    if hasattr(kind, "enum_values"):
        return "|".join(sorted(value.config_value for value in kind.enum_values))
    return f"[{_offered_word(kind.inner_type)}]" if hasattr(kind, "inner_type") else kind.given_name


def test_the_launchpad_takes_the_published_request() -> None:
    node = defs.resolve_job_def(LABEL_EXPORT_JOB).graph.node_dict["label_export"]
    config = node.definition.config_schema.config_type.fields["request"].config_type.inner_type
    assert sorted(offered(config)) == sorted(published(schemas()["LabelExportSubmitIn"]))
    settings = config.fields["asset_config"].config_type.inner_type.fields
    described = schemas()["LabelExportAssetConfigIn"]["properties"]
    assert {name: field.description for name, field in settings.items()} == {
        name: schema["description"] for name, schema in described.items()
    }


def test_the_example_is_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELS_STORAGE_URL", "unused")
    monkeypatch.setenv("LABELS_DATABASE_URL", "unused")
    ExportRequest.model_validate(EXAMPLE)
    dg.validate_run_config(defs.resolve_job_def(LABEL_EXPORT_JOB), config_of(EXAMPLE))
    assert request_in(config_of(EXAMPLE)) == EXAMPLE


@pytest.mark.parametrize(
    "config", [{}, {"ops": {}}, {"ops": {"label_export": {"config": {}}}}, config_of(None)]
)
def test_a_run_may_have_no_request(config: Mapping[str, Any]) -> None:
    assert request_in(config) is None
