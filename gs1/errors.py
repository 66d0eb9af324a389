"""The root of every deliberate error, and the errors of GS1 data."""


class LabelError(Exception):
    """Something the caller can act on: what arrived, what was expected, and a stable code.

    `code` names the kind of error for programs (`errors.csv`, problem documents); `value` is what
    arrived and `expected` says what would have been right. `field` names the input, where known.
    """

    code = "label_error"

    def __init__(
        self, message: str, *, value: object = None, expected: str | None = None, field: str | None = None
    ) -> None:
        super().__init__(message)
        self.value = value
        self.expected = expected
        self.field = field


class Gs1Error(LabelError):
    """The data breaks a rule of the GS1 General Specifications."""

    code = "invalid_gs1_data"


class InvalidDigits(Gs1Error):
    """Something else than ASCII digits, or not as many as expected."""

    code = "invalid_digits"


class InvalidGtin(Gs1Error):
    """Not a GTIN of 8, 12, 13 or 14 digits with its check digit."""

    code = "invalid_gtin"


class InvalidCharacters(Gs1Error):
    """A character outside GS1's set 82."""

    code = "invalid_characters"


class InvalidLength(Gs1Error):
    """Too short or too long for its Application Identifier."""

    code = "invalid_length"


class InvalidDate(Gs1Error):
    """Not a date, or one that two digits of a year cannot tell."""

    code = "invalid_date"


class InvalidElementString(Gs1Error):
    """Application Identifiers and values that make no GS1 message."""

    code = "invalid_element_string"


class InvalidResolver(Gs1Error):
    """Not the root of a GS1 Digital Link."""

    code = "invalid_resolver"


class InvalidDigitalLink(Gs1Error):
    """Not a GS1 Digital Link in the form that this project writes."""

    code = "invalid_digital_link"


class XDimensionOutOfRange(Gs1Error):
    """A module size GS1 does not allow for the symbol in its environment."""

    code = "x_dimension_out_of_range"


class SymbolTooWide(Gs1Error):
    """The symbol would be wider than GS1 allows even at the least X-dimension."""

    code = "symbol_too_wide"


class CarrierCannotHold(Gs1Error):
    """The GTIN does not fit the barcode symbol it was to be put in."""

    code = "carrier_cannot_hold"


class InvalidPathSegment(Gs1Error):
    """A value that clients drop when they normalise the path of a URI."""

    code = "invalid_path_segment"
