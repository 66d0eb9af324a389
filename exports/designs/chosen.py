"""The designs an organisation can use, and the one that a request chooses."""

import json
from difflib import get_close_matches
from itertools import chain

from accounts.errors import NoSuchDesign
from accounts.labels.designs import Designs, StoredDesign
from exports.designs.document import BUILT_IN, DEFAULT_NAME, Design
from exports.errors import Detail, InvalidRequest
from exports.requests.export_types import (
    LABEL_TYPES,
    LINEAR_SLOTS,
    SHEET_SLOTS,
    ExportType,
    LinearData,
    RequestedFormat,
    Symbology,
    symbols_of,
    with_linear,
)
from exports.requests.json_body import parse
from exports.requests.names import require_name
from exports.requests.request import ACCEPTED_BEFORE, AssetConfig, ExportRequest
from exports.requests.settings import Drawn, refusal

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
    require_name(name, "design", {*RESERVED, *BUILT_IN})
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
    drawn = drawn_by(request.export_type, request.file_format, config.symbology, config.linear, design)
    messages = {name: refusal(name, getattr(config, name), drawn) for name in AssetConfig.model_fields}
    faults = [
        Detail(loc=["body", "asset_config", name], msg=message, type="incoherent_setting")
        for name, message in messages.items()
        if message
    ]
    if faults:
        raise InvalidRequest(faults)


def drawn_by(
    export_type: ExportType,
    file_format: RequestedFormat,
    symbology: Symbology | None,
    linear: LinearData | None,
    design: Design | None,
) -> Drawn:
    """Return what an export with these settings draws. `design` is that of its labels, None for the default one."""
    if design is None or export_type not in LABEL_TYPES:
        alternatives = symbols_of(export_type, symbology, linear)
        return Drawn(export_type, file_format, frozenset(chain.from_iterable(alternatives)))
    data = linear or design.linear or "element_string"
    slots = set(with_linear(SHEET_SLOTS[symbology or design.symbology], data))
    if design.linear is not None:
        slots.add(LINEAR_SLOTS[data])
    return Drawn(export_type, file_format, frozenset(slots))


def drawable(export_type: ExportType, organisation: str, designs: Designs | None) -> dict[str, Design]:
    """Return the designs that the organisation can use for exports of the type, by name; none for files of symbols."""
    if export_type not in LABEL_TYPES:
        return {}
    own = designs.list(organisation) if designs else ()
    return {**BUILT_IN, **{each.name: of_stored(each) for each in own}}


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
