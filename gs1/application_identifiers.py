"""The Application Identifiers this system writes and reads, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Content(StrEnum):
    """What the value of an Application Identifier consists of."""

    GTIN = "gtin"
    DATE = "date"
    DIGITS = "digits"
    CSET_82 = "cset82"


@dataclass(frozen=True, slots=True)
class ApplicationIdentifier:
    """One AI: its digits, data title, longest value, and whether a separator must follow the value.

    `predefined_length` is the table of AIs whose length is known from their first two digits; every other
    value needs FNC1 behind it unless it is the last. `excludes` are AIs that may not stand beside it.
    """

    ai: str
    name: str
    max_length: int
    content: Content
    predefined_length: bool = False
    excludes: frozenset[str] = frozenset()

    @property
    def needs_separator(self) -> bool:
        return not self.predefined_length


_TABLE = (
    ApplicationIdentifier("01", "GTIN", 14, Content.GTIN, predefined_length=True),
    ApplicationIdentifier("11", "PROD DATE", 6, Content.DATE, predefined_length=True),
    ApplicationIdentifier("13", "PACK DATE", 6, Content.DATE, predefined_length=True),
    ApplicationIdentifier("15", "BEST BEFORE or BEST BY", 6, Content.DATE, predefined_length=True),
    ApplicationIdentifier("17", "USE BY OR EXPIRY", 6, Content.DATE, predefined_length=True),
    ApplicationIdentifier("20", "VARIANT", 2, Content.DIGITS, predefined_length=True),
    ApplicationIdentifier("10", "BATCH/LOT", 20, Content.CSET_82),
    ApplicationIdentifier("21", "SERIAL", 20, Content.CSET_82, excludes=frozenset({"235"})),
    ApplicationIdentifier("22", "CPV", 20, Content.CSET_82),
    ApplicationIdentifier("235", "TPX", 28, Content.CSET_82, excludes=frozenset({"21"})),
)

#: Every one of them but (01) itself describes the trade item that (01) names, and needs it in the message.
#: Source: GS1 General Specifications, section 3.2 (AIs in numerical order), 4.13 (data relationships)
#: and figure 7.8.5-2 (predefined lengths).
APPLICATION_IDENTIFIERS: Mapping[str, ApplicationIdentifier] = MappingProxyType(
    {identifier.ai: identifier for identifier in _TABLE}
)
