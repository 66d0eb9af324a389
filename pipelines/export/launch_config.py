"""The run config of label exports: the request of the API, for exports started in Dagster's UI.

It is derived from the request's JSON Schema, so Dagster refuses the same keys and types as the API, and its UI
completes and describes them.
"""

from collections.abc import Mapping
from typing import Any, cast

import dagster as dg
import yaml

from exports.requests.request import AssetConfig, ExportRequest
from exports.requests.settings import meaning_of

#: The name of the asset, which is also the name of the node that takes the config.
NODE = "label_export"

#: Example in the error for a run without a request.
EXAMPLE: Mapping[str, Any] = {
    "scope": "lots",
    "export_type": "datamatrix",
    "file_format": "svg",
    "filters": {"never_printed": True},
}

_SCALARS: Mapping[str, Any] = {"string": str, "integer": int, "number": float, "boolean": bool}


def config_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a run's config that holds the request."""
    return {"ops": {NODE: {"config": {"request": request}}}}


def request_in(run_config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the request in a run's config, or None. Dagster has checked its types."""
    found: Any = run_config
    for key in ("ops", NODE, "config", "request"):
        found = cast("Mapping[str, Any]", found or {}).get(key)
    return found


def example() -> str:
    """Return the example as the YAML that Dagster's UI takes."""
    return yaml.safe_dump(config_of(EXAMPLE), sort_keys=False)


def _mapping() -> dg.ConfigMapping:
    schema = ExportRequest.model_json_schema()
    shape = _type_of(schema, schema["$defs"], "request")
    field = dg.Field(
        dg.Noneable(shape),
        is_required=False,
        description="What to export, as in the body of a submission to the API. The partition is the organisation.",
    )
    return dg.ConfigMapping(config_fn=_no_config, config_schema={"request": field})


def _no_config(_: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an empty config for the ops. They read the request from the job's plan, which the submission stores."""
    return {}


def _type_of(schema: Mapping[str, Any], definitions: Mapping[str, Any], name: str) -> Any:
    """Return the config type of a JSON Schema. `name` is its key. Raises NotImplementedError for other schemas."""
    match schema:
        case {"$ref": str(reference)}:
            defined = reference.rpartition("/")[2]
            return _type_of(definitions[defined], definitions, defined)
        case {"anyOf": [inner, {"type": "null"}]}:
            return dg.Noneable(_type_of(inner, definitions, name))
        # Dagster's enums have string values only.
        case {"enum": list(values)} if schema.get("type") != "integer":
            return dg.Enum(name, [dg.EnumValue(str(value)) for value in cast("list[object]", values)])
        case {"type": "array", "items": items}:
            return dg.Array(_type_of(items, definitions, name))
        case {"type": "object", "properties": dict(properties)}:
            return _shape(schema, cast("Mapping[str, Any]", properties), definitions)
        case {"type": str(kind)} if kind in _SCALARS:
            return _SCALARS[kind]
        case _:
            msg = f"{name}: no config type for the JSON Schema {schema}"
            raise NotImplementedError(msg)


def _shape(
    schema: Mapping[str, Any], properties: Mapping[str, Any], definitions: Mapping[str, Any]
) -> dg.Shape:
    required = schema.get("required", ())
    settings = schema.get("title") == AssetConfig.__name__
    return dg.Shape(
        {
            key: dg.Field(
                _type_of(member, definitions, key),
                is_required=key in required,
                description=meaning_of(key) if settings else _description(member, definitions),
            )
            for key, member in properties.items()
        },
        description=schema.get("description"),
    )


def _description(member: Mapping[str, Any], definitions: Mapping[str, Any]) -> str | None:
    """Return the key's own description, or that of its type."""
    if "description" in member:
        return member["description"]
    inner = member["anyOf"][0] if "anyOf" in member else member
    return definitions[inner["$ref"].rpartition("/")[2]].get("description") if "$ref" in inner else None


REQUEST_CONFIG = _mapping()
