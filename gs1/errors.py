"""The root of every deliberate error, and the errors of GS1 data."""


class LabelError(Exception):
    """An error that the caller can act on: what arrived, what was expected, and a stable code.

    `code` names the kind of error for programs (`errors.csv`, problem documents); `value` is what
    arrived and `expected` says what would be right. `field` names the input, if known.
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
    """Not ASCII digits, or the wrong number of them."""

    code = "invalid_digits"


class InvalidGtin(Gs1Error):
    """Not a GTIN of 8, 12, 13 or 14 digits with its check digit."""

    code = "invalid_gtin"


class GtinIsZeros(InvalidGtin):
    """A GTIN of zeros alone, which identifies nothing."""

    code = "gtin_is_zeros"


class UpcENumber(InvalidGtin):
    """Eight digits that are a UPC-E number, which stands for another GTIN."""

    code = "upc_e"


class InvalidCheckDigit(Gs1Error):
    """A key other than a GTIN whose check digit does not hold."""

    code = "invalid_check_digit"


class NotForOpenTrade(Gs1Error):
    """A number that identifies no trade item beyond a shop, a company or a region."""

    code = "not_for_open_trade"


class RestrictedCirculation(NotForOpenTrade):
    """A restricted circulation number where only the GTIN of a trade item may stand."""

    code = "restricted_circulation"


class CouponOrRefund(NotForOpenTrade):
    """The number of a coupon or refund receipt where only the GTIN of a trade item may stand."""

    code = "coupon_or_refund"


class InvalidCharacters(Gs1Error):
    """A character outside GS1's set 82."""

    code = "invalid_characters"


class InvalidLength(Gs1Error):
    """Too short or too long for its Application Identifier."""

    code = "invalid_length"


class InvalidDate(Gs1Error):
    """Not a date, or one that a two-digit year cannot express."""

    code = "invalid_date"


class DayRequired(InvalidDate):
    """A month without a day where the day must be stated."""

    code = "day_required"


class BeforeProduction(InvalidDate):
    """A date that lies before the production date."""

    code = "before_production"


class InvalidElementString(Gs1Error):
    """Application Identifiers and values that do not form a GS1 message."""

    code = "invalid_element_string"


class InvalidResolver(Gs1Error):
    """Not the root of a GS1 Digital Link."""

    code = "invalid_resolver"


class InvalidDigitalLink(Gs1Error):
    """Not a GS1 Digital Link in the form that this project writes."""

    code = "invalid_digital_link"


class XDimensionOutOfRange(Gs1Error):
    """A module size that GS1 does not allow for the symbol in its environment."""

    code = "x_dimension_out_of_range"


class SymbolTooWide(Gs1Error):
    """The symbol would be wider than GS1 allows even at the least X-dimension."""

    code = "symbol_too_wide"


class CarrierCannotHold(Gs1Error):
    """The GTIN does not fit the chosen barcode symbol."""

    code = "carrier_cannot_hold"


class MeasureRequired(CarrierCannotHold):
    """Indicator digit 9 without the measure or the variant that must stand beside it."""

    code = "measure_required"


class InvalidPathSegment(Gs1Error):
    """A value that clients drop when they normalise the path of a URI."""

    code = "invalid_path_segment"
