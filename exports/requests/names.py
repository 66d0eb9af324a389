"""Names of what an organisation keeps: designs, printers, saved requests and schedules."""

from collections.abc import Collection

from accounts.forms import PATH_NAME
from exports.errors import Detail, InvalidRequest


def require_name(name: str, kind: str, taken: Collection[str] = ()) -> None:
    """Raise InvalidRequest if nothing of this kind can have the name, because of its form or because it is taken."""
    if PATH_NAME.fullmatch(name) is not None and name not in taken:
        return
    others = f", and none of {', '.join(sorted(taken))}" if taken else ""
    message = (
        f"{name[:70]!r} cannot be the name of a {kind}: expected 1 to 64 of a-z, 0-9, _ and -, beginning with a letter or"
        f" digit{others}"
    )
    raise InvalidRequest([Detail(loc=["path", "name"], msg=message, type="invalid_name")])
