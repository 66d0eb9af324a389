"""The sheet templates an organisation can use: those that come with the service, and its own."""

from collections.abc import Callable, Iterable, Mapping

from exports.artefacts import ArtefactStore
from exports.jobs.plan import ExportPlan
from exports.requests.export_types import ExportType
from renderers.sheets import templates as registered
from renderers.sheets.errors import NotARoll
from renderers.sheets.model import SheetTemplate


def of_organisation(organisation: str, store: ArtefactStore) -> Mapping[str, SheetTemplate]:
    """Return all templates by id; an organisation's own come last and hide others of their id."""
    try:
        with store.open(_key(organisation)) as stream:
            own = registered.load(stream.read().decode())
    except FileNotFoundError:
        own = []
    return {**registered.TEMPLATES, **{sheet.id: sheet for sheet in own}}


def templates_in(store: ArtefactStore) -> Callable[[str], Iterable[SheetTemplate]]:
    """Return what returns an organisation's templates."""
    return lambda organisation: of_organisation(organisation, store).values()


def template_of(plan: ExportPlan, store: ArtefactStore) -> SheetTemplate:
    """Return the template the plan asks for, or the default.

    Raises UnknownTemplate, with the nearest names, and NotARoll.
    """
    named = plan.config.sheet_template or default_id(plan.request.export_type)
    found = registered.template(named, of_organisation(plan.organisation, store))
    usable = usable_by(plan, store)
    if found not in usable:
        raise NotARoll(found.id, found.labels_per_page, tuple(sheet.id for sheet in usable))
    return found


def usable_by(plan: ExportPlan, store: ArtefactStore) -> list[SheetTemplate]:
    """Return the templates that the plan may name: for a roll, and to turn labels, those with one label a page."""
    sheets = of_organisation(plan.organisation, store).values()
    return usable(sheets, plan.request.export_type, plan.config.rotate)


def usable(
    sheets: Iterable[SheetTemplate], export_type: ExportType, rotate: int | None
) -> list[SheetTemplate]:
    """Return the templates that labels of the type can be printed on, turned so far."""
    one_label = export_type is ExportType.ROLL_LABELS or rotate
    return [sheet for sheet in sheets if sheet.labels_per_page == 1 or not one_label]


def default_id(export_type: ExportType) -> str:
    """Return the template of requests that name none."""
    is_roll = export_type is ExportType.ROLL_LABELS
    return registered.DEFAULT_ROLL_ID if is_roll else registered.DEFAULT_TEMPLATE_ID


def register(organisation: str, table: str, store: ArtefactStore) -> list[SheetTemplate]:
    """Make a CSV table of templates the organisation's own, in place of those it had; return them.

    Raises InvalidTemplate, which names row, column, value and what was expected.
    """
    sheets = registered.load(table)
    with store.write(_key(organisation)) as stream:
        stream.write(table.encode())
    return sheets


def _key(organisation: str) -> str:
    return f"templates/{organisation}.csv"
