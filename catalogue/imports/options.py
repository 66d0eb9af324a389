"""What an import is asked: its files, how doubtful values are read, and how progress is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from catalogue.imports.dates import DateOrder, FirstOfMonth
from catalogue.imports.reading.dialect import LINE_CHARACTERS


@dataclass(frozen=True, slots=True)
class ImportFile:
    """A local file to be imported, which does not change meanwhile.

    `kinds` are the tables it is for (products, lots, serials, lifecycle_events). Without any, the header says:
    each table whose required columns it has. `name` is what reports call the file; the default is its own.
    """

    path: Path
    kinds: tuple[str, ...] = ()
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How files are read. By default doubtful rows are held.

    `mapping` is from a column's name to the header's (`{"lot_number": "Charge"}`). `sheet` is a workbook's sheet, by
    default the first one. `date_order` and `first_of_month` say how ambiguous dates are read. `accept_warnings`
    imports held values as they are; a date that needs an order stays held. A `dry_run` imports nothing and
    returns the same report. A longer CSV line than `line_characters` is refused.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    sheet: str | None = None
    date_order: DateOrder | None = None
    first_of_month: FirstOfMonth | None = None
    accept_warnings: bool = False
    dry_run: bool = False
    line_characters: int = LINE_CHARACTERS


class Stage(StrEnum):
    """A stage of importing one table. They follow each other in this order."""

    CHECKING = "checking"
    COMPARING = "comparing"
    LANDING = "landing"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of one table: `rows` of `total` rows have passed the stage.

    `total` is an estimate while a file is checked. A stage may start over after another writer's commit.
    """

    table: str
    stage: Stage
    rows: int
    total: int
