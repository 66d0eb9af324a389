"""The check of an organisation's resolver before its links are made into a job."""

from accounts.resolvers import require_usable_resolver
from exports.jobs.plan import ExportPlan
from exports.requests.export_types import Slot


def require_links_possible(export: ExportPlan) -> None:
    """Raise UnusableResolver where the export may draw Digital Links and the resolver cannot begin one."""
    slots = export.label_slots if export.has_labels else export.slots
    if Slot.QR in slots:
        require_usable_resolver(export.organisation, export.resolver)
