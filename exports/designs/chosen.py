"""The designs an organisation can use, and the one that a request chooses."""

import json
import re
from difflib import get_close_matches

from accounts.errors import NoSuchDesign
from accounts.labels.designs import Designs, StoredDesign
from exports.designs.document import BUILT_IN, DEFAULT_NAME, Design
from exports.errors import Detail, InvalidRequest
from exports.requests.export_types import LINEAR_SLOTS, SHEET_SLOTS, with_linear
from exports.requests.json_body import parse
from exports.requests.request import ACCEPTED_BEFORE, AssetConfig, ExportRequest
from exports.requests.settings import Drawn, refusal

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")

#: Names that are parts of paths.
RESERVED = frozenset({"schema", "preview"})


def design_of(body: bytes) -> Design:
    """Return the design of a JSON body. Raises InvalidRequest with one detail per fault."""
    return parse(body, Design)


def add(designs: Designs, organisation: str, name: str, body: bytes, *, created_by: str) -> StoredDesign:
    """Store the design of a JSON body as the newest version of that name.

    Raises InvalidRequest for a name or a document that cannot be one, NoSuchOrganisation, TooManyDesigns,
    DesignChanged.
    """
    design = design_of(body)
    if _NAME.fullmatch(name) is None or name in RESERVED or name in BUILT_IN:
        taken = ", ".join(sorted({*RESERVED, *BUILT_IN}))
        message = (
            f"{name[:70]!r} cannot be the name of a design: expected 1 to 64 of a-z, 0-9, _ and -, beginning with a letter"
            f" or digit, and none of {taken}"
        )
        raise InvalidRequest([Detail(loc=["path", "name"], msg=message, type="invalid_name")])
    document = json.dumps(
        design.model_dump(mode="json", exclude_none=True), ensure_ascii=False, sort_keys=True
    )
    return designs.add(organisation, name, document, created_by=created_by)


def chosen(request: ExportRequest, organisation: str, designs: Designs | None) -> Design | None:
    """Return the design that the request names, its newest version, or None for the default one.

    Without `designs` there are only those that every organisation has. Raises InvalidRequest if there is no design of
    that name, or if the request has a setting that cannot apply to it.
    """
    config = request.asset_config or AssetConfig()
    if config.design in {None, DEFAULT_NAME}:
        return None
    name = config.design or ""
    design = BUILT_IN.get(name) or _stored(name, organisation, designs)
    require_applicable(request, design)
    return design


def require_applicable(request: ExportRequest, design: Design) -> None:
    """Raise InvalidRequest if the request has a setting that cannot apply to labels of the design."""
    config = request.asset_config or AssetConfig()
    linear = config.linear or design.linear or "element_string"
    symbology = config.symbology or design.symbology
    slots = set(with_linear(SHEET_SLOTS[symbology], linear))
    if design.linear is not None:
        slots.add(LINEAR_SLOTS[linear])
    drawn = Drawn(request.export_type, request.file_format, frozenset(slots))
    messages = {name: refusal(name, getattr(config, name), drawn) for name in AssetConfig.model_fields}
    faults = [
        Detail(loc=["body", "asset_config", name], msg=message, type="incoherent_setting")
        for name, message in messages.items()
        if message
    ]
    if faults:
        raise InvalidRequest(faults)


def of_stored(stored: StoredDesign) -> Design:
    """Return the design of a stored document."""
    return Design.model_validate_json(stored.document, context=ACCEPTED_BEFORE)


def _stored(name: str, organisation: str, designs: Designs | None) -> Design:
    try:
        if designs is None:
            raise NoSuchDesign(name)  # noqa: TRY301 - the same answer as for a name that is not stored
        return of_stored(designs.get(organisation, name))
    except NoSuchDesign as error:
        known = [*BUILT_IN, *(each.name for each in (designs.list(organisation) if designs else ()))]
        near = get_close_matches(name, known, n=3) or known[:10]
        message = f"There is no design {name!r}; there are {', '.join(near)}"
        raise InvalidRequest(
            [Detail(loc=["body", "asset_config", "design"], msg=message, type="unknown_design")]
        ) from error
