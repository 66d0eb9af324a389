"""Names of symbol files inside a ZIP: unique, sortable and valid on every file system."""

import re
from collections.abc import Sequence
from hashlib import sha256

FILES_PER_FOLDER = 10_000

#: Longest name in bytes, all ASCII: Windows allows 260 characters for a path, folder included.
MAX_LENGTH = 160

#: What is escaped, as a regular expression for Python and Rust (Polars).
UNSAFE = r"[^A-Za-z0-9._-]"
_SPLIT_ESCAPE = re.compile(r"~[0-9A-F]?$")
_DIGEST_DIGITS = 8


def _escape_character(match: re.Match[str]) -> str:
    return "".join(f"~{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))


def escape(text: str) -> str:
    """Return the text with every byte outside `A–Z a–z 0–9 . - _` as `~` and two hex digits.

    >>> escape("A/7")
    'A~2F7'
    """
    return re.sub(UNSAFE, _escape_character, text)


def member_name(row: int, stem_parts: Sequence[str], extension: str) -> str:
    """Return the path of row `row` (from 0) in the ZIP, at most `MAX_LENGTH` ASCII characters.

    The row number makes the name unique, also on file systems that ignore case. With it in front and the
    extension at the end, no name is a device name, starts with a dot or ends with one. If the name would be
    too long, the parts are cut and end with `~~` and the first 8 digits of the SHA-256 of the uncut parts.

    >>> member_name(10_007, ["09506000134352", "A/7", "x"], "svg")
    '0001/00010007_09506000134352_A~2F7_x.svg'
    """
    stem = escape("_".join(stem_parts))
    name = f"{row // FILES_PER_FOLDER:04d}/{row:08d}_{stem}.{extension}"
    if len(name) <= MAX_LENGTH:
        return name
    kept = _SPLIT_ESCAPE.sub("", stem[: len(stem) - (len(name) - MAX_LENGTH) - 2 - _DIGEST_DIGITS])
    digest = sha256(stem.encode("ascii")).hexdigest()[:_DIGEST_DIGITS]
    return f"{row // FILES_PER_FOLDER:04d}/{row:08d}_{kept}~~{digest}.{extension}"
