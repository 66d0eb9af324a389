"""Errors of drawing symbols."""

from gs1.errors import LabelError


class RenderError(LabelError):
    """A value cannot be drawn as the requested symbol."""

    code = "cannot_render"


class PayloadTooLong(RenderError):
    """The payload does not fit the largest symbol of its kind."""

    code = "payload_too_long"


class PayloadNotEncodable(RenderError):
    """The payload holds characters the symbology cannot carry."""

    code = "payload_not_encodable"
