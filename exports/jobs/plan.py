"""The export plan: the frozen order of one job. Ops receive the job's id and load it."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel

from catalogue.attributes import LATER
from catalogue.selection import Selection
from exports import documents, trace
from exports.artefacts import ArtefactStore, canonical_json
from exports.designs.document import BUILT_IN, DEFAULT_NAME, Design
from exports.designs.texts import fields_of, parse
from exports.jobs.job_id import folder_of
from exports.requests.export_types import (
    LABEL_TYPES,
    LINEAR_SLOTS,
    SHEET_SLOTS,
    ExportType,
    LinearData,
    Slot,
    Symbology,
    slots_of,
    with_linear,
)
from exports.requests.request import ACCEPTED_BEFORE, AssetConfig, ExportRequest
from exports.requests.row_ranges import RowRanges
from exports.requests.settings import COUNTED_EACH, default_dpi
from exports.requests.words import in_words
from gs1.digital_link import DEFAULT_RESOLVER
from renderers.engine import Engine
from renderers.registry import FileFormat

#: The running release.
RELEASE = version("gs1-label-exporter")


#: If there are more ranges of rows, `words` gives their number only.
_MOST_RANGES_NAMED = 3

#: Most characters of the reason of a reprint.
MAX_REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """One accepted export. `resolver` is the organisation's when it was submitted.

    `design` is the named design at that time, or None for the default one. `from_printer` has the
    settings of the named printer that the request leaves out, or is None without a printer. `engine` is the service's
    engine at that time, so that a resumed job draws its remaining chunks in the same way. A reprint has the rows of the
    job `reprint_of`, or only those in `rows`, and a `reason`. `release` accepted the export; it is empty before 0.2.
    `traceparent` is the span in which the plan was made, the parent of the spans of the job's steps.
    """

    job_id: str
    organisation: str
    resolver: str | None
    requested_by: str
    submitted_at: datetime
    request: ExportRequest
    engine: Engine = Engine.BATCH
    reprint_of: str | None = None
    reason: str | None = None
    rows: RowRanges | None = None
    release: str = RELEASE
    design: Design | None = None
    from_printer: AssetConfig | None = None
    traceparent: str = field(default_factory=lambda: str(trace.current() or trace.new()), compare=False)

    @property
    def folder(self) -> str:
        """The job's folder in the artefact store."""
        return folder_of(self.job_id)

    @property
    def selection(self) -> Selection:
        asked = self.request.selection(self.organisation)
        return replace(asked, resolver=self.link_resolver, attributes=self.attributes)

    @property
    def carry(self) -> tuple[str, ...] | None:
        """The AIs that symbols are to carry beside the keys of their scope, None for what they usually carry."""
        return self.config.carry

    @property
    def attributes(self) -> tuple[str, ...]:
        """The AIs of `catalogue.attributes.LATER` whose values the job's manifest has."""
        shown = fields_shown(self.label_design) if self.has_labels else frozenset[str]()
        return tuple(each.ai for each in LATER if each.ai in (self.carry or ()) or each.column in shown)

    @property
    def link_resolver(self) -> str:
        """The beginning of the job's Digital Links."""
        return self.resolver or DEFAULT_RESOLVER

    @property
    def words(self) -> str:
        """The request as one phrase for people."""
        asked = in_words(self.request.model_copy(update={"asset_config": self.config}))
        if self.reprint_of is None:
            return asked
        match self.rows:
            case None:
                rows = "all rows"
            case ranges if len(ranges) <= _MOST_RANGES_NAMED:
                rows = f"rows {', '.join(map(str, ranges))}"
            case ranges:
                rows = f"{len(ranges):,} ranges of rows"
        return f"What job {self.reprint_of} printed, {rows}: {asked}"

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The symbols of each entity in a ZIP, in the order of their files."""
        return with_linear(slots_of(self.request.export_type, self.config.symbology), self.linear)

    @property
    def label_design(self) -> Design:
        """The design of each label."""
        return self.design or BUILT_IN[DEFAULT_NAME]

    @property
    def symbology(self) -> Symbology:
        """The symbology of a label, or of the symbol beside its linear symbol."""
        return self.config.symbology or self.label_design.symbology

    @property
    def linear(self) -> LinearData:
        """What linear symbols carry."""
        return self.config.linear or self.label_design.linear or "element_string"

    @property
    def label_slots(self) -> tuple[Slot, ...]:
        """The symbols that a label may have. The first one that fits is used."""
        return with_linear(SHEET_SLOTS[self.symbology], self.linear)

    @property
    def second_slot(self) -> Slot | None:
        """The linear symbol beside a label's matrix symbol, or None."""
        both = self.label_design.linear is not None and self.symbology != "barcode_1d"
        return LINEAR_SLOTS[self.linear] if both else None

    @property
    def has_labels(self) -> bool:
        """Whether the artefact has labels, on sheets or a roll, instead of symbol files in a ZIP."""
        return self.request.export_type in LABEL_TYPES

    @property
    def is_roll(self) -> bool:
        """Whether the artefact is a file of label-printer commands."""
        return self.request.export_type is ExportType.ROLL_LABELS

    @property
    def config(self) -> AssetConfig:
        """How the symbols are drawn: the request's settings, and those of its printer beside them."""
        own = self.request.asset_config or AssetConfig()
        if self.from_printer is None:
            return own
        return own.model_copy(update=self.from_printer.model_dump(exclude_none=True))

    @property
    def counts_each(self) -> bool:
        """Whether entities may have different numbers of labels."""
        return any(getattr(self.config, name) is not None for name in COUNTED_EACH)

    @property
    def dpi(self) -> int:
        """The printer's resolution, for PNG and labels."""
        return self.config.dpi or default_dpi(self.request.file_format)

    @property
    def file_format(self) -> FileFormat:
        return FileFormat(self.request.file_format)

    @property
    def records_printed(self) -> bool:
        return self.config.record_printed is not False

    @property
    def holds_lease(self) -> bool:
        """Whether the job needs its organisation's lease, because it selects stock due and records PRINTED."""
        filters = self.request.filters
        return (
            self.records_printed
            and self.reprint_of is None
            and filters is not None
            and filters.select_by_printing
        )

    def output_filename(self, members: int) -> str:
        """Return the artefact's file name: kind, scope, the start of the job's id, number of entities drawn."""
        if self.has_labels:
            kind, suffix = ("roll", "zpl") if self.is_roll else ("sheet", "pdf")
            return f"{kind}-{self.job_id[:4]}-{members}.{suffix}"
        return f"{self.request.export_type}-{self.request.scope}-{self.job_id[:4]}-{members}.zip"

    def to_document(self) -> dict[str, Any]:
        return {
            "job_id": self.job_id,
            "organisation": self.organisation,
            "resolver": self.resolver,
            "requested_by": self.requested_by,
            "submitted_at": self.submitted_at.isoformat(),
            "request": self.request.normalised(),
            "engine": self.engine.value,
            "reprint_of": self.reprint_of,
            "reason": self.reason,
            "rows": self.rows,
            "release": self.release,
            "design": _document(self.design),
            "from_printer": _document(self.from_printer),
            "traceparent": self.traceparent,
        }


def _document(model: BaseModel | None) -> dict[str, Any] | None:
    return None if model is None else model.model_dump(mode="json", exclude_none=True)


def fields_shown(design: Design) -> frozenset[str]:
    """Return the fields whose values the lines of a design show."""
    return frozenset(field for line in design.lines for field in fields_of(parse(line.text)))


def save(plan: ExportPlan, store: ArtefactStore) -> bool:
    """Store the plan unless the job has one. Return whether it was stored."""
    return store.create(key(plan.job_id), canonical_json(documents.versioned(plan.to_document())))


def find(job_id: str, store: ArtefactStore) -> ExportPlan | None:
    """Return the job's plan, or None."""
    try:
        return load(job_id, store)
    except FileNotFoundError:
        return None


def load(job_id: str, store: ArtefactStore) -> ExportPlan:
    """Return the job's plan. Raises FileNotFoundError and UnreadableDocument.

    An unknown field of the request is an error, because ignoring it could make other labels than requested.
    """
    # Releases before 0.2 stored none.
    absent = {"release": ""}
    return documents.load(ExportPlan, key(job_id), store, absent=absent, context=ACCEPTED_BEFORE)


def key(job_id: str) -> str:
    """Return the key of the job's plan in the artefact store."""
    return f"{folder_of(job_id)}/request.json"
