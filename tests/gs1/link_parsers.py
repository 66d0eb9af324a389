"""Three ways to find the elements of a Digital Link, and two published parsers that run in Node.js."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

Elements: TypeAlias = dict[str, str]
Parser: TypeAlias = Callable[[str], Elements]

NODE = Path(__file__).parent.parent / "node"
PACKAGE = NODE / "node_modules" / "digital-link.js"

#: The primary keys and key qualifiers of GS1 Digital Link, with the names that release 1.1 has for them.
PRIMARY = {
    "00": "sscc", "01": "gtin", "253": "gdti", "255": "gcn", "401": "ginc", "402": "gsin", "410": "shipTo",
    "411": "billTo", "412": "purchasedFrom", "413": "shipFor", "414": "gln", "415": "payTo", "416": "glnProd",
    "417": "party", "8003": "grai", "8004": "giai", "8006": "itip", "8010": "cpid", "8013": "gmn",
    "8017": "gsrnp", "8018": "gsrn",
}  # fmt: skip
QUALIFIERS = {
    "10": "lot", "21": "ser", "22": "cpv", "235": "", "254": "glnx", "7040": "", "8011": "cpsn", "8019": "srin",
    "8020": "refno",
}  # fmt: skip
_DATES = {"17": "exp", "7003": "expdt"}
_AI_OF = {name: ai for ai, name in (PRIMARY | QUALIFIERS | _DATES).items() if name}


def leftmost(link: str) -> Elements:
    """Read from the first segment that is a key or qualifier; of an element that comes twice, the first."""
    segments = [unquote(segment) for segment in _segments(link)]
    names = {name.lower(): ai for name, ai in _AI_OF.items()}
    keys = [names.get(segment.lower(), segment) for segment in segments]
    start = next(place for place, key in enumerate(keys) if key in PRIMARY or key in QUALIFIERS)
    pairs = zip(keys[start::2], segments[start + 1 :: 2], strict=False)
    return dict(reversed(list(pairs))) | _query(link)


def rightmost(link: str) -> Elements:
    """Read pairs from the end, up to the first that is a primary key. Source: the way of GS1's Syntax Engine."""
    found: Elements = {}
    segments = _segments(link)
    while not found.keys() & PRIMARY.keys():
        value, key = segments.pop(), segments.pop()
        found[_AI_OF.get(key, key)] = unquote(value)
    return found | _query(link)


def whole_path(link: str) -> Elements:
    """Read pairs from the end to the host; numbers and names are keys. Source: the way of GS1's first toolkit."""
    segments = _segments(link)
    backwards = zip(segments[-2::-2], segments[::-2], strict=False)
    pairs = [(_AI_OF.get(key, key), unquote(value)) for key, value in backwards]
    return {key: value for key, value in pairs if key.isdecimal()} | _query(link)


OURS: Mapping[str, Parser] = {"leftmost": leftmost, "rightmost": rightmost, "whole path": whole_path}


@contextmanager
def published() -> Generator[Callable[[str], dict[str, Elements]]]:
    """Yield a function that returns what each published parser finds; one that refuses a link finds an `error`."""
    require_published()
    command = [shutil.which("node") or "node", str(NODE / "read_links.js")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as node:
        assert node.stdin is not None
        assert node.stdout is not None
        to_node, from_node = node.stdin, node.stdout

        def read(link: str) -> dict[str, Elements]:
            to_node.write(f"{link}\n")
            to_node.flush()
            return json.loads(from_node.readline())

        yield read


def require_published() -> None:
    """Skip the test where Node.js or the packages of tests/node are missing; fail it where all tests must run."""
    if shutil.which("node") is None or not PACKAGE.is_dir():
        if os.environ.get("LABELS_TEST_FULL"):
            pytest.fail("node is missing, or what `npm ci --prefix tests/node` installs")
        pytest.skip("needs Node.js, and `npm ci --prefix tests/node`")


def _segments(link: str) -> list[str]:
    return urlsplit(link).path.split("/")[1:]


def _query(link: str) -> Elements:
    return dict(parse_qsl(urlsplit(link).query))
