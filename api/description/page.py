"""The API description as one HTML page, with its own style, no scripts and no content from other hosts."""

import base64
import hashlib
import json
from collections.abc import Iterable
from html import escape
from typing import Final

from api.description.schemas import Schema

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --accent: #0b6e4f; }
@media (prefers-color-scheme: dark) { :root { --accent: #5fd3a8; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1.5rem; }
h1 { margin-top: 0; } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
a { color: var(--accent); }
code, pre { font: 0.875rem/1.45 ui-monospace, monospace; }
pre { background: var(--soft); padding: 0.75rem; border-radius: 0.5rem; overflow-x: auto; }
code { background: var(--soft); padding: 0.1em 0.3em; border-radius: 0.25rem; overflow-wrap: anywhere; }
pre code { background: none; padding: 0; }
details { border: 1px solid var(--line); border-radius: 0.5rem; margin: 0.75rem 0; padding: 0 1rem; }
details[open] { padding-bottom: 0.75rem; }
summary { cursor: pointer; padding: 0.6rem 0; }
.method { display: inline-block; min-width: 4.5rem; font-weight: 700; color: var(--accent); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.75rem 0.35rem 0; }
tr + tr > * , thead + tbody > tr:first-child > * { border-top: 1px solid var(--line); }
.scroll { overflow-x: auto; }
"""

#: The page must not run or load anything but its own style, which is identified by its hash.
POLICY: Final = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")
    + "'"
)


def page(document: Schema) -> str:
    """Return the HTML page of an OpenAPI document."""
    info = document["info"]
    title = escape(info["title"])
    body = "".join(
        [
            f"<header><h1>{title}</h1>{_prose(info['description'])}",
            '<p><a href="openapi.json">openapi.json</a></p></header><main>',
            *(_tag(tag, document) for tag in document["tags"]),
            "<h2>Types</h2>",
            *(_type(name, schema) for name, schema in document["components"]["schemas"].items()),
            "</main>",
        ]
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def _tag(tag: Schema, document: Schema) -> str:
    operations = "".join(
        _operation(method, path, operation, document)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if tag["name"] in operation["tags"]
    )
    return f"<section><h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p>{operations}</section>"


def _operation(method: str, path: str, operation: Schema, document: Schema) -> str:
    parts = [
        f'<details id="{escape(operation["operationId"])}"><summary>',
        f'<span class="method">{method.upper()}</span> <code>{escape(path)}</code>',
        f"<br>{escape(operation['summary'])}</summary>",
        _prose(operation["description"]),
        "" if operation["security"] else "<p>Needs no credential.</p>",
    ]
    if operation["parameters"]:
        rows = [
            (f"<code>{escape(p['name'])}</code>", escape(p["in"]), _kind(p["schema"]), _note(p))
            for p in operation["parameters"]
        ]
        parts += ["<h3>Parameters</h3>", _table(("Name", "In", "Type", ""), rows)]
    if "requestBody" in operation:
        for kind, body in operation["requestBody"]["content"].items():
            parts += ["<h3>Body</h3>", f"<p>{escape(kind)} {_kind(body['schema'])}</p>"]
            parts += _examples(_resolved(body["schema"], document))
    answers = [_answer(status, answer, document) for status, answer in operation["responses"].items()]
    parts += ["<h3>Answers</h3>", _table(("Status", "", "Body"), answers), "</details>"]
    return "".join(parts)


def _answer(status: str, answer: Schema, document: Schema) -> tuple[str, str, str]:
    found = _resolved(answer, document)
    bodies = [f"{escape(kind)} {_kind(body['schema'])}" for kind, body in found.get("content", {}).items()]
    return escape(status), escape(found["description"]), "<br>".join(bodies)


def _type(name: str, schema: Schema) -> str:
    parts = [
        f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>',
        _prose(schema.get("description", "")),
    ]
    if "enum" in schema:
        parts.append("<p>" + ", ".join(f"<code>{escape(str(v))}</code>" for v in schema["enum"]) + "</p>")
    required = schema.get("required", [])
    rows = [
        (f"<code>{escape(key)}</code>", _kind(member), "required" if key in required else "")
        for key, member in schema.get("properties", {}).items()
    ]
    if rows:
        parts.append(_table(("Name", "Type", ""), rows))
    return "".join([*parts, *_examples(schema), "</details>"])


def _kind(schema: Schema) -> str:
    """Return a short description of a value's type."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(kind) for kind in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"<code>{escape(json.dumps(value))}</code>" for value in schema["enum"])
    words = [escape(str(schema.get("type", "any")))]
    if "items" in schema:
        words.append(f"of {_kind(schema['items'])}")
    shown = (
        "format",
        "pattern",
        "minimum",
        "exclusiveMinimum",
        "maximum",
        "minLength",
        "maxLength",
        "maxItems",
    )
    words += [
        f"<small>{key} <code>{escape(str(schema[key]))}</code></small>" for key in shown if key in schema
    ]
    return " ".join(words)


def _note(parameter: Schema) -> str:
    needed = "Required. " if parameter.get("required") else ""
    return needed + escape(parameter.get("description", ""))


def _examples(schema: Schema) -> Iterable[str]:
    for example in schema.get("examples", []):
        yield f"<pre><code>{escape(json.dumps(example, indent=2, ensure_ascii=False))}</code></pre>"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    cells = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table></div>'


def _prose(text: str) -> str:
    """Return the text as HTML paragraphs. Of Markdown, only `code` and **bold** are supported."""
    html = ""
    for paragraph in filter(None, text.split("\n\n")):
        marked = escape(paragraph)
        for mark, tag in (("**", "strong"), ("`", "code")):
            pieces = marked.split(mark)
            marked = "".join(
                f"<{tag}>{piece}</{tag}>" if odd % 2 else piece for odd, piece in enumerate(pieces)
            )
        html += f"<p>{marked}</p>"
    return html


def _resolved(schema: Schema, document: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found: Schema = document
    for step in schema["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found
